"""The ordinary lines of a fleet at once: what `rules` says of them one by one, in arrays; it names what it leaves.

A line is ordinary where its readings came in order, nothing moved beyond belief and no boundary is in doubt; a counter
that goes down inside a cycle is ordinary where it can be nothing but a correction. Times are microseconds and days are
days since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lines.recount import rules

Numbers = NDArray[np.int64]
Marks = NDArray[np.bool_]

DAY: Final = 86_400_000_000
GRACE: Final = 72 * 3_600_000_000
NO_CYCLE: Final = -(2**31)
NEVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class Readings:
    """Columns, by line and then in the order in which they were taken in. `line` counts from 0; `cycle` may be absent.

    A given one is where a line stood when its readings began to be kept: its movement is charged already. `wraps`: its
    carrier's counters begin anew at some number.
    """

    line: Numbers
    at: Numbers
    counter: Numbers
    cycle: Numbers
    is_final: Marks
    is_given: Marks
    wraps: Marks

    def __len__(self) -> int:
        return len(self.line)

    def only(self, which: Any) -> Readings:
        return Readings(*(getattr(self, column)[which] for column in self.__slots__))


@dataclass(frozen=True, slots=True)
class Fleet:
    """Of each line: its plan, the day on which its cycle turns, since when its payer has it, and whether it must be

    looked at by itself anyway."""

    plan: Numbers
    cycle_day: Numbers
    since: Numbers
    is_special: Marks


@dataclass(frozen=True, slots=True)
class Tariff:
    """A plan's prices in order: from when on, and the rows' numbers."""

    since: Numbers
    price: Numbers


@dataclass(frozen=True, slots=True)
class Days:
    """Rows of (line, day, price), in that order, and what moved."""

    line: Numbers
    day: Numbers
    price: Numbers
    cycle: Numbers
    used: Numbers


@dataclass(frozen=True, slots=True)
class Times:
    """Unbroken times in which lines were on, in order; an end that is not there yet is NEVER."""

    line: Numbers
    payer: Numbers
    plan: Numbers
    started: Numbers
    ended: Numbers


def fees(times: Times, tariffs: Mapping[int, Tariff], until: int) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Line, payer, day and price of every day before this one that a time touches, of the plan that does first."""
    first_day = times.started // DAY
    last_day = np.where(times.ended <= times.started, first_day, (times.ended - 1) // DAY)
    count = np.maximum(np.minimum(last_day, until - 1) - first_day + 1, 0)
    time = np.repeat(np.arange(len(count)), count)
    day = first_day[time] + np.arange(len(time)) - np.repeat(np.cumsum(count) - count, count)
    began = np.maximum(times.started[time], day * DAY)
    order = np.lexsort((time, began, day, times.payer[time], times.line[time]))
    time, day, began = time[order], day[order], began[order]
    line, payer = times.line[time], times.payer[time]
    is_first = np.ones(len(time), dtype=bool)
    is_first[1:] = (line[1:] != line[:-1]) | (payer[1:] != payer[:-1]) | (day[1:] != day[:-1])
    price = _in_force(times.plan[time], began, tariffs)
    counts = is_first & (price >= 0)
    return line[counts], payer[counts], day[counts], price[counts]


def fee_of(fees: Numbers, day: Numbers, cycle_day: Numbers, is_first: Marks) -> Numbers:
    """What each day owes, in millionths: its fee a day, its part of the fee a month (all through it less all before
    it), and on a line's very first day the activation fee."""
    per_day, per_month, activation = fees
    cycle = cycle_of(day, cycle_day)
    days, number = following(cycle) - cycle, day - cycle
    through, before = ((2 * per_month * count + days) // (2 * days) for count in (number + 1, number))
    owed: Numbers = per_day + through - before + np.where(is_first, activation, 0)
    return owed


def _in_force(plan: Numbers, at: Numbers, tariffs: Mapping[int, Tariff]) -> Numbers:
    """The price of each plan at each moment; under 0 where there is none."""
    price = np.full(len(plan), -1, dtype=np.int64)
    for number in np.unique(plan):
        if (tariff := tariffs.get(int(number))) is not None:
            which = plan == number
            place = np.searchsorted(tariff.since, at[which], "right") - 1
            price[which] = np.where(place < 0, -1, tariff.price[np.maximum(place, 0)])
    return price


def cycle_of(day: Numbers, cycle_day: Numbers) -> Numbers:
    months = day.astype("M8[D]").astype("M8[M]")
    is_before = day - months.astype("M8[D]").astype(np.int64) + 1 < cycle_day
    return _starting(months.astype(np.int64) - is_before, cycle_day)


def following(cycle: Numbers) -> Numbers:
    months = cycle.astype("M8[D]").astype("M8[M]")
    days = cycle - months.astype("M8[D]").astype(np.int64)
    return _starting(months.astype(np.int64) + 1, days + 1)


def _starting(month: Numbers, cycle_day: Numbers) -> Numbers:
    starts: Numbers = month.astype("M8[M]").astype("M8[D]").astype(np.int64) + cycle_day - 1
    return starts


def recount(told: Readings, fleet: Fleet, tariffs: Mapping[int, Tariff]) -> tuple[Days, Marks]:
    """The days of all ordinary lines, and which lines are not: their days are not among them."""
    finals, told = told.only(told.is_final), told.only(~told.is_final)
    odd = fleet.is_special.copy()
    running = cycle_of(told.at // DAY, fleet.cycle_day[told.line])
    is_timed = told.cycle != NO_CYCLE
    cycle = np.where(is_timed, np.minimum(told.cycle, running), running)
    same_line = np.empty(len(told), dtype=bool)
    same_line[:1], same_line[1:] = False, told.line[1:] == told.line[:-1]
    shown = _before(told.counter)
    same_cycle = same_line & (cycle == _before(cycle))
    fell = same_cycle & (told.counter < shown)
    highest = _highest(told.counter, np.cumsum(~same_cycle), fell)
    before = _before(highest)
    moved = np.where(same_cycle, highest - before, told.counter) * (same_line & ~told.is_given)
    is_soon = ~is_timed & (told.at - cycle * DAY < GRACE)
    doubt = is_soon & same_line & ~same_cycle & (told.counter * 2 >= shown) & (before > 0)
    back = same_line & ((told.at < _before(told.at)) | (cycle < _before(cycle)))
    odd[told.line[doubt | back | (fell & (is_soon | told.wraps)) | (moved > rules.PLAUSIBLE)]] = True
    odd[_raised(finals, told, cycle, highest)] = True
    day = _dated(told.at, cycle)
    price = _priced(told, cycle, day, fleet, tariffs)
    odd[told.line[(moved > 0) & (price < 0)]] = True
    counts = (moved > 0) & ~odd[told.line]
    return _summed(told.line[counts], day[counts], cycle[counts], price[counts], moved[counts]), odd


def _before(values: Numbers) -> Numbers:
    return np.concatenate((values[:1], values[:-1]))


def _highest(counter: Numbers, run: Numbers, fell: Marks) -> Numbers:
    """The highest so far in each run, which are numbered in order; it is the counter where that never fell."""
    if not fell.any():
        return counter
    size = np.bincount(run)
    has_fallen = np.zeros(len(size), dtype=bool)
    has_fallen[run[fell]] = True
    which = has_fallen[run]
    run, part, reach = run[which], counter[which], 1
    while reach < size[has_fallen].max():  # each step reaches twice as far back
        part[reach:] = np.maximum(part[reach:], np.where(run[reach:] == run[:-reach], part[:-reach], 0))
        reach *= 2
    highest = counter.copy()
    highest[which] = part
    return highest


def _dated(at: Numbers, cycle: Numbers) -> Numbers:
    """The day of a movement, inside its cycle. Of many readings there are few cycles: each end is computed once."""
    if not len(at):
        return at
    first = int(cycle.min())
    last_days = following(np.arange(first, int(cycle.max()) + 1)) - 1
    days: Numbers = np.minimum(np.maximum(at // DAY, cycle), last_days[cycle - first])
    return days


def _priced(told: Readings, cycle: Numbers, day: Numbers, fleet: Fleet, tariffs: Mapping[int, Tariff]) -> Numbers:
    """The price at the earlier reading or where the cycle began, or by the day where that is more than a day ago."""
    earlier = _before(told.at)
    by_day = np.maximum(day * DAY, fleet.since[told.line])
    began = np.where(told.at - earlier > DAY, by_day, np.maximum(earlier, cycle * DAY))
    return _in_force(fleet.plan[told.line], began, tariffs)


def _raised(finals: Readings, told: Readings, cycle: Numbers, highest: Numbers) -> Numbers:
    """Lines with a final total that is more than what was seen in its cycle, or that came before the cycle's end."""
    if not len(finals):
        return finals.line
    ends = np.empty(len(told), dtype=bool)
    ends[-1:], ends[:-1] = True, (told.line[1:] != told.line[:-1]) | (cycle[1:] != cycle[:-1])
    span = 1 << 32
    keys, wanted = told.line[ends] * span + cycle[ends], finals.line * span + finals.cycle
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if not len(keys):
        return finals.line
    is_known = keys[place] == wanted
    fits = is_known & (finals.counter <= highest[ends][place]) & (finals.at >= told.at[ends][place])
    raised: Numbers = finals.line[~fits]
    return raised


def _summed(line: Numbers, day: Numbers, cycle: Numbers, price: Numbers, moved: Numbers) -> Days:
    """One row for each run of the same line, day and price: the readings are in order, and so are their prices."""
    begins = np.ones(len(line), dtype=bool)
    begins[1:] = (line[1:] != line[:-1]) | (day[1:] != day[:-1]) | (price[1:] != price[:-1])
    places = np.flatnonzero(begins)
    used = np.add.reduceat(moved, places) if len(places) else moved
    return Days(line[places], day[places], price[places], cycle[places], used)
