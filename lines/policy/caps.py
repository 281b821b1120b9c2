"""The rules of caps, pure: how full one is, what is told of it and when, what is left, in which words."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from lines.policy import MEGABYTE

LEVELS = (50, 80, 100)  # percent, of which people are told
LARGEST_LIMIT = Decimal(1_000_000_000)
MOST_CAPS = 1_000  # of an account


class CapKind(enum.StrEnum):
    """Whose usage is counted together."""

    ACCOUNT = "account"
    SUBACCOUNT = "subaccount"
    TAG = "tag"
    PLAN = "plan"
    LINE = "line"


class CapUnit(enum.StrEnum):
    MB = "mb"
    USD = "usd"


class CapPeriod(enum.StrEnum):
    """Days and months of UTC, as day rows are."""

    DAY = "day"
    MONTH = "month"


class CapAction(enum.StrEnum):
    """What a full cap does. People are told in any case."""

    NOTIFY = "notify"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Counted:
    """What lines used since a period began: bytes and USD, booked or held."""

    used: int
    cost: Decimal
    sms: Decimal
    held_used: int
    held_cost: Decimal

    def amount(self, unit: CapUnit) -> Decimal:
        """In bytes or USD. What is held counts: money waits for a second reading, a cap does not."""
        if unit is CapUnit.MB:
            return Decimal(self.used + self.held_used)
        return self.cost + self.sms + self.held_cost


def room(limit: Decimal, unit: CapUnit) -> Decimal:
    """A limit in bytes or USD."""
    return limit * MEGABYTE if unit is CapUnit.MB else limit


def percent(amount: Decimal, limit: Decimal, unit: CapUnit) -> int:
    """How full a cap is, in whole percent, never rounded up: 100 is full."""
    return int((amount * 100 / room(limit, unit)).to_integral_value(ROUND_FLOOR))


def level(filled: int) -> int:
    """The highest level that is reached at this percentage; 0 under the first."""
    return max((one for one in LEVELS if filled >= one), default=0)


def to_tell(filled: int, *, told: int) -> int:
    """Which level is to be told of now, where `told` is known already; 0: none. One that was passed on the way to a
    higher one is not told apart, and one that usage fell below and reached again is not told twice."""
    reached = level(filled)
    return reached if reached > told else 0


def first_day(period: CapPeriod, today: dt.date) -> dt.date:
    return today if period is CapPeriod.DAY else today.replace(day=1)


def day_after(period: CapPeriod, begins: dt.date) -> dt.date:
    """The first day of the next period."""
    days = dt.timedelta(days=1 if period is CapPeriod.DAY else 32)
    return begins + days if period is CapPeriod.DAY else (begins + days).replace(day=1)


def may_follow(amount: Decimal, *, begins: dt.date, now: dt.datetime, read_at: dt.datetime | None) -> Decimal:
    """What may have been used since the oldest of the last readings and is not counted yet, if it goes on as it did
    since the period began. Nothing acts on it: it is said beside how full a cap is."""
    start = dt.datetime.combine(begins, dt.time(), tzinfo=dt.UTC)
    if read_at is None or read_at <= start or read_at >= now:
        return Decimal(0)
    return round(amount * Decimal((now - read_at) / (read_at - start)), 6)
