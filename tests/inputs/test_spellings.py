"""One SIM, two spellings: a carrier is called with its own, in every call, and nobody sees two SIMs."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from kit import clock

from accounts.policy import OPERATOR
from accounts.queries import owner_of
from lines.carriers.base import Reading, Setting
from lines.commands import bulk, passes, settings, sms
from lines.commands.looks import want_looks
from lines.commands.stock import import_lines
from lines.commands.tuning import tune_carrier
from lines.models import (
    Carrier,
    Difference,
    Drive,
    FinalTotal,
    Line,
    LineDevice,
    LineSetting,
    LineState,
    SmsLook,
    SmsMessage,
)
from lines.policy import SmsState
from lines.work.bulk import order_switches
from lines.work.clients import client_for, close_clients
from lines.work.devices import look, look_now
from lines.work.driving import drive_carrier
from lines.work.messages import handle_messages
from lines.work.reading import Reader
from lines.work.settings import set_due
from lines.work.trying import try_secrets
from tests.fleets import MB, SECRETS, Fleet, books_hold, reading_of, used
from tests.inputs.servers import Portal, Server, Simbase, serving

BARE, WHOLE = "8988239000000000019", "89882390000000000193"  # the same card without and with its check digit
SMALL, LARGE = "898600d21018f0012345", "898600D21018F0012345"
SPELLED = [(BARE, WHOLE), (WHOLE, BARE), (LARGE, SMALL), (BARE, f"{BARE}F")]


def forever() -> bool:
    return False


@pytest.fixture
def fleet(transactional_db: None) -> Iterator[Fleet]:
    """Seen by gates, which have connections of their own."""
    yield Fleet()
    close_clients()


def ours(fleet: Fleet, kind: str, server: Server, iccid: str) -> Line:
    line = fleet.line(fleet.account(), kind)
    Line.objects.filter(pk=line.pk).update(iccid=iccid)
    Carrier.objects.filter(kind=kind).update(url=server.url, calls_per_second=1000.0, calls_per_day=None)
    return Line.objects.select_related("carrier").get(pk=line.pk)


def read(carrier: Carrier, *, by_page: bool) -> None:
    passes.plan_pass(carrier=carrier, by_page=by_page)
    Reader(carrier, patience=5.0, stop=forever, in_place=True).run()


def sim(iccid: str) -> dict[str, Any]:
    return {"iccid": iccid, "usage_data": 5 * MB, "sim_state": "disabled", "last_update": "2026-11-20 10:00:00",
            "usage_sms_mo": 3, "throttle": "NO_LIMIT", "imei_lock": "off", "imei": "352099001761481"}  # fmt: skip


def named_in(server: Server) -> set[str]:
    """Every ICCID that stood in a path or a body."""
    texts = [f"{path} {body.decode()}" for _, path, body in server.received]
    return {
        one
        for text in texts
        for one in re.findall(r"(?<![\w-])[0-9A-Fa-f]{18,23}(?![\w-])", text)
        if one.startswith("89")
    }


def ask_everything(line: Line) -> None:
    """Each call that the carrier's adapter has, through the work that makes it."""
    carrier, client = line.carrier, client_for(line.carrier, patience=5.0)
    drive_carrier(carrier, patience=5.0, stop=forever)
    LineState.objects.filter(pk=line.pk).update(reported=1, wanted=1, why="")
    sms.send_sms(line=line, text="reboot", by=OPERATOR)
    SmsLook.objects.update_or_create(line=line, defaults={"carrier": carrier, "is_due": True, "due_at": None})
    handle_messages(carrier, patience=5.0, stop=forever)
    lost = sms.send_sms(line=line, text="status", by=OPERATOR)
    SmsMessage.objects.filter(pk=lost.pk).update(ask_first=True, asked_at=clock.now())
    SmsMessage.objects.filter(state=SmsState.SENT).update(is_open=True, due_at=None)
    handle_messages(carrier, patience=5.0, stop=forever)
    want_looks(carrier_id=carrier.pk, line_ids=[line.pk])
    look(carrier, patience=5.0, stop=forever)
    LineDevice.objects.filter(line=line).update(asked_at=None, due_at=None, last_error="")
    look_now(line, wants_place=True)
    for setting, value in ((Setting.THROTTLE, "100"), (Setting.IMEI_LOCK, "on"), (Setting.PLAN, "P2")):
        if setting in client.abilities.settings:
            settings.set_on_line(line=line, setting=setting, value=value, by=OPERATOR)
    set_due(carrier, patience=5.0, stop=forever)
    if client.abilities.final_totals:
        FinalTotal.objects.create(line=line, carrier=carrier, cycle=dt.date(2026, 10, 1))
        Reader(carrier, patience=5.0, stop=forever).run_final_totals()
    try_secrets(carrier, SECRETS[carrier.kind])


@pytest.mark.parametrize(("our", "theirs"), SPELLED)
def test_every_call_to_simbase_has_its_own_spelling(fleet: Fleet, our: str, theirs: str) -> None:
    with serving(Simbase(sim(theirs))) as server:
        line = ours(fleet, "simbase", server, our)
        read(line.carrier, by_page=True)
        line.refresh_from_db()
        assert (line.iccid, line.called) == (our, theirs)
        ask_everything(line)
        assert named_in(server) == {theirs}
        calls = {re.sub(r".*89[0-9a-fA-F]+", "", path.split("?")[0]) for path in server.paths()}
        assert {"", "/sms", "/usage/2026-10"} <= calls
        assert len(server.paths("PATCH")) >= 4  # the switch and three settings
    assert not LineSetting.objects.exclude(last_error="").exists()
    assert not SmsMessage.objects.filter(state=SmsState.REFUSED).exists()
    assert books_hold()


