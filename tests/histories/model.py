"""One line's life once more, in plain Python: what its carrier shows, what it is told of, and what follows from that.

It asks the product nothing. What counters say and cost is the second books' word (`lines.recount.rules`), which share
no code with what charges; when the line was on, what changed hands and who decided what is worked out here.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from lines.carriers.base import Reading, Status, Switch
from lines.recount.bundles import Month, Term, beyond, first_day_in
from lines.recount.calendars import Calendar, midnight
from lines.recount.rules import Course, Dated, OnTime, Place, Price, Told, data_price, fees
from tests.histories.drawn import NETWORKS, START, History, Network

INSTANT = dt.timedelta(microseconds=1)
DAY = dt.timedelta(days=1)
KB_FOR_MB = 1024
SHOWN = (Status(Switch.ON, "on"), Status(Switch.OFF, "off"), Status(Switch.ON, "stopped", blocked=True))
Row = tuple[int, dt.date, int]  # payer, day, price
Beyond = tuple[int, bool, dt.date, int]  # payer, whether it is a pool's, day, price


@dataclass(frozen=True)
class Answer:
    """What a carrier told, and when that page of it was asked for; a line by itself is asked a little later."""

    page_at: dt.datetime
    reading: Reading

    @property
    def at(self) -> dt.datetime:
        return self.reading.asked_at or self.page_at


@dataclass
class Carried:
    """What the carrier really counts: its own cycle, its counter, and the totals of its months."""

    network: Network
    calendar: Calendar
    cycle: dt.date
    counter: int = 0
    months: dict[dt.date, int] = field(default_factory=dict)
    status: Status = SHOWN[0]

    @property
    def is_timed(self) -> bool:
        return self.network.kind == "simbase"

    def use(self, now: dt.datetime, number: int) -> None:
        if self.is_timed:
            self.reset(now)
        self.counter += number
        self.months[self.cycle] = self.counter

    def correct(self, number: int) -> None:
        self.counter = max(0, self.counter - number)
        self.months[self.cycle] = self.counter

    def reset(self, now: dt.datetime) -> None:
        """It begins to count the running cycle, late perhaps."""
        running = self.calendar.of(now)
        if self.cycle < running:
            self.cycle, self.counter = running, 0

    def shows(self, iccid: str, now: dt.datetime, salt: int, times: int = 1) -> Answer:
        counter = self.counter * times % (self.network.wraps_at or 2**62)
        if self.is_timed:
            return Answer(now, Reading(iccid, counter, self.cycle, self.status))
        page_at = now - dt.timedelta(seconds=60)
        return Answer(
            page_at, Reading(iccid, counter, None, self.status, asked_at=page_at + salt * INSTANT * 4_000_000)
        )


@dataclass
class Life:
    """A line as the model has it. `payer`: who pays now; `courses`: each time that it was somebody's."""

    history: History
    iccid: str
    line: int
    accounts: tuple[int, int, int]  # its own, the sub-account, another one
    prices: dict[int, Dated[Price]]
    carried: Carried
    payer: int | None
    plan: int
    plans: list[tuple[dt.datetime, int]]
    fee_plans: frozenset[int]  # that have a fee at any time
    terms: dict[int, list[Term]]  # of plans, the prices that include data
    courses: list[Course] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    times: list[OnTime] = field(default_factory=list)
    is_wanted: bool = False
    wanted_at: dt.datetime = START
    reported: Status | None = None
    confirmed_at: dt.datetime | None = None
    on_since: dt.datetime | None = None
    settled: dt.date | None = None  # the last day of this time on that a sweep has charged
    request: int | None = None  # a counter that waits for a second person
    held_since: dt.datetime = START
    looked: dt.datetime | None = None
    seen: list[tuple[dt.datetime, int]] = field(default_factory=list)  # until when, and who paid
    places: dict[int, list[Place]] = field(default_factory=lambda: defaultdict(list))
    pages: int = 0  # of readings that this line was told of
    rebased: list[tuple[dt.datetime, Decimal]] = field(default_factory=list)

    @property
    def network(self) -> Network:
        return NETWORKS[self.history.network]

    @property
    def course(self) -> Course | None:
        return self.courses[-1] if self.payer is not None else None

    # Readings

    def read(self, answer: Answer, *, final: bool = False) -> None:
        one = answer.reading
        self.pages += 1
        if self.course is not None:
            wraps_at = self.network.wraps_at
            told = Told(answer.at, one.counter, one.cycle, final, self.carried.is_timed, wraps_at)
            self.course.read(told, self.pages)
        if one.status is None or (self.confirmed_at is not None and answer.at < self.confirmed_at):
            return
        self.confirmed_at, self.reported = answer.at, one.status
        self._turn(answer.at)

    def look(self, now: dt.datetime, country: str, session: tuple[dt.datetime, dt.datetime | None] | None) -> None:
        """Its carrier is asked where it is: seen between two looks, or in a session from when to when."""
        before, self.looked = self.looked, now
        if self.payer is None or self.course is None or self.course.open is None or not country:
            return
        started, ended = session or (max(before or now, self.held_since), now)
        if session and ended is not None and ended < self.held_since:
            return
        until = max((end for end, payer in self.seen if payer == self.payer), default=None)
        self.seen.append((ended or now, self.payer))
        known = self.places[self.payer]
        newest = max(known, key=lambda one: one.since, default=None)
        if newest is not None:
            newest = [one for one in known if one.since == newest.since][-1]
            if newest.country == country:
                return
        since = started
        if until is not None and until < started:
            since = started - (started - until) / 2
        is_there = session is None or ended is None
        if is_there and newest is not None and since <= newest.since:
            since = max(newest.since, before or now)
        if not any((one.since, one.country) == (since, country) for one in known):
            known.append(Place(since, country, self.pages))

    # Who pays, and at which plan

    def begins(self, payer: int, now: dt.datetime) -> None:
        self.payer = payer
        course = Course(payer, Dated(self.plans), self.prices, calendar=self.carried.calendar, ours_since=now)
        course.places = self.places[payer]
        before = [one for one in self.courses if one.payer == payer]
        course.days = before[0].days if before else course.days
        self.courses.append(course)

    def leaves(self, now: dt.datetime) -> None:
        self.want(now, on=False)
        self.payer = None

    def put_on(self, plan: int, now: dt.datetime) -> None:
        if plan == self.plan or self.payer is None:
            return
        self._off(now)
        self.plan = plan
        self.plans.append((now, plan))
        for course in self.courses:
            course.plans = Dated(self.plans)
        self._turn(now, began=max(now, self.times[-1].started) if self.times else now)

    # On and off

    def want(self, now: dt.datetime, *, on: bool) -> None:
        if self.payer is not None and on != self.is_wanted:
            self.is_wanted, self.wanted_at = on, now
            self._turn(now)

    def _is_on(self) -> bool:
        is_told = self.reported is not None and self.reported.switch is Switch.ON and not self.reported.blocked
        return self.payer is not None and self.is_wanted and is_told

    def _turn(self, moment: dt.datetime, began: dt.datetime | None = None) -> None:
        """On since the wish and the answer are both there; off from the one that ended it."""
        if self._is_on() and self.on_since is None:
            self.on_since = began or max(self.wanted_at, self.confirmed_at or self.wanted_at)
            self.settled = None
        elif not self._is_on():
            self._off(moment)

    def _off(self, moment: dt.datetime) -> None:
        """A day that is charged was one on which it was on."""
        if self.on_since is None or self.payer is None:
            return
        ended = max(self.on_since, moment)
        if self.settled is not None:
            ended = max(ended, midnight(self.settled) + INSTANT)
        self.times.append(OnTime(self.on_since, ended, self.payer, self.plan))
        self.on_since = None

    def fees_are_charged(self, today: dt.date) -> None:
        if self.on_since is not None and self.plan in self.fee_plans:
            self.settled = max(self.settled or today, today)

    # What follows

    def owed(self, until: dt.date, per_mb: dict[int, Decimal]) -> dict[Row, tuple[int, Decimal, Decimal]]:
        """Bytes, their cost and the fee of each payer, day and price; fees of days before `until`."""
        used: dict[Row, int] = defaultdict(int)
        for course in self.courses:
            for row, one in course.owed.items():
                used[row] += one.used
        fee = fees(self._times(), self.prices, until, self.carried.calendar)
        return {
            row: (used.get(row, 0), data_price(used.get(row, 0), per_mb[row[2]]), fee.get(row, Decimal(0)))
            for row in used.keys() | fee.keys()
            if used.get(row) or fee.get(row)
        }

    def _times(self) -> list[OnTime]:
        times = list(self.times)
        if self.on_since is not None and self.payer is not None:
            times.append(OnTime(self.on_since, None, self.payer, self.plan))
        return times

    def beyond(self, until: dt.date) -> dict[Beyond, tuple[int, int]]:
        """Bytes beyond its bundle, or a pool's that it has for itself, and millionths of a USD, by payer, whether it is
        a pool's, day and price. Whose times on and prices are known, what is beyond is the second books' word."""
        months: dict[tuple[int, int, bool, dt.date], Month] = defaultdict(Month)
        of_price = {term.number: (plan, term) for plan, terms in self.terms.items() for term in terms}
        for course in self.courses:
            for (payer, day, price), one in course.owed.items():
                if price in of_price and one.used > 0:
                    plan, term = of_price[price]
                    cycle = self.carried.calendar.on(day)
                    months[payer, plan, term.is_pooled, cycle].add(self.line, day, price, one.used)
        found: dict[Beyond, tuple[int, int]] = {}
        for (payer, plan, pooled, cycle), month in months.items():
            last = min(self.carried.calendar.last_day(cycle), until - DAY)
            for time in self._times():
                if (time.payer, time.plan) == (payer, plan):
                    first = first_day_in(time.started, time.ended, cycle, last)
                    if first is not None:
                        month.comes(self.line, first)
            terms = [term for term in self.terms[plan] if term.is_pooled == pooled]
            for (_, day, price), sums in beyond(month, cycle, terms, pooled=pooled).items():
                found[payer, pooled, day, price] = sums
        return found

    def held(self) -> set[tuple[int, dt.date, int]]:
        """Payer, cycle and counter of each movement that waits to be believed."""
        return {(one.payer, cycle, held.counter) for one in self.courses for cycle, held in one.held.items()}

    def standing(self) -> tuple[dt.date | None, int]:
        """The cycle that is open and the highest counter in it."""
        course = self.course
        if course is None or course.open is None:
            return None, 0
        return course.open, course.highest[course.open]
