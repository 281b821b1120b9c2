"""Histories nobody would think of, against the oracle: usage, late and repeated readings, resets, prices, credits."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from accounts.policy import OPERATOR
from billing.commands import adjust, seal_days
from billing.models import Entry, UsageDay
from lines.carriers.base import Reading
from lines.commands.wishes import enforce
from lines.models import Line, LineDay, Price, RatePlan
from tests.fleets import ON, Fleet, books_hold, wallet
from tests.oracle import Oracle, OracleLine, Plan, month_of

START = dt.datetime(2026, 10, 29, 18, 0, tzinfo=dt.UTC)
OCTOBER = dt.date(2026, 10, 1)
SUITE, LONG = 25, 400
EXAMPLES = LONG if settings.default and settings.default.max_examples > 100 else SUITE


@dataclass
class Sim:
    """What a SIM really used, and what its carrier shows of it."""

    line: Line
    oracle: OracleLine
    months: dict[dt.date, int] = field(default_factory=dict)
    last_month: dt.date = OCTOBER
    counter: int = 0  # IoT Portal's
    cycle: dt.date = OCTOBER
    true_bytes: int = 0
    before: int | None = None  # true bytes at the baseline
    readings: list[tuple[dt.datetime, Reading, int]] = field(default_factory=list)
    corrected: bool = False

    def use(self, now: dt.datetime, number: int) -> None:
        self.true_bytes += number
        self.last_month = month_of(now.date())
        self.months[self.last_month] = self.months.get(self.last_month, 0) + number
        self.counter += number

    def correct(self, number: int) -> None:
        self.corrected = True
        self.months[self.last_month] = max(0, self.months.get(self.last_month, 0) - number)
        self.counter = max(0, self.counter - number)

    def reset(self, now: dt.datetime) -> None:
        """IoT Portal begins to count the running cycle, late perhaps."""
        if self.cycle < month_of(now.date()):
            self.cycle, self.counter = month_of(now.date()), 0

    def seen(self, now: dt.datetime) -> Reading:
        if self.oracle.timed:
            return Reading(self.line.iccid, self.months.get(self.last_month, 0), self.last_month, ON)
        return Reading(self.line.iccid, self.counter, None, ON)


@dataclass
class World:
    """Two payers, one of them with a sub-account, and a SIM of each carrier for each holder."""

    fleet: Fleet
    now: dt.datetime = START
    oracle: Oracle = field(default_factory=Oracle)
    sims: list[Sim] = field(default_factory=list)

    def __post_init__(self) -> None:
        acme, bolt = self.fleet.account(credit="20"), self.fleet.account(credit="7")
        north = self.fleet.account(parent=acme)
        self.payers = {acme.name: acme, bolt.name: bolt}
        self.oracle.credits[acme.name].append(Decimal(20))
        self.oracle.credits[bolt.name].append(Decimal(7))
        self.prices: dict[str, list[tuple[dt.datetime | None, Decimal]]] = {}
        for kind in ("simbase", "iotportal"):
            self.prices[kind] = [(None, Decimal("0.01"))]
            for holder in (acme, bolt, north):
                line = self.fleet.line(holder, kind)
                payer = acme if holder == north else holder
                found = self.oracle.add(line.iccid, payer=payer.name, plan=Plan(()), timed=kind == "simbase")
                self.sims.append(Sim(line, found))
        self._replan()

    def _replan(self) -> None:
        for sim in self.sims:
            sim.oracle.plan = Plan(tuple(self.prices[sim.line.carrier.kind]))

    # Steps

    def wait(self, minutes: int) -> None:
        self.now += dt.timedelta(minutes=minutes)

    def use(self, which: int, number: int) -> None:
        self.sims[which].use(self.now, number)

    def correct(self, which: int, number: int) -> None:
        sim = self.sims[which]
        if sim.oracle.timed or sim.cycle == month_of(self.now.date()):  # a counter that goes down before its reset
            sim.correct(number)  # cannot be told from the reset itself

    def reset(self, which: int) -> None:
        self.sims[which].reset(self.now)

    def fetch(self, which: list[int]) -> None:
        """Answers arrive and are kept: any of them may be applied now, later, again or never."""
        for number in which:
            sim = self.sims[number]
            sim.readings.append((self.now, sim.seen(self.now), sim.true_bytes))

    def apply(self, picks: list[tuple[int, int]]) -> None:
        """A page for each moment: the newest kept answers of some SIMs, or older ones."""
        pages: dict[tuple[str, dt.datetime], list[tuple[Sim, Reading, int]]] = {}
        for which, back in picks:
            sim = self.sims[which]
            if not sim.readings:
                self.fetch([which])
            moment, reading, true_bytes = sim.readings[-1 - back % len(sim.readings)]
            pages.setdefault((sim.line.carrier.kind, moment), []).append((sim, reading, true_bytes))
        for (kind, moment), page in pages.items():
            self.fleet.apply(kind, moment, [reading for _, reading, _ in page])
            for sim, reading, true_bytes in page:
                sim.oracle.read(moment, reading.counter, reading.cycle)
                if sim.before is None:
                    sim.before = true_bytes

    def read_all(self) -> None:
        self.fetch(list(range(len(self.sims))))
        self.apply([(number, 0) for number in range(len(self.sims))])

    def price(self, kind: str, cents: int, minutes: int) -> None:
        since = self.now + dt.timedelta(minutes=minutes)
        if since > (self.prices[kind][-1][0] or START):
            self.prices[kind].append((since, Decimal(cents) / 1000))
            Price.objects.create(plan=self.fleet.plans[kind], valid_from=since, per_mb=Decimal(cents) / 1000)
            self._replan()

    def credit(self, which: int, cents: int) -> None:
        name, account = list(self.payers.items())[which % 2]
        adjust(account=account, amount=Decimal(cents) / 100, reason="a history", by=OPERATOR)
        self.oracle.credits[name].append(Decimal(cents) / 100)

    def seal(self) -> None:
        seal_days(before=self.now.date())
        self.oracle.seal(self.now.date())
        enforce(today=self.now.date())

    def settle(self) -> None:
        """Final totals of all months that are over."""
        for sim in self.sims:
            for month, total in sorted(sim.months.items()):
                if sim.oracle.timed and month < month_of(self.now.date()):
                    final = Reading(sim.line.iccid, total, month)
                    self.fleet.apply("simbase", self.now, [final], are_finals=True)
                    sim.oracle.final_total(self.now, month, total)

    # Truths

    def holds(self) -> None:
        books_hold()
        found = {
            (row.account.name, row.day): row.usage for row in UsageDay.objects.select_related("account") if row.usage
        }
        assert found == self.oracle.usage()
        numbers = {price: number for plan in self.fleet.plans.values() for number, price in enumerate(_price_ids(plan))}
        rows = LineDay.objects.select_related("line")
        lines: dict[str, Any] = {sim.line.iccid: {} for sim in self.sims}
        for row in rows:
            lines[row.line.iccid][row.day, numbers[row.price_id]] = (row.used, row.cost)
        assert lines == {sim.line.iccid: sim.oracle.days() for sim in self.sims}
        for name, account in self.payers.items():
            money = wallet(account)
            assert (money.posted, money.accrued) == (self.oracle.posted(name), self.oracle.accrued(name))
            entries = Entry.objects.filter(account=account, kind="usage").order_by("id")
            parts: dict[tuple[str, dt.date], list[Decimal]] = {}
            for entry in entries:
                parts.setdefault((name, entry.day), []).append(-entry.amount)
            assert parts == {key: found for key, found in self.oracle.sealed.items() if key[0] == name}
        for sim in self.sims:  # nobody pays for more than was used since the baseline
            charged = sum(number for number, _ in sim.oracle.days().values())
            assert charged <= sim.true_bytes - (sim.before or 0)


def _price_ids(plan: RatePlan) -> list[int]:
    """A plan's prices in the order in which they came into force."""
    prices = list(Price.objects.filter(plan=plan))
    return [price.pk for price in sorted(prices, key=lambda price: price.valid_from or START - dt.timedelta(days=999))]


