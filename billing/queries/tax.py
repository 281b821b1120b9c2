"""Reads about tax: the rates that are kept, who buys, and how a sale to an account is taxed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings

from accounts.models import Account
from billing.models import BillingDetails, Customer, TaxRate
from billing.policy import Rate, Terms, terms_for

ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")


def rates_in_force(*, on: dt.date) -> list[Rate]:
    """Every rate that has begun, also those that a later one has replaced. None: this installation takes no tax."""
    rows = TaxRate.objects.filter(since__lte=on).values_list("country", "percent", "since", "reverses")
    return [Rate(*row) for row in rows]


def details_of(account_id: int) -> BillingDetails | None:
    return BillingDetails.objects.filter(pk=account_id).first()


def buyer_of(account: Account) -> dict[str, Any]:
    """Who buys, as papers say it: name, contact, address, and the tax id where there is one."""
    customer = Customer.objects.filter(pk=account.pk).first()
    details = details_of(account.pk)
    contact = customer.name if customer else ""
    if details is None:
        return {"name": account.name, "contact": contact, "address": customer.address if customer else {}}
    address = {name: getattr(details, name) for name in ADDRESS}
    return {"name": details.name, "contact": "", "address": address, "tax_id": details.tax_id}


def lacks_address(buyer: dict[str, Any]) -> bool:
    """Whether what the law wants on an invoice is missing: a street, a town, a country."""
    address = buyer.get("address") or {}
    return not all(address.get(name) for name in ("line1", "city", "country"))


def tax_terms(buyer: dict[str, Any], *, on: dt.date) -> Terms | None:
    """How a sale to this buyer is taxed on this day; None where the installation takes no tax."""
    rates = rates_in_force(on=on)
    if not rates:
        return None
    country = str((buyer.get("address") or {}).get("country", ""))
    seller = settings.SELLER.get("country", "")
    return terms_for(seller=seller, buyer=country, tax_id=buyer.get("tax_id", ""), rates=rates, on=on)
