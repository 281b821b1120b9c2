"""Tax: the operator's rates, an account's billing details, and the tax of one charge."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from kit import clock
from kit.countries import countries, why_not
from kit.errors import Invalid, Refusal
from kit.money import ZERO, exact

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from billing import queries
from billing.commands.ledger import PaidByParent
from billing.models import BillingDetails, TaxRate
from billing.policy import net_of, read_tax_id, tax_on

MOST = {"name": 200, "line1": 200, "line2": 200, "postal_code": 20, "city": 100, "state": 100}
NEEDED = {"name": "a name", "line1": "a street", "city": "a city", "country": "a country"}


class DetailsMissing(Refusal):
    """The law wants a buyer on the invoice who is not known yet."""


@dataclass(frozen=True, slots=True)
class Taxed:
    """A sum split: what comes to the balance, its tax, and on which terms, with the buyer as they are now."""

    net: Decimal
    tax: Decimal = ZERO
    terms: dict[str, Any] = field(default_factory=dict)


def taxed(*, account: Account, net: Decimal) -> Taxed:
    """The tax on top of what an account pays in. Raises DetailsMissing."""
    return _split(account, net=net)


def taxed_within(*, account: Account, gross: Decimal) -> Taxed:
    """The tax within what an account has paid already, by bank transfer. Raises DetailsMissing."""
    return _split(account, gross=gross)


def _split(account: Account, *, net: Decimal = ZERO, gross: Decimal = ZERO) -> Taxed:
    buyer = queries.buyer_of(account)
    terms = queries.tax_terms(buyer, on=clock.today())
    if terms is None:
        return Taxed(net or gross)
    if queries.lacks_address(buyer):
        raise DetailsMissing("Add billing details first. Invoices need an address, and its country decides the tax.")
    if not settings.SELLER.get("country"):
        raise DetailsMissing("The seller’s country is not set. Tell your administrator: SELLER_COUNTRY is missing.")
    kept = terms.kept() | {"buyer": buyer}
    net = net or net_of(gross, terms.percent)
    return Taxed(exact(net), exact(gross - net if gross else tax_on(net, terms.percent)), kept)


@transaction.atomic
def add_rate(*, country: str, percent: Decimal, since: dt.date, reverses: bool, by: Actor) -> TaxRate:
    """A country's rate from a day on; papers that were issued stay as they are. Raises Invalid."""
    if not settings.SELLER.get("country"):
        raise Invalid("Set SELLER_COUNTRY first. Tax depends on where the seller is.")
    if country not in countries():
        raise Invalid(why_not(country))
    if not percent.is_finite() or not 0 <= percent < 100 or percent != percent.quantize(Decimal("0.01")):
        raise Invalid("Enter a rate from 0 to 99.99, with at most two decimals.")
    if TaxRate.objects.filter(country=country, since=since).exists():
        raise Invalid(f"{countries()[country]} already has a rate from this day on.")
    rate = TaxRate.objects.create(country=country, percent=percent, since=since, reverses=reverses, by=by.name)
    detail = {"country": country, "percent": f"{percent:f}", "since": since.isoformat(), "reverses": reverses}
    record(by=by, verb="tax_rate.added", subject=f"tax-rate:{rate.pk}", detail=detail)
    return rate


@transaction.atomic
def remove_rate(*, rate_id: int, by: Actor) -> None:
    """Only one that has not begun. Raises Invalid."""
    rate = TaxRate.objects.select_for_update().get(pk=rate_id)
    if rate.since <= clock.today():
        raise Invalid("This rate is in force. Add a new one from a later day on instead.")
    detail = {"country": rate.country, "percent": f"{rate.percent:f}", "since": rate.since.isoformat()}
    record(by=by, verb="tax_rate.removed", subject=f"tax-rate:{rate.pk}", detail=detail)
    rate.delete()


@transaction.atomic
def set_details(*, account: Account, details: dict[str, str], by: Actor) -> BillingDetails:
    """Who is on the account's next invoices. Raises PaidByParent, Invalid."""
    if account.is_subaccount:
        raise PaidByParent(f"{account.name} is a sub-account; its main account pays")
    given = {name: " ".join(details.get(name, "").split()) for name in (*MOST, "country", "tax_id")}
    for name, what in NEEDED.items():
        if not given[name]:
            raise Invalid(f"Enter {what}.")
    for name, most in MOST.items():
        if len(given[name]) > most:
            raise Invalid(f"“{given[name][:20]}…” is too long: at most {most} characters.")
    if given["country"] not in countries():
        raise Invalid(why_not(given["country"]))
    given["tax_id"] = read_tax_id(given["country"], given["tax_id"])
    row, _ = BillingDetails.objects.update_or_create(account=account, defaults=given | {"updated_at": clock.now()})
    record(by=by, verb="billing_details.changed", account_id=account.pk, detail=given)
    return row
