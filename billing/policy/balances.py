"""Balances: colours, minimum, runway, averages, the forecast. Amounts are USD Decimals, days are dates."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

FLOOR = Decimal("5.000000")  # the minimum balance is never under this
WINDOW_DAYS = 30  # complete days behind the average
LEAST_DAYS = 7  # what they are divided by at the least: a newcomer's first day is no average
CLOSES_AFTER = 3  # days after its end a statement is closed
LOW_RUNWAY_DAYS = 7  # under this the balance is orange
PLACES = Decimal("0.000001")


class EntryKind(enum.StrEnum):
    USAGE = "usage"
    SMS = "sms"
    TOP_UP = "top-up"
    ADJUSTMENT = "adjustment"
    DISCOUNT = "discount"
    REFUND = "refund"
    DISPUTE = "dispute"
    TRANSFER = "transfer"  # a bank transfer that arrived
    CREDIT = "credit"  # what an account gives, or takes from, the wallet of its sub-account


class Decision(enum.StrEnum):
    """Of a credit by hand, or a refund that Stripe is asked for."""

    WAITING = "waiting"  # for a second person
    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"


class Colour(enum.StrEnum):
    RED = "red"
    ORANGE = "orange"
    GREEN = "green"


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's balance at a moment, with everything that its colour follows from."""

    posted: Decimal
    accrued: Decimal
    window_usage: Decimal  # charges for usage in the last 30 complete days
    days: int  # what they are divided by
    credit_limit: Decimal | None = None  # of who pays later: so far below zero it may go

    @property
    def available(self) -> Decimal:
        return self.posted - self.accrued

    @property
    def average_daily(self) -> Decimal:
        return average_daily(self.window_usage, self.days)

    @property
    def minimum(self) -> Decimal:
        return minimum(self.average_daily, self.credit_limit)

    @property
    def runway_days(self) -> Decimal | None:
        return runway_days(self.available, self.average_daily, self.credit_limit)

    @property
    def colour(self) -> Colour:
        return colour(self.available, self.average_daily, self.credit_limit)


def days_counted(today: dt.date, first_usage_day: dt.date | None) -> int:
    """The days of the last 30 complete ones since the first usage charge: at least 7, at most 30."""
    if first_usage_day is None:
        return LEAST_DAYS
    return max(LEAST_DAYS, min(WINDOW_DAYS, (today - first_usage_day).days))


def average_daily(window_usage: Decimal, days: int) -> Decimal:
    """USD a day, six places, half up."""
    return (window_usage / days).quantize(PLACES, rounding=ROUND_HALF_UP)


def minimum(average: Decimal, credit_limit: Decimal | None = None) -> Decimal:
    """An average day, and 5.00 at the least; for who pays later it is their credit limit, below zero."""
    return max(FLOOR, average) if credit_limit is None else -credit_limit


def minimum_sql(average: str, credit_limit: str) -> str:
    """`minimum` as SQL."""
    return f"coalesce(-{credit_limit}, greatest({FLOOR}, {average}))"


def runway_days(available: Decimal, average: Decimal, credit_limit: Decimal | None = None) -> Decimal | None:
    """Days until the minimum is reached; None is unlimited, below zero the minimum is passed already."""
    return None if average == 0 else (available - minimum(average, credit_limit)) / average


def runway_shown(runway: Decimal | None) -> Decimal | None:
    """Four places, rounded down: 6.9999 days never reads as the 7 that would be green."""
    return None if runway is None else runway.quantize(Decimal("0.0001"), rounding=ROUND_FLOOR)


def colour(available: Decimal, average: Decimal, credit_limit: Decimal | None = None) -> Colour:
    if available < minimum(average, credit_limit):
        return Colour.RED
    runway = runway_days(available, average, credit_limit)
    return Colour.ORANGE if runway is not None and runway < LOW_RUNWAY_DAYS else Colour.GREEN


def usage_key(account_uuid: str, day: dt.date, found_on: dt.date | None = None) -> str:
    """The key of a sealed day's ledger row; what is found after the sealing has a row for each day of finding."""
    return f"usage:{account_uuid}:{day.isoformat()}" + (f":found-{found_on.isoformat()}" if found_on else "")


def usage_key_sql(uuid: str, day: str, found_on: str) -> str:
    """`usage_key` as SQL: of an account's UUID, a day, and the day of finding or NULL."""
    return f"'usage:' || replace({uuid}::text, '-', '') || ':' || {day} || coalesce(':found-' || {found_on}, '')"


def closed_from(month: dt.date) -> dt.date:
    """From this day on the figures of the month of this day are frozen: 72 hours after its end."""
    first_of_next = (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    return first_of_next + dt.timedelta(days=CLOSES_AFTER)


def booked_on(day: dt.date, found_on: dt.date | None) -> dt.date | None:
    """On which day usage counts in statements, where that is not its own: its month's statement was closed when it was
    found."""
    return found_on if found_on is not None and found_on >= closed_from(day) else None


def booked_on_sql(day: str, found_on: str) -> str:
    """`booked_on` as SQL."""
    closed_from = f"date_trunc('month', {day}::timestamp) + interval '1 month {CLOSES_AFTER} days'"
    return f"CASE WHEN {found_on} >= {closed_from} THEN {found_on} END"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What this month will cost at the average of the last days, and when the balance reaches its minimum or is red."""

    month_so_far: Decimal
    month_end: Decimal
    lasts_until: dt.date | None  # None: unlimited


def forecast(balance: Balance, *, month_so_far: Decimal, used_today: Decimal, today: dt.date) -> Forecast:
    """The rest of today counts as the average day less what it used already."""
    first_of_next = (today.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    days_after = (first_of_next - today).days - 1
    average = balance.average_daily
    rest = max(average - used_today, Decimal(0)) + average * days_after
    runway = balance.runway_days
    until = None if runway is None or runway > 3650 else today + dt.timedelta(days=max(0, int(runway)))
    return Forecast(month_so_far, month_so_far + rest, until)


def needs_second_person(amount: Decimal, given_today: Decimal, limit: Decimal) -> bool:
    """Whether a credit, a debit or a refund by hand waits for somebody else: what one person moves in 24 hours, on all
    accounts, counts together, so that many small ones are not a way around."""
    return abs(amount) + given_today > limit
