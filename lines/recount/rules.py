"""What a line owes, from its kept readings and from dated facts alone: the rules of usage as a person follows them.

Pure: no database, no clock. Times are UTC datetimes, data is in bytes, money in USD.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Generic, TypeVar

from lines.recount.calendars import BEGINNING, BY_MONTH, DAY, Calendar, midnight, month_part

INSTANT = dt.timedelta(microseconds=1)
GRACE = dt.timedelta(hours=72)  # so long after a boundary a carrier without times may still show the old cycle
PLAUSIBLE = 5 * 2**30  # bytes that may move between two readings of any line
TIMES_LARGEST_DAY = 20

T = TypeVar("T")


def data_price(used: int, per_mb: Decimal) -> Decimal:
    """bytes x USD per MB / 1,048,576, rounded half up to six places: once, whatever the number of readings."""
    with localcontext() as exactly:
        exactly.prec = 80
        return (Decimal(used) * per_mb / 1_048_576).quantize(Decimal("0.000001"), rounding=ROUND_HALF_UP)


class Dated(Generic[T]):
    """A value that changes with time: pairs of a moment and what holds from then on, in order."""

    __slots__ = ("moments", "values")

    def __init__(self, pairs: Iterable[tuple[dt.datetime, T]]) -> None:
        ordered = sorted(pairs, key=lambda pair: pair[0])
        self.moments = [moment for moment, _ in ordered]
        self.values = [value for _, value in ordered]

    def at(self, moment: dt.datetime) -> T | None:
        """What holds then; None before anything did."""
        number = bisect_right(self.moments, moment)
        return self.values[number - 1] if number else None


@dataclass(frozen=True, slots=True)
class Price:
    """`abroad` has the prices of countries that stand beside it, from the same moment on."""

    number: int  # the row's
    per_mb: Decimal
    per_day: Decimal = Decimal(0)
    abroad: Mapping[str, Price] = field(default_factory=dict)
    per_month: Decimal = Decimal(0)
    activation: Decimal = Decimal(0)

    @property
    def has_fee(self) -> bool:
        return bool(self.per_day or self.per_month or self.activation)


@dataclass(frozen=True, slots=True)
class Place:
    """From a moment on a line was in a country; told of after this reading, so that no earlier one knew of it."""

    since: dt.datetime
    country: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """A reading as the carrier gave it. `cycle`: where the carrier says which one the counter is of."""

    at: dt.datetime  # when it was asked for
    counter: int
    cycle: dt.date | None = None
    is_final: bool = False  # a finished cycle's total
    has_finals: bool = False  # such totals come from this carrier
    wraps_at: int | None = None  # its counters begin again at 0 there


@dataclass(frozen=True, slots=True)
class OnTime:
    """An unbroken time in which the line was on; the end is open, None: it still is."""

    started: dt.datetime
    ended: dt.datetime | None
    payer: int
    plan: int


@dataclass(slots=True)
class Owed:
    """What one day of a line costs one payer at one price."""

    used: int = 0
    fee: Decimal = Decimal(0)
    cycle: dt.date | None = None


Key = tuple[int, dt.date, int]  # payer, day, price


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes between two readings, the day and the moment that they are charged by, and the cycle that they are of."""

    at: dt.datetime
    earlier: dt.datetime
    day: dt.date
    began: dt.datetime
    used: int
    cycle: dt.date
    there: dt.datetime  # by when it is asked in which country it was
    page: int  # of readings, that it came with


@dataclass(frozen=True, slots=True)
class Held:
    """A movement that is not believed yet; `counter` is the cycle's highest if it is."""

    counter: int
    moved: Moved


