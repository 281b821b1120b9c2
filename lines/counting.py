"""What a counter says: which cycle it is of, and whether it can be believed. Pure."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass

from lines import policy

GRACE = dt.timedelta(hours=72)  # so long after a boundary a counter without a time may be the old cycle's
PLAUSIBLE = 5 * 2**30  # bytes: what may always move between two readings
TIMES_LARGEST_DAY = 20
FINALS_AFTER = dt.timedelta(hours=24)  # after a month's end: carriers still add to it for a while


@dataclass(frozen=True, slots=True)
class Turns:
    """On which day of a month (1 to 28) a carrier's cycles begin. A day that was changed counts from the boundary

    `since` on; until then the cycle `before`, which was open, goes on.
    """

    day: int = 1
    since: dt.date | None = None
    before: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Cycles:
    """First days of the cycle that is running, of the one before it and of the one after."""

    before: dt.date
    running: dt.date
    following: dt.date


def cycles_around(day: dt.date, turns: Turns) -> Cycles:
    """The cycles around a day."""
    start = cycle_of(day, turns)
    if start == turns.before and turns.since is not None:
        return Cycles(_day_before(start, start.day), start, turns.since)
    before = turns.before if start == turns.since and turns.before else _day_before(start, start.day)
    return Cycles(before, start, policy.cycle_end(start) + dt.timedelta(days=1))


def cycle_of(day: dt.date, turns: Turns) -> dt.date:
    """The first day of the cycle that a day is in, also of days before the open cycle. In SQL: `cycle_sql`."""
    start = policy.cycle_start(day, turns.day)
    if turns.since is None or turns.before is None or start >= turns.since:
        return start
    return turns.before if day >= turns.before else policy.cycle_start(day, turns.before.day)


def cycle_sql(day: str, carrier: str) -> str:
    """`cycle_of` as SQL: of a date's expression and the alias of a row of lines_carrier."""
    start, before = _start_sql(day, f"{carrier}.cycle_day"), f"{carrier}.cycle_before"
    return (
        f"CASE WHEN {carrier}.cycle_since IS NULL OR {before} IS NULL OR {start} >= {carrier}.cycle_since THEN {start}"
        f" WHEN {day} >= {before} THEN {before} ELSE {_start_sql(day, f'extract(day FROM {before})::int')} END"
    )


def next_cycle_sql(day: str, carrier: str) -> str:
    """`cycles_around(...).following` as SQL: the first day of the cycle after the one that a day is in."""
    cycle = cycle_sql(day, carrier)
    return (
        f"CASE WHEN {carrier}.cycle_since IS NOT NULL AND {cycle} = {carrier}.cycle_before THEN {carrier}.cycle_since"
        f" ELSE ({cycle} + interval '1 month')::date END"
    )


def _start_sql(day: str, cycle_day: str) -> str:
    """`policy.cycle_start` as SQL."""
    return (
        f"((date_trunc('month', ({day})::timestamp) - CASE WHEN extract(day FROM {day}) < {cycle_day}"
        f" THEN interval '1 month' ELSE interval '0' END)::date + {cycle_day} - 1)"
    )


def _day_before(start: dt.date, cycle_day: int) -> dt.date:
    return policy.cycle_start(start - dt.timedelta(days=1), cycle_day)


class Judgement(enum.StrEnum):
    """Which case a counter without a time is."""

    STALE = "stale"
    SAME = "same"
    OPENS = "opens"
    LAGS = "lags"
    RETOLD = "retold"
    RESTARTS = "restarts"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a line when its counter comes: the cycle that is open and the highest counter in it, what was

    shown last and when, and when the baseline was asked for.
    """

    cycle: dt.date
    counter: int
    shown: int
    read_at: dt.datetime
    baseline_at: dt.datetime | None = None


def judge_without_time(told: int, at: dt.datetime, running: dt.date, line: Standing) -> Judgement:
    """What a counter is that says of no cycle, asked for at `at`, while `running` is the cycle by the calendar.

    Under half of what was shown last, soon after a boundary, is a reset; after 72 hours everything is the new cycle's.
    """
    boundary = dt.datetime.combine(running, dt.time(), dt.UTC)
    is_soon, is_reset = at < boundary + GRACE, told * 2 < line.shown
    if at < line.read_at:
        return Judgement.STALE
    if running < line.cycle:
        return Judgement.SAME
    if running == line.cycle:
        begun_since = line.baseline_at is not None and line.baseline_at >= boundary
        return Judgement.RESTARTS if is_soon and is_reset and begun_since else Judgement.SAME
    if is_soon:
        return Judgement.OPENS if is_reset or not line.counter else Judgement.LAGS
    return Judgement.RETOLD if line.read_at >= boundary else Judgement.OPENS


def unwrapped(told: int, before: int, wraps_at: int | None) -> int:
    """The counter, followed over its wrap: one that fell by more than half of what it can count began anew."""
    if wraps_at is None:
        return told
    turns, shown = before - before % wraps_at, before % wraps_at
    return turns + told + (wraps_at if told - shown < -wraps_at // 2 else 0)


def is_plausible(moved: int, largest_day: int) -> bool:
    """Whether a movement is charged at once; `largest_day`: the most that the line used on one of the last 30 days."""
    return moved <= max(PLAUSIBLE, TIMES_LARGEST_DAY * largest_day)
