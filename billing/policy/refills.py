"""Auto-refill: when it charges a card, how much, how often at the most, and what becomes of each attempt.

A *turn* begins when the balance turns orange or red through usage or fees, and ends when it is green again. Within one
turn, and within any 24 hours, there are at most as many successful charges as the owner allows: one, unless they say
otherwise. Time is always an argument.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from kit.money import currency

REFILL_STEPS = (50, 100, 200, 300, 400, 500)
REFILL_DAYS = 10
FIXED_ON = 5  # the day of the month
RETRY_AFTER = (dt.timedelta(hours=1), dt.timedelta(hours=6), dt.timedelta(hours=24))
ASK_AGAIN = dt.timedelta(minutes=10)  # after a payment provider that did not answer
CONFIRM_WITHIN = dt.timedelta(minutes=15)  # then a confirmation counts as abandoned
DAY = dt.timedelta(hours=24)
MOST_A_DAY = 10  # charges in 24 hours that an owner may allow
CEILING_STEP = 50  # a ceiling that follows the amount is a whole number of these
CEILING_AMOUNTS, CEILING_DAYS = 4, Decimal("46.5")  # four refills, or one and a half times 31 average days
LONGEST_MONTH = 31


class RefillState(enum.StrEnum):
    OFF = "off"
    ON = "on"
    CHARGING = "charging"
    RETRYING = "retrying"  # tried again later
    CONFIRMING = "confirming"  # waits for the owner's confirmation
    NEEDS_CARD = "needs card"  # declined four times: a new card starts it again, and so does its owner
    PAUSED = "paused"  # by itself: nothing is tried until its owner turns it on again


class RefillNews(enum.StrEnum):
    TURNED_ON = "turned on"
    TURNED_OFF = "turned off"
    STARTED = "started"  # an attempt
    PAID = "paid"
    DECLINED = "declined"  # and a further attempt is due
    DECLINED_LAST = "declined for the last time"
    UNANSWERED = "unanswered"  # the provider does not know of the attempt: another one follows
    WANTS_OWNER = "wants its owner"
    DROPPED = "dropped"  # its owner cancelled the attempt
    RECOVERED = "recovered"  # the balance is green without it
    NEW_CARD = "new card"
    TAKEN_BACK = "taken back"  # a refund, a dispute or a debit by hand


_S, _N = RefillState, RefillNews


def _from(state: RefillState, **moves: RefillState) -> dict[RefillNews, RefillState]:
    """All that is not named changes nothing."""
    return dict.fromkeys(_N, state) | {RefillNews[name]: after for name, after in moves.items()}


# Each state and each news: where it leads. An attempt that was under way when it was turned off changes nothing more.
REFILL_MOVES: dict[RefillState, dict[RefillNews, RefillState]] = {
    _S.OFF: _from(_S.OFF, TURNED_ON=_S.ON),
    _S.ON: _from(_S.ON, TURNED_OFF=_S.OFF, STARTED=_S.CHARGING, TAKEN_BACK=_S.PAUSED),
    _S.CHARGING: _from(
        _S.CHARGING,
        TURNED_OFF=_S.OFF,
        PAID=_S.ON,
        DECLINED=_S.RETRYING,
        DECLINED_LAST=_S.NEEDS_CARD,
        UNANSWERED=_S.RETRYING,
        WANTS_OWNER=_S.CONFIRMING,
        DROPPED=_S.PAUSED,
        TAKEN_BACK=_S.PAUSED,
    ),
    _S.RETRYING: _from(
        _S.RETRYING,
        TURNED_ON=_S.ON,
        TURNED_OFF=_S.OFF,
        STARTED=_S.CHARGING,
        PAID=_S.ON,
        RECOVERED=_S.ON,
        NEW_CARD=_S.ON,
        TAKEN_BACK=_S.PAUSED,
    ),
    _S.CONFIRMING: _from(
        _S.CONFIRMING,
        TURNED_OFF=_S.OFF,
        PAID=_S.ON,
        DECLINED=_S.RETRYING,
        DECLINED_LAST=_S.NEEDS_CARD,
        DROPPED=_S.PAUSED,
        TAKEN_BACK=_S.PAUSED,
    ),
    _S.NEEDS_CARD: _from(_S.NEEDS_CARD, TURNED_ON=_S.ON, TURNED_OFF=_S.OFF, NEW_CARD=_S.ON, TAKEN_BACK=_S.PAUSED),
    _S.PAUSED: _from(_S.PAUSED, TURNED_ON=_S.ON, TURNED_OFF=_S.OFF),
}
KEEPS_WATCH = frozenset({_S.ON, _S.CHARGING, _S.RETRYING, _S.CONFIRMING})  # auto-refill is on, as people say
WATCHES_DECLINES = frozenset({_S.CHARGING, _S.RETRYING, _S.CONFIRMING, _S.NEEDS_CARD})


def refill_amount(average: Decimal, *, at_most: Decimal | None = None) -> Decimal:
    """Ten average days, rounded up to the next step; under a ceiling of the owner's own the largest that fits: USD."""
    wanted = average * REFILL_DAYS
    amount = next((step for step in REFILL_STEPS if wanted <= step), REFILL_STEPS[-1])
    if at_most is not None and amount > at_most:
        amount = max((step for step in REFILL_STEPS if step <= at_most), default=REFILL_STEPS[0])
    return Decimal(amount)


