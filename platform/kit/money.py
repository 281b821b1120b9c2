"""Money is of the installation's one currency, a Decimal with six places; it is rounded here and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_precision, list_currencies

PLACES = Decimal("0.000001")
ZERO = Decimal("0.000000")
LIMIT = Decimal("1000000000")


class BadAmount(ValueError):
    """The text is no amount of money."""


class BadCurrency(ValueError):
    """There is no such currency, or no such locale."""


@dataclass(frozen=True, slots=True)
class Currency:
    """The installation's currency: ISO 4217's code, how many digits its smallest coin has, and whose way to write."""

    code: str = "USD"
    digits: int = 2
    locale: str = "en_US"

    @property
    def coin(self) -> Decimal:
        """The smallest amount that can be paid: 0.01 of USD, 1 of JPY, 0.001 of KWD."""
        return Decimal(1).scaleb(-self.digits)


_used = Currency()


def currency() -> Currency:
    return _used


def use(code: str, locale: str = "en_US") -> Currency:
    """Sets the currency of this process; settings do, once. Raises BadCurrency."""
    global _used
    if code not in list_currencies():
        raise BadCurrency(f"{code!r} is no currency of ISO 4217; write it like EUR")
    try:
        Locale.parse(locale)
    except (UnknownLocaleError, ValueError):
        raise BadCurrency(f"{locale!r} is no locale; write it like en_US or de_DE") from None
    _used = Currency(code, get_currency_precision(code), locale)
    return _used


def to_coins(amount: Decimal) -> Decimal:
    """To the smallest coin, half up."""
    return amount.quantize(_used.coin, rounding=ROUND_HALF_UP)


def exact(amount: Decimal | int) -> Decimal:
    """The amount with six places, half up."""
    return Decimal(amount).quantize(PLACES, rounding=ROUND_HALF_UP)


# Digits, or thousands in threes; a point and decimals; nothing else. ASCII alone: Decimal would take 1e1, 1_00 and
# digits of any script for amounts, and what a person did not mean must not be charged.
AMOUNT = re.compile(r"(-?)\$?([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]+))?", re.ASCII)


def parse(text: str, *, places: int = 6) -> Decimal:
    """An amount that a person or a script wrote: 1,250.00, $1,250.00 or -3.5, with at most `places`
    decimals and under a billion.

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
    """What a person reads: $1,234.56, -$3.00, 1.234,56 € in de_DE. Beside another amount that would read the same and
    is not, with the digits in which they differ: up to six places."""
    coins = to_coins(amount)
    if beside is not None and beside != amount and coins == to_coins(beside):
        more = exact(amount).normalize()
        coins = more if more != coins else coins
    if (_used.code, _used.locale) == ("USD", "en_US"):  # as below, at a tenth of the time
        return f"{'-' if coins < 0 else ''}${abs(coins):,f}"
    return format_currency(coins, _used.code, locale=_used.locale, decimal_quantization=False)


def shown_up(amount: Decimal) -> str:
    """What must be paid so that nothing is missing: up to the next coin."""
    return shown(amount.quantize(_used.coin, rounding=ROUND_CEILING))
