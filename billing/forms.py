"""What people fill in about money; amounts are read in one place."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from kit import clock
from kit.amounts import AmountField
from kit.countries import countries
from kit.money import shown

from billing.policy import LEAST_REFILL, MOST_A_DAY, MOST_REFILL, REFILL_CHOICES, EntryKind

OTHER = "other"


class AddFundsForm(forms.Form):
    """An amount of the list or one of one's own; the key makes the same form sent twice one payment."""

    choice = forms.ChoiceField(
        label="Amount",
        choices=[*((str(choice), shown(Decimal(choice))) for choice in REFILL_CHOICES), (OTHER, "Another amount")],
        initial="50",
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    other = AmountField(
        label="Another amount",
        required=False,
        help_text=f"{shown(LEAST_REFILL)} to {shown(MOST_REFILL)}; filled in, it counts instead of the one above.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("other") is not None:
            data["amount"] = data["other"]
        elif data.get("choice") == OTHER and "other" in data:
            self.add_error("other", "Give the amount, like 75.00")
        elif data.get("choice") and data.get("choice") != OTHER:
            data["amount"] = Decimal(data["choice"])
        return data


class BillingDetailsForm(forms.Form):
    """To whom invoices are made out."""

    name = forms.CharField(label="Company or full name", max_length=200)
    line1 = forms.CharField(label="Street and number", max_length=200)
    line2 = forms.CharField(label="Address line 2", max_length=200, required=False)
    postal_code = forms.CharField(label="Postal code", max_length=20, required=False)
    city = forms.CharField(label="City", max_length=100)
    state = forms.CharField(label="State or region", max_length=100, required=False)
    country = forms.ChoiceField(
        label="Country",
        choices=lambda: [("", "Choose a country"), *countries().items()],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    tax_id = forms.CharField(
        label="Tax ID (VAT number)", max_length=40, required=False, help_text="For businesses, like DE136695976."
    )


class LimitsForm(forms.Form):
    """How much auto-refill may charge: in a month, and how often a day."""

    ceiling = AmountField(
        label="Monthly limit", required=False, help_text="Auto-refill stops at this amount each month."
    )
    no_ceiling = forms.BooleanField(label="No monthly limit", required=False)
    per_day = forms.ChoiceField(
        label="Charges a day",
        choices=[(str(times), "1, recommended" if times == 1 else str(times)) for times in range(1, MOST_A_DAY + 1)],
        required=False,
        initial="1",
        help_text="The most that one turn of a low balance, and any 24 hours, can cause.",
        widget=forms.Select(attrs={"class": "form-select"}),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("ceiling") is not None and data.get("no_ceiling"):
            self.add_error("ceiling", "Enter a monthly limit or select No monthly limit, not both.")
        return data

    def limits(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {"ceiling": given["ceiling"], "no_ceiling": given["no_ceiling"], "per_day": int(given["per_day"] or 1)}


# The kinds that the list of transactions can be narrowed to.
KINDS = (
    ("", "All but usage"),
    ("payment", "Payments"),
    (EntryKind.USAGE.value, "Usage, by day"),
    (EntryKind.SMS.value, "SMS"),
    (EntryKind.ADJUSTMENT.value, "Adjustments"),
    (EntryKind.DISCOUNT.value, "Discounts"),
    (EntryKind.TRANSFER.value, "Bank transfers"),
    (EntryKind.REFUND.value, "Refunds"),
    (EntryKind.DISPUTE.value, "Disputes"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the list of transactions; what makes no sense is left out."""

    kind: str = ""
    start: dt.date | None = None
    end: dt.date | None = None
    page: int = 1

    def query(self, **changes: Any) -> str:
        values = {
            "kind": self.kind,
            "from": self.start.isoformat() if self.start else "",
            "to": self.end.isoformat() if self.end else "",
            **changes,
        }
        data = QueryDict(mutable=True)
        data.update({name: str(value) for name, value in values.items() if value})
        return f"?{data.urlencode()}" if data else ""


def asked_from(data: QueryDict) -> Asked:
    kind = data.get("kind", "")
    page = data.get("page", "")
    return Asked(
        kind=kind if kind in dict(KINDS) else "",
        start=clock.day_from(data.get("from", "")),
        end=clock.day_from(data.get("to", "")),
        page=min(int(page), 10_000) if re.fullmatch(r"[1-9][0-9]{0,5}", page) else 1,
    )
