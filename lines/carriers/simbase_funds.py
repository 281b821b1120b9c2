"""Simbase v1: Balance, the operator's own money there."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from .base import Funds
from .fields import Currency, amount_of, decoded, utc_moment


class _Balance(msgspec.Struct):
    """Simbase v1: Balance"""

    balance: Decimal
    currency: Currency
    last_update: str | None = None
    auto_topup: bool | None = None
    topup_threshold: Decimal | None = None
    topup_amount: Decimal | None = None


_BALANCE = msgspec.json.Decoder(_Balance)


def funds_in(body: bytes) -> Funds:
    """Raises Unreadable."""
    found = decoded(_BALANCE, body)
    return Funds(
        balance=amount_of(found.balance),
        currency=found.currency.upper(),
        at=utc_moment(found.last_update) if found.last_update and not re.match("0000", found.last_update) else None,
        threshold=None if found.topup_threshold is None else amount_of(found.topup_threshold),
        amount=None if found.topup_amount is None else amount_of(found.topup_amount),
        is_auto=found.auto_topup,
    )