@pytest.mark.parametrize(("our", "theirs"), SPELLED)
def test_every_call_to_iot_portal_has_its_own_spelling(
    fleet: Fleet, our: str, theirs: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no list: what it does not know under our spelling is asked for once under the other."""
    with serving(Portal({theirs: "DEACTIVATED"})) as server:
        line = ours(fleet, "iotportal", server, our)
        Line.objects.filter(pk=line.pk).update(carrier_iccid="" if {our, theirs} == {BARE, WHOLE} else theirs)
        read(line.carrier, by_page=False)
        line.refresh_from_db()
        assert line.called == theirs
        server.received.clear()
        server.used = MB
        read(line.carrier, by_page=False)
        ask_everything(line)
        settings.CONSOLE_URL = "https://console.example.com"
        monkeypatch.setattr(bulk, "FEWEST", 1)
        carrier = tune_carrier(carrier=line.carrier, by=OPERATOR, bulk_edits=True)
        Drive.objects.all().delete()
        Drive.objects.create(line=line, carrier=carrier, since=clock.now())
        assert order_switches(carrier, client_for(carrier, patience=5.0), stop=forever) == []
        assert named_in(server) == {theirs}
        calls = {path.split("/")[1] for path in server.paths()}
        assert calls >= {
            "ctdUsage", "getStatus", "RequestStatusChange", "GetDevice", "sessionInfo", "GetSMSIds", "GetSMS",
            "SendSMS", "BulkEditDevice",
        }  # fmt: skip
        (edit,) = [json.loads(body) for _, path, body in server.received if path == "/BulkEditDevice"]
        assert edit["iccids"] == [theirs]
    assert used(line) == MB
    assert books_hold()


def test_a_sim_that_nobody_knows_costs_one_call_more(fleet: Fleet) -> None:
    with serving(Portal({})) as server:
        line = ours(fleet, "iotportal", server, BARE)
        read(line.carrier, by_page=False)
        assert [path for path in server.paths() if "ctdUsage" in path] == [f"/ctdUsage/{BARE}", f"/ctdUsage/{WHOLE}"]
    assert Line.objects.get().carrier_iccid == ""


def test_a_carrier_that_comes_to_our_spelling_is_called_with_it(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    Line.objects.filter(pk=line.pk).update(iccid=BARE)
    cycle = dt.date(2026, 11, 1)
    for hour, told, called in (("08", WHOLE, WHOLE), ("09", WHOLE, WHOLE), ("10", BARE, BARE)):
        fleet.apply("simbase", f"2026-11-20T{hour}:00", [Reading(told, MB, cycle)])
        assert Line.objects.get().called == called
    fleet.apply("simbase", "2026-11-20T11:00", [Reading(WHOLE, MB, cycle), Reading(BARE, MB, cycle)])
    assert Line.objects.get().called == BARE  # of two that it tells ours counts


def test_a_final_total_forgets_no_spelling(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    Line.objects.filter(pk=line.pk).update(iccid=BARE)
    fleet.apply("simbase", "2026-11-20T08:00", [Reading(WHOLE, MB, dt.date(2026, 11, 1))])
    fleet.apply("simbase", "2026-12-04T08:00", [Reading(BARE, MB, dt.date(2026, 11, 1))], are_finals=True)
    assert Line.objects.get().called == WHOLE


def again(fleet: Fleet, iccid: str) -> int:
    imported = import_lines(
        rows=[(2, iccid)], carrier=fleet.carriers["iotportal"], plan=fleet.plans["iotportal"], account=None,
        active=False, by=OPERATOR,
    )  # fmt: skip
    return len(imported.already)


@pytest.mark.parametrize(("our", "theirs"), [(BARE, WHOLE), (WHOLE, BARE)])
def test_an_import_in_the_other_spelling_says_how_the_carrier_has_it(fleet: Fleet, our: str, theirs: str) -> None:
    line = fleet.line(fleet.account(), "iotportal")
    Line.objects.filter(pk=line.pk).update(iccid=our)
    assert again(fleet, theirs) == 1
    assert [(one.iccid, one.called) for one in Line.objects.all()] == [(our, theirs)]
    assert again(fleet, our) == 1  # a file in ours takes nothing back


def test_but_a_carrier_that_has_spoken_knows_better_than_a_file(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(), "iotportal")
    Line.objects.filter(pk=line.pk).update(iccid=BARE)
    line.refresh_from_db()
    fleet.apply("iotportal", "2026-11-20T08:00", [reading_of(line, 0)])
    assert again(fleet, WHOLE) == 1
    assert Line.objects.get().called == BARE


@pytest.mark.parametrize("asked", [BARE, WHOLE, f"{BARE[:4]} {BARE[4:]}", f"ICCID: {WHOLE}"])
def test_nobody_sees_two_sims(fleet: Fleet, asked: str) -> None:
    line = fleet.line(fleet.account())
    Line.objects.filter(pk=line.pk).update(iccid=BARE)
    cycle = dt.date(2026, 11, 1)
    applied = fleet.apply("simbase", "2026-11-20T08:00", [Reading(WHOLE, 0, cycle)])
    assert not applied.strangers
    assert not Difference.objects.exists()
    client = Client()
    assert line.account is not None
    client.force_login(owner_of(line.account))
    page = client.get("/lines/", {"q": asked}, follow=True).content.decode()
    assert BARE in page
    assert f">{WHOLE}<" not in page
