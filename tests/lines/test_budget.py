"""A carrier's calls of a day are shared: a greedy tenant stops neither others' questions nor any deactivation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator import Running, running

from lines.carriers.base import CallKind, Switch, Unreachable
from lines.commands.budget import AskedTooOften, take_ask
from lines.models import AskedOfDay, CallsOfDay, Carrier, CarrierHealth, Line
from lines.policy.budget import ASKED_A_MINUTE, ASKED_SHARE, most_of_all, most_of_kind, share_of_asking
from lines.work.clients import close_clients
from lines.work.gate import CallGate
from lines.work.spending import switching
from tests.console.console_people import client_of
from tests.fleets import Fleet
from tests.worlds import Story


@given(
    per_day=st.integers(50, 100_000),
    held=st.lists(st.integers(1, 5_000), min_size=1, max_size=200),
)
def test_the_shares_of_all_accounts_are_no_more_than_there_is_and_nobody_has_none(
    per_day: int, held: list[int]
) -> None:
    shares = [share_of_asking(per_day, lines=n, all_lines=sum(held), accounts=len(held)) for n in held]
    assert min(shares) >= 1
    assert sum(shares) <= per_day * ASKED_SHARE + len(held)


def test_a_tenth_is_kept_for_switching_off() -> None:
    assert most_of_all(5000, off=True) == 5000
    assert most_of_all(5000, off=False) == 4500
    assert [most_of_kind(kind, 5000) for kind in CallKind if kind != CallKind.SWITCHING] == [
        4000,
        500,
        250,
        500,
        2500,
        50,
    ]


@pytest.fixture
def gate(transactional_db: None) -> Iterator[CallGate]:
    fleet = Fleet()
    Carrier.objects.filter(pk=fleet.carriers["simbase"].pk).update(calls_per_second=19, calls_per_day=20)
    made = CallGate(Carrier.objects.get(pk=fleet.carriers["simbase"].pk), patience=5.0)
    yield made
    made.close()


def spend(gate: CallGate, kind: CallKind) -> int:
    """Calls of this kind until there are no more."""
    made = 0
    with contextlib.suppress(Unreachable):
        while made < 100:
            gate.enter(kind)
            made += 1
    return made


def test_whatever_else_is_greedy_lines_are_switched_off(gate: CallGate) -> None:
    with switching(on=True):
        spent = {kind: spend(gate, kind) for kind in (CallKind.DEVICES, CallKind.READING, CallKind.SWITCHING)}
    assert spent == {CallKind.DEVICES: 2, CallKind.READING: 16, CallKind.SWITCHING: 0}  # 18 of 20, and then no more
    with pytest.raises(Unreachable, match="kept to switch lines off"):
        gate.enter(CallKind.DEVICES)
    with switching(on=False):
        assert spend(gate, CallKind.SWITCHING) == 2
        with pytest.raises(Unreachable, match="20 calls are used up"):
            gate.enter(CallKind.SWITCHING)
    assert dict(CallsOfDay.objects.values_list("kind", "calls")) == {"devices": 2, "reading": 16, "switching": 2}


def test_a_call_that_cannot_wait_takes_no_slot(gate: CallGate) -> None:
    """Clicks that gave up still pushed everybody's next call away, and counted."""
    Carrier.objects.update(calls_per_second=0.2)
    slow = CallGate(Carrier.objects.get(kind="simbase"), patience=0.2)
    slow.enter(CallKind.DEVICES)
    before = CarrierHealth.objects.get(carrier__kind="simbase")
    for _ in range(3):
        with pytest.raises(Unreachable, match="allows no call"):
            slow.enter(CallKind.READING)
    after = CarrierHealth.objects.get(carrier__kind="simbase")
    slow.close()
    assert (after.calls_today, after.next_call_at) == (before.calls_today, before.next_call_at)


def test_a_greedy_account_has_its_share_and_the_quiet_one_still_its_own(fleet: Fleet) -> None:
    carrier = fleet.carriers["simbase"]
    greedy, quiet = fleet.account(), fleet.account()
    many, (one,) = fleet.lines(greedy, 9), fleet.lines(quiet, 1)
    assert carrier.calls_per_day == 5000
    for _ in range(ASKED_A_MINUTE):
        take_ask(line=many[0])
    with pytest.raises(AskedTooOften):
        take_ask(line=many[0])
    AskedOfDay.objects.update(asked=share_of_asking(5000, lines=9, all_lines=10, accounts=2), asked_in_minute=0)
    with pytest.raises(AskedTooOften):
        take_ask(line=many[1])
    take_ask(line=one)
    assert AskedOfDay.objects.get(account=quiet).asked == 1


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=2, iotportal=1, clock="2026-11-20T12:00:00Z") as served:
        yield served


def test_a_greedy_tenant_beside_a_quiet_one(
    simulators: Running, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    """Sixty clicks of one used up the day for all, and the other's deactivation waited until midnight."""
    simulators.reset()
    close_clients()
    story = Story(simulators, monkeypatch, "2026-11-20T12:00")
    for name in ("greedy", "quiet"):
        story.account(name, credit="100")
    story.carrier("simbase", per_mb="0.01")
    for name, iccid in zip(("greedy", "quiet"), simulators.iccids("simbase", 2), strict=True):
        story.lines(name, "simbase", [iccid])
    story.sync(compare=False)
    Carrier.objects.update(calls_per_day=60)
    close_clients()
    greedy, quiet = (Line.objects.get(payer__name=name) for name in ("greedy", "quiet"))
    assert greedy.payer is not None
    assert quiet.payer is not None
    clicks = client_of(greedy.payer)
    for minute in range(30):
        story.at(f"2026-11-20T12:{minute + 10}")
        for what in ("location", "ask"):
            assert clicks.post(f"/lines/{greedy.iccid}/settings/{what}/").status_code in (200, 302)
    assert len(story.sim.calls(carrier="simbase", name="get_sim")) <= 60 * ASKED_SHARE + 1
    CarrierHealth.objects.update(calls_today=most_of_all(60, off=False), day="2026-11-20")  # and reading took the rest
    client_of(quiet.payer).post(f"/lines/{quiet.iccid}/deactivate/", {"now": "1"})
    story.at("2026-11-21T00:00")
    CarrierHealth.objects.update(calls_today=most_of_all(60, off=False), day="2026-11-21")
    synced = story.sync(compare=False)
    quiet.state.refresh_from_db()
    assert quiet.state.reported == Switch.OFF, (synced, vars(quiet.state), list(CallsOfDay.objects.values()))
    close_clients()
