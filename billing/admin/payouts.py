"""The back office's desks about Stripe's books beside ours: payouts, what differs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from kit.backoffice import Desk
from kit.money import shown
from unfold.decorators import action, display

from accounts.doors import desk_actor
from billing.commands import reconciling
from billing.models import BalanceMovement, MoneyDifference, Payout


def _shown(amount: Decimal | None) -> str:
    return "nothing" if amount is None else shown(amount)


class SettleForm(forms.Form):
    note = forms.CharField(label="What it was", max_length=300, widget=forms.Textarea(attrs={"rows": 3}))


class Open(admin.SimpleListFilter):
    title, parameter_name = "settled", "settled"

    def lookups(self, _request: HttpRequest, _desk: Any) -> list[tuple[str, str]]:
        return [("yes", "Settled")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[MoneyDifference]) -> QuerySet[MoneyDifference]:
        return rows.filter(settled_at__isnull=self.value() != "yes")


@admin.register(MoneyDifference)
class MoneyDifferenceDesk(Desk):
    """Where Stripe's balance and ours differ; one that comes right settles itself."""

    called = "payment differences"
    list_display = ["found_at", "says", "in_ledger", "at_stripe", "payment", "settled_by", "note"]
    list_filter = [Open]
    list_select_related = ["payment"]
    search_fields = ["=key"]
    actions_detail = ["settle"]

    @display(description="Our ledger")
    def in_ledger(self, row: MoneyDifference) -> str:
        return _shown(row.ours)

    @display(description="Stripe")
    def at_stripe(self, row: MoneyDifference) -> str:
        return _shown(row.theirs)

    @action(description="Settle", url_path="settle", icon="task_alt")
    def settle(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: MoneyDifference = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            reconciling.settle(difference_id=row.pk, note=given["note"], by=desk_actor(request))
            return "Difference settled."

        about = f"{row.says}. Our ledger {_shown(row.ours)}, Stripe {_shown(row.theirs)}. No money moves by this."
        return self.ask(request, SettleForm, act, title=row.key, button="Settle difference", row=row, about=about)


@admin.register(Payout)
class PayoutDesk(Desk):
    called = "payouts"
    list_display = ["arrives_on", "stripe_id", "arrived", "status", "sum_of_movements"]
    list_filter = ["status"]
    search_fields = ["=stripe_id"]
    ordering = ["-arrives_on", "-pk"]

    @display(description="Amount", ordering="amount")
    def arrived(self, row: Payout) -> str:
        return shown(row.amount)

    @display(description="Sum of movements")
    def sum_of_movements(self, row: Payout) -> str:
        return "not compared yet" if row.summed is None else shown(row.summed)


@admin.register(BalanceMovement)
class MovementDesk(Desk):
    called = "balance transactions"
    list_display = ["moved_at", "kind", "gained", "fee_taken", "source", "payment", "payout"]
    list_filter = ["kind"]
    list_select_related = ["payment", "payout"]
    search_fields = ["=stripe_id", "=source", "=payout__stripe_id"]
    ordering = ["-moved_at"]

    @display(description="Amount", ordering="amount")
    def gained(self, row: BalanceMovement) -> str:
        return shown(row.amount)

    @display(description="Fee", ordering="fee")
    def fee_taken(self, row: BalanceMovement) -> str:
        return shown(row.fee)
