"""Payments: what Stripe says of one ends in a state of this table; money that has moved is always credited."""

from __future__ import annotations

import calendar
import datetime as dt
import enum
from decimal import Decimal


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
EXPIRY_WARNINGS = (7, 30)  # days before a card's last one


def expires_on(year: int, month: int) -> dt.date:
    """The last day on which a card works: the last of its month."""
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def expiry_warning(year: int, month: int, *, today: dt.date) -> int | None:
    """Which warning of a card's expiry is due: within how many days it ends. None: none yet, or it is over."""
    left = (expires_on(year, month) - today).days
    return next((days for days in EXPIRY_WARNINGS if 0 <= left <= days), None)
