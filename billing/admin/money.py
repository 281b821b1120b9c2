"""The back office's desks about money: balances, the ledger, payments and refunds, manual credits."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from kit.amounts import AmountField
from kit.backoffice import ConfirmForm, Desk
from kit.money import currency, shown, to_coins
from kit.second_person import Asked, SecondPersonDesk
from unfold.decorators import action, display

from accounts.doors import desk_actor
from billing import queries, work
from billing.commands import credits, notices, refunds
from billing.models import (
    AutoRefill,
    Comparison,
    CreditRequest,
    Entry,
    Invoice,
    Notice,
    Payment,
    Refund,
    Wallet,
    WebhookEvent,
)
from billing.policy import Decision, EntryKind

COLOURS = {"Too low": "danger", "Low": "warning", "Good": "success"}


BY_HAND = {
    "adjustment": "Credit, or with a minus a debit",
    "discount": "Discount",
    "transfer": "Bank transfer that arrived, with its tax",
}


class ByHandForm(forms.Form):
    kind = forms.ChoiceField(label="What", choices=[(kind, BY_HAND[kind]) for kind in BY_HAND])
    amount = AmountField(label=currency().code)
    reason = forms.CharField(label="What it is for", max_length=300, help_text="The customer reads it.")
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class RefundForm(forms.Form):
    amount = AmountField(label=f"{currency().code} back to the card")
    reason = forms.CharField(label="Why", max_length=300)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class MoneyDesk(Desk):
    """Amounts in dollars and cents, as people read them."""

    list_select_related = ["account"]
    search_fields = ["=account__name"]
    search_help_text = "The account's whole name"

    @display(description="Amount", ordering="amount")
    def usd(self, row: Any) -> str:
        return shown(row.amount)


@admin.register(Wallet)
class BalanceDesk(Desk):
    called = "balances"
    list_display = ["account", "available", "state", "red_since", "first_usage_day"]
    list_filter = ["is_red"]
    list_select_related = ["account"]
    search_fields = ["account__name"]
    fields = ["account", "available", "posted", "accrued", "is_red", "red_since", "low_since", "first_usage_day"]
    readonly_fields = ["available"]
    actions_detail = ["by_hand"]

    @display(description="Available")
    def available(self, wallet: Wallet) -> str:
        return shown(wallet.posted - wallet.accrued)

    @display(description="Balance", label=COLOURS)
    def state(self, wallet: Wallet) -> str:
        return "Too low" if wallet.is_red else "Low" if wallet.low_since else "Good"

    @action(description="Credit, debit or discount", url_path="by-hand", icon="payments")
    def by_hand(self, request: HttpRequest, object_id: str) -> HttpResponse:
        wallet: Wallet = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            kind, by = EntryKind(given.pop("kind")), desk_actor(request)
            asked = credits.ask_credit(account=wallet.account, kind=kind, by=by, **given)
            if asked.state == Decision.OPEN:
                return f"{shown(asked.amount)} needs a second person. See Manual credits."
            return f"{shown(asked.amount)} posted."

        return self.ask(request, ByHandForm, act, title=f"By hand: {wallet.account}", button="Post it", row=wallet)


@admin.register(Entry)
class LedgerDesk(MoneyDesk):
    called = "ledger rows"
    list_display = ["posted_at", "account", "kind", "usd", "day", "note", "key"]
    list_filter = ["kind"]
    search_fields = ["=key", "=account__name"]
    search_help_text = "A row's key, or the account's whole name"


@admin.register(Payment)
class PaymentDesk(MoneyDesk):
    list_display = ["created_at", "account", "usd", "state", "is_auto", "last4", "reason", "by"]
    list_filter = ["state", "is_auto"]
    search_fields = ["=account__name", "=stripe_id", "=last4"]
    search_help_text = "The account's whole name, Stripe's id, or the card's last four"
    readonly_fields = ["left", "invoice"]
    actions_detail = ["refund"]

    @display(description="Can be given back")
    def left(self, payment: Payment) -> str:
        return shown(queries.refundable(payment))

    @action(description="Refund", url_path="refund", icon="undo")
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment: Payment = self.found(request, object_id)
        left = queries.refundable(payment)

        def act(given: dict[str, Any]) -> str:
            wish = refunds.ask_refund(payment_id=payment.pk, by=desk_actor(request), **given)
            if wish.state == Decision.WAITING:
                return f"Refund of {shown(wish.amount)} needs a second person. See Refunds."
            return _given_back(work.give_back(wish) if wish.state == Decision.OPEN else wish)

        about = (
            f"{shown(left)} of {shown(payment.total)} can go back, with its tax. The balance falls, and may turn red."
        )
        initial = {"amount": to_coins(left)}
        title = f"Refund to the card ending in {payment.last4}"
        return self.ask(
            request,
            RefundForm,
            act,
            title=title,
            button="Refund",
            row=payment,
            about=about,
            initial=initial,
        )


def _given_back(refund: Refund) -> str:
    if refund.state == Decision.REFUSED:
        return f"Stripe refused: {refund.why_refused}. Nothing went back."
    if refund.state == Decision.OPEN:
        return "Stripe has not answered. We ask again until it does. See Refunds."
    return f"{shown(refund.amount)} refunded to the card ending in {refund.payment.last4}."


@admin.register(Refund)
class RefundDesk(SecondPersonDesk):
    list_display = ["created_at", "payment", "usd", "state", "why_refused", "reason", "by", "decided_by"]
    list_filter = ["state"]
    list_select_related = ["payment__account"]

    def asked(self, refund: Refund) -> Asked:
        about = f"{refund.by} requested it for payment {refund.payment_id}: {refund.reason}"
        return Asked(f"refund of {shown(refund.amount)}", about)

    def decide(self, request: HttpRequest, refund: Refund, *, agreed: bool) -> str:
        done = refunds.decide_refund(refund_id=refund.pk, agreed=agreed, by=desk_actor(request))
        return _given_back(work.give_back(done)) if agreed else f"Refund of {shown(done.amount)} rejected."

    @display(description="Amount", ordering="amount")
    def usd(self, refund: Refund) -> str:
        return shown(refund.amount)


@admin.register(CreditRequest)
class CreditDesk(SecondPersonDesk, MoneyDesk):
    called = "manual credits"
    list_display = ["asked_at", "account", "kind", "usd", "reason", "asked_by", "state", "decided_by"]
    list_filter = ["state", "kind"]

    def asked(self, credit: CreditRequest) -> Asked:
        about = f"{credit.asked_by} requested it for {credit.account}: {credit.reason}"
        return Asked(f"{credit.kind} of {shown(credit.amount)}", about)

    def decide(self, request: HttpRequest, credit: CreditRequest, *, agreed: bool) -> str:
        credits.decide_credit(request_id=credit.pk, agreed=agreed, by=desk_actor(request))
        return f"{shown(credit.amount)} {'posted' if agreed else 'rejected'}."


@admin.register(AutoRefill)
class AutoRefillDesk(MoneyDesk):
    called = "auto-refill"
    list_display = ["account", "state", "usd", "most", "per_day", "turn_since", "declined", "retry_at", "why_paused"]
    list_filter = ["state"]

    @display(description="Most per month", ordering="ceiling")
    def most(self, refill: AutoRefill) -> str:
        return "no limit" if refill.ceiling is None else shown(refill.ceiling)


@admin.register(Invoice)
class InvoiceDesk(MoneyDesk):
    list_display = ["name", "kind", "account", "usd", "tax_usd", "issued_at"]
    list_filter = ["kind"]
    search_fields = ["=number", "=account__name"]

    @display(description="Tax", ordering="tax")
    def tax_usd(self, paper: Invoice) -> str:
        return shown(paper.tax)


@admin.register(Notice)
class NoticeDesk(Desk):
    """What people were told, and whether the mail went out."""

    called = "mails"
    list_display = ["created_at", "account", "subject", "mailed_at", "failed_at", "why", "tries", "mail_after"]
    list_filter = [("failed_at", admin.EmptyFieldListFilter), ("mailed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["account"]
    actions_detail = ["send_again"]

    @action(description="Send again", url_path="send-again", icon="send")
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        notice: Notice = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            notices.send_again(notice_id=notice.pk, by=desk_actor(request))
            return "Email queued. We'll try for three days."

        about = f"“{notice.subject}” for {notice.account}. {notice.why}"
        return self.ask(
            request, ConfirmForm, act, title="Send again", button="Send again", row=notice, about=about, again=False
        )


@admin.register(Comparison)
class ComparisonDesk(Desk):
    """Each day's comparison with Stripe."""

    called = "comparisons with Stripe"
    list_display = ["day", "looked", "found", "done_at", "failed"]


@admin.register(WebhookEvent)
class WebhookDesk(Desk):
    called = "events of Stripe"
    list_display = ["received_at", "type", "handled_at", "result"]
    list_filter = [("handled_at", admin.EmptyFieldListFilter)]
    search_fields = ["=stripe_id", "^type"]
