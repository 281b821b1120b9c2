"""Doors through which money comes: funds, card, auto-refill. The owner's only."""

from __future__ import annotations

import logging
import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from kit import clock, walls
from kit.errors import Refusal
from kit.htmx import page
from kit.money import shown, to_coins

from accounts.doors import MemberRequest, needs
from accounts.policy import Right
from billing import queries, stripe, work
from billing.commands import cards, payments, refills
from billing.forms import OTHER, AddFundsForm, LimitsForm
from billing.models import AutoRefill, Payment
from billing.paper import not_printed
from billing.policy import (
    MOST_A_DAY,
    REFILL_STEPS,
    Balance,
    PaymentState,
    default_ceiling,
    largest_month,
    refill_amount,
    rounding,
)
from billing.views.parts import NO_ANSWER, actor, common, leave_for, tax_note

log = logging.getLogger(__name__)
SHOWN_A_DAY = (1, 2, 3, 5, MOST_A_DAY)
AFTER_CARD = {"add-funds": "add_funds", "auto-refill": "auto_refill", "payment-method": "payment_method"}


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_MONEY)
def add_funds(request: MemberRequest) -> HttpResponse:
    """Charge the saved card; without one, give one first."""
    account = request.account
    customer = queries.customer_of(account.pk)
    missing = queries.to_pay(account, today=clock.today())
    asked = (
        {"choice": OTHER, "other": f"{to_coins(missing):f}"}
        if missing and request.GET.get("amount") == "missing"
        else {}
    )
    form = AddFundsForm(request.POST if request.method == "POST" else None, initial=asked)
    status = 200
    if request.method == "POST" and form.is_valid():
        key: uuid.UUID = form.cleaned_data["key"]
        back = request.build_absolute_uri(reverse("payment", args=[key.hex]))
        try:
            begun = payments.begin_refill(
                account=account, amount=form.cleaned_data["amount"], key=key, return_url=back, by=actor(request)
            )
        except Refusal as refusal:
            form.add_error(None, refusal.message)
            status = refusal.status
        else:
            return _paid(request, begun)
    elif request.method == "POST":
        status = 422
    context = common("add_funds") | {
        "form": form,
        "customer": customer,
        "has_card": customer is not None and customer.has_card,
        "open": queries.open_payment_of(account.pk),
        "balance": queries.balance_of(account, today=clock.today()),
        "missing": missing,
        "pay_key": queries.key_to_pay(account, missing),
        "tax_note": tax_note(account),
    }
    response = page(request, "billing/add_funds.html", context)
    response.status_code = status
    return response


def _paid(request: MemberRequest, begun: payments.Begun) -> HttpResponse:
    """Ask Stripe, once; then the payment's own page, or the bank's."""
    try:
        payment = work.pay(begun.payment) if begun.is_new else begun.payment
    except Refusal as refusal:  # Stripe speaks of another payment or amount: somebody must look
        log.error("payment %s cannot be settled: %s", begun.payment.pk, refusal)
        messages.error(request, "The payment provider’s answer doesn’t match this payment. Nothing was added yet.")
        return redirect("payment", key=begun.payment.uuid.hex)
    if begun.is_new and payment.state == PaymentState.CONFIRMING:
        return _to_bank(request, payment)
    return redirect("payment", key=payment.uuid.hex)


def _to_bank(request: MemberRequest, payment: Payment) -> HttpResponse:
    back = request.build_absolute_uri(reverse("payment", args=[payment.uuid.hex]))
    try:
        url = work.confirm_page(payment, return_url=back)
    except stripe.StripeFailure as failure:
        log.warning("payment %s cannot be confirmed: %s", payment.pk, failure)
        messages.error(request, NO_ANSWER)
        return redirect("payment", key=payment.uuid.hex)
    if not url:
        return redirect("payment", key=payment.uuid.hex)
    return leave_for(request, url, what="your bank's page to confirm the payment")


