"""The gate before a carrier: one budget and one breaker for all workers."""

from __future__ import annotations

import bisect
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError, connection

from accounts.models import Event
from accounts.policy import OPERATOR
from lines.carriers.base import CallKind, Malformed, Unreachable
from lines.commands.breakers import lift
from lines.models import Breaker, Carrier, CarrierHealth, Quarantine
from lines.work.gate import THRESHOLD, CallGate
from tests.fleets import Fleet

DOWN = Unreachable("it does not answer")
READING, SWITCHING = CallKind.READING, CallKind.SWITCHING
BY = OPERATOR
BREAK = "SELECT extract(epoch FROM open_until - clock_timestamp()) FROM lines_breaker WHERE open_until > now()"


@pytest.fixture
def carrier(transactional_db: None) -> Carrier:
    found = Fleet().carriers["simbase"]
    found.calls_per_second, found.calls_per_day = 500, None
    found.save()
    return found


@pytest.fixture
def gate(carrier: Carrier) -> Iterator[Callable[..., CallGate]]:
    """Gates of the carrier, each with a database session of its own as in another process."""
    opened: list[CallGate] = []

    def made(patience: float = 20.0) -> CallGate:
        opened.append(CallGate(Carrier.objects.get(pk=carrier.pk), patience=patience))
        return opened[-1]

    yield made
    for one in opened:
        one.close()


def health() -> CarrierHealth:
    return CarrierHealth.objects.get(carrier__kind="simbase")


def breaker(kind: CallKind = READING) -> Breaker:
    return Breaker.objects.get(carrier__kind="simbase", kind=kind)


