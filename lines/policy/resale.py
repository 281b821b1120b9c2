"""What a sub-account pays its account: prices of a list. Pure; amounts are USD Decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

PLACES = Decimal("0.000001")
MOST_PERCENT = Decimal(10_000)
LEAST_PERCENT = Decimal(-100)


def resale_price(price: Decimal, own: Decimal | None, percent: Decimal | None, places: int) -> Decimal:
    """A price of a list: its own, or what the account pays plus a percentage, half up to so many decimals.

    It is what is charged per MB, per message or per day: six places.
    """
    if own is not None:
        return own.quantize(PLACES)
    plus = price * (100 + (percent or Decimal(0))) / 100
    return plus.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP).quantize(PLACES)


def is_below_cost(price: Decimal, cost: Decimal) -> bool:
    """Whether an account sells for less than it pays."""
    return price < cost
