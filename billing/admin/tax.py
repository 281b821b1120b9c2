"""The back office's desks about tax: the rates that are kept, and whom invoices are made out to."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from kit import clock
from kit.backoffice import ConfirmForm, Desk
from kit.countries import countries, name_of
from unfold.decorators import action, display

from accounts.doors import desk_actor
from accounts.models import Account
from billing.commands import tax
from billing.forms import BillingDetailsForm
from billing.models import BillingDetails, TaxRate


class RateForm(forms.Form):
    country = forms.ChoiceField(label="Country", choices=lambda: [("", ""), *countries().items()])
    percent = forms.DecimalField(
        label="Rate, %", min_value=Decimal(0), max_value=Decimal("99.99"), decimal_places=2, max_digits=4
    )
    since = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    reverses = forms.BooleanField(
        label="Businesses with a tax ID there account for it themselves",
        required=False,
        initial=True,
        help_text="Reverse charge. It never applies to customers in the seller’s own country.",
    )


@admin.register(TaxRate)
class TaxRateDesk(Desk):
    """Without a rate in force no tax is taken. Papers that were issued keep theirs."""

    called = "tax rates"
    list_display = ["land", "rate", "since", "reverses", "by"]
    list_filter = ["country"]
    ordering = ["country", "-since"]
    actions_list = ["add_rate"]
    actions_detail = ["remove"]

    @display(description="Country", ordering="country")
    def land(self, row: TaxRate) -> str:
        return f"{name_of(row.country)} ({row.country})"

    @display(description="Rate", ordering="percent")
    def rate(self, row: TaxRate) -> str:
        return f"{row.percent.normalize():f} %"

    @action(description="Add rate", url_path="add-rate", icon="add")
    def add_rate(self, request: HttpRequest) -> HttpResponse:
        def act(given: dict[str, Any]) -> str:
            row = tax.add_rate(by=desk_actor(request), **given)
            return f"{name_of(row.country)}: {row.percent.normalize():f} % from {row.since:%-d %B %Y}."

        about = "Tax is added to each payment from this day on. Issued invoices stay as they are."
        initial = {"since": clock.today() + dt.timedelta(days=1)}
        return self.ask(request, RateForm, act, title="Add rate", button="Add rate", about=about, initial=initial)

    @action(description="Remove", url_path="remove", icon="delete")
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: TaxRate = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            tax.remove_rate(rate_id=row.pk, by=desk_actor(request))
            return "Rate removed."

        about = "Only a rate that has not begun can be removed."
        return self.ask(request, ConfirmForm, act, title=f"Remove {row}", button="Remove rate", about=about)


class AccountDetailsForm(BillingDetailsForm):
    account = forms.ModelChoiceField(Account.objects.filter(parent=None).order_by("name"))
    field_order = ["account"]


@admin.register(BillingDetails)
class DetailsDesk(Desk):
    """Whom invoices are made out to, where an account gave it."""

    called = "billing details"
    list_display = ["account", "name", "city", "country", "tax_id", "updated_at"]
    list_select_related = ["account"]
    search_fields = ["account__name", "name", "=tax_id"]
    actions_list = ["write"]

    @action(description="Set billing details", url_path="write", icon="edit")
    def write(self, request: HttpRequest) -> HttpResponse:
        def act(given: dict[str, Any]) -> str:
            account = given.pop("account")
            tax.set_details(account=account, details=given, by=desk_actor(request))
            return f"Billing details of {account.name} saved."

        return self.ask(request, AccountDetailsForm, act, title="Set billing details", button="Save")