def pass_through(gates: list[CallGate], calls: int, threads: int) -> list[float]:
    """When each of so many calls passed, with so many threads at each gate."""
    passed: list[float] = []

    def work(gate: CallGate) -> None:
        for _ in range(calls):
            gate.enter(READING)
            passed.append(time.monotonic())

    workers = [threading.Thread(target=work, args=[gate]) for gate in gates for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    return sorted(passed)


def most_in_a_second(times: list[float]) -> int:
    return max(bisect.bisect_left(times, start + 1.0) - number for number, start in enumerate(times))


@pytest.mark.parametrize("per_second", [10, 60])
def test_two_gates_with_many_threads_never_make_more_calls_a_second_than_allowed(
    carrier: Carrier, gate: Callable[..., CallGate], per_second: int
) -> None:
    Carrier.objects.update(calls_per_second=per_second)
    count = 24 if per_second == 10 else 128
    for _ in range(5):  # a machine that stalls a thread bunches calls that were spaced, and is late with the last
        times = pass_through([gate(), gate()], calls=count // 8, threads=4)
        took = times[-1] - times[0]
        if most_in_a_second(times) <= per_second and took < 1.5 * count / per_second + 1:
            break
    assert len(times) == count
    assert most_in_a_second(times) <= per_second
    assert took < 1.5 * count / per_second + 1  # and it is not much slower


def test_a_slot_that_was_not_used_in_its_time_is_not_used_later(
    carrier: Carrier, gate: Callable[..., CallGate]
) -> None:
    """Gates reserve several slots at once for a fast carrier; what was left over would be too many."""
    Carrier.objects.update(calls_per_second=100)
    for _ in range(3):
        gates = [gate() for _ in range(6)]
        for one in gates:
            one.enter(READING)  # each has four slots left
        time.sleep(0.5)
        times = pass_through(gates, calls=30, threads=1)
        if most_in_a_second(times) <= 100:
            break
    assert most_in_a_second(times) <= 100


def test_the_days_calls_are_counted_over_all_gates_and_end_at_the_budget(
    carrier: Carrier, gate: Callable[..., CallGate], monkeypatch: pytest.MonkeyPatch
) -> None:
    Carrier.objects.update(calls_per_day=10, calls_per_second=19)
    first, second = gate(), gate()
    for one in (first, second) * 4:  # reading has eight tenths
        one.enter(READING)
    for one in (first, second):
        with pytest.raises(Unreachable, match="10 calls are used up for reading"):
            one.enter(READING)
    assert health().calls_today == 8
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-21T00:00:01Z")
    second.enter(READING)
    assert health().calls_today == 1


def tried(gates: list[CallGate], each: int) -> int:
    """How many calls pass when each of two threads at each gate tries so many."""
    passed: list[int] = []

    def work(gate: CallGate) -> None:
        for _ in range(each):
            try:
                gate.enter(READING)
            except Unreachable:
                return
            passed.append(1)

    workers = [threading.Thread(target=work, args=[gate]) for gate in gates for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    return len(passed)


def test_a_minutes_calls_are_shared_exactly_by_all_gates(carrier: Carrier, gate: Callable[..., CallGate]) -> None:
    """As many as are allowed are given at once, and not one more until the first of them are a minute old. Who was
    given one and had no turn on a busy machine in its time makes no call with it."""
    Carrier.objects.update(calls_per_minute=30)

    def given() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(calls) FROM lines_carrierhealth, unnest(minute_calls) AS calls")
            return int(cursor.fetchone()[0])

    assert 0 < tried([gate(patience=0.3) for _ in range(3)], each=20) <= given() == 30
    with pytest.raises(Unreachable, match="no call for another") as refusal:
        gate(patience=0.3).enter(SWITCHING)
    assert 30 < (refusal.value.retry_after or 0) <= 61
    with connection.cursor() as cursor:  # half a minute goes by, and then the rest
        cursor.execute("UPDATE lines_carrierhealth SET minute_at = minute_at - 30")
        with pytest.raises(Unreachable):
            gate(patience=0.3).enter(READING)
        cursor.execute("UPDATE lines_carrierhealth SET minute_at = minute_at - 31")
    assert 0 < tried([gate(patience=0.3) for _ in range(3)], each=20) <= given() == 30


def test_failures_in_a_row_open_the_breaker_for_everybody(gate: Callable[..., CallGate]) -> None:
    failing, other = gate(), gate(patience=0.5)
    for number in range(THRESHOLD):
        failing.enter(READING)
        failing.failed(READING, DOWN)
        assert (breaker().open_until is not None) == (number == THRESHOLD - 1)
    with pytest.raises(Unreachable, match="left alone") as refusal:
        other.enter(READING)
    assert 0 < (refusal.value.retry_after or 0) <= 5


def test_a_success_in_between_keeps_the_breaker_shut(gate: Callable[..., CallGate]) -> None:
    one, other = gate(), gate()
    other.enter(READING)
    other.succeeded(READING)
    for _ in range(3):
        for _ in range(THRESHOLD - 1):
            one.enter(READING)
            one.failed(READING, DOWN)
        other.enter(READING)
        other.succeeded(READING)  # a worker that never failed itself
        assert breaker().failures == 0
    assert breaker().open_until is None


def end_the_break() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE lines_breaker SET open_until = clock_timestamp()")


def opened(gate: CallGate) -> None:
    for _ in range(THRESHOLD):
        gate.enter(READING)
        gate.failed(READING, DOWN)


def test_after_a_break_one_call_tries_and_its_success_lets_everybody_in(gate: Callable[..., CallGate]) -> None:
    failing, probing, waiting = gate(), gate(), gate(patience=0.3)
    probing.enter(READING)
    probing.succeeded(READING)  # it has no failures of its own to forget
    opened(failing)
    end_the_break()
    probing.enter(READING)
    with pytest.raises(Unreachable, match="left alone"):
        waiting.enter(READING)
    probing.succeeded(READING)
    assert breaker().failures == 0
    others = gate()
    for _ in range(3):
        others.enter(READING)


def test_a_probe_that_fails_opens_the_breaker_for_longer(gate: Callable[..., CallGate]) -> None:
    failing = gate()
    opened(failing)
    left = []
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute(BREAK)
            left.append(float(cursor.fetchone()[0]))
        end_the_break()
        failing.enter(READING)
        failing.failed(READING, DOWN)
    assert left[1] > 1.5 * left[0]
    assert left[2] > 1.5 * left[1]


def test_not_now_holds_everybody_and_is_no_failure(gate: Callable[..., CallGate]) -> None:
    told, other = gate(), gate()
    hasty = gate(patience=0.2)
    told.enter(READING)
    began = time.monotonic()
    told.failed(READING, Unreachable("too many", retry_after=1.0))
    with pytest.raises(Unreachable, match="no call for another") as refusal:
        hasty.enter(READING)
    assert 0 < (refusal.value.retry_after or 0) <= 1.1
    for one in (other, told):
        one.enter(READING)
        assert time.monotonic() - began >= 1.0
    assert (breaker().failures, breaker().open_until) == (0, None)


def test_not_now_holds_those_who_wait_for_their_slot_already(carrier: Carrier, gate: Callable[..., CallGate]) -> None:
    Carrier.objects.update(calls_per_second=10)
    one = gate()
    passed: list[float] = []

    def work() -> None:
        one.enter(READING)
        passed.append(time.monotonic())

    one.enter(READING)
    workers = [threading.Thread(target=work) for _ in range(5)]
    for worker in workers:
        worker.start()
    time.sleep(0.02)  # they sleep until their slots now
    held_from = time.monotonic()
    one.failed(READING, Unreachable("too many", retry_after=1.0))
    early = [moment for moment in passed if moment < held_from]  # on a busy machine
    for worker in workers:
        worker.join(20)
    assert len(passed) == 5
    assert len(early) < 5
    assert all(moment - held_from >= 0.99 for moment in passed if moment not in early)


def test_a_gate_that_is_closed_gives_its_session_back(gate: Callable[..., CallGate]) -> None:
    def sessions() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.05), count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return int(cursor.fetchone()[1])

    before = sessions()
    one = gate()
    one.enter(READING)
    assert sessions() == before + 1
    one.close()
    for _ in range(1200):  # the server takes its time to see it
        if sessions() == before:
            break
    assert sessions() == before


def test_the_other_kinds_of_calls_go_on_when_one_has_failed_too_often(gate: Callable[..., CallGate]) -> None:
    one = gate(patience=0.3)
    for kind in (CallKind.DEVICES, CallKind.MESSAGES, READING):
        for _ in range(THRESHOLD):
            one.enter(kind)
            one.failed(kind, DOWN)
        with pytest.raises(Unreachable, match="left alone"):
            one.enter(kind)
    for kind in (SWITCHING, CallKind.SETTINGS):
        one.enter(kind)


def test_switching_is_the_last_to_stop(gate: Callable[..., CallGate]) -> None:
    one = gate(patience=0.3)
    for number in range(2 * THRESHOLD):
        assert (number, breaker(SWITCHING).open_until if number else None) == (number, None)
        one.enter(SWITCHING)
        one.failed(SWITCHING, DOWN)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE lines_breaker SET failures = 200, open_until = clock_timestamp()")
    one.failed(SWITCHING, DOWN)
    opened_until = breaker(SWITCHING).open_until
    assert opened_until is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM %s - clock_timestamp())", [opened_until])
        assert 50 < float(cursor.fetchone()[0]) <= 60


def test_an_odd_answer_about_one_sim_counts_for_no_breaker(gate: Callable[..., CallGate]) -> None:
    one, odd = gate(), Malformed("a counter is a text", body=b"{}")
    odd.about_one = True
    one.enter(READING)
    one.failed(READING, DOWN)
    for _ in range(2 * THRESHOLD):
        one.enter(READING)
        one.failed(READING, odd)
    assert (breaker().failures, breaker().open_until, breaker().last_failure) == (0, None, str(odd))


def test_a_long_not_now_pauses_its_kind_and_the_others_for_a_minute_only(gate: Callable[..., CallGate]) -> None:
    one, other = gate(patience=0.2), gate(patience=70.0)
    one.enter(READING)
    one.failed(READING, Unreachable("not now", retry_after=900.0))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM next_call_at - clock_timestamp()) FROM lines_carrierhealth"
            " WHERE carrier_id = %s",
            [breaker().carrier_id],
        )
        assert 55 < float(cursor.fetchone()[0]) <= 60
        cursor.execute("UPDATE lines_carrierhealth SET next_call_at = clock_timestamp()")  # a minute later
    other.enter(SWITCHING)
    with pytest.raises(Unreachable, match="asked to be left alone") as refusal:
        one.enter(READING)
    assert 890 < (refusal.value.retry_after or 0) <= 900