def rounding(average: Decimal) -> str:
    """How ten average days become the amount, in words; the largest step is a cap."""
    wanted, amount = average * REFILL_DAYS, refill_amount(average)
    if wanted > amount:
        return f"Capped at the ${REFILL_STEPS[-1]} maximum"
    return f"Minimum ${REFILL_STEPS[0]}" if amount == REFILL_STEPS[0] and wanted < amount else "Rounded up"


def default_ceiling(amount: Decimal, average: Decimal) -> Decimal:
    """A month's most, unless the owner sets another: four refills or 1.5 x 31 average days, up to the next 50."""
    wanted = max(amount * CEILING_AMOUNTS, average * CEILING_DAYS)
    return (wanted / CEILING_STEP).to_integral_value(ROUND_CEILING) * CEILING_STEP


def largest_month(amount: Decimal, *, ceiling: Decimal | None, per_day: int) -> Decimal:
    """What auto-refill charges in one month at the most: USD."""
    by_days = amount * per_day * LONGEST_MONTH
    return by_days if ceiling is None else min(by_days, ceiling)


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


class Held(enum.StrEnum):
    """Why a low balance is not refilled now."""

    TURN = "turn"  # this turn has had its charge
    DAY = "day"  # so have the last 24 hours
    CEILING = "ceiling"  # the month's most would be passed


@dataclass(frozen=True, slots=True)
class Charged:
    """What auto-refill charged, with what is under way: how often in this turn and in the last 24 hours, and how much
    in this month."""

    in_turn: int
    in_day: int
    in_month: Decimal


def held_by(charged: Charged, *, amount: Decimal, per_day: int, ceiling: Decimal | None) -> Held | None:
    """Why the next charge must not be made now; None where it may."""
    if charged.in_turn >= per_day:
        return Held.TURN
    if charged.in_day >= per_day:
        return Held.DAY
    return None if fits_ceiling(amount, charged.in_month, ceiling) else Held.CEILING


def missing(available: Decimal, minimum: Decimal) -> Decimal:
    """What must be paid before lines run again, up to the next cent: USD; 0 where they do."""
    return max(minimum - available, Decimal(0)).quantize(currency().coin, rounding=ROUND_CEILING)


def is_abandoned(waits_since: dt.datetime, now: dt.datetime) -> bool:
    """Whether a payment that waits for its owner's confirmation has waited long enough."""
    return now >= waits_since + CONFIRM_WITHIN
