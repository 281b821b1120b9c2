"""Reads about payments, cards and auto-refill."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from decimal import Decimal

from django.db import connection
from django.db.models import F, Q, Sum
from kit.money import ZERO, plain

from accounts.models import Account
from accounts.policy import Actor
from billing.models import AutoRefill, CreditRequest, Customer, Notice, Payment, Refund, Reversal, WebhookEvent
from billing.policy import DAY, OPEN_PAYMENT, Charged, Decision, PaymentState, RefillState, amount_is_due
from billing.policy.notices import Kind
from billing.queries.balances import LOW


def accounts_to_refill(*, now: dt.datetime, limit: int = 200) -> list[int]:
    """Accounts whose auto-refill may be due: on, or to be tried again by now, and orange or red.

    And those whose turn may be over: it ends when the balance is green. Where they are more than `limit`, any of them:
    some wait for their owner, and must not stand before the others.
    """
    watched = AutoRefill.objects.filter(Q(state=RefillState.ON) | Q(state=RefillState.RETRYING))
    refills = list(watched.order_by("pk"))
    if not refills:
        return []
    with connection.cursor() as cursor:
        cursor.execute(LOW, {"today": now.date(), "accounts": [refill.pk for refill in refills]})
        low = {row[0] for row in cursor.fetchall()}
    due = [refill.pk for refill in refills if _is_due(refill, now, is_low=refill.pk in low)]
    return random.sample(due, min(limit, len(due)))


def _is_due(refill: AutoRefill, now: dt.datetime, *, is_low: bool) -> bool:
    if not is_low:
        return refill.state == RefillState.RETRYING or refill.turn_since is not None
    after = refill.retry_at if refill.state == RefillState.RETRYING else refill.look_at
    return after is None or after <= now


def amounts_to_fix(*, today: dt.date) -> list[int]:
    """Accounts whose auto-refill's amount is of before the last 5th."""
    rows = AutoRefill.objects.exclude(state=RefillState.OFF).values_list("pk", "fixed_on")
    return [account_id for account_id, fixed_on in rows if amount_is_due(fixed_on, today)]


def auto_refilled(account_id: int, *, month: dt.date) -> Decimal:
    """What auto-refill charged in this month, whenever it was begun, with what is under way: USD."""
    start = dt.datetime(month.year, month.month, 1, tzinfo=dt.UTC)
    counted = Q(state=PaymentState.SUCCEEDED, ended_at__gte=start) | Q(state__in=sorted(OPEN_PAYMENT))
    payments = Payment.objects.filter(counted, account_id=account_id, is_auto=True)
    return payments.aggregate(total=Sum("amount"))["total"] or ZERO


def charged_by_refill(refill: AutoRefill, *, now: dt.datetime) -> Charged:
    """What auto-refill charged, with what is under way. A charge that a clock dated more than a day ahead counts for
    its turn and its month; for the last 24 hours it must not, or nothing would be charged until then."""
    theirs = Payment.objects.filter(account_id=refill.pk, is_auto=True)
    open_now = Q(state__in=sorted(OPEN_PAYMENT))
    paid = Q(state=PaymentState.SUCCEEDED)
    of_day = paid & Q(ended_at__gt=now - DAY, ended_at__lt=now + DAY)
    return Charged(
        in_turn=theirs.filter(paid | open_now, turn=refill.turn).count(),
        in_day=theirs.filter(of_day | open_now).count(),
        in_month=auto_refilled(refill.pk, month=now.date()),
    )


def payments_to_ask(*, now: dt.datetime, limit: int = 50) -> list[int]:
    """Open payments about which it is time to ask Stripe."""
    due = Payment.objects.filter(ask_at__lte=now, state__in=sorted(OPEN_PAYMENT))
    return list(due.order_by("ask_at").values_list("pk", flat=True)[:limit])


def events_to_handle(*, now: dt.datetime, limit: int = 50) -> list[int]:
    """Events that could not be handled when they came, those first that have waited longest for their turn."""
    waiting = WebhookEvent.objects.filter(handled_at=None, try_at__lte=now)
    return list(waiting.order_by("try_at").values_list("pk", flat=True)[:limit])


def refunds_to_ask(*, now: dt.datetime, limit: int = 50) -> list[int]:
    """Open refunds about which it is time to ask Stripe again."""
    due = Refund.objects.filter(state=Decision.OPEN, ask_at__lte=now)
    return list(due.order_by("ask_at").values_list("pk", flat=True)[:limit])


def agrees(payment: Payment, *, back_id: str, is_gone: bool) -> bool:
    """Whether our books say of a payment that succeeded, or of a refund or dispute of it, what Stripe does."""
    if not back_id:
        return payment.state == PaymentState.SUCCEEDED
    known = Reversal.objects.filter(stripe_id=back_id).first()
    return not is_gone if known is None else known.is_undone is not is_gone


def refundable(payment: Payment) -> Decimal:
    """What of a payment can still be given back, with its tax: USD."""
    if payment.state != PaymentState.SUCCEEDED:
        return ZERO
    gone = payment.reversals.filter(is_undone=False).aggregate(total=Sum("amount"))["total"] or ZERO
    asked = (
        payment.refunds.filter(state__in=[Decision.OPEN, Decision.WAITING]).aggregate(total=Sum("amount"))["total"]
        or ZERO
    )
    left: Decimal = payment.total - gone - asked
    return max(left, ZERO)


def moved_by(by: Actor, *, since: dt.datetime) -> Decimal:
    """What a person moved by hand since then without a second one, on all accounts: credits, debits and refunds, added
    up: USD."""
    asked = Q(asked_by=by.name) if by.person is None else Q(asked_by=by.name) | Q(asker=by.person)
    credits = CreditRequest.objects.filter(asked, asked_at__gte=since, decided_by=F("asked_by"))
    theirs = Q(by=by.name) if by.person is None else Q(by=by.name) | Q(asker=by.person)
    alone = Refund.objects.filter(theirs, created_at__gte=since, decided_by="").exclude(state=Decision.WAITING)
    refunds = alone.exclude(state=Decision.REFUSED).values_list("amount", flat=True)
    return sum((abs(amount) for amount in [*credits.values_list("amount", flat=True), *refunds]), ZERO)


def open_payment_of(account_id: int) -> Payment | None:
    return Payment.objects.filter(account_id=account_id, state__in=sorted(OPEN_PAYMENT)).first()


def key_to_pay(account: Account, missing: Decimal) -> uuid.UUID:
    """The key of the payment that pays what is missing: the same however often a page shows its button, until another
    payment was begun or another sum is missing. A second click charges nothing more."""
    last = Payment.objects.filter(account=account).order_by("-id").values_list("pk", flat=True).first()
    return uuid.uuid5(account.uuid, f"missing:{last}:{plain(missing)}")


def customer_of(account_id: int) -> Customer | None:
    return Customer.objects.filter(pk=account_id).first()


def auto_refill_of(account_id: int) -> AutoRefill | None:
    return AutoRefill.objects.filter(pk=account_id).first()


def notices_of(account_id: int, *, limit: int) -> list[Notice]:
    """The newest things that the owner was told of money."""
    return list(Notice.objects.filter(account_id=account_id, to=[], kind=Kind.MONEY).order_by("-id")[:limit])
