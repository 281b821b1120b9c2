"""Carriers are driven to what is wanted: asked again, with patience, and never blindly."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, connections
from kit import clock
from simulator import Running, running

from accounts.policy import OPERATOR
from lines.carriers.base import CarrierFailure, OutcomeUnknown, Refused, Status, Switch, Unreachable
from lines.commands import leases
from lines.commands.drives import ClaimedDrive, claim_drives, confirm, postpone
from lines.commands.wishes import activate, deactivate
from lines.models import Carrier, Drive, Line
from lines.policy import retry_after
from lines.work.clients import client_for, close_clients
from lines.work.driving import ask, drive_carrier
from tests.fleets import OFF, ON, Fleet, at, state
from tests.worlds import Story

KINDS = ["simbase", "iotportal"]
VERB = {"simbase": "PATCH", "iotportal": "PUT"}  # that changes a SIM
SESSION = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"


Telling = Callable[[str], tuple[Story, Line, Carrier]]


class Spy:
    """A carrier that answers as it is told, and remembers what it was asked."""

    def __init__(self, *answers: Status | Exception | None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def _next(self, what: str) -> Status | None:
        self.asked.append(what)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def get_status(self, iccid: str) -> Status | None:
        return self._next("status")

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        return self._next("on" if on else "off")


def asked(*answers: Status | Exception | None, on: bool = True, ask_first: bool = False) -> tuple[list[str], object]:
    spy = Spy(*answers)
    drive = ClaimedDrive(line_id=1, iccid="8944538415800000004", on=on, ask_first=ask_first, attempts=1)
    try:
        found: object = ask(spy, drive)  # type: ignore[arg-type]
    except CarrierFailure as failure:
        found = type(failure)
    return spy.asked, found


def test_what_a_carrier_is_asked_and_in_which_order() -> None:
    unknown = OutcomeUnknown("?")
    assert asked(ON) == (["on"], ON)
    assert asked(OFF, on=False) == (["off"], OFF)
    assert asked(None, ON) == (["on", "status"], ON)  # accepted: read back
    assert asked(unknown, ON) == (["on", "status"], ON)  # it did act: nothing is asked twice
    assert asked(unknown, OFF) == (["on", "status"], OFF)  # it did not: the next attempt acts
    assert asked(unknown, Unreachable("down")) == (["on", "status"], OutcomeUnknown)
    assert asked(None, Unreachable("down")) == (["on", "status"], OutcomeUnknown)
    assert asked(Refused("no")) == (["on"], Refused)
    # after an unknown outcome it is asked before anything is done
    assert asked(ON, ask_first=True) == (["status"], ON)
    assert asked(OFF, ON, ask_first=True) == (["status", "on"], ON)
    assert asked(Unreachable("down"), ask_first=True) == (["status"], Unreachable)


def test_each_wait_for_a_carrier_is_longer_than_the_one_before() -> None:
    waits = [[retry_after(attempts).total_seconds() for _ in range(50)] for attempts in range(1, 15)]
    assert all(4 <= wait <= 6 for wait in waits[0])
    for shorter, longer in itertools.pairwise(waits[:9]):
        assert max(shorter) < min(longer)
    assert all(wait <= 2160 for wait in waits[-1])
    assert retry_after(10_000).total_seconds() <= 2160


@pytest.fixture
def line(fleet: Fleet) -> Line:
    return fleet.line(fleet.account())


def claimed(line: Line) -> ClaimedDrive:
    (drive,) = claim_drives(carrier=line.carrier, limit=5)
    return drive


def test_a_confirmed_line_is_driven_no_more(line: Line) -> None:
    drive = claimed(line)
    assert (drive.iccid, drive.on, drive.ask_first, drive.attempts) == (line.iccid, True, False, 1)
    assert confirm(line_id=line.pk, status=ON, asked_at=clock.now(), on=True)
    assert (state(line).reported, state(line).reported_word) == (Switch.ON, "on")
    assert not Drive.objects.exists()


def test_a_line_that_the_carrier_left_as_it_was_is_tried_again_later_and_asked_first(line: Line) -> None:
    claimed(line)
    assert not confirm(line_id=line.pk, status=OFF, asked_at=clock.now(), on=True)
    drive = Drive.objects.get()
    assert drive.ask_first
    assert drive.due_at is not None
    assert drive.due_at > clock.now()
    assert claim_drives(carrier=line.carrier, limit=5) == []


def test_a_wish_that_changed_during_the_call_is_driven_at_once(line: Line) -> None:
    drive = claimed(line)
    deactivate(line=line, by=OPERATOR)  # while the carrier is asked to switch it on
    assert drive.on
    assert not confirm(line_id=line.pk, status=ON, asked_at=clock.now(), on=True)
    again = claimed(line)
    assert (again.on, again.attempts) == (False, 1)
    assert confirm(line_id=line.pk, status=OFF, asked_at=clock.now(), on=False)
    assert not Drive.objects.exists()


def test_a_wish_that_changed_to_and_fro_during_the_call_is_settled_by_its_answer(line: Line) -> None:
    claimed(line)
    deactivate(line=line, by=OPERATOR)
    activate(line=line, by=OPERATOR)
    assert confirm(line_id=line.pk, status=ON, asked_at=clock.now(), on=True)
    assert not Drive.objects.exists()


def test_a_wish_that_the_last_report_fits_is_still_driven_while_a_call_is_under_way(fleet: Fleet, line: Line) -> None:
    """Reported off, asked to switch on, wanted off again before the answer: the carrier must hear of it."""
    fleet.read(line, "2026-11-20T11:00", 0, status=OFF)
    claimed(line)
    deactivate(line=line, by=OPERATOR)
    assert Drive.objects.exists()
    assert not confirm(line_id=line.pk, status=ON, asked_at=clock.now(), on=True)
    assert claimed(line).on is False


def test_an_answer_that_was_asked_for_before_the_last_one_changes_nothing(fleet: Fleet, line: Line) -> None:
    claimed(line)
    fleet.read(line, "2026-11-20T12:30", 0, status=ON)
    confirm(line_id=line.pk, status=OFF, asked_at=at("2026-11-20T12:00"), on=True)
    assert state(line).reported == Switch.ON


def test_each_failure_waits_longer_and_an_unknown_outcome_is_remembered(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = []
    for hour in range(5):
        monkeypatch.setenv("LINEKEEPER_NOW", f"2026-11-20T{13 + hour}:00:00Z")
        drive = claimed(line)
        assert drive.attempts == hour + 1
        postpone(line_id=line.pk, error="it did not answer", outcome_unknown=hour == 1)
        row = Drive.objects.get()
        assert row.due_at is not None
        waits.append((row.due_at - clock.now()).total_seconds())
        assert row.ask_first == (hour >= 1)
    assert waits == sorted(waits)
    assert waits[-1] > 8 * waits[0]
    assert Drive.objects.get().last_error == "it did not answer"


def test_a_carrier_that_says_not_now_is_left_alone_for_as_long(line: Line) -> None:
    claimed(line)
    postpone(line_id=line.pk, error="busy", wait=600.0)
    row = Drive.objects.get()
    assert row.due_at is not None
    assert (row.due_at - clock.now()).total_seconds() == 600


def test_a_new_wish_does_not_wait_for_the_old_ones_next_try(line: Line) -> None:
    claimed(line)
    postpone(line_id=line.pk, error="busy", wait=600.0)
    deactivate(line=line, by=OPERATOR)
    assert claimed(line).on is False


def test_an_unknown_word_after_an_accepted_request_settles_it(line: Line) -> None:
    claimed(line)
    assert confirm(line_id=line.pk, status=Status(None, "HIBERNATING"), asked_at=clock.now(), on=True)
    assert state(line).reported_word == "HIBERNATING"


# Leases: of the living, of the dead.


@pytest.fixture
def committed(transactional_db: None) -> Fleet:
    return Fleet()


def test_a_living_workers_lease_is_not_taken_and_a_dead_ones_is_free_at_once(committed: Fleet) -> None:
    line = committed.line(committed.account())
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute(SESSION)
            pid, began = cursor.fetchone()
        claimed(line)
        Drive.objects.update(leased_pid=pid, leased_session=began)
        assert claim_drives(carrier=line.carrier, limit=5) == []
        assert leases.is_held(model=Drive, where="true")
    finally:
        other.close()
    wait_for_the_end_of(pid)
    assert not leases.is_held(model=Drive, where="true")
    assert claimed(line).attempts == 2


def wait_for_the_end_of(pid: int) -> None:
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.02), 1 FROM pg_stat_activity WHERE pid = %s", [pid])
            if cursor.fetchone() is None:
                return


def test_a_lease_of_a_session_that_is_not_the_holders_is_free(committed: Fleet) -> None:
    """A process id comes again: the session that has it now began later."""
    line = committed.line(committed.account())
    claimed(line)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE lines_drive SET leased_session = leased_session - interval '1 hour'")
    assert claimed(line).attempts == 2


def test_a_lease_ends_with_its_time(committed: Fleet) -> None:
    line = committed.line(committed.account())
    claimed(line)
    assert claim_drives(carrier=line.carrier, limit=5) == []
    with connection.cursor() as cursor:
        cursor.execute("UPDATE lines_drive SET leased_until = clock_timestamp() - interval '1 second'")
    assert claimed(line).attempts == 2


# Against the simulator.


@pytest.fixture
def sim() -> Iterator[Running]:
    with running(simbase=3, iotportal=3, quiet=True, clock="2026-11-20") as served:
        yield served
    close_clients()


@pytest.fixture
def told(sim: Running, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Telling:
    """A story with one line of a carrier, on there and read once, which is then wanted off."""

    def begin(kind: str) -> tuple[Story, Line, Carrier]:
        tale = Story(sim, monkeypatch, "2026-11-20T12:00")
        iccid = sim.iccids(kind, 1)[0]
        tale.carrier(kind, per_mb="0.01")
        tale.account("acme", credit="10")
        tale.lines("acme", kind, [iccid])
        tale.sync()
        line = Line.objects.get()
        deactivate(line=line, by=OPERATOR)
        sim.ask("DELETE", "/calls")
        return tale, line, line.carrier

    return begin


def driven(carrier: Carrier) -> list[str]:
    return drive_carrier(carrier, patience=5.0, stop=lambda: False).errors


def acts(sim: Running, kind: str) -> int:
    return len([call for call in sim.calls(carrier=kind) if call["verb"] in ("PATCH", "PUT")])


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_whose_answer_is_lost_is_read_back_and_not_asked_for_twice(
    told: Telling, sim: Running, kind: str
) -> None:
    tale, line, carrier = told(kind)
    sim.fault(
        "drop_after",
        carrier=kind,
        path="simcards|RequestStatusChange",
        verb=VERB[kind],
        count=1,
    )
    assert driven(carrier) == []
    assert not Drive.objects.exists()
    assert tale.word(line.iccid) in ("disabled", "DEACTIVATED")
    assert acts(sim, kind) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_answer_and_a_lost_question_are_asked_about_the_next_time(
    told: Telling, sim: Running, kind: str
) -> None:
    tale, _, carrier = told(kind)
    sim.fault("drop_after", carrier=kind, verb=VERB[kind], count=1)
    sim.fault("error", carrier=kind, verb="GET", status=503, count=1)
    assert driven(carrier) != []
    assert Drive.objects.get().ask_first
    assert driven(carrier) == []  # not due yet
    assert Drive.objects.exists()
    tale.at("2026-11-20T12:01")
    assert driven(carrier) == []
    assert not Drive.objects.exists()
    assert acts(sim, kind) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_is_written_down_and_tried_again_later(told: Telling, sim: Running, kind: str) -> None:
    tale, line, carrier = told(kind)
    sim.fault("error", carrier=kind, verb=VERB[kind], status=403, count=1)
    assert len(driven(carrier)) == 1
    row = Drive.objects.get()
    assert row.last_error
    assert not row.ask_first
    tale.at("2026-11-20T13:00")
    assert driven(carrier) == []
    assert tale.word(line.iccid) in ("disabled", "DEACTIVATED")


def test_a_portal_that_takes_its_time_is_read_back_until_it_has_acted(told: Telling, sim: Running) -> None:
    tale, line, carrier = told("iotportal")
    sim.settings(iotportal={"status_delay_seconds": 3600})
    driven(carrier)
    assert Drive.objects.get().ask_first
    assert state(line).reported == Switch.ON
    tale.at("2026-11-20T14:00")
    assert driven(carrier) == []
    assert not Drive.objects.exists()
    assert state(line).reported == Switch.OFF


def test_a_client_is_kept_for_a_carrier_until_its_address_changes(
    told: Telling,
) -> None:
    _, _, carrier = told("simbase")
    assert client_for(carrier, patience=5.0) is client_for(carrier, patience=5.0)
    first = client_for(carrier, patience=5.0)
    carrier.url = carrier.url.replace("127.0.0.1", "localhost")
    assert client_for(carrier, patience=5.0) is not first


def test_what_a_task_did_not_finish_is_free_at_its_end_and_its_session_lives_on(committed: Fleet) -> None:
    carrier, [one, other, hopeless] = claimed_by_hand(committed, 3)
    with connection.cursor() as cursor:
        cursor.execute(SESSION)
        session = cursor.fetchone()
    Drive.objects.filter(pk=hopeless).update(attempts=leases.HASTY_ATTEMPTS)
    usual = connection.close_at
    assert len(claim_drives(carrier=carrier, limit=9)) == 3
    assert connection.close_at is not None  # whoever forgets to let go loses the session, and the lease with it
    Drive.objects.filter(pk=one).delete()
    leases.let_go()
    assert connection.close_at == usual
    with connection.cursor() as cursor:
        cursor.execute(SESSION)
        assert cursor.fetchone() == session
    assert dict(Drive.objects.values_list("pk", "leased_until"))[other] is None
    assert leases.is_held(model=Drive, where="line_id = %s", parameters=[hopeless])  # it killed too many workers
    leases.let_go()  # and once more is harmless


def test_a_lease_of_a_session_that_is_gone_is_let_go_by_nobody(committed: Fleet) -> None:
    carrier, [one] = claimed_by_hand(committed, 1)
    assert len(claim_drives(carrier=carrier, limit=9)) == 1
    with connection.cursor() as cursor:
        cursor.execute(SESSION)
        pid, _ = cursor.fetchone()
    connection.close()
    leases.let_go()
    wait_for_the_end_of(pid)
    assert Drive.objects.get(pk=one).leased_until is not None
    assert not leases.is_held(model=Drive, where="true")


def claimed_by_hand(fleet: Fleet, count: int) -> tuple[Carrier, list[int]]:
    """So many lines whose carrier is to be driven."""
    lines = [fleet.line(fleet.account()) for _ in range(count)]
    Drive.objects.all().delete()
    carrier = Carrier.objects.get(pk=lines[0].carrier_id)
    Drive.objects.bulk_create([Drive(line=line, carrier=carrier) for line in lines])
    return carrier, [line.pk for line in lines]
