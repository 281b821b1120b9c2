"""Amounts as Stripe writes them: whole numbers of the smallest coin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kit.money import currency

from billing.stripe.failures import OtherCurrency

# How many digits Stripe's amounts have, where not two: https://docs.stripe.com/currencies
_WHOLE = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THREE = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def _digits(code: str) -> int:
    return 0 if code in _WHOLE else 3 if code in _THREE else 2


def coins(amount: Decimal) -> int:
    return int(amount.scaleb(_digits(currency().code)))


def is_ours(thing: Any) -> bool:
    """Another business on the same Stripe account may take other currencies."""
    return bool(thing.currency.upper() == currency().code)


def amount_of(thing: Any) -> Decimal:
    """A thing's amount in our currency. Raises OtherCurrency: sums are never mixed."""
    if not is_ours(thing):
        raise OtherCurrency(f"{thing.id} is in {thing.currency.upper()}; this installation keeps {currency().code}")
    return money(thing.amount, thing.currency)


def money(amount: int, code: str) -> Decimal:
    """An amount of a currency as Stripe writes it."""
    return Decimal(amount).scaleb(-_digits(code.upper()))
