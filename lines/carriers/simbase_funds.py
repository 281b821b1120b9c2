"""Simbase v1: Balance, the operator's own money there."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

import msgspec

from .base import Funds
from .fields import Unreadable, decoded, utc_moment

_MOST = Decimal(10) ** 12


class _Balance(msgspec.Struct):
    """Simbase v1: Balance"""

    balance: Decimal
    currency: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z]{3}\Z")]
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


def amount_of(value: Decimal) -> Decimal:
    """An amount of money as it is kept. Raises Unreadable."""
    if not value.is_finite() or abs(value) >= _MOST:
        raise Unreadable("an amount is none")
    return round(value, 4)
