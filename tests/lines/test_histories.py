"""Histories nobody would think of, against the second books, which share nothing with what charges.

Usage, late and repeated readings, resets, corrections, boundaries, wraps, movements beyond belief, final totals,
prices, plans, holders, stock that is taken, credits. The model hears what happened from the test itself; at the end
the second books are asked what the kept readings say.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st
from kit import clock

from accounts.policy import OPERATOR
from billing.commands import adjust, seal_days
from billing.models import Entry
from lines.carriers.base import Reading
from lines.commands.adding import NewLine, add_lines
from lines.commands.holders import assign
from lines.commands.plans import change_plan_of_lines
from lines.commands.wishes import enforce
from lines.models import Line, LineDay, Price, RatePlan
from lines.recount.replay import replay
from lines.recount.rules import BEGINNING, Calendar, Dated, Told, Turn, cycle_of, data_price
from lines.recount.rules import Price as DatedPrice
from lines.recount.source import Holding, LineFacts, Market
from tests.fleets import ON, Fleet, books_hold, wallet
from tests.lines.test_second_books import second_books

START = dt.datetime(2026, 10, 29, 18, 0, tzinfo=dt.UTC)
SUITE = 150  # histories of the first test; the second has a third of it
EXAMPLES = int(os.environ.get("HISTORIES", SUITE))
WRAP = 2**32
KB_FOR_MB = 1024


@dataclass
class Sim:
    """What a SIM really used, what its carrier shows of it, and all that was told of it."""

    line: Line
    facts: LineFacts
    cycle_day: int
    wraps_at: int | None = None
    counter: int = 0
    cycle: dt.date = dt.date(2026, 10, 1)
    months: dict[dt.date, int] = field(default_factory=dict)  # the carrier's own totals
    answers: list[tuple[dt.datetime, Reading]] = field(default_factory=list)
    told: list[tuple[int, Told]] = field(default_factory=list)

    @property
    def timed(self) -> bool:
        return self.line.carrier.kind == "simbase"

    def cycle_at(self, now: dt.datetime) -> dt.date:
        return cycle_of(now.date(), self.cycle_day)

    def use(self, now: dt.datetime, number: int) -> None:
        if self.timed and self.cycle < self.cycle_at(now):
            self.reset(now)
        self.counter += number
        self.months[self.cycle] = self.counter

    def correct(self, number: int) -> None:
        self.counter = max(0, self.counter - number)
        self.months[self.cycle] = self.counter

    def reset(self, now: dt.datetime) -> None:
        """The carrier begins to count the running cycle, late perhaps."""
        if self.cycle < self.cycle_at(now):
            self.cycle, self.counter = self.cycle_at(now), 0

    def shows(self, times: int = 1) -> Reading:
        counter = self.counter * times % (self.wraps_at or 2**62)
        return Reading(self.line.iccid, counter, self.cycle if self.timed else None, ON)


@dataclass
class World:
    """Two payers, one of them with a sub-account; a SIM of each carrier for each holder, and one of each in stock."""

    fleet: Fleet
    cycle_day: int = 1
    wraps: bool = False
    now: dt.datetime = START
    page: int = 0
    sims: list[Sim] = field(default_factory=list)
    credits: dict[int, Decimal] = field(default_factory=dict)
    plans: dict[str, list[RatePlan]] = field(default_factory=dict)
    prices: dict[int, list[tuple[dt.datetime, DatedPrice]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.acme, self.bolt = self.fleet.account(credit="20"), self.fleet.account(credit="7")
        self.north = self.fleet.account(parent=self.acme)
        self.credits = {self.acme.pk: Decimal(20), self.bolt.pk: Decimal(7)}
        self.names = {self.acme.pk: self.acme, self.bolt.pk: self.bolt}
        for kind, carrier in self.fleet.carriers.items():
            if kind == "iotportal" and self.cycle_day != 1:
                carrier.cycle_day = self.cycle_day
                carrier.save()
            dear = RatePlan.objects.create(name=f"{kind} dear", carrier=carrier)
            Price.objects.create(plan=dear, valid_from=None, per_mb=1)
            self.plans[kind] = [self.fleet.plans[kind], dear]
            for plan in self.plans[kind]:
                self.prices[plan.pk] = [(BEGINNING, _dated(price)) for price in plan.prices.all()]
            for holder in (self.acme, self.bolt, self.north, None):
                self.sims.append(self._sim(self.fleet.line(holder, kind), holder and holder.payer_id))

    def _sim(self, line: Line, payer: int | None) -> Sim:
        facts = LineFacts(line.pk, line.iccid, line.carrier_id)
        facts.plans.append((BEGINNING, line.plan_id))
        facts.holdings.append(Holding(BEGINNING, payer, 0))
        timed = line.carrier.kind == "simbase"
        sim = Sim(line, facts, 1 if timed else self.cycle_day, WRAP if self.wraps and not timed else None)
        sim.cycle = sim.cycle_at(START)
        sim.counter = WRAP - 30_000_000 if sim.wraps_at else 0
        return sim

    # Steps

    def wait(self, minutes: int) -> None:
        self.now += dt.timedelta(minutes=minutes)

    def use(self, which: int, number: int) -> None:
        self.sims[which].use(self.now, number)

    def correct(self, which: int, number: int) -> None:
        self.sims[which].correct(number)

    def reset(self, which: int) -> None:
        self.sims[which].reset(self.now)

    def fetch(self, which: list[int]) -> None:
        """Answers arrive and are kept: any of them may be applied now, later, again or never."""
        for number in which:
            self.sims[number].answers.append((self.now, self.sims[number].shows()))

    def jump(self, which: int) -> None:
        """An answer in kB that is read as MB: a thousand times what is true."""
        self.sims[which].answers.append((self.now, self.sims[which].shows(KB_FOR_MB)))
        self.apply([(which, 0)])

    def apply(self, picks: list[tuple[int, int]]) -> None:
        """A page for each moment: the newest kept answers of some SIMs, or older ones."""
        pages: dict[tuple[str, dt.datetime], list[tuple[Sim, Reading]]] = {}
        for which, back in picks:
            sim = self.sims[which]
            if not sim.answers:
                self.fetch([which])
            moment, reading = sim.answers[-1 - back % len(sim.answers)]
            pages.setdefault((sim.line.carrier.kind, moment), []).append((sim, reading))
        for (kind, moment), page in pages.items():
            self._tell(kind, moment, page)

    def _tell(self, kind: str, moment: dt.datetime, page: list[tuple[Sim, Reading]], *, finals: bool = False) -> None:
        wraps_at = WRAP if self.wraps and kind == "iotportal" else None
        with clock.frozen(self.now):
            readings = [reading for _, reading in page]
            self.fleet.apply(kind, moment, readings, are_finals=finals, wraps_at=wraps_at)
        for sim, reading in page:
            self.page += 1
            sim.told.append(
                (self.page, Told(moment, reading.counter, reading.cycle, finals, kind == "simbase", wraps_at))
            )

    def read_all(self) -> None:
        self.fetch(list(range(len(self.sims))))
        self.apply([(number, 0) for number in range(len(self.sims))])

    def settle(self) -> None:
        """Final totals of all months that are over."""
        for sim in self.sims:
            for month, total in sorted(sim.months.items()):
                if sim.timed and month < sim.cycle_at(self.now):
                    self._tell("simbase", self.now, [(sim, Reading(sim.line.iccid, total, month))], finals=True)

    def price(self, kind: str, which: int, mills: int, minutes: int) -> None:
        since, plan = self.now + dt.timedelta(minutes=minutes), self.plans[kind][which]
        if since > max(self.prices[plan.pk][-1][0], START):
            made = Price.objects.create(plan=plan, valid_from=since, per_mb=Decimal(mills) / 1000)
            self.prices[plan.pk].append((since, _dated(made)))

    def plan(self, which: int, dear: int) -> None:
        sim = self.sims[which]
        if sim.facts.holdings[-1].payer is None:
            return
        plan = self.plans[sim.line.carrier.kind][dear]
        with clock.frozen(self.now):
            change_plan_of_lines(line_ids=[sim.line.pk], plan=plan, by=OPERATOR)
        line = Line.objects.get(pk=sim.line.pk)
        if line.plan_id != sim.facts.plans[-1][1]:
            assert line.plan_since is not None
            assert abs(line.plan_since - self.now) < dt.timedelta(seconds=1)
            sim.facts.plans.append((line.plan_since, line.plan_id))

    def hold(self, which: int, north: int) -> None:
        """To the sub-account or back: nobody pays another sum for it."""
        with clock.frozen(self.now):
            assign(line_ids=[self.sims[which].line.pk], holder=self.north if north else self.acme, by=OPERATOR)

    def take(self, which: int) -> None:
        """A line of stock becomes an account's: what it used before is nobody's."""
        sim = self.sims[which]
        if sim.facts.holdings[-1].payer is not None:
            return
        plan = self.plans[sim.line.carrier.kind][0]
        with clock.frozen(self.now):
            row = NewLine(1, sim.line.iccid, plan.name)
            added = add_lines(account=self.bolt, rows=[row], active=True, by=OPERATOR)
        assert added.lines == [row], added.bad
        sim.facts.holdings.append(Holding(self.now, self.bolt.pk, self.page))

    def credit(self, which: int, cents: int) -> None:
        account = (self.acme, self.bolt)[which]
        with clock.frozen(self.now):
            adjust(account=account, amount=Decimal(cents) / 100, reason="a history", by=OPERATOR)
        self.credits[account.pk] += Decimal(cents) / 100

    def seal(self) -> None:
        with clock.frozen(self.now):
            seal_days(before=self.now.date())
            enforce(today=self.now.date())

    # Truths

    def market(self) -> Market:
        prices = {plan: Dated(dated) for plan, dated in self.prices.items()}
        by_number = {price.number: price for dated in self.prices.values() for _, price in dated}
        calendars = {sim.facts.carrier: Calendar((Turn(sim.cycle_day),)) for sim in self.sims}
        return Market(prices, by_number, {}, calendars)

    def owed(self) -> dict[tuple[int, int, dt.date, int], tuple[int, Decimal]]:
        """(line, payer, day, price) -> bytes and cost, by the model."""
        market = self.market()
        return {
            (sim.line.pk, *key): (used, data_price(used, market.by_number[key[2]].per_mb))
            for sim in self.sims
            for key, used in replay(sim.facts, sim.told, market).items()
        }

    def holds(self) -> dict[tuple[int, int, dt.date, int], tuple[int, Decimal]]:
        owed = self.owed()
        rows = LineDay.objects.exclude(used=0)
        found = {(row.line_id, row.payer_id, row.day, row.price_id): (row.used, row.cost) for row in rows}
        assert found == owed
        for payer, account in self.names.items():
            cost = sum((cost for (_, who, _, _), (_, cost) in owed.items() if who == payer), Decimal(0))
            money = wallet(account)
            assert money.posted - money.accrued == self.credits[payer] - cost
        return owed

    def ends(self) -> None:
        """Two days later all is in the ledger, and the kept readings say the same."""
        self.wait(1440)
        self.read_all()
        for _ in range(2):
            self.wait(1440)
            self.seal()
        books_hold()
        owed = self.holds()
        days: dict[tuple[int, dt.date], Decimal] = {}
        for (_, payer, day, _), (_, cost) in owed.items():
            days[payer, day] = days.get((payer, day), Decimal(0)) + cost
        posted: dict[tuple[int, dt.date], Decimal] = {}
        for entry in Entry.objects.filter(kind="usage"):
            key = (entry.account_id, entry.day)
            posted[key] = posted.get(key, Decimal(0)) - entry.amount
        assert {key: cost for key, cost in posted.items() if cost} == {key: cost for key, cost in days.items() if cost}
        found = second_books(today=self.now.date())
        assert found.differences == 0, found.first
        event(f"{found.one_by_one} lines are not ordinary")


def _dated(price: Price) -> DatedPrice:
    return DatedPrice(price.pk, Decimal(price.per_mb), Decimal(price.per_day))


WHICH = st.integers(0, 7)
BYTES = st.one_of(st.integers(1, 2_000), st.integers(1, 300_000_000), st.integers(1, 7 * 2**30))
KIND = st.sampled_from(["simbase", "iotportal"])
STEPS = st.one_of(
    st.tuples(st.just("use"), WHICH, BYTES),
    st.tuples(st.just("use"), WHICH, BYTES),
    st.tuples(st.just("wait"), st.sampled_from([1, 7, 61, 600, 1440, 2000, 4500, 30_000, 50_000])),
    st.tuples(st.just("wait"), st.sampled_from([5, 300, 900])),
    st.tuples(st.just("read_all")),
    st.tuples(st.just("fetch"), st.lists(WHICH, min_size=1, max_size=6)),
    st.tuples(st.just("apply"), st.lists(st.tuples(WHICH, st.integers(0, 3)), min_size=1, max_size=8)),
    st.tuples(st.just("correct"), WHICH, BYTES),
    st.tuples(st.just("reset"), WHICH),
    st.tuples(st.just("jump"), WHICH),
    st.tuples(st.just("price"), KIND, st.integers(0, 1), st.integers(0, 90), st.integers(-300, 300)),
    st.tuples(st.just("plan"), WHICH, st.integers(0, 1)),
    st.tuples(st.just("hold"), st.sampled_from([0, 2, 4, 6]), st.integers(0, 1)),
    st.tuples(st.just("take"), st.sampled_from([3, 7])),
    st.tuples(st.just("credit"), st.integers(0, 1), st.sampled_from([-300, -1, 1, 50, 1000])),
    st.tuples(st.just("seal")),
    st.tuples(st.just("settle")),
)
UNSEEN = ("use", "wait", "fetch", "correct", "reset")  # they write nothing


@pytest.mark.django_db
@pytest.mark.timeout(900)  # it is as long as it has histories, and HISTORIES may be any number
@given(
    history=st.lists(STEPS, min_size=5, max_size=30),
    cycle_day=st.sampled_from([1, 1, 15, 28]),
    wraps=st.booleans(),
)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_every_history_costs_what_the_second_books_say(
    db: None, history: list[tuple[Any, ...]], cycle_day: int, wraps: bool
) -> None:
    note(f"{cycle_day=} {wraps=} {history}")
    with transaction.atomic():
        world = World(Fleet(), cycle_day, wraps)
        world.read_all()
        for name, *arguments in history:
            getattr(world, name)(*arguments)
            if name not in UNSEEN:
                world.holds()
        world.ends()
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.timeout(900)
@given(
    counters=st.lists(st.integers(0, 1 << 32), min_size=1, max_size=12),
    data=st.data(),
)
@settings(max_examples=EXAMPLES // 3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
