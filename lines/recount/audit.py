"""The two sets of books side by side: what lines' days cost by the first, and by the second from kept readings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import connection, transaction

from lines.recount import source
from lines.recount.bulk import NO_CYCLE, Days, Fleet, Marks, Readings, Tariff, recount
from lines.recount.calendars import BEGINNING
from lines.recount.compare import Owed, compare
from lines.recount.found import SHOWN
from lines.recount.replay import beginning_of, replay
from lines.recount.rules import Dated, NoPrice, Told
from lines.recount.source import LineFacts, Market

READINGS_AT_ONCE = 2_000_000
FEWEST_LINES, MOST_LINES = 200, 20_000
ASKED_BEFORE = dt.timedelta(days=2)  # an answer may be taken in so long after it was asked for


@dataclass(slots=True)
class Found:
    """What was compared, and where the books differ."""

    lines: int = 0
    line_days: int = 0
    readings: int = 0
    one_by_one: int = 0  # lines that are not ordinary
    differences: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)
    through: int = 0  # the id of the last line
    is_whole: bool = False  # no line is left

    def add(self, other: Found) -> None:
        for name in ("lines", "line_days", "readings", "one_by_one", "differences"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.first = (self.first + other.first)[:SHOWN]
        self.through, self.is_whole = other.through, other.is_whole


@dataclass(frozen=True, slots=True)
class Scope:
    """Which lines, and since which day; all of them and from the beginning where nothing is said."""

    since: dt.date | None = None
    iccid: str | None = None
    payer: int | None = None

    @property
    def since_day(self) -> dt.date:
        return self.since or dt.date.min

    @property
    def since_moment(self) -> dt.datetime:
        return dt.datetime.combine(self.since, dt.time(), dt.UTC) if self.since else BEGINNING


def recompute(*, scope: Scope, today: dt.date, after: int = 0) -> Iterator[Found]:
    """Slice after slice of the lines after this id, each on one snapshot: stop whenever, go on later."""
    size = FEWEST_LINES
    while True:
        with transaction.atomic():
            if not connection.in_atomic_block or len(connection.savepoint_ids) == 0:
                _one_snapshot()
            found = _slice(scope, source.market(), today, after, size)
        yield found
        if found.is_whole:
            return
        after = found.through
        size = _next_size(size, found)


def _one_snapshot() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _next_size(size: int, found: Found) -> int:
    """As many lines as have about so many readings: memory stays the same for dense and for sparse ones."""
    wanted = size * READINGS_AT_ONCE // max(1, found.readings)
    return max(FEWEST_LINES, min(MOST_LINES, wanted, size * 8))


def _slice(scope: Scope, market: Market, today: dt.date, after: int, size: int) -> Found:
    lines = source.facts(after=after, limit=size, since=scope.since_moment, iccid=scope.iccid, payer=scope.payer)
    found = Found(lines=len(lines), through=lines[-1].id if lines else after, is_whole=len(lines) < size)
    if not lines:
        return found
    begins = min(beginning_of(line) for line in lines)
    kept = source.readings(lines, since=begins if begins == BEGINNING else begins - ASKED_BEFORE)
    owed = Owed(lines, market)
    days, odd = _ordinary(lines, kept, market)
    owed.add_days(days)
    for place in np.flatnonzero(odd).tolist():
        _by_itself(place, lines[place], kept, market, owed)
    owed.add_given(odd)
    owed.add_fees(today, odd)
    found.readings, found.one_by_one = len(kept.told), int(odd.sum())
    found.line_days, differences = compare(owed, source.booked(lines, since=scope.since_day), scope.since_day)
    found.differences, found.first = len(differences), differences[:SHOWN]
    return found


def _ordinary(lines: list[LineFacts], kept: source.Kept, market: Market) -> tuple[Days, Marks]:
    tariffs: dict[int, Tariff] = {}
    numbers: dict[tuple[tuple[dt.datetime, int], ...], int] = {}
    plan, cycle_day, since, first_page = (np.zeros(len(lines), dtype=np.int64) for _ in range(4))
    special = np.zeros(len(lines), dtype=bool)
    for place, line in enumerate(lines):
        held = [one for one in line.holdings if one.payer is not None]
        turns = market.calendars[line.carrier].turns if line.carrier in market.calendars else ()
        is_plain = len(held) == 1 and line.holdings[-1].payer is not None and len(turns) == 1
        special[place] = bool(held) and (not is_plain or bool(line.decisions) or line.crosses(market))
        if not held or special[place]:
            first_page[place] = 2**62
            continue
        number = numbers.setdefault(tuple(line.plans), len(numbers))
        if number not in tariffs:
            tariffs[number] = _tariff(line, market)
        plan[place], cycle_day[place], first_page[place] = number, turns[0].cycle_day, held[0].after
        since[place] = 0 if line.openings else source.micros(held[0].since)
    told, pages = kept.told, kept.page
    counts = (pages > first_page[told.line]) & (told.at >= since[told.line])
    told = _with_openings(lines, told.only(counts), special)
    return recount(told, Fleet(plan, cycle_day, since, special), tariffs)


def _tariff(line: LineFacts, market: Market) -> Tariff:
    """The line's prices in order, over all the plans that it had."""
    plans = Dated(line.plans)
    moments = {moment for moment, _ in line.plans}
    for plan in {plan for _, plan in line.plans}:
        moments |= set(market.prices[plan].moments if plan in market.prices else ())
    found = [(moment, _price_at(moment, plans, market)) for moment in sorted(moments)]
    return Tariff(
        np.array([source.micros(moment) for moment, _ in found], dtype=np.int64),
        np.array([-1 if number is None else number for _, number in found], dtype=np.int64),
    )


