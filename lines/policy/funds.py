"""When the operator is told that its balance with a carrier runs dry. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

WEEK = dt.timedelta(days=7)  # over which spending is looked at, and ahead of which one is told
LEAST = dt.timedelta(hours=12)  # of readings, before spending is told from chance
TOP_UP_TAKES = dt.timedelta(hours=3)  # after which an automatic top-up has failed
STALE = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Left:
    """A balance as it was read then."""

    at: dt.datetime
    balance: Decimal
    threshold: Decimal | None = None
    is_auto: bool | None = None

    @property
    def is_under(self) -> bool:
        return self.threshold is not None and self.balance <= self.threshold


def lasts(readings: Sequence[Left]) -> dt.timedelta | None:
    """How long it lasts at the pace of the last week, without top-ups; None where that cannot be told.

    `readings`: the oldest first. What came in between is no spending: only what went down counts.
    """
    if not readings:
        return None
    last = readings[-1]
    week = [one for one in readings if one.at > last.at - WEEK]
    spent = sum((max(Decimal(0), a.balance - b.balance) for a, b in pairwise(week)), Decimal(0))
    if last.at - week[0].at < LEAST or spent <= 0:
        return None
    days = Decimal((last.at - week[0].at).total_seconds()) / 86_400 * max(Decimal(0), last.balance) / spent
    return dt.timedelta(days=float(min(days, Decimal(3650))))


def warning(readings: Sequence[Left], *, now: dt.datetime) -> str:
    """What the operator should see to, in a few words; empty for nothing. `readings`: the oldest first."""
    if not readings:
        return ""
    last = readings[-1]
    if last.balance <= 0:
        return "used up"
    if now - last.at > STALE:
        return "not read for a day"
    if last.is_auto and last.is_under:
        before = [one.at for one in readings if not one.is_under]
        since = next(one.at for one in readings if not before or one.at > before[-1])
        return "not topped up automatically" if last.at - since >= TOP_UP_TAKES else ""
    if last.is_under:
        return "under its threshold"
    rest = lasts(readings)
    if not last.is_auto and rest is not None and rest < WEEK:
        days = round(rest.total_seconds() / 86_400)
        return f"lasts about {days} days" if days > 1 else "lasts about a day"
    return ""
