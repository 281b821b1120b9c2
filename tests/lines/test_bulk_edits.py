"""Many lines switched by one call: never on the carrier's word alone, and whatever is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from pytest_django.live_server_helper import LiveServer
from simulator import Running, running

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from lines.carriers.base import OutcomeUnknown, Refused, Switch, Unreachable
from lines.commands import bulk, jobs, wishes
from lines.commands.drives import claim_drives, confirm
from lines.commands.tuning import tune_carrier
from lines.models import BulkEdit, Carrier, Drive, Line, LineState
from lines.policy import Action, Wanted
from lines.work import bulk as work
from lines.work.clients import close_clients
from lines.work.driving import drive_carrier
from lines.work.jobs import run_jobs
from tests.fleets import OFF, ON, Fleet, reading_of, state
from tests.worlds import SECRETS, operator, written

COUNT = bulk.FEWEST + 5


class Spy:
    """A carrier that answers every call as it is told, and remembers the calls for many."""

    title = "Spy"

    def __init__(self, answer: Exception | None = None) -> None:
        self.answer, self.asked = answer, list[dict[str, Any]]()
        self.abilities = type("Can", (), {"switches_many": True})

    def set_switches(self, iccids: list[str], **more: Any) -> None:
        self.asked.append({"iccids": iccids, **more})
        if self.answer:
            raise self.answer


@pytest.fixture
def carrier(fleet: Fleet, settings: Any) -> Carrier:
    settings.CONSOLE_URL = "https://console.example.com"
    return tune_carrier(carrier=fleet.carriers["iotportal"], by=OPERATOR, bulk_edits=True)


@pytest.fixture
def lines(fleet: Fleet, carrier: Carrier) -> list[Line]:
    """Lines that are wanted on, of which the carrier knows nothing yet."""
    return fleet.lines(fleet.account(), COUNT, "iotportal")


def order(carrier: Carrier, spy: Spy) -> list[str]:
    return work.order_switches(carrier, spy, stop=lambda: False)  # type: ignore[arg-type]


def call(token: str, body: bytes = b"{}") -> int:
    answer = Client().post(f"/carriers/called-back/{token}/", body, content_type="application/json")
    assert answer.content == b"" or answer.status_code == 404
    return answer.status_code


def waiting() -> dict[str, int]:
    """How many drives are held, how many wait, how many are due."""
    rows = Drive.objects.all()
    held = sum(row.leased_until is not None for row in rows)
    due = sum(row.leased_until is None and row.due_at is None for row in rows)
    return {"held": held, "waits": len(rows) - held - due, "due": due}


def test_lines_are_asked_for_by_one_call_then_wait_then_are_asked_about(carrier: Carrier, lines: list[Line]) -> None:
    spy = Spy()
    assert order(carrier, spy) == []
    (asked,) = spy.asked
    edit = BulkEdit.objects.get()
    assert (asked["iccids"], asked["on"], asked["name"]) == ([line.iccid for line in lines], True, edit.uuid.hex)
    assert asked["callback"].startswith("https://console.example.com/carriers/called-back/")
    assert waiting() == {"held": 0, "waits": COUNT, "due": 0}
    token = asked["callback"].split("/")[-2]
    assert call(token, b'{"status": "COMPLETED", "results": []}') == 204
    assert waiting() == {"held": 0, "waits": 0, "due": COUNT}
    of_none: set[tuple[bool, int | None]] = {(True, None)}
    assert set(Drive.objects.values_list("ask_first", "bulk")) == of_none
    assert {row.reported for row in LineState.objects.all()} == {None}  # its word is not believed
    assert Event.objects.filter(verb="carrier.called_back").count() == 1


def test_a_callback_is_taken_once(carrier: Carrier, lines: list[Line]) -> None:
    order(carrier, Spy())
    edit = BulkEdit.objects.get()
    token = bulk.token_of(edit=edit)
    assert call(token, b"\xff\0 done") == 204
    Drive.objects.all().delete()
    before = BulkEdit.objects.values().get()
    assert [call(token, b"something else") for _ in range(2)] == [204, 204]
    assert Drive.objects.count() == 0
    assert BulkEdit.objects.values().get() == before
    assert Event.objects.filter(verb="carrier.called_back").count() == 1


def test_to_a_stranger_there_is_nothing(fleet: Fleet, carrier: Carrier, lines: list[Line]) -> None:
    order(carrier, Spy())
    edit = BulkEdit.objects.get()
    token, name = bulk.token_of(edit=edit), edit.uuid.hex
    carrier_id, _, seal = token.split(".")
    forged = [
        name, f"{carrier_id}.{name}", f"{carrier_id}.{name}.", f"{carrier_id}.{name}.{'A' * len(seal)}", f"{token}A",
        token.replace(f"{carrier_id}.", f"{carrier_id}0.", 1), "nothing", "..", f"{carrier_id}.{'0' * 32}.{seal}",
    ]  # fmt: skip
    assert {call(one) for one in forged} == {404}
    assert Client().get(f"/carriers/called-back/{token}/").status_code == 405
    edit.carrier = fleet.carriers["simbase"]
    assert call(bulk.token_of(edit=edit)) == 404  # signed, but of another carrier's
    assert waiting()["waits"] == COUNT
    BulkEdit.objects.update(asked_at=edit.asked_at - 2 * bulk.KEPT)
    assert bulk.drop_old_edits() == 1
    assert call(token) == 404


def test_a_lost_callback_only_delays(carrier: Carrier, lines: list[Line], monkeypatch: pytest.MonkeyPatch) -> None:
    order(carrier, Spy())
    assert claim_drives(carrier=carrier, limit=1) == []
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:02:01+00:00")
    spy = Spy()
    assert order(carrier, spy) == []
    assert spy.asked == []  # not so again: one by one, and asked about first
    assert claim_drives(carrier=carrier, limit=1)[0].ask_first
    late = bulk.token_of(edit=BulkEdit.objects.get())
    Drive.objects.exclude(leased_until=None).delete()
    assert call(late) == 204
    assert waiting()["due"] == COUNT  # also the one that was settled meanwhile is asked about


@pytest.mark.parametrize(
    ("answer", "expected", "first"),
    [
        (Refused("no access"), {"held": 0, "waits": 0, "due": COUNT}, False),
        (Unreachable("down", retry_after=30.0), {"held": 0, "waits": COUNT, "due": 0}, False),
        (OutcomeUnknown("lost"), {"held": 0, "waits": COUNT, "due": 0}, True),
    ],
)
def test_a_call_that_fails_leaves_its_lines_to_what_is_known(
    carrier: Carrier, lines: list[Line], answer: Exception, expected: dict[str, int], first: bool
) -> None:
    spy = Spy(answer)
    assert order(carrier, spy) == [str(answer)]
    assert len(spy.asked) == 1
    assert waiting() == expected
    assert set(Drive.objects.values_list("ask_first", flat=True)) == {first}
    assert BulkEdit.objects.get().error == str(answer)
    # Where nothing was done they are taken together again, but not after a refusal.
    untried = isinstance(answer, Unreachable)
    assert set(Drive.objects.values_list("attempts", flat=True)) == {0 if untried else 1}
    assert (Drive.objects.filter(bulk=None).count() == COUNT) != first


def test_a_worker_that_dies_on_the_way_leaves_lines_that_are_asked_about(carrier: Carrier, lines: list[Line]) -> None:
    assert bulk.begin(carrier=carrier, on=True)
    assert waiting()["held"] == COUNT
    assert bulk.begin(carrier=carrier, on=True) is None  # nobody takes them beside it
    with connection.cursor() as cursor:
        cursor.execute("UPDATE lines_drive SET leased_session = leased_session - interval '1 hour'")
    claimed = claim_drives(carrier=carrier, limit=COUNT)
    assert (len(claimed), {one.ask_first for one in claimed}) == (COUNT, {True})


def test_a_wish_that_turns_round_is_asked_about_when_the_edit_is_over(
    fleet: Fleet, carrier: Carrier, lines: list[Line]
) -> None:
    """Off is queued, on is wanted again, and the carrier still says on: it is about to switch it off."""
    fleet.apply("iotportal", "2026-11-20T11:00", [reading(line) for line in lines])
    assert not Drive.objects.exists()
    line = lines[0]
    wishes.deactivate_lines(line_ids=[one.pk for one in lines], by=OPERATOR)
    order(carrier, Spy())
    wishes.activate(line=line, by=OPERATOR)
    fleet.apply("iotportal", "2026-11-20T12:00", [reading(line)])
    confirm(line_id=line.pk, status=ON, asked_at=BulkEdit.objects.get().asked_at, on=True)
    left = Drive.objects.get(pk=line.pk)
    assert (left.due_at, left.ask_first) == (BulkEdit.objects.get().wait_until, True)
    assert call(bulk.token_of(edit=BulkEdit.objects.get())) == 204
    assert Drive.objects.get(pk=line.pk).due_at is None
    confirm(line_id=line.pk, status=OFF, asked_at=BulkEdit.objects.get().asked_at, on=True)  # it did switch it off
    assert state(line).wanted == Wanted.ACTIVE
    assert Drive.objects.get(pk=line.pk).ask_first
    confirm(line_id=line.pk, status=ON, asked_at=BulkEdit.objects.get().asked_at, on=True)
    assert not Drive.objects.filter(pk=line.pk).exists()


def reading(line: Line) -> Any:
    return reading_of(line, 0, status=ON)


@pytest.mark.parametrize("off", ["setting", "address", "few"])
def test_without_leave_an_address_or_enough_lines_each_goes_by_itself(
    carrier: Carrier, lines: list[Line], settings: Any, off: str
) -> None:
    if off == "setting":
        carrier = tune_carrier(carrier=carrier, by=OPERATOR, bulk_edits=False)
    elif off == "address":
        settings.CONSOLE_URL = ""
    else:
        Drive.objects.filter(pk__in=[line.pk for line in lines[bulk.FEWEST - 1 :]]).delete()
    spy = Spy()
    assert order(carrier, spy) == []
    assert spy.asked == []


# Against the simulator, which calls back over HTTP.


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.delenv("LINEKEEPER_NOW")
    with running(simbase=0, iotportal=COUNT, quiet=True, allow_edit=True) as served:
        yield served
    close_clients()


def test_a_job_switches_many_lines_by_one_call_and_reads_each_back(
    sim: Running, live_server: LiveServer, settings: Any, transactional_db: None
) -> None:
    settings.CONSOLE_URL = live_server.url
    operator("add_carrier", "portal", "--kind", "iotportal", "--url", sim.iotportal, "--secret", *SECRETS["iotportal"])
    operator("tune_carrier", "portal", "--bulk-edits", "yes", "--apn", "iot.example")
    Carrier.objects.update(calls_per_second=500, calls_per_day=None)
    operator("add_rate_plan", "portal", "--carrier", "portal", "--per-mb", "0.01", "--per-day", "0")
    account = Account.objects.get(uuid=operator("add_account", "acme", "--owner", "o@acme.example")["account_uuid"])
    operator("credit", account.uuid.hex, "10", "--note", "a start")
    iccids = sim.iccids("iotportal", COUNT)
    file = written(iccids)
    to = ("--carrier", "portal", "--rate-plan", "portal", "--account", account.uuid.hex)
    operator("import_lines", file, *to)
    file.unlink()
    carrier = Carrier.objects.get()
    LineState.objects.update(wanted=Wanted.ACTIVE, why="", reported=Switch.ON)
    jobs.start_job(account=account, lines=Line.objects.all(), action=Action.DEACTIVATE, selection="all", by=OPERATOR)
    run_jobs(stop=lambda: False)
    assert Drive.objects.count() == COUNT
    drive_carrier(carrier, patience=5.0, stop=lambda: False)
    for _ in range(1200):  # a minute, on a busy machine
        if BulkEdit.objects.get().called_at:
            break
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.05)")
    assert "COMPLETED" in BulkEdit.objects.get().said
    drive_carrier(carrier, patience=5.0, stop=lambda: False)
    assert not Drive.objects.exists()
    assert {row.reported for row in LineState.objects.all()} == {Switch.OFF}
    assert len(sim.calls(name="bulk_edit_device")) == 1
    assert len(sim.calls(name="request_status_change")) == 0
    assert len(sim.calls(name="get_status")) == COUNT


def test_a_carrier_is_tuned_with_care(fleet: Fleet) -> None:
    for wrong in (
        ["--apn", "not an apn"], ["--bulk-edits", "yes"], ["--read-every", "1"], ["--url", "nowhere"],
        ["--apn-user", "u" * 101],
    ):  # fmt: skip
        with pytest.raises(CommandError):
            operator("tune_carrier", "simbase", *wrong)
    with pytest.raises(CommandError):
        operator("tune_carrier", "nobody", "--apn", "x")
    assert not Event.objects.filter(verb="carrier.changed").exists()
    for _ in range(2):
        said = operator(
            "tune_carrier", "simbase", "--apn", "iot.example", "--apn-password", "hush", "--read-every", "60"
        )
    assert (said["apn"], said["read_every"], said["url"]) == ("iot.example", 60, "http://127.0.0.1:9")
    (event,) = Event.objects.filter(verb="carrier.changed")
    assert "hush" not in str(event.detail)
    carrier = Carrier.objects.get(name="simbase")
    assert (carrier.opened_apn_password, "hush" in carrier.apn_password) == ("hush", False)