def _price_at(moment: dt.datetime, plans: Dated[int], market: Market) -> int | None:
    plan = plans.at(moment)
    price = market.prices[plan].at(moment) if plan is not None and plan in market.prices else None
    return price.number if price else None


def _with_openings(lines: list[LineFacts], told: Readings, special: Marks) -> Readings:
    """Each line's readings after where it stood when they began to be kept."""
    given = [
        (place, one.read_at, one.counter, one.cycle)
        for place, line in enumerate(lines)
        if not special[place]
        for one in line.openings
    ]
    if not given:
        return told
    columns = (
        np.array([place for place, *_ in given], dtype=np.int64),
        np.array([source.micros(read or BEGINNING) for _, read, *_ in given], dtype=np.int64),
        np.array([counter for *_, counter, _ in given], dtype=np.int64),
        np.array([source.as_day(cycle) for *_, cycle in given], dtype=np.int64),
        np.zeros(len(given), dtype=bool),
        np.ones(len(given), dtype=bool),
        np.zeros(len(given), dtype=bool),
    )
    joined = Readings(
        *(np.concatenate((first, getattr(told, name))) for name, first in zip(Readings.__slots__, columns, strict=True))
    )
    return joined.only(np.argsort(joined.line, kind="stable"))


def _by_itself(place: int, line: LineFacts, kept: source.Kept, market: Market, owed: Owed) -> None:
    first, end = np.searchsorted(kept.told.line, [place, place + 1])
    told = (
        (
            int(kept.page[n]),
            Told(
                source.EPOCH + int(kept.told.at[n]) * source.MICROSECOND,
                int(kept.told.counter[n]),
                None if kept.told.cycle[n] == NO_CYCLE else source.as_date(kept.told.cycle[n]),
                bool(kept.told.is_final[n]),
                *kept.kind[int(kept.page[n])],
            ),
        )
        for n in range(first, end)
    )
    try:
        opened = line.openings[-1].payer if line.openings else None
        before = source.days_before(line, opened, market.floor(line)) if opened else {}
        for (payer, day, price), used in replay(line, told, market, before).items():
            owed.add(place, payer, source.as_day(day), price, used)
    except NoPrice as error:
        owed.failed[place] = str(error)