@dataclass
class Course:
    """One line under one payer, reading after reading, in the order in which they were taken in."""

    payer: int
    plans: Dated[int]
    prices: dict[int, Dated[Price]]
    calendar: Calendar = BY_MONTH
    ours_since: dt.datetime = BEGINNING
    open: dt.date | None = None  # the cycle that the counter is in
    since: dt.date | None = None  # the cycle, by our clock, of the first reading
    highest: dict[dt.date, int] = field(default_factory=dict)
    read_in: dict[dt.date, dt.datetime] = field(default_factory=dict)  # when each cycle was last read
    last_at: dt.datetime = BEGINNING
    shown: int = 0  # by the carrier, last
    began_at: dt.datetime | None = None  # the baseline's moment, while its cycle may yet be reset late
    held: dict[dt.date, Held] = field(default_factory=dict)
    doubted: list[Moved] = field(default_factory=list)  # since a boundary, charged to the cycle before it
    boundary: dt.date | None = None
    days: dict[dt.date, int] = field(default_factory=lambda: defaultdict(int))  # bytes, at whatever price
    owed: dict[Key, Owed] = field(default_factory=lambda: defaultdict(Owed))
    places: list[Place] = field(default_factory=list)  # of this payer's time, in the order in which they were told
    page: int = 0  # of readings, that is being taken in

    def read(self, told: Told, page: int = 0) -> None:
        self.page = page
        if told.is_final:
            if self.open is not None and told.cycle is not None:
                self._counted(told, told.cycle)
            return
        if told.at < self.ours_since:
            return
        if self.open is None:
            self._first(told)
        elif told.cycle is not None:
            self._counted(told, min(told.cycle, self.calendar.of(told.at)))
        elif told.at >= self.last_at:
            self._without_time(told)
        else:
            return  # without a time nobody can say which cycle an old answer is of
        self.last_at = max(self.last_at, told.at)

    def rebase(self, cycle: dt.date, counter: int) -> None:
        """A person of the back office says what the counter is: nothing is charged by it."""
        self.highest[cycle] = self.shown = counter
        self.held.pop(cycle, None)

    def decide(self, cycle: dt.date, *, is_charged: bool) -> None:
        """A person believes a held movement, or lets it go: the counter goes on from there either way."""
        held = self.held.pop(cycle, None)
        if held is None:
            return
        before = self.highest.get(cycle, 0)  # answers that came late have charged a part of it
        if is_charged:
            self._add(held.moved, max(held.counter - before, 0))
        self.highest[cycle] = max(held.counter, before)

    def _first(self, told: Told) -> None:
        """The baseline: where the line's own usage begins. It charges nothing."""
        self.since = self.calendar.of(told.at)
        self.open = min(told.cycle or self.since, self.since)
        self.highest[self.open] = self.shown = told.counter
        self.read_in[self.open] = self.began_at = told.at

    def _without_time(self, told: Told) -> None:
        """Which cycle is a counter of that comes without a time?"""
        assert self.open is not None
        running = self.calendar.of(told.at)
        is_soon = told.at - midnight(running) < GRACE
        # A counter that a person or an opening gave may be past its wraps: the carrier shows what is left.
        is_reset = told.counter * 2 < (self.shown % told.wraps_at if told.wraps_at else self.shown)
        if running > self.open and not is_soon:
            self._tell_again(told, running)
        elif running > self.open and not is_reset and self.highest[self.open]:
            if self.boundary != running:
                self.boundary, self.doubted = running, []
            self.doubted += self._counted(told, self.open)
        else:
            if running == self.open and is_soon and is_reset and self._began_since(running):
                self.highest[running] = 0  # the baseline was still the old cycle's
                self.began_at = None
            self._counted(told, running if running > self.open else self.open)
        self.shown = told.counter

    def _began_since(self, running: dt.date) -> bool:
        return self.began_at is not None and self.began_at >= midnight(running)

    def _tell_again(self, told: Told, running: dt.date) -> None:
        """After 72 hours the counter is the new cycle's, and so is what was charged since the boundary."""
        assert self.open is not None
        old, highest = self.open, self.highest[self.open]
        if self.last_at < midnight(running):  # nothing was charged since
            self._counted(told, running)
            return
        newly = max(told.counter - highest, 0)
        held = self.held.get(old)
        agrees = held is not None and held.moved.at < told.at and told.counter >= held.counter
        if newly > self._plausible(told.at.date()) and not agrees:
            self.doubted += self._counted(told, old)  # held like any other; the next reading decides
            return
        doubted = self.doubted if self.boundary == running else []
        self._leave(running)
        self.boundary, self.doubted = None, []
        rest = told.counter
        for moved in doubted:
            self._add(moved, -moved.used)
            self.highest[old] -= moved.used
            part = min(moved.used, rest)
            rest -= part
            self._add(self._movement(moved.at, running, moved.earlier, part, page=moved.page), part)
        newly = min(newly, rest)
        self._add(self._movement(told.at, running, self.last_at, newly), newly)
        rest -= newly
        self._add(self._movement(midnight(running), running, midnight(running), rest), rest)
        self.highest[running] = told.counter
        self.held.pop(old, None)

    def _leave(self, cycle: dt.date) -> None:
        """A newer cycle is open: the one before is finished, and was read last when the line was."""
        assert self.open is not None
        self.read_in[self.open] = self.last_at
        self.open = cycle

    def _counted(self, told: Told, cycle: dt.date) -> list[Moved]:
        """The counter of a known cycle: what it moved above the highest seen in it."""
        assert self.open is not None
        assert self.since is not None
        is_late = cycle < self.open
        if is_late and cycle not in self.highest and not (told.has_finals and cycle >= self.since):
            return []  # not ours then, or a cycle of which nobody can say where we began
        earlier = self.read_in.get(cycle, BEGINNING) if is_late else self.last_at
        if is_late and not told.is_final:
            self.read_in[cycle] = max(told.at, earlier)
        if cycle > self.open:
            self._leave(cycle)
        before = self.highest.setdefault(cycle, 0)
        counter = _unwrapped(before, told)
        # By what was believed before this reading, also of a movement that it confirms.
        plausible = self._plausible(told.at.date()) if counter - before > PLAUSIBLE else PLAUSIBLE
        done, before = self._decided(told, cycle, counter, before)
        if counter <= before:
            return done
        moved = self._movement(told.at, cycle, earlier, counter - before, is_timed=told.cycle is not None)
        if moved.used > plausible:
            self.held.setdefault(cycle, Held(counter, moved))
            return done
        self._charge(moved, counter)
        return [*done, moved]

    def _decided(self, told: Told, cycle: dt.date, counter: int, before: int) -> tuple[list[Moved], int]:
        """What is held waits for a reading that was asked for later: it agrees, and what is still missing is charged to

        its own day and price; or it takes it back."""
        held = self.held.get(cycle)
        if held is None or told.at <= held.moved.at:
            return [], before
        del self.held[cycle]
        if counter < held.counter or held.counter <= before:
            return [], before
        moved = replace(held.moved, used=held.counter - before)
        self._charge(moved, held.counter)
        return [moved], held.counter

    def _plausible(self, day: dt.date) -> int:
        largest = max((self.days.get(day - n * DAY, 0) for n in range(1, 31)), default=0)
        return max(PLAUSIBLE, TIMES_LARGEST_DAY * largest)

    def _movement(
        self,
        at: dt.datetime,
        cycle: dt.date,
        earlier: dt.datetime,
        used: int,
        *,
        is_timed: bool = False,
        page: int | None = None,
    ) -> Moved:
        """Dated inside its cycle; priced at the earlier reading or where the cycle began, or by the day where that is
        more than a day ago. It was where the line was when it was read, or where its carrier said which cycle it is of
        when that day ended."""
        day = min(max(at.date(), cycle), self.calendar.last_day(cycle))
        is_far = earlier == BEGINNING or at - earlier > DAY
        began = max(midnight(day), self.ours_since) if is_far else max(earlier, midnight(cycle))
        there = min(at, midnight(day + DAY)) if is_far and is_timed else at
        return Moved(at, earlier, day, began, used, cycle, there, self.page if page is None else page)

    def _charge(self, moved: Moved, counter: int) -> None:
        self.highest[moved.cycle] = counter
        self._add(moved, moved.used)

    def _add(self, moved: Moved, used: int) -> None:
        if not used:
            return
        plan = self.plans.at(moved.began)
        price = self.prices[plan].at(moved.began) if plan in self.prices else None
        if price is None:
            raise NoPrice(f"no plan or price at {moved.began.isoformat()}")
        if price.abroad:
            price = price.abroad.get(self._country(moved), price)
        key = (self.payer, moved.day, price.number)
        row = self.owed[key]
        row.used += used
        row.cycle = row.cycle or moved.cycle
        self.days[moved.day] += used
        if not row.used and not row.fee:
            del self.owed[key]

    def _country(self, moved: Moved) -> str:
        """Of the session or look nearest to it that was told of before its page was taken in; empty: of none."""
        country, best = "", None
        for place in self.places:
            if place.after >= moved.page:
                continue
            is_over = place.since <= moved.there
            rank = (is_over, place.since - BEGINNING if is_over else BEGINNING - place.since)
            if best is None or rank >= best:
                country, best = place.country, rank
        return country


