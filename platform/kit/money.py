"""Money is USD, a Decimal with six places; it is rounded here and nowhere else."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, InvalidOperation

PLACES = Decimal("0.000001")
CENT = Decimal("0.01")
ZERO = Decimal("0.000000")
LIMIT = Decimal("1000000000")


class BadAmount(ValueError):
    """The text is no amount of money."""


def exact(amount: Decimal | int) -> Decimal:
    """The amount with six places, half up."""
    return Decimal(amount).quantize(PLACES, rounding=ROUND_HALF_UP)


def parse(text: str, *, places: int = 6) -> Decimal:
    """An amount a person typed, at most `places` decimals and under a billion. Raises BadAmount with what is wrong."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        raise BadAmount(f"{text!r} is not an amount; write it like 12.50") from None
    if not amount.is_finite():
        raise BadAmount(f"{text!r} is not an amount; write it like 12.50")
    if abs(amount) >= LIMIT:  # before the decimals: rounding what is far too large fails
        raise BadAmount(f"{text} is over the limit of {LIMIT:,}")
    if amount != round(amount, places):
        raise BadAmount(f"{text} has more than {places} decimals")
    return exact(amount)


def plain(amount: Decimal) -> str:
    """Six places, no separators: what JSON carries."""
    return f"{exact(amount):f}"


def shown(amount: Decimal, *, beside: Decimal | None = None) -> str:
    """What a person reads: $1,234.56, -$3.00. Beside another amount that would read the same and is not, six places."""
    cents = amount.quantize(CENT, rounding=ROUND_HALF_UP)
    if beside is not None and beside != amount and cents == beside.quantize(CENT, rounding=ROUND_HALF_UP):
        cents = exact(amount)
    return f"{'-' if cents < 0 else ''}${abs(cents):,}"


def shown_up(amount: Decimal) -> str:
    """What must be paid so that nothing is missing: up to the next cent."""
    return shown(amount.quantize(CENT, rounding=ROUND_CEILING))
