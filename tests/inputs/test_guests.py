"""Carriers as guests: what their pages really have in them, and SIMs that they spell otherwise than we do."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from kit.sql import prepared as sql_prepared

from accounts.models import Event
from lines.carriers.base import Odd, Reading
from lines.carriers.fields import Unreadable
from lines.carriers.iotportal_answers import usage_in
from lines.carriers.simbase_answers import line_in, page_in
from lines.commands import readings as reading_commands
from lines.commands.differences import note_unknown
from lines.commands.passes import set_aside
from lines.commands.reading_sql import FIND
from lines.models import Difference, Line, Quarantine
from tests.fleets import MB, Fleet, books_hold, reading_of, used

NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
FIRST, SECOND = "8988239000000000019", "8988239000000000027"


def page(*sims: dict[str, object]) -> bytes:
    return json.dumps({"records": len(sims), "total_pages": 1, "page": 1, "sims": sims}).encode()


def sim(iccid: str, **more: object) -> dict[str, object]:
    usual = {"usage_data": 31_457_280, "sim_state": "enabled", "last_update": "2026-11-27 10:00:00", "usage_sms_mo": 0}
    return {"iccid": iccid, **usual, **more}


@pytest.mark.parametrize(
    ("stranger", "read", "odd"),
    [
        pytest.param(sim("898600D21018F0012345"), 3, 0, id="d01: letters"),
        pytest.param(sim("8988239000000777777", usage_data=None), 2, 1, id="d02: no usage yet"),
        pytest.param(sim("8988239000000777777", last_update="0000-00-00 00:00:00"), 3, 0, id="d03: no date"),
        pytest.param(sim("898823900000000001"), 3, 0, id="d04: 18 digits"),
        pytest.param(sim("8988239000000000019F20"), 3, 0, id="22 characters"),
        pytest.param(sim("898600d21018f0012345"), 3, 0, id="small letters"),
        pytest.param(sim("89882390000000000"), 2, 1, id="17 digits"),
        pytest.param(sim("89860/0D21018F001234"), 2, 1, id="a slash"),
    ],
)
def test_a_stranger_costs_nothing_and_an_odd_record_itself_alone(
    stranger: dict[str, object], read: int, odd: int
) -> None:
    found = page_in(page(sim(FIRST), stranger, sim(SECOND)), number=1, now=NOW)
    assert (len(found.readings), len(found.odd)) == (read, odd)
    assert {FIRST, SECOND} <= {one.iccid for one in found.readings}


def portal(**more: object) -> bytes:
    told = {"iccid": FIRST, "status": "ACTIVATED", "ctdDataUsage": 0, "ctdSMSUsage": 0, "ctdSessionCount": None}
    return json.dumps([{**told, **more}]).encode()


@pytest.mark.parametrize(
    ("imei", "right"),
    [
        ("000000000000000", None),  # d05
        ("999999999999999", None),
        ("111111111111111", None),
        ("7777777777777701", None),
        ("N/A", None),
        ("", None),
        ("35-209900-176148-1", "352099001761481"),
        ("352099001761481", "352099001761481"),
    ],
)
def test_an_imei_of_one_repeated_digit_is_not_told(imei: str, right: str | None) -> None:
    assert usage_in(portal(imei=imei), iccid=FIRST).imei == right
    assert line_in(json.dumps(sim(FIRST, imei=imei)).encode(), iccid=FIRST, now=NOW).imei == right


@pytest.mark.parametrize(
    ("number", "right"),
    [("+31 (0)97000000001", "3197000000001"), ("003197000000001", "3197000000001"), ("0000000000", None), ("-", None)],
)
def test_a_number_is_read_by_the_one_reader(number: str, right: str | None) -> None:
    assert usage_in(portal(msisdn=number), iccid=FIRST).msisdn == right


def test_a_placeholder_is_never_another_device(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    Line.objects.filter(pk=line.pk).update(imei="352099001761481")
    for placeholder in ("000000000000000", "222222222222222"):
        told = line_in(json.dumps(sim(line.iccid, imei=placeholder)).encode(), iccid=line.iccid, now=NOW)
        fleet.apply("simbase", "2026-11-20T09:00", [told])
    assert Line.objects.get(pk=line.pk).imei == "352099001761481"
    assert not Event.objects.filter(verb="imei.changed").exists()


@pytest.mark.parametrize(("told", "ours"), [(f"{FIRST}3", FIRST), (FIRST, f"{FIRST}3"), (f"{FIRST}F", FIRST)])
def test_an_answer_is_about_the_sim_however_it_is_spelled(told: str, ours: str) -> None:
    assert usage_in(portal(iccid=told), iccid=ours).iccid == told  # with which it is called from then on
    assert line_in(json.dumps(sim(told)).encode(), iccid=ours, now=NOW).counter == 31_457_280
    with pytest.raises(Unreadable, match="another SIM"):
        usage_in(portal(iccid=told), iccid=SECOND)


def respelled(line: Line, ours: str) -> Line:
    line.iccid = ours
    line.save(update_fields=["iccid"])
    return line


SPELLED = [(f"{FIRST}3", FIRST), (FIRST, f"{FIRST}3"), ("898600d21018f0012345", "898600D21018F0012345")]


@pytest.mark.parametrize(("told", "ours"), SPELLED)
def test_a_reading_finds_its_line_however_the_carrier_spells_it(fleet: Fleet, told: str, ours: str) -> None:
    account = fleet.account()
    line, other = fleet.lines(account, 2)
    respelled(line, ours)
    stranger = Reading("8988239000000777777", 5, dt.date(2026, 11, 1))
    for hour, counter in (("08", 0), ("09", 3 * MB)):
        cycle = dt.date(2026, 11, 1)
        readings = [Reading(told, counter, cycle), stranger, reading_of(other, counter, "2026-11-01")]
        applied = fleet.apply("simbase", f"2026-11-20T{hour}:00", readings)
        assert (applied.readings, applied.unknown, applied.strangers) == (2, 1, [stranger])
    assert (used(line), used(other)) == (3 * MB, 3 * MB)
    assert books_hold()


def test_a_carrier_that_tells_a_sim_in_two_spellings_counts_once(fleet: Fleet) -> None:
    line = respelled(fleet.line(fleet.account()), FIRST)
    for hour, counter in (("08", 0), ("09", MB)):
        cycle = dt.date(2026, 11, 1)
        told = [Reading(f"{FIRST}3", counter, cycle), Reading(FIRST, counter, cycle)]
        assert fleet.apply("simbase", f"2026-11-20T{hour}:00", told).readings == 1
    assert used(line) == MB
    assert books_hold()


def test_only_strangers_are_looked_for_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual page has as many statements as before."""
    asked: list[str] = []

    def prepared(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        asked.append(sql)
        return sql_prepared(sql, parameters)

    monkeypatch.setattr(reading_commands, "prepared", prepared)
    usual = [reading_of(line, 0, "2026-11-01") for line in fleet.lines(fleet.account(), 3)]
    fleet.apply("simbase", "2026-11-20T08:00", usual)
    assert asked.count(FIND) == 1
    fleet.apply("simbase", "2026-11-20T09:00", [*usual, Reading(SECOND, 5, dt.date(2026, 11, 1))])
    assert asked.count(FIND) == 3


def test_an_odd_record_is_of_its_line_however_it_is_spelled(fleet: Fleet) -> None:
    line = respelled(fleet.line(fleet.account()), FIRST)
    odd = [Odd(f"{FIRST}3", "usage_data", b"{}"), Odd(SECOND, "usage_data", b"{}"), Odd(None, "no iccid", b"{}")]
    assert set_aside(carrier=line.carrier, odd=odd) == 1
    assert list(Quarantine.objects.order_by("pk").values_list("line_id", flat=True)) == [line.pk, None, None]


def test_a_stranger_twice_on_a_page_is_one_and_says_whose_line_it_is(fleet: Fleet) -> None:
    line = respelled(fleet.line(fleet.account(), "iotportal"), FIRST)
    told = [Reading(f"{FIRST}3", 5, None), Reading(f"{FIRST}3", 6, None), Reading(SECOND, 5, None)]
    for _ in range(2):
        note_unknown(carrier=fleet.carriers["simbase"], readings=told)
    said = dict(Difference.objects.values_list("iccid", "said"))
    assert set(said) == {f"{FIRST}3", SECOND}
    assert line.carrier.name in said[f"{FIRST}3"]