WHICH = st.integers(0, 5)
BYTES = st.one_of(st.integers(1, 2_000), st.integers(1, 300_000_000))
STEPS = st.one_of(
    st.tuples(st.just("use"), WHICH, BYTES),
    st.tuples(st.just("use"), WHICH, BYTES),
    st.tuples(st.just("wait"), st.sampled_from([1, 7, 61, 600, 1440, 2000, 30_000, 50_000])),
    st.tuples(st.just("read_all")),
    st.tuples(st.just("fetch"), st.lists(WHICH, min_size=1, max_size=6)),
    st.tuples(st.just("apply"), st.lists(st.tuples(WHICH, st.integers(0, 3)), min_size=1, max_size=8)),
    st.tuples(st.just("correct"), WHICH, BYTES),
    st.tuples(st.just("reset"), WHICH),
    st.tuples(st.just("price"), st.sampled_from(["simbase", "iotportal"]), st.integers(0, 90), st.integers(-300, 300)),
    st.tuples(st.just("credit"), st.integers(0, 1), st.sampled_from([-300, -1, 1, 50, 1000])),
    st.tuples(st.just("seal")),
    st.tuples(st.just("settle")),
)


@pytest.mark.django_db
@given(history=st.lists(STEPS, min_size=5, max_size=30))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_every_history_of_readings_costs_what_the_rules_say(db: None, history: list[tuple[Any, ...]]) -> None:
    with transaction.atomic():
        world = World(Fleet())
        world.read_all()
        for name, *arguments in history:
            getattr(world, name)(*arguments)
            if name not in ("use", "wait", "fetch", "correct", "reset"):
                world.holds()
        world.read_all()
        world.wait(1440)
        world.seal()
        world.holds()
        event(f"{sum(sim.corrected for sim in world.sims)} lines were corrected")
        transaction.set_rollback(True)


@pytest.mark.django_db
@given(
    counters=st.lists(st.integers(0, 1 << 40), min_size=1, max_size=12),
    data=st.data(),
)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_readings_of_a_day_in_any_order_and_number_cost_the_same(
    db: None, counters: list[int], data: st.DataObject
) -> None:
    """Once in order against: split into pages, shuffled, each up to three times."""
    ordered = sorted(counters)
    again = data.draw(st.permutations([c for c in ordered for _ in range(data.draw(st.integers(1, 3)))]))
    with transaction.atomic():
        fleet = Fleet()
        once, often = fleet.line(fleet.account()), fleet.line(fleet.account())
        for line in (once, often):
            fleet.read(line, "2026-11-20T00:00", 0)
        for number, counter in enumerate(ordered):
            fleet.read(once, f"2026-11-20T01:{number:02}", counter)
        start = 0
        while start < len(again):
            size = data.draw(st.integers(1, 5))
            page = [Reading(often.iccid, counter, dt.date(2026, 11, 1), ON) for counter in again[start : start + size]]
            fleet.apply("simbase", "2026-11-20T01:00", page)
            start += size
        assert wallet(once.account).accrued == wallet(often.account).accrued
        books_hold()
        transaction.set_rollback(True)
