"""The rules of money, pure: balance colours, minimum, runway, averages. Amounts are USD Decimals, days are dates."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

FLOOR = Decimal("5.000000")  # the minimum balance is never under this
WINDOW_DAYS = 30  # complete days behind the average
LEAST_DAYS = 7  # what they are divided by at the least: a newcomer's first day is no average
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


class Decision(enum.StrEnum):
    """Of a credit by hand, or a refund that Stripe is asked for."""

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

    @property
    def available(self) -> Decimal:
        return self.posted - self.accrued

    @property
    def average_daily(self) -> Decimal:
        return average_daily(self.window_usage, self.days)

    @property
    def minimum(self) -> Decimal:
        return minimum(self.average_daily)

    @property
    def runway_days(self) -> Decimal | None:
        return runway_days(self.available, self.average_daily)

    @property
    def colour(self) -> Colour:
        return colour(self.available, self.average_daily)


def days_counted(today: dt.date, first_usage_day: dt.date | None) -> int:
    """The days of the last 30 complete ones since the first usage charge: at least 7, at most 30."""
    if first_usage_day is None:
        return LEAST_DAYS
    return max(LEAST_DAYS, min(WINDOW_DAYS, (today - first_usage_day).days))


def average_daily(window_usage: Decimal, days: int) -> Decimal:
    """USD a day, six places, half up."""
    return (window_usage / days).quantize(PLACES, rounding=ROUND_HALF_UP)


def minimum(average: Decimal) -> Decimal:
    return max(FLOOR, average)


def runway_days(available: Decimal, average: Decimal) -> Decimal | None:
    """Days until the minimum is reached; None is unlimited, below zero the minimum is passed already."""
    return None if average == 0 else (available - minimum(average)) / average


def runway_shown(runway: Decimal | None) -> Decimal | None:
    """Four places, rounded down: 6.9999 days never reads as the 7 that would be green."""
    return None if runway is None else runway.quantize(Decimal("0.0001"), rounding=ROUND_FLOOR)


def colour(available: Decimal, average: Decimal) -> Colour:
    if available < minimum(average):
        return Colour.RED
    runway = runway_days(available, average)
    return Colour.ORANGE if runway is not None and runway < LOW_RUNWAY_DAYS else Colour.GREEN


def usage_key(account_uuid: str, day: dt.date, part: int) -> str:
    """The key of a sealed day's ledger row; what is found after the sealing is a part of its own, from 2."""
    return f"usage:{account_uuid}:{day.isoformat()}" + (f":{part}" if part > 1 else "")


# Payments. What Stripe says of a payment intent ends in one of these; money that has moved is always credited.


class PaymentState(enum.StrEnum):
    PENDING = "pending"  # asked, or about to be; the outcome is not known
    CONFIRMING = "confirming"  # the bank wants its owner's confirmation (3-D Secure)
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    FAILED = "failed"  # Stripe refused to try


OPEN_PAYMENT = frozenset({PaymentState.PENDING, PaymentState.CONFIRMING})
_ENDED_WITHOUT_MONEY = frozenset({PaymentState.DECLINED, PaymentState.CANCELLED, PaymentState.FAILED})

# From each state, where news from Stripe may lead. News that leads nowhere is old news: it changes nothing.
PAYMENT_MOVES: dict[PaymentState, frozenset[PaymentState]] = {
    PaymentState.PENDING: frozenset(PaymentState) - {PaymentState.PENDING},
    PaymentState.CONFIRMING: _ENDED_WITHOUT_MONEY | {PaymentState.SUCCEEDED},
    PaymentState.SUCCEEDED: frozenset(),
    PaymentState.DECLINED: frozenset({PaymentState.SUCCEEDED}),
    PaymentState.CANCELLED: frozenset({PaymentState.SUCCEEDED}),
    PaymentState.FAILED: frozenset({PaymentState.SUCCEEDED}),
}

REFILL_CHOICES = (25, 50, 100, 200, 300, 500, 1000)  # USD that the drop-down offers
LEAST_REFILL, MOST_REFILL = Decimal(5), Decimal(5000)


# Auto-refill

REFILL_STEPS = (50, 100, 200, 300, 400, 500)
REFILL_DAYS = 10
FIXED_ON = 5  # the day of the month
RETRY_AFTER = (dt.timedelta(hours=1), dt.timedelta(hours=6), dt.timedelta(hours=24))


