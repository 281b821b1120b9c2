"""Money is USD, a Decimal with six places; it is rounded here and nowhere else."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

PLACES = Decimal("0.000001")
CENT = Decimal("0.01")
ZERO = Decimal("0.000000")
LIMIT = Decimal("1000000000")


class BadAmount(ValueError):
    """The text is no amount of money."""


def exact(amount: Decimal | int) -> Decimal:
    """The amount with six places, half up."""
    return Decimal(amount).quantize(PLACES, rounding=ROUND_HALF_UP)


# Digits, or thousands in threes; a point and decimals; nothing else. ASCII alone: Decimal would take 1e1, 1_00 and
# digits of any script for amounts, and what a person did not mean must not be charged.
AMOUNT = re.compile(r"(-?)\$?([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]+))?", re.ASCII)


def parse(text: str, *, places: int = 6) -> Decimal:
    """An amount that a person or a script wrote: $1,250.00 or -3.5, at most `places` decimals and under a billion.

    The one grammar of console, back office and commands. Raises BadAmount with what is wrong, in one sentence.
    """
    found = AMOUNT.fullmatch(text.strip(" "))
    if found is None:
        raise BadAmount(f"{text!r} is not an amount; write it like 1,250.00")
    sign, digits, decimals = found.groups(default="")
    if len(decimals) > places:
        raise BadAmount(f"{text!r} has more than {places} decimals")
    if len(digits) > 20:
        raise BadAmount(f"{text!r} is over the limit of {LIMIT:,}")
    amount = Decimal(f"{sign}{digits.replace(',', '')}.{decimals or 0}")
    if abs(amount) >= LIMIT:
        raise BadAmount(f"{text!r} is over the limit of {LIMIT:,}")
    return exact(amount)


def plain(amount: Decimal) -> str:
    """Six places, no separators: what JSON carries."""
    return f"{exact(amount):f}"


def shown(amount: Decimal, *, beside: Decimal | None = None) -> str:
    """What a person reads: $1,234.56, -$3.00. Beside another amount that would read the same and is not, with
    the digits in which they differ: up to six places."""
    cents = amount.quantize(CENT, rounding=ROUND_HALF_UP)
    if beside is not None and beside != amount and cents == beside.quantize(CENT, rounding=ROUND_HALF_UP):
        more = exact(amount).normalize()
        cents = more if more != cents else cents
    return f"{'-' if cents < 0 else ''}${abs(cents):,f}"


def shown_up(amount: Decimal) -> str:
    """What must be paid so that nothing is missing: up to the next cent."""
    return shown(amount.quantize(CENT, rounding=ROUND_CEILING))
