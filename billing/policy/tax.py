"""Tax on what is paid in: whose rate it is, and how much. The kept rates are data; this decides among them.

Connectivity is an electronic service: it is taxed where the customer is. A payment in advance is taxed when it is paid
(Article 65, Directive 2006/112/EC); the balance and all prices are net. Amounts are of the installation's currency.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from kit.errors import Invalid
from kit.money import to_coins
from stdnum import get_cc_module
from stdnum.eu import vat
from stdnum.exceptions import ValidationError

EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
PREFIX = {"GR": "EL"}  # of a VAT id, where it is not the country's code
REVERSE_EU = "Reverse charge: the recipient accounts for the VAT (Articles 44 and 196, Directive 2006/112/EC)."
REVERSE = "Reverse charge: the recipient accounts for the tax."
OUTSIDE = "Not subject to VAT: the place of supply is outside the seller’s tax territory."


@dataclass(frozen=True, slots=True)
class Rate:
    """A country's rate from a day on, as the operator keeps it."""

    country: str
    percent: Decimal
    since: dt.date
    reverses: bool = True  # a business there that has a tax id accounts for the tax itself


@dataclass(frozen=True, slots=True)
class Terms:
    """How one sale is taxed: `category` is EN 16931's (S standard, Z zero, AE reverse charge, O outside)."""

    category: str
    percent: Decimal
    country: str  # whose tax; empty: nobody's
    note: str = ""

    def kept(self) -> dict[str, Any]:
        return asdict(self) | {"percent": f"{self.percent.normalize():f}"}

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Terms | None:
        """As they were kept with a payment or a paper; None where nothing was."""
        if not kept:
            return None
        return cls(kept["category"], Decimal(kept["percent"]), kept["country"], kept["note"])

    @property
    def word(self) -> str:
        return "VAT, reverse charge" if self.category == "AE" else f"VAT {self.percent.normalize():f} %"


def rate_of(country: str, rates: Iterable[Rate], *, on: dt.date) -> Rate | None:
    """The one in force in this country on this day."""
    theirs = [rate for rate in rates if rate.country == country and rate.since <= on]
    return max(theirs, key=lambda rate: rate.since, default=None)


def terms_for(*, seller: str, buyer: str, tax_id: str, rates: Iterable[Rate], on: dt.date) -> Terms:
    """How a sale from one country into another is taxed; the countries are ISO 3166-1's two letters.

    At home the home rate. Abroad a business with a tax id accounts for it itself where its country's rate says so, or
    where both are in the EU. Who has none pays the rate of their country; in the EU, where no rate of it is kept, the
    seller's (Article 59c). Elsewhere no tax.
    """
    rates = list(rates)
    there = rate_of(buyer, rates, on=on)
    both_in_eu = seller in EU and buyer in EU
    if buyer != seller and tax_id and (there.reverses if there else both_in_eu):
        return Terms("AE", Decimal(0), "", REVERSE_EU if both_in_eu else REVERSE)
    if there is None and both_in_eu:
        there = rate_of(seller, rates, on=on)
    if there is None:
        return Terms("O", Decimal(0), "", OUTSIDE)
    return Terms("S" if there.percent else "Z", there.percent, there.country)


def tax_on(net: Decimal, percent: Decimal) -> Decimal:
    """In whole coins, half up."""
    return to_coins(net * percent / 100)


def net_of(gross: Decimal, percent: Decimal) -> Decimal:
    """What of a sum that was paid is not tax, in whole coins."""
    return to_coins(gross * 100 / (100 + percent))


def tax_within(back: Decimal, *, total: Decimal, tax: Decimal, back_before: Decimal, tax_before: Decimal) -> Decimal:
    """What of a part that goes back is tax: its share, so that all parts together are the whole tax, to the cent."""
    if not tax:
        return tax
    upto = to_coins(tax * min(back_before + back, total) / total)
    return min(max(upto - tax_before, Decimal(0)), back)


def read_tax_id(country: str, text: str) -> str:
    """A business's tax id as it is written in this country, with the country in front. Raises Invalid.

    Its form and check digits are looked at; whether it is in force only a tax office knows.
    """
    said = re.sub(r"[\s./-]", "", text).upper()
    if not text.strip():
        return ""
    prefix = PREFIX.get(country, country)
    bare = said.removeprefix(prefix)
    wrong = Invalid(f"“{text.strip()[:40]}” isn’t a tax ID of this country. Check the digits, or leave it empty.")
    module = get_cc_module(country.lower(), "vat")
    try:
        if country in EU:
            return str(vat.validate(prefix + bare))
        if module is not None:
            said = str(module.compact(module.validate(said)))
    except ValidationError:
        raise wrong from None
    if not re.fullmatch(r"[0-9A-Z]{4,30}", said, re.ASCII):
        raise wrong
    return said if said.startswith(prefix) else prefix + said