def _own(request: MemberRequest, key: str) -> Payment:
    try:
        found = Payment.objects.filter(account=request.account, uuid=uuid.UUID(key)).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found


@require_GET
@needs(Right.SEE_MONEY)
def payment(request: MemberRequest, key: str) -> HttpResponse:
    """One payment and what became of it. Who comes back from the bank makes us ask Stripe at once."""
    found = _own(request, key)
    if found.is_open and "payment_intent" in request.GET:
        with walls.lifted():  # what Stripe says is written down
            found = work.ask_about(found)
    context = common("transactions") | {
        "payment": found,
        "invoice": getattr(found, "invoice", None),
        "balance": queries.balance_of(request.account, today=clock.today()),
    }
    return page(request, "billing/payment.html", context, part="payment")


@require_POST
@needs(Right.MANAGE_MONEY)
def confirm(request: MemberRequest, key: str) -> HttpResponse:
    """To the bank's page, for a payment that waits for its owner."""
    found = _own(request, key)
    if found.state != PaymentState.CONFIRMING:
        return redirect("payment", key=key)
    return _to_bank(request, found)


@require_POST
@needs(Right.MANAGE_MONEY)
def cancel(request: MemberRequest, key: str) -> HttpResponse:
    """Take a payment back that has not ended."""
    try:
        work.cancel(_own(request, key), by=actor(request))
    except stripe.StripeFailure as failure:
        log.warning("payment %s cannot be cancelled: %s", key, failure)
        messages.error(request, NO_ANSWER)
    return redirect("payment", key=key)


@require_GET
@needs(Right.MANAGE_MONEY)
def payment_method(request: MemberRequest) -> HttpResponse:
    account = request.account
    customer = queries.customer_of(account.pk)
    context = common("payment_method") | {
        "customer": customer,
        "not_printed": not_printed(customer.name, *map(str, customer.address.values())) if customer else "",
        "refill": queries.auto_refill_of(account.pk),
        "today": clock.today(),
    }
    return page(request, "billing/payment_method.html", context)


@require_POST
@needs(Right.MANAGE_MONEY)
def give_card(request: MemberRequest) -> HttpResponse:
    """To Stripe's own page, where a card is given; from there back to where one came from."""
    after = request.POST.get("after", "")
    after = after if after in AFTER_CARD else "payment-method"
    back = request.build_absolute_uri(reverse("card_given"))
    cancelled = request.build_absolute_uri(reverse(AFTER_CARD[after]))
    try:
        customer = work.customer_for(request.account, by=actor(request))
        url = stripe.open_card_page(
            customer=customer.stripe_id,
            success_url=f"{back}?after={after}&session={{CHECKOUT_SESSION_ID}}",
            cancel_url=cancelled,
        )
    except Refusal as refusal:
        messages.error(request, refusal.message)
    except stripe.NotConfigured as failure:
        messages.error(request, str(failure))
    except stripe.StripeFailure as failure:
        log.warning("no card page for account %s: %s", request.account.pk, failure)
        messages.error(request, NO_ANSWER)
    else:
        return leave_for(request, url, what="Stripe's page, where you give the card")
    return redirect(AFTER_CARD[after])


@require_GET
@needs(Right.MANAGE_MONEY)
def card_given(request: MemberRequest) -> HttpResponse:
    """Back from Stripe's page. The webhook may have been here first."""
    after = AFTER_CARD.get(request.GET.get("after", ""), "payment_method")
    before = queries.customer_of(request.account.pk)
    try:
        with walls.lifted():  # Stripe leads here by a link, and what it tells is written down
            session = request.GET.get("session", "")
            is_there = work.take_card(session, account_id=request.account.pk, by=actor(request))
    except stripe.StripeFailure as failure:
        log.warning("the card of account %s is not known yet: %s", request.account.pk, failure)
        is_there = False
    customer = queries.customer_of(request.account.pk)
    if is_there and customer is not None and customer.has_card:
        word = "replaced" if before is not None and before.has_card and before.card_id != customer.card_id else "saved"
        messages.success(request, f"The card ending in {customer.last4} is {word}.")
    else:
        messages.info(request, "Stripe has not told us of a card yet. If you saved one, it shows here in a minute.")
    return redirect(after)