def test_a_person_lifts_what_keeps_us_from_calling(carrier: Carrier, gate: Callable[..., CallGate]) -> None:
    one = gate(patience=0.2)
    opened(one)
    one.failed(CallKind.DEVICES, DOWN)  # no row yet: nothing to count
    one.enter(CallKind.DEVICES)
    one.failed(CallKind.DEVICES, Unreachable("not now", retry_after=900.0))
    assert lift(carrier=carrier, by=BY, kind=CallKind.DEVICES) == 1
    one.enter(CallKind.DEVICES)
    with pytest.raises(Unreachable, match="left alone"):
        one.enter(READING)
    assert lift(carrier=carrier, by=BY) == 1
    one.enter(READING)
    assert lift(carrier=carrier, by=BY) == 0
    assert [event.detail["kinds"] for event in Event.objects.filter(verb="carrier.lifted").order_by("pk")] == [
        ["devices"],
        ["reading"],
    ]


def end_sessions() -> None:
    """What a restart of the server does to everybody else's session."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_gate_whose_session_the_server_ends_goes_on_with_a_new_one(gate: Callable[..., CallGate]) -> None:
    one = gate()
    one.enter(READING)
    for _ in range(2):
        end_sessions()
        one.enter(READING)
    end_sessions()
    one.failed(READING, DOWN)
    assert breaker().failures == 1
    end_sessions()
    one.succeeded(READING)
    assert breaker().failures == 0


def test_an_answer_is_not_lost_where_it_cannot_be_counted(
    gate: Callable[..., CallGate], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = gate()
    one.enter(READING)

    def gone(*_given: object) -> None:
        raise OperationalError("the database is starting up")

    monkeypatch.setattr(one, "_ask", gone)
    one.succeeded(READING)
    one.failed(READING, DOWN)
    with pytest.raises(OperationalError):
        one.enter(READING)
    monkeypatch.undo()
    one.enter(READING)


def test_a_mended_answer_is_kept_once_a_call_and_day_with_its_last_body(gate: Callable[..., CallGate]) -> None:
    for body in (b'{"a": 1,}', b'{"a": 2,}'):
        gate().mended("GET /simcards/…", body)
    row = Quarantine.objects.get()
    assert (row.times, bytes(row.body), row.is_mended, row.line_id) == (2, b'{"a": 2,}', True, None)
    gate().mended("GET /balance", b"{,}")
    assert Quarantine.objects.count() == 2
