"""Carriers' cycles as the second books count them. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

DAY = dt.timedelta(days=1)
BEGINNING = dt.datetime.min.replace(tzinfo=dt.UTC)


@lru_cache(maxsize=4096)
def cycle_of(day: dt.date, cycle_day: int) -> dt.date:
    """The first day of the cycle that `day` is in."""
    year, month = (day.year, day.month) if day.day >= cycle_day else (day.year, day.month - 1)
    return dt.date(year, month, cycle_day) if month else dt.date(year - 1, 12, cycle_day)


@lru_cache(maxsize=4096)
def following(cycle: dt.date) -> dt.date:
    """The first day of the cycle after this one."""
    return dt.date(cycle.year + cycle.month // 12, cycle.month % 12 + 1, cycle.day)


@dataclass(frozen=True, slots=True)
class Turn:
    """The day of the month on which cycles begin: decided at a moment, in force from a boundary on (None: at once)."""

    cycle_day: int
    decided: dt.datetime = BEGINNING
    since: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """A carrier's cycles; until a new day of the month is in force, the cycle that was open goes on."""

    turns: tuple[Turn, ...]

    def of(self, at: dt.datetime) -> dt.date:
        """The first day of the cycle that a moment is in."""
        decided = [turn for turn in self.turns if turn.decided <= max(at, self.turns[0].decided)]
        start = cycle_of(at.date(), decided[-1].cycle_day)
        since = decided[-1].since
        if since is None or start >= since or len(decided) == 1:
            return start
        return Calendar(tuple(decided[:-1])).of(decided[-1].decided)

    def on(self, day: dt.date) -> dt.date:
        """The first day of the cycle that a whole day is in, by what is decided at its end."""
        return self.of(dt.datetime.combine(day, dt.time.max, dt.UTC))

    def last_day(self, cycle: dt.date) -> dt.date:
        if len(self.turns) == 1:
            return following(cycle) - DAY
        day = cycle
        while self.of(midnight(day + DAY)) == cycle:
            day += DAY
        return day


def midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def month_part(per_month: Decimal, day: dt.date, cycle: dt.date) -> Decimal:
    """What a day owes of a monthly fee, USD: all through it less all before it, each in whole millionths."""
    days, number = (following(cycle) - cycle).days, (day - cycle).days
    doubled = 2 * int(per_month * 1_000_000)
    through, before = ((doubled * count + days) // (2 * days) for count in (number + 1, number))
    return Decimal(through - before) / 1_000_000


BY_MONTH = Calendar((Turn(1),))
