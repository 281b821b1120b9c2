"""Payments: a wish before Stripe is asked, and the one command in which all news of it ends."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from kit import clock
from kit.errors import Invalid, NotFound, Refusal
from kit.money import exact, plain, shown

from accounts.commands import record
from accounts.models import Account
from accounts.policy import SYSTEM, Actor
from billing import queries, words
from billing.commands.invoices import issue_invoice
from billing.commands.ledger import PaidByParent, lock_wallets, post
from billing.commands.notices import tell
from billing.commands.refills import CardMissing, news
from billing.models import AutoRefill, Customer, Payment
from billing.policy import (
    LEAST_REFILL,
    MOST_REFILL,
    OPEN_PAYMENT,
    PAYMENT_MOVES,
    EntryKind,
    PaymentState,
    RefillNews,
    RefillState,
    fits_ceiling,
    retry_at,
)
from billing.stripe import Outcome

PATIENCE = dt.timedelta(seconds=40)  # the first asker's own time with Stripe
LONGEST_PAUSE = dt.timedelta(hours=1)


class PaymentOpen(Refusal):
    """Another payment of the account has not ended."""


class CardExpired(Refusal):
    """The saved card is past its expiry."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A payment, and whether it is new: only then its caller asks Stripe."""

    payment: Payment
    is_new: bool


def check_amount(*, amount: Decimal) -> Decimal:
    """An amount that may be added by hand. Raises Invalid."""
    if not amount.is_finite() or amount <= 0:
        raise Invalid("Give an amount over 0, like 50.00")
    if amount != amount.quantize(Decimal("0.01")):
        raise Invalid("An amount has at most two decimals, like 50.00")
    if not LEAST_REFILL <= amount <= MOST_REFILL:
        raise Invalid(f"One refill is {shown(LEAST_REFILL)} to {shown(MOST_REFILL)}")
    return exact(amount)


@transaction.atomic
def begin_refill(*, account: Account, amount: Decimal, key: uuid.UUID, return_url: str, by: Actor) -> Begun:
    """A refill by hand. The same key again is the same payment, whatever the amount.

    Raises PaidByParent, Invalid, CardMissing, CardExpired, PaymentOpen.
    """
    if account.is_subaccount:
        raise PaidByParent(f"{account.name} is a sub-account; its main account pays")
    lock_wallets(account_ids=[account.pk])
    before = Payment.objects.filter(uuid=key).first()
    if before is not None:
        if before.account_id != account.pk:
            raise Invalid("This form was sent already; load the page again")
        return Begun(before, is_new=False)
    amount = check_amount(amount=amount)
    customer = _chargeable(account.pk)
    if Payment.objects.filter(account=account, state__in=sorted(OPEN_PAYMENT)).exists():
        raise PaymentOpen("A payment is still under way; wait until it has ended, or cancel it")
    payment = _create(customer, amount, is_auto=False, key=key, return_url=return_url, by=by)
    return Begun(payment, is_new=True)


@transaction.atomic
def begin_auto_refill(*, account_id: int) -> Payment | None:
    """An attempt of auto-refill where one is due now; None where it is not (any more). Harmless twice.

    Due: auto-refill is on, or its retry's time has come; the balance is orange or red; nothing else is open; the
    ceiling allows it.
    """
    lock_wallets(account_ids=[account_id])
    refill = AutoRefill.objects.select_for_update().select_related("account").filter(pk=account_id).first()
    if refill is None or not _may_start(refill):
        return None
    today = clock.today()
    if not queries.is_low(account_id, today=today):
        if refill.state == RefillState.RETRYING:  # somebody else paid meanwhile
            news(refill=refill, happened=RefillNews.PAID)
        return None
    if Payment.objects.filter(account_id=account_id, state__in=sorted(OPEN_PAYMENT)).exists():
        return None
    spent = queries.auto_refilled(account_id, month=today)
    if not fits_ceiling(refill.amount, spent, refill.ceiling) and refill.ceiling is not None:
        told = words.ceiling_reached(amount=refill.amount, spent=spent, ceiling=refill.ceiling)
        tell(account_id=account_id, key=f"refill-ceiling:{account_id}:{today:%Y-%m}:{plain(refill.ceiling)}", told=told)
        return None
    try:
        customer = _chargeable(account_id)
    except (CardMissing, CardExpired) as refusal:
        news(refill=refill, happened=RefillNews.STARTED)
        _declined(refill, refill.amount, "", refusal.message.split(";")[0].lower(), key=f"{clock.now():%Y%m%d%H%M%S}")
        return None
    payment = _create(customer, refill.amount, is_auto=True, key=uuid.uuid4(), return_url="", by=SYSTEM)
    news(refill=refill, happened=RefillNews.STARTED)
    return payment


def _may_start(refill: AutoRefill) -> bool:
    if refill.state == RefillState.RETRYING:
        return refill.retry_at is not None and refill.retry_at <= clock.now()
    return refill.state == RefillState.ON


def _chargeable(account_id: int) -> Customer:
    customer = Customer.objects.filter(pk=account_id).first()
    if customer is None or not customer.has_card or customer.exp_year is None or customer.exp_month is None:
        raise CardMissing("There is no saved card; add one first")
    today = clock.today()
    if (customer.exp_year, customer.exp_month) < (today.year, today.month):
        raise CardExpired(f"The card ending in {customer.last4} expired in {customer.expiry}; replace it")
    return customer


