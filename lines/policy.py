"""The rules of lines, pure: status, cycles, what a line's day costs, when to try a carrier again."""

from __future__ import annotations

import datetime as dt
import enum
import random
from decimal import ROUND_HALF_UP, Decimal

MEGABYTE = 1_048_576  # bytes
PER_BYTE = Decimal("0.00000095367431640625")  # 1 / MEGABYTE, exactly: a product never rounds before `data_cost` does
PLACES = Decimal("0.000001")


class Status(enum.IntEnum):
    """Keepgo's status ids (observed API: status_id)."""

    ACTIVATED = 1
    DEACTIVATED = 2
    SUSPENDED = 3
    ACTIVATION_READY = 4

    @property
    def word(self) -> str:
        return self.name.replace("_", " ").title()


class Wanted(enum.IntEnum):
    """What we want of a line. Suspended: its owner wants it active, its balance does not allow it."""

    ACTIVE = 1
    DEACTIVATED = 2
    SUSPENDED = 3


class Why(enum.StrEnum):
    """Why a line is wanted off."""

    BALANCE = "balance"
    PERSON = "person"
    RULE = "rule"
    SUBACCOUNT = "sub-account"
    NEW = "new"  # never activated since it was added


def status(wanted: Wanted, *, confirmed_on: bool) -> Status:
    """What a person reads. Activation Ready: wanted active, not yet confirmed by the carrier."""
    if wanted is Wanted.ACTIVE:
        return Status.ACTIVATED if confirmed_on else Status.ACTIVATION_READY
    return Status(int(wanted))


def data_cost(used: int, per_mb: Decimal) -> Decimal:
    """round_half_up(bytes x price per MB / 1,048,576, 6), in USD."""
    return (used * per_mb * PER_BYTE).quantize(PLACES, rounding=ROUND_HALF_UP)


def cycle_start(day: dt.date, cycle_day: int = 1) -> dt.date:
    """The first day of the cycle that `day` is in; a cycle begins on `cycle_day` (1 to 28) of each month."""
    if day.day >= cycle_day:
        return day.replace(day=cycle_day)
    return (day.replace(day=1) - dt.timedelta(days=1)).replace(day=cycle_day)


def cycle_end(start: dt.date) -> dt.date:
    """The last day of the cycle that begins on `start`."""
    return (start + dt.timedelta(days=31)).replace(day=start.day) - dt.timedelta(days=1)


def retry_after(attempts: int) -> dt.timedelta:
    """How long a carrier is left alone after so many failed tries: 5 s doubling to half an hour, spread by a fifth."""
    seconds = min(5.0 * 2 ** min(max(0, attempts - 1), 20), 1800.0)
    return dt.timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spreading load, not a secret


def read_interval(wanted_seconds: int, calls_per_pass: int, calls_per_day: int | None) -> int:
    """Seconds between two passes: as wanted, or longer so that reading takes at most four fifths of the day's calls."""
    if not calls_per_day:
        return wanted_seconds
    return max(wanted_seconds, -(-86_400 * calls_per_pass * 5 // (calls_per_day * 4)))
