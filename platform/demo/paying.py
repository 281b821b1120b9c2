"""How the demo's account is paid for: a card given on the stand-in's page for Stripe, refills, a refund, auto-refill.

Each night of the demo's past asks `pay`; what it does goes through Stripe's stand-in as if the owner were there.
"""

from __future__ import annotations

import uuid
from decimal import Decimal

import httpx
from django.conf import settings
from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR, Actor
from accounts.queries import owner_of
from billing import queries, stripe, work
from billing.commands import payments, refills, refunds
from billing.models import Customer, Payment, Refund
from billing.policy import PaymentState

DECLINES, WORKS = "4000000000000341", "4242424242424242"  # what the stand-in does with a card goes by its number
REFILL, BACK = Decimal(300), Decimal(50)
CEILING, PER_DAY = Decimal(3000), 2
REFUND_ON = 30  # days ago
AUTO = range(8, 21)  # days ago; it is off today, so that the header shows the balance, and a debit turns lines off
BACK_FROM_STRIPE = "https://demo.linekeeper.example/"  # nobody is sent there


def has_cards() -> bool:
    """Only a stand-in takes a card without a person."""
    return stripe.is_configured() and bool(settings.STRIPE_API_BASE)


def pay(account: Account, *, days_ago: int) -> None:
    """One night: a refill where the balance is low, by hand at times by itself; the first card is declined."""
    by = owner_of(account).actor
    if days_ago == REFUND_ON:
        _give_back(account)
    refill = queries.auto_refill_of(account.pk)
    if days_ago in AUTO and refill is None:
        refills.turn_on(account=account, ceiling=CEILING, per_day=PER_DAY, by=by)
    if days_ago < AUTO.start:
        refills.turn_off(account=account, by=by)
    if refill is not None and days_ago in AUTO:
        refills.fix_amount(account_id=account.pk, today=clock.today())
        begun = payments.begin_auto_refill(account_id=account.pk)
        if begun is not None:
            work.pay(begun)
    elif queries.is_low(account.pk, today=clock.today()):
        if not Customer.objects.filter(account=account).exists():
            _give_card(account, DECLINES, by)
        if _refill(account, by).state != PaymentState.SUCCEEDED:
            _give_card(account, WORKS, by)
            _refill(account, by)


def _refill(account: Account, by: Actor) -> Payment:
    begun = payments.begin_refill(account=account, amount=REFILL, key=uuid.uuid4(), return_url=BACK_FROM_STRIPE, by=by)
    return work.pay(begun.payment)


def _give_card(account: Account, number: str, by: Actor) -> None:
    """What a person does on Stripe's page, and coming back from it."""
    customer = work.customer_for(account, by=by)
    back = f"{BACK_FROM_STRIPE}?session={{CHECKOUT_SESSION_ID}}"
    page = stripe.open_card_page(customer=customer.stripe_id, success_url=back, cancel_url=back)
    form = {
        "number": number, "expiry": "12/31", "cvc": "123", "name": "Nora Wind", "line1": "Maasboulevard 100",
        "postal_code": "3063 NS", "city": "Rotterdam", "state": "", "country": "NL",
    }  # fmt: skip
    answer = httpx.post(page, data=form, timeout=30, trust_env=False)
    work.take_card(str(httpx.URL(answer.headers["location"]).params["session"]), by=by)


def _give_back(account: Account) -> Refund:
    paid = Payment.objects.filter(account=account, state=PaymentState.SUCCEEDED).latest("id")
    asked = refunds.ask_refund(
        payment_id=paid.pk, amount=BACK, reason="Lines that waited two days for their first session",
        key=uuid.uuid4(), by=OPERATOR,
    )  # fmt: skip
    return work.give_back(asked)
