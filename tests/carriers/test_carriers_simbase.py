"""Simbase alone: its pages, its months, its words."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from lines.carriers.base import Refused, Status, Switch
from lines.carriers.fields import Unreadable
from lines.carriers.simbase_answers import line_in, page_in, state_in, total_in

if TYPE_CHECKING:
    from tests.carriers.conftest import Carrier

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
NOVEMBER = dt.date(2026, 11, 1)
ICCID = "8912300000000000001"


def sim(**fields: Any) -> dict[str, Any]:
    """A SIM as the document shows it."""
    usual = {
        "usage_sms_mo": 3,
        "usage_data": 456768798,
        "usage_voice": 0,
        "coverage": "Europe",
        "iccid": ICCID,
        "sim_state": "enabled",
        "usage_sms_mt": 0,
        "device_name": "test SIM 14",
        "tags": ["Test SIM"],
        "ip_address": "10.0.0.14",
        "last_update": "2026-11-19 18:00:45",
    }
    return {**usual, **fields}


def page(*sims: dict[str, Any], **fields: Any) -> bytes:
    usual = {"total_records": len(sims), "records": len(sims), "total_pages": 1, "page": 1, "sims": sims}
    return json.dumps({**usual, **fields}).encode()


def only(*sims: dict[str, Any], now: dt.datetime = NOW) -> Any:
    (reading,) = page_in(page(*sims), number=1, now=now).readings
    return reading


class TestPages:
    def test_all_of_them_are_the_fleet_once(self, simbase: Carrier) -> None:
        first = simbase.client.read_page(1, now=NOW)
        pages = [first, *(simbase.client.read_page(n, now=NOW) for n in range(2, first.total_pages + 1))]
        assert [len(p.readings) for p in pages] == [250, 250, 100]
        assert [p.number for p in pages] == [1, 2, 3]
        assert [r.iccid for p in pages for r in p.readings] == simbase.simulator.iccids("simbase")

    def test_a_page_says_of_a_line_what_the_line_says_of_itself_but_its_device(self, simbase: Carrier) -> None:
        simbase.simulator.add_bytes(simbase.iccid, 5_000_000)
        listed = simbase.client.read_page(1, now=NOW).readings[0]
        line = simbase.client.read_line(simbase.iccid, now=NOW)
        assert (listed.iccid, listed.counter, listed.cycle, listed.status, listed.last_seen, listed.sms_sent) == (
            line.iccid,
            5_000_000,
            NOVEMBER,
            line.status,
            NOW,
            0,
        )
        assert (listed.imei, listed.msisdn) == (None, None)

    def test_messages_from_the_device_are_counted(self, simbase: Carrier) -> None:
        simbase.simulator.add_bytes(simbase.iccid, 1)
        simbase.simulator.event("sms", iccid=simbase.iccid, text="hello")
        assert simbase.client.read_page(1, now=NOW).readings[0].sms_sent == 1

    def test_a_page_past_the_last_may_be_the_last_under_its_own_number(self, simbase: Carrier) -> None:
        assert simbase.client.read_page(9, now=NOW).number == 3

    @pytest.mark.parametrize("answered", [1, 2])
    def test_an_earlier_page_than_the_one_asked_for_says_so(self, answered: int) -> None:
        assert page_in(page(sim(), page=answered, total_pages=4), number=3, now=NOW).number == answered

    @pytest.mark.parametrize("answered", [0, 4])
    def test_another_page_than_the_one_asked_for_is_not_taken(self, answered: int) -> None:
        with pytest.raises(Unreadable, match="another page"):
            page_in(page(sim(), page=answered, total_pages=4), number=3, now=NOW)

    def test_half_a_page_is_not_taken(self) -> None:
        with pytest.raises(Unreadable, match="records"):
            page_in(page(sim(), records=2), number=1, now=NOW)

    def test_pages_that_overlap_are_read_as_they_come(self, simbase: Carrier) -> None:
        simbase.fault("overlap", rows=10)
        assert len(simbase.client.read_page(2, now=NOW).readings) == 260

    def test_one_bad_sim_is_set_aside_with_its_reason_and_the_others_are_read(self, simbase: Carrier) -> None:
        simbase.fault("usage_negative", row=249)
        read = simbase.client.read_page(1, now=NOW)
        (odd,) = read.odd
        assert len(read.readings) == 249
        assert odd.iccid == json.loads(odd.body)["iccid"]
        assert json.loads(odd.body)["usage_data"] < 0
        assert "usage_data" in odd.why

    @pytest.mark.parametrize(
        "odd",
        [
            {"usage_data": 2**63},
            {"usage_data": -5},
            {"usage_data": 1.5},
            {"usage_data": "150000000"},
            {"usage_data": None},
            {"last_update": "2027-01-06 12:00:00"},
            {"last_update": "2026-11-27 12:00"},
            {"iccid": "89882390000000000"},
            {"iccid": "8986/0D21018F0012345"},
            {"usage_sms_mo": 2**31},
            {"sim_state": 5},
        ],
        ids=str,
    )
    def test_whatever_is_odd_of_one_sim_costs_that_sim_alone(self, odd: dict[str, object]) -> None:
        others = [sim(iccid=f"891230000000000{number:04}") for number in range(10, 20)]
        read = page_in(page(*others[:5], sim(**odd), *others[5:]), number=1, now=NOW)
        assert [one.iccid for one in read.readings] == [one["iccid"] for one in others]
        assert [one.iccid for one in read.odd] == [None if "iccid" in odd else ICCID]
        assert read.odd[0].why

    def test_a_page_on_which_most_is_odd_is_no_page(self) -> None:
        odd = [sim(iccid=f"891230000000000{number:04}", usage_data=None) for number in range(60)]
        with pytest.raises(Unreadable, match="most of its SIMs"):
            page_in(page(*odd), number=1, now=NOW)
        read = page_in(page(*odd[:20]), number=1, now=NOW)
        assert (len(read.odd), read.readings) == (20, ())

    def test_a_page_has_no_more_sims_than_we_would_keep(self) -> None:
        with pytest.raises(Unreadable, match="more SIMs"):
            page_in(page(*[sim()] * 1001), number=1, now=NOW)

    def test_an_empty_account_has_an_empty_page(self) -> None:
        assert page_in(page(total_pages=0), number=1, now=NOW).readings == ()


class TestMonths:
    @pytest.mark.parametrize(
        ("last_update", "cycle"),
        [
            ("2026-11-20 11:59:59", NOVEMBER),
            ("2026-11-01 00:00:00", NOVEMBER),
            ("2026-10-31 23:59:59", dt.date(2026, 10, 1)),
            ("2021-07-22 14:23:56", dt.date(2021, 7, 1)),
            ("2026-11-21 12:00:00", NOVEMBER),
            ("2026-11-30 23:59:59", NOVEMBER),
            ("2026-11-01T00:30:00+01:00", dt.date(2026, 10, 1)),
            ("2026-11-01T00:00:00.250Z", NOVEMBER),
            ("", NOVEMBER),
            ("0000-00-00 00:00:00", NOVEMBER),
            (None, NOVEMBER),
        ],
    )
    def test_a_counter_belongs_to_the_month_of_its_last_record(self, last_update: str | None, cycle: dt.date) -> None:
        assert only(sim(last_update=last_update)).cycle == cycle

    def test_a_sim_without_records_belongs_to_this_month_of_utc(self) -> None:
        silent = sim(usage_data=0)
        del silent["last_update"]
        tokyo = dt.timezone(dt.timedelta(hours=9))
        assert only(silent, now=dt.datetime(2026, 12, 1, 8, tzinfo=tokyo)).cycle == NOVEMBER
        assert only(silent).last_seen is None

    def test_a_time_ahead_of_ours_opens_no_month(self) -> None:
        ahead, now = sim(last_update="2026-12-01 00:00:01"), dt.datetime(2026, 11, 30, 0, 0, 1, tzinfo=dt.UTC)
        assert (only(ahead, now=now).cycle, only(ahead, now=now).last_seen) == (NOVEMBER, now)
        assert only(ahead, now=dt.datetime(2026, 12, 1, 0, 0, 2, tzinfo=dt.UTC)).cycle == dt.date(2026, 12, 1)

    def test_a_time_more_than_a_day_ahead_is_none(self) -> None:
        with pytest.raises(Unreadable, match="month to come"):
            line_in(
                json.dumps(sim(last_update="2026-12-01 00:00:01")).encode(),
                iccid=ICCID,
                now=dt.datetime(2026, 11, 29, 23, 59, 59, tzinfo=dt.UTC),
            )

    def test_the_month_turns_with_the_first_record_in_it(self, simbase: Carrier) -> None:
        simbase.simulator.add_bytes(simbase.iccid, 700)
        simbase.simulator.set_clock("2026-12-01T00:00:05Z")
        after = dt.datetime(2026, 12, 1, 0, 0, 5, tzinfo=dt.UTC)
        old = simbase.client.read_line(simbase.iccid, now=after)
        simbase.simulator.add_bytes(simbase.iccid, 30)
        new = simbase.client.read_line(simbase.iccid, now=after)
        assert [(old.cycle, old.counter), (new.cycle, new.counter)] == [(NOVEMBER, 700), (dt.date(2026, 12, 1), 30)]

    @pytest.mark.parametrize(
        "text", ["yesterday", "2026-11-20", "2026-13-01 00:00:00", "0001-01-01T00:00:00+23:00", "1"]
    )
    def test_a_time_that_is_none_spoils_the_answer(self, text: str) -> None:
        with pytest.raises(Unreadable):
            line_in(json.dumps(sim(last_update=text)).encode(), iccid=ICCID, now=NOW)


class TestFinalTotal:
    def test_a_finished_month_has_one_total(self, simbase: Carrier) -> None:
        simbase.simulator.add_bytes(simbase.iccid, 900, month="2026-10")
        simbase.simulator.add_bytes(simbase.iccid, 5)
        assert simbase.client.final_total(simbase.iccid, dt.date(2026, 10, 1)) == 900

    def test_the_carrier_may_say_no(self, simbase: Carrier) -> None:
        with pytest.raises(Refused, match="future"):
            simbase.client.final_total(simbase.iccid, dt.date(2027, 1, 1))

    @pytest.mark.parametrize(
        "wrong", [{"month": "2026-09"}, {"iccid": "8912300000000000002"}, {"usage_data": -1}, {"usage_data": None}]
    )
    def test_another_month_or_sim_is_not_taken(self, wrong: dict[str, Any]) -> None:
        answer = {"iccid": ICCID, "month": "2026-10", "usage_data": 5, "cost": 3.4841, "lu_count": 39}
        assert total_in(json.dumps(answer).encode(), iccid=ICCID, month=dt.date(2026, 10, 1)) == 5
        with pytest.raises(Unreadable):
            total_in(json.dumps({**answer, **wrong}).encode(), iccid=ICCID, month=dt.date(2026, 10, 1))


class TestWords:
    @pytest.mark.parametrize(
        ("word", "switch", "blocked"),
        [
            ("enabled", Switch.ON, False),
            ("disabled", Switch.OFF, False),
            ("Blocked - enabled", Switch.ON, True),
            ("Blocked - disabled", Switch.OFF, True),
            ("BLOCKED - ENABLED", Switch.ON, True),
            ("terminated", None, False),
        ],
    )
    def test_a_word_is_translated_and_kept(self, word: str, switch: Switch | None, blocked: bool) -> None:
        assert only(sim(sim_state=word)).status == Status(switch, word, blocked)

    def test_a_blocked_sim_stays_blocked_whatever_is_asked(self, simbase: Carrier) -> None:
        simbase.simulator.event("status", iccid=simbase.iccid, blocked=True)
        assert simbase.client.get_status(simbase.iccid) == Status(Switch.ON, "Blocked - enabled", blocked=True)
        off = simbase.client.set_switch(simbase.iccid, on=False)
        assert off == Status(Switch.OFF, "Blocked - disabled", blocked=True)

    @pytest.mark.parametrize("word", ["  ", "ena\x00bled", "a\nb"])
    def test_what_is_no_word_spoils_the_answer(self, word: str) -> None:
        with pytest.raises(Unreadable):
            state_in(json.dumps(sim(sim_state=word)).encode(), iccid=ICCID)

    def test_a_long_word_is_cut_to_what_a_line_can_keep(self) -> None:
        status = only(sim(sim_state="waiting for " * 20)).status
        assert status.switch is None
        assert len(status.word) == 40


class TestFields:
    def test_only_what_is_read_must_be_there(self) -> None:
        reading = only({"iccid": ICCID, "usage_data": 0})
        assert (reading.status, reading.sms_sent, reading.last_seen) == (None, None, None)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"usage_data": "5"},
            {"usage_data": 5.0},
            {"usage_data": True},
            {"usage_data": None},
            {"usage_data": -1},
            {"usage_data": 2**53 + 1},
            {"usage_data": 10**400},
            {"iccid": 8912300000000000001},
            {"iccid": "89123000000000001"},
            {"iccid": "89123000000000000012345"},
            {"iccid": f"{ICCID}\n"},
            {"iccid": "891230000000000000x"},
            {"sim_state": 1},
            {"usage_sms_mo": -1},
            {"usage_sms_mo": 2**31},
            {"last_update": 1_700_000_000},
        ],
    )
    def test_a_wrong_type_or_number_spoils_its_record(self, wrong: dict[str, Any]) -> None:
        read = page_in(page(sim(), sim(**wrong)), number=1, now=NOW)
        assert (len(read.readings), len(read.odd)) == (1, 1)
        with pytest.raises(Unreadable):
            line_in(json.dumps(sim(**wrong)).encode(), iccid=ICCID, now=NOW)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"{}",
            b"<html></html>",
            page(sim())[:-1],
            page(sim()).replace(b"enabled", b"en\xffabled"),
            page(sim())[:-1] + b', "more": ' + b"[" * 100_000,
        ],
        ids=["nothing", "null", "empty", "HTML", "truncated", "not UTF-8", "nested without end"],
    )
    def test_what_is_no_page_is_unreadable(self, body: bytes) -> None:
        with pytest.raises(Unreadable):
            page_in(body, number=1, now=NOW)

    @pytest.mark.parametrize("imei", [None, "", "N/A", "unknown", "123"])
    def test_a_placeholder_is_no_imei(self, imei: str | None) -> None:
        assert line_in(json.dumps(sim(imei=imei)).encode(), iccid=ICCID, now=NOW).imei is None

    def test_another_sim_than_the_one_asked_for_is_not_taken(self) -> None:
        body = json.dumps(sim()).encode()
        for read in (
            lambda: line_in(body, iccid="8912300000000000002", now=NOW),
            lambda: state_in(body, iccid="8912300000000000002"),
        ):
            with pytest.raises(Unreadable, match="another SIM"):
                read()