class RefillState(enum.StrEnum):
    OFF = "off"
    ON = "on"
    CHARGING = "charging"
    RETRYING = "retrying"  # declined; tried again later
    CONFIRMING = "confirming"  # waits for the owner's confirmation
    PAUSED = "paused"  # by itself: nothing is tried until its owner turns it on again


class RefillNews(enum.StrEnum):
    TURNED_ON = "turned on"
    TURNED_OFF = "turned off"
    STARTED = "started"  # an attempt
    PAID = "paid"
    DECLINED = "declined"  # and a further attempt is due
    DECLINED_LAST = "declined for the last time"
    WANTS_OWNER = "wants its owner"
    DROPPED = "dropped"  # the attempt was cancelled, or never came about
    NEW_CARD = "new card"
    DISPUTED = "disputed"


_S, _N = RefillState, RefillNews
# Each state and each news: where it leads. An attempt that was under way when it was turned off changes nothing more.
REFILL_MOVES: dict[RefillState, dict[RefillNews, RefillState]] = {
    _S.OFF: dict.fromkeys(_N, _S.OFF) | {_N.TURNED_ON: _S.ON},
    _S.ON: dict.fromkeys(_N, _S.ON) | {_N.TURNED_OFF: _S.OFF, _N.STARTED: _S.CHARGING, _N.DISPUTED: _S.PAUSED},
    _S.CHARGING: {
        _N.TURNED_ON: _S.CHARGING,
        _N.TURNED_OFF: _S.OFF,
        _N.STARTED: _S.CHARGING,
        _N.PAID: _S.ON,
        _N.DECLINED: _S.RETRYING,
        _N.DECLINED_LAST: _S.PAUSED,
        _N.WANTS_OWNER: _S.CONFIRMING,
        _N.DROPPED: _S.PAUSED,
        _N.NEW_CARD: _S.CHARGING,
        _N.DISPUTED: _S.PAUSED,
    },
    _S.RETRYING: dict.fromkeys(_N, _S.RETRYING)
    | {
        _N.TURNED_ON: _S.ON,
        _N.TURNED_OFF: _S.OFF,
        _N.STARTED: _S.CHARGING,
        _N.PAID: _S.ON,
        _N.NEW_CARD: _S.ON,
        _N.DISPUTED: _S.PAUSED,
    },
    _S.CONFIRMING: dict.fromkeys(_N, _S.CONFIRMING)
    | {
        _N.TURNED_OFF: _S.OFF,
        _N.PAID: _S.ON,
        _N.DECLINED: _S.RETRYING,
        _N.DECLINED_LAST: _S.PAUSED,
        _N.DROPPED: _S.PAUSED,
        _N.DISPUTED: _S.PAUSED,
    },
    _S.PAUSED: dict.fromkeys(_N, _S.PAUSED) | {_N.TURNED_ON: _S.ON, _N.TURNED_OFF: _S.OFF, _N.PAID: _S.PAUSED},
}
KEEPS_WATCH = frozenset({_S.ON, _S.CHARGING, _S.RETRYING, _S.CONFIRMING})  # auto-refill is on, as people say


def refill_amount(average: Decimal) -> Decimal:
    """Ten average days, rounded up to the next step: USD."""
    wanted = average * REFILL_DAYS
    return Decimal(next((step for step in REFILL_STEPS if wanted <= step), REFILL_STEPS[-1]))


def amount_is_due(fixed_on: dt.date, today: dt.date) -> bool:
    """Whether a 5th has come since the amount was fixed."""
    fifth = today.replace(day=FIXED_ON)
    if today.day < FIXED_ON:
        fifth = (fifth.replace(day=1) - dt.timedelta(days=1)).replace(day=FIXED_ON)
    return fixed_on < fifth


def retry_at(declined: int, now: dt.datetime) -> dt.datetime | None:
    """When to try again after this many declines in a row; None: not any more."""
    return now + RETRY_AFTER[declined - 1] if declined <= len(RETRY_AFTER) else None


def fits_ceiling(amount: Decimal, spent: Decimal, ceiling: Decimal | None) -> bool:
    """Whether an auto-refill stays within the most of a month; `spent` counts what is under way too."""
    return ceiling is None or spent + amount <= ceiling


# The forecast


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
    """Whether a credit or debit by hand waits for somebody else: what one person gives an account in 24 hours counts
    together, so that many small ones are not a way around."""
    return abs(amount) + given_today > limit