def _unwrapped(before: int, told: Told) -> int:
    """The counter, followed over its wrap: one that fell by more than half of what it can count began anew."""
    if told.wraps_at is None:
        return told.counter
    moved = told.counter - before % told.wraps_at
    return before + (moved + told.wraps_at if moved < -(told.wraps_at // 2) else moved)


class NoPrice(LookupError):
    """The dated plans and prices do not reach back to a movement."""


def fees(
    times: Sequence[OnTime], prices: dict[int, Dated[Price]], until: dt.date, calendar: Calendar = BY_MONTH
) -> dict[Key, Decimal]:
    """One fee for each day before `until` and payer that a time touches, of the plan that touches the day first: the
    day's, its part of the month's, and on the payer's very first day the activation's."""
    owed: dict[tuple[int, dt.date], tuple[dt.datetime, int]] = {}
    begun: dict[int, dt.date] = {}
    for time in times:
        day = time.started.date()
        begun[time.payer] = min(day, begun.get(time.payer, day))
        last = until - DAY if time.ended is None else _last_touched(time.started, time.ended)
        while day <= min(last, until - DAY):
            first = max(time.started, midnight(day))
            if (time.payer, day) not in owed or first < owed[time.payer, day][0]:
                owed[time.payer, day] = (first, time.plan)
            day += DAY
    found: dict[Key, Decimal] = {}
    for (payer, day), (first, plan) in owed.items():
        price = prices[plan].at(first)
        if price is None or not price.has_fee:
            continue
        fee = price.per_day + month_part(price.per_month, day, calendar.on(day))
        fee += price.activation if day == begun[payer] else 0
        if fee:
            found[payer, day, price.number] = fee
    return found


def _last_touched(started: dt.datetime, ended: dt.datetime) -> dt.date:
    """A time that ends at 00:00 does not touch the day that begins then, unless it is of no length at all."""
    return started.date() if ended <= started else (ended - INSTANT).date()
