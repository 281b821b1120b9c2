"""The rules of monthly fees and of bundles, pure: what a day owes, how much data is included, and what is beyond it.

A month is a cycle of the plan's carrier. Data is in bytes, money in USD.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

from lines.policy import PLACES, data_cost

LEVELS = (80, 100)  # percent, of which people are told
LARGEST_BUNDLE = 1_000_000_000  # MB


def days_of(cycle: dt.date) -> int:
    """Days from a cycle's first to the same day of the next month: what a month is prorated by, however long the cycle
    becomes where its carrier's cycle day changes."""
    following = dt.date(cycle.year + cycle.month // 12, cycle.month % 12 + 1, cycle.day)
    return (following - cycle).days


def month_share(per_month: Decimal, day: dt.date, cycle: dt.date) -> Decimal:
    """A day's part of a monthly fee: what is owed through it less what is owed through the day before, each rounded
    once. The days of a whole month owe exactly the fee."""
    number, days = (day - cycle).days, days_of(cycle)
    through, before = (
        (per_month * count / days).quantize(PLACES, rounding=ROUND_HALF_UP) for count in (number + 1, number)
    )
    return through - before


def granted(included: int, day: dt.date, cycle: dt.date) -> int:
    """What a line brings of a month's included data that is there from this day of the cycle on: the part of the days
    that are left, as it pays for no more of them either."""
    days = days_of(cycle)
    return included * min(days, max(1, days - (day - cycle).days)) // days


def overage(before: int, used: int, included: int, per_mb: Decimal) -> tuple[int, Decimal]:
    """The bytes of a day that are beyond the bundle, and what they cost: the cost of the cycle through the day less the
    cost of the cycle before it. `before`: what was used of the bundle before that day."""
    beyond, earlier = max(0, before + used - included), max(0, before - included)
    return beyond - earlier, data_cost(beyond, per_mb) - data_cost(earlier, per_mb)


def percent(used: int, included: int) -> int:
    """How much of a bundle is used, rounded down."""
    return used * 100 // included if included else 0


def level(percent_used: int) -> int:
    """The highest level that is reached; 0: none."""
    return max((one for one in LEVELS if percent_used >= one), default=0)