def _create(
    customer: Customer, amount: Decimal, *, is_auto: bool, key: uuid.UUID, return_url: str, by: Actor
) -> Payment:
    payment = Payment.objects.create(
        account_id=customer.pk,
        uuid=key,
        is_auto=is_auto,
        amount=amount,
        state=PaymentState.PENDING,
        card_id=customer.card_id,
        brand=customer.brand,
        last4=customer.last4,
        return_url=return_url,
        by=by.name,
        created_at=clock.now(),
        ask_at=clock.now() + PATIENCE,
    )
    detail = {"amount": plain(amount), "auto": is_auto, "last4": customer.last4}
    record(by=by, verb="payment.begun", account_id=customer.pk, subject=f"payment:{payment.pk}", detail=detail)
    return payment


@transaction.atomic
def ask_later(*, payment_id: int) -> None:
    """Stripe did not answer: the janitor asks again, ever less often."""
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    if payment.is_open:
        payment.asks += 1
        payment.ask_at = clock.now() + min(dt.timedelta(seconds=15) * 2 ** min(payment.asks, 12), LONGEST_PAUSE)
        payment.save(update_fields=["asks", "ask_at"])


@transaction.atomic
def settle(*, payment_id: int, outcome: Outcome, by: Actor = SYSTEM) -> Payment:
    """What Stripe says of a payment, from whomever we hear it first, however often and in whatever order.

    Credited once: by its state, and by the ledger's key. Raises NotFound for another payment's news, Invalid where
    Stripe names another amount than we wished.
    """
    account_id = Payment.objects.values_list("account_id", flat=True).get(pk=payment_id)
    lock_wallets(account_ids=[account_id])
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    if outcome.payment not in ("", payment.uuid.hex) or payment.stripe_id not in ("", outcome.intent):
        raise NotFound("This is the news of another payment")
    if outcome.amount != payment.amount:
        raise Invalid(f"Stripe says {outcome.amount}, and {payment.amount} was asked for")
    before, after = PaymentState(payment.state), outcome.state
    payment.stripe_id = outcome.intent
    if after not in PAYMENT_MOVES[before]:
        payment.save(update_fields=["stripe_id"])
        if payment.is_open:
            ask_later(payment_id=payment.pk)
            payment.refresh_from_db()
        return payment
    payment.state, payment.reason = after, outcome.reason[:200]
    payment.ended_at = None if after in OPEN_PAYMENT else clock.now()
    payment.ask_at = clock.now() + dt.timedelta(minutes=5) if after in OPEN_PAYMENT else None
    payment.save()
    subject = f"payment:{payment.pk}"
    detail = {"amount": plain(payment.amount), "before": before.value, "reason": payment.reason}
    record(by=by, verb=f"payment.{after.value}", account_id=account_id, subject=subject, detail=detail)
    if after is PaymentState.SUCCEEDED:
        _credit(payment)
    if payment.is_auto:
        _tell_refill(payment, after)
    return payment


@transaction.atomic
def give_up(*, payment_id: int, reason: str, by: Actor = SYSTEM) -> Payment:
    """Stripe never heard of it, or refuses to try: nothing was charged."""
    account_id = Payment.objects.values_list("account_id", flat=True).get(pk=payment_id)
    lock_wallets(account_ids=[account_id])
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    if PaymentState(payment.state) is not PaymentState.PENDING:
        return payment
    payment.state, payment.reason = PaymentState.FAILED, reason[:200]
    payment.ended_at, payment.ask_at = clock.now(), None
    payment.save()
    detail = {"amount": plain(payment.amount), "reason": payment.reason}
    record(by=by, verb="payment.failed", account_id=account_id, subject=f"payment:{payment.pk}", detail=detail)
    if payment.is_auto:
        _tell_refill(payment, PaymentState.FAILED)
    return payment


def _credit(payment: Payment) -> None:
    post(
        account_id=payment.account_id,
        key=f"top-up:{payment.pk}",
        kind=EntryKind.TOP_UP,
        amount=payment.amount,
        day=clock.today(),
        note=f"{'Auto-refill' if payment.is_auto else 'Refill'}, card ending in {payment.last4}",
    )
    invoice = issue_invoice(payment=payment)
    told = words.receipt(amount=payment.amount, last4=payment.last4, invoice=invoice.name, is_auto=payment.is_auto)
    tell(account_id=payment.account_id, key=f"receipt:{payment.pk}", told=told, invoice=invoice)


def _tell_refill(payment: Payment, state: PaymentState) -> None:
    """What an attempt's end means for auto-refill."""
    refill = AutoRefill.objects.select_for_update().get(pk=payment.account_id)
    if state is PaymentState.SUCCEEDED:
        news(refill=refill, happened=RefillNews.PAID)
    elif state is PaymentState.CONFIRMING:
        if news(refill=refill, happened=RefillNews.WANTS_OWNER) is RefillState.CONFIRMING:
            told = words.wants_confirmation(amount=payment.amount, last4=payment.last4)
            tell(account_id=payment.account_id, key=f"confirm:{payment.pk}", told=told)
    elif state is PaymentState.CANCELLED:
        if news(refill=refill, happened=RefillNews.DROPPED, why="you cancelled its payment") is RefillState.PAUSED:
            tell(account_id=payment.account_id, key=f"dropped:{payment.pk}", told=words.dropped(amount=payment.amount))
    else:
        _declined(refill, payment.amount, payment.last4, payment.reason, key=str(payment.pk))


def _declined(refill: AutoRefill, amount: Decimal, last4: str, reason: str, *, key: str) -> None:
    if refill.state not in (RefillState.CHARGING, RefillState.CONFIRMING):
        return
    count = refill.declined + 1
    again = retry_at(count, clock.now())
    happened = RefillNews.DECLINED if again else RefillNews.DECLINED_LAST
    news(refill=refill, happened=happened, retry_at=again, declined=count, why=reason)
    told = words.declined(amount=amount, last4=last4, reason=reason, again=again)
    tell(account_id=refill.pk, key=f"declined:{refill.pk}:{key}", told=told)
