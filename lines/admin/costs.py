"""The back office's desk of what carriers say that lines cost, beside what our plans' costs make of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import DecimalField, ExpressionWrapper, F, QuerySet
from django.http import HttpRequest, HttpResponse
from kit.backoffice import ConfirmForm, Desk
from unfold.decorators import action, display

from accounts.doors import desk_actor
from lines.commands import costs
from lines.models import CarrierCost
from lines.policy.costs import Compared

SAYS = {
    Compared.WAITS: "Waiting for the carrier",
    Compared.AGREES: "Agrees",
    Compared.DIFFERS: "Differs",
    Compared.NOT: "Not comparable",
    Compared.SETTLED: "Settled",
}


class SettleForm(forms.Form):
    note = forms.CharField(label="What it was", max_length=300, widget=forms.Textarea(attrs={"rows": 3}))


class Shown(admin.SimpleListFilter):
    """Differences first: what agrees is asked for."""

    title, parameter_name = "state", "state"

    def lookups(self, _request: HttpRequest, _desk: Any) -> list[tuple[str, str]]:
        return [(one.value, said) for one, said in SAYS.items() if one != Compared.DIFFERS] + [("all", "All")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[CarrierCost]) -> QuerySet[CarrierCost]:
        return rows if self.value() == "all" else rows.filter(state=self.value() or Compared.DIFFERS)


@admin.register(CarrierCost)
class CarrierCostDesk(Desk):
    """By carrier, month and line. For us alone: customers see nothing of it."""

    called = "carrier costs"
    list_display = [
        "month_shown", "carrier", "line", "said", "own", "apart", "used_there", "used_here", "how", "settled_by",
        "note",
    ]  # fmt: skip
    list_filter = [Shown, "carrier", "month"]
    list_select_related = ["line", "carrier"]
    search_fields = ["=line__iccid"]
    ordering = ["-month", "carrier", "-pk"]
    actions_detail = ["settle", "again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CarrierCost]:
        rows: QuerySet[CarrierCost] = super().get_queryset(request)
        apart = ExpressionWrapper(F("theirs") - F("ours"), DecimalField(max_digits=20, decimal_places=6))
        return rows.annotate(difference=apart)

    @display(description="Month", ordering="month")
    def month_shown(self, row: CarrierCost) -> str:
        return f"{row.month:%b %Y}"

    @display(description="Carrier says", ordering="theirs")
    def said(self, row: CarrierCost) -> str:
        return f"{_amount(row.theirs)} {row.currency}".strip()

    @display(description="By our costs", ordering="ours")
    def own(self, row: CarrierCost) -> str:
        return _amount(row.ours)

    @display(description="Difference", ordering="difference")
    def apart(self, row: Any) -> str:
        return "" if row.state == Compared.NOT or row.difference is None else f"{row.difference:+,.4f}"

    @display(description="State", ordering="state")
    def how(self, row: CarrierCost) -> str:
        return SAYS[Compared(row.state)] + (f": {row.last_error}" if row.last_error else "")

    @action(description="Settle", url_path="settle", icon="task_alt")
    def settle(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: CarrierCost = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            costs.settle_cost(cost_id=row.pk, note=given["note"], by=desk_actor(request))
            return "Difference settled."

        about = f"{row.carrier} says {self.said(row)}, our costs say {_amount(row.ours)}. No money moves by this."
        return self.ask(request, SettleForm, act, title=str(row), button="Settle difference", row=row, about=about)

    @action(description="Ask the carrier again", url_path="again", icon="refresh")
    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: CarrierCost = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            costs.ask_cost_again(cost_id=row.pk, by=desk_actor(request))
            return "The carrier is asked in a moment."

        about = "Both figures are compared anew, with today’s costs of the plans."
        return self.ask(request, ConfirmForm, act, title=str(row), button="Ask again", row=row, about=about)


def _amount(amount: Decimal | None) -> str:
    return "not known" if amount is None else f"{amount:,.4f}"