@require_POST
@needs(Right.MANAGE_MONEY)
def remove_card(request: MemberRequest) -> HttpResponse:
    """Here and at Stripe; refused while auto-refill needs it."""
    account_id = request.account.pk
    try:
        card = cards.may_remove(account_id=account_id)
        stripe.forget_card(card)
        cards.remove_card(account_id=account_id, card_id=card, by=actor(request))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    except stripe.StripeFailure as failure:
        log.warning("card of account %s cannot be removed: %s", account_id, failure)
        messages.error(request, NO_ANSWER)
    else:
        messages.success(request, "The card is removed.")
    return redirect("payment_method")


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_MONEY)
def auto_refill(request: MemberRequest) -> HttpResponse:
    """On, off, and its limits. What it would charge, when and how much at the most, is said before it is turned on."""
    account, today = request.account, clock.today()
    refill = queries.auto_refill_of(account.pk)
    form = LimitsForm(request.POST if request.method == "POST" else None, initial=_limits(refill))
    status = 200
    if request.method == "POST":
        try:
            if _change_refill(request, form):
                return redirect("auto_refill")
            status = 422
        except Refusal as refusal:
            form.add_error(None, refusal.message)
            status = refusal.status
    balance = queries.balance_of(account, today=today)
    missing = queries.to_pay(account, today=today)
    context = common("auto_refill") | {
        "form": form,
        "refill": refill,
        "customer": queries.customer_of(account.pk),
        "open": queries.open_payment_of(account.pk),
        "balance": balance,
        **_would_charge(balance),
        "missing": missing,
        "pay_key": queries.key_to_pay(account, missing),
        "ten_days": balance.average_daily * 10,
        "steps": ", ".join(f"${step}" for step in REFILL_STEPS),
        "spent": queries.auto_refilled(account.pk, month=today),
        "notices": queries.notices_of(account.pk, limit=5),
    }
    response = page(request, "billing/auto_refill.html", context)
    response.status_code = status
    return response


def _limits(refill: AutoRefill | None) -> dict[str, object]:
    if refill is None:
        return {}
    own = refill.ceiling if refill.ceiling_is_own else None
    is_none = refill.ceiling_is_own and refill.ceiling is None
    return {"ceiling": own and f"{to_coins(own):f}", "no_ceiling": is_none, "per_day": str(refill.per_day)}


def _would_charge(balance: Balance) -> dict[str, object]:
    """What auto-refill would charge if it were turned on now, with the limits that it has by itself; and what follows
    from each number of charges a day."""
    amount = refill_amount(balance.average_daily)
    ceiling = default_ceiling(amount, balance.average_daily)
    return {
        "would_charge": amount,
        "rounding": rounding(balance.average_daily),
        "would_limit": ceiling,
        "days_of_charges": [
            (times, amount * times, largest_month(amount, ceiling=ceiling, per_day=times)) for times in SHOWN_A_DAY
        ],
    }


def _change_refill(request: MemberRequest, form: LimitsForm) -> bool:
    account, do, by = request.account, request.POST.get("do", ""), actor(request)
    if do == "off":
        refills.turn_off(account=account, by=by)
        messages.success(request, "Auto-refill is off. Your balance and Refill are in the header again.")
        return True
    if not form.is_valid():
        return False
    if do == "on":
        refill = refills.turn_on(account=account, by=by, **form.limits())
        messages.success(request, f"Auto-refill is on: {shown(refill.amount)} when the balance is low.")
        return True
    if do == "limit":
        refills.set_limits(account=account, by=by, **form.limits())
        messages.success(request, "Auto-refill limits saved.")
        return True
    return False
