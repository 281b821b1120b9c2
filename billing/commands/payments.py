"""Payments: a wish before Stripe is asked, and the one command in which all news of it ends."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from kit import clock
from kit.errors import Invalid, NotFound, Refusal
from kit.money import currency, exact, plain, shown, to_coins

from accounts.commands import record
from accounts.commands.people import refuse_unconfirmed
from accounts.models import Account
from accounts.policy import SYSTEM, Actor
from billing import queries, words
from billing.commands.invoices import issue_invoice
from billing.commands.ledger import PaidByParent, lock_wallets, post
from billing.commands.notices import tell
from billing.commands.refills import CardMissing, end_turn_if_green, news
from billing.commands.tax import DetailsMissing, Taxed, taxed
from billing.models import AutoRefill, Customer, Payment
from billing.policy import (
    ASK_AGAIN,
    LEAST_REFILL,
    MOST_REFILL,
    OPEN_PAYMENT,
    PAYMENT_MOVES,
    Colour,
    EntryKind,
    Held,
    PaymentState,
    RefillNews,
    RefillState,
    held_by,
    missing,
    retry_at,
)
from billing.stripe import Outcome

PATIENCE = dt.timedelta(seconds=40)  # the first asker's own time with Stripe
LONGEST_PAUSE = dt.timedelta(minutes=5)
LOOK_AGAIN = dt.timedelta(minutes=1)  # at a low balance that may not be refilled now
GIVE_UP_AFTER = dt.timedelta(minutes=3)  # of a payment that Stripe, asked again and again, knows nothing of
UNKNOWN_TIMES = 2
SENT_WITHIN = dt.timedelta(minutes=20)  # nobody wants a charge that is sent later
NOT_CONFIRMED = "it was not confirmed with the bank in time"
PAY_MISSING = "/billing/add-funds/?amount=missing"
BILLING_DETAILS = "/billing/information/"


class PaymentOpen(Refusal):
    """Another payment of the account has not ended."""


class CardExpired(Refusal):
    """The saved card is past its expiry."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A payment, and whether it is new: only then its caller asks Stripe."""

    payment: Payment
    is_new: bool


def check_amount(*, amount: Decimal, missing: Decimal = Decimal(0)) -> Decimal:
    """An amount that may be added by hand; what is `missing` may be paid whole, however much it is. Raises Invalid."""
    if not amount.is_finite() or amount <= 0:
        raise Invalid("Give an amount over 0, like 50.00")
    if amount != to_coins(amount):
        raise Invalid(f"An amount has at most {currency().digits} decimals, like {to_coins(Decimal(50))}")
    if not LEAST_REFILL <= amount <= MOST_REFILL and amount != missing:
        raise Invalid(f"One refill is {shown(LEAST_REFILL)} to {shown(MOST_REFILL)}")
    return exact(amount)


@transaction.atomic
def begin_refill(*, account: Account, amount: Decimal, key: uuid.UUID, return_url: str, by: Actor) -> Begun:
    """A refill by hand of `amount` on the balance; tax is charged on top. The same key again is the same payment,
    whatever the amount.

    Raises PaidByParent, Invalid, CardMissing, CardExpired, PaymentOpen, DetailsMissing.
    """
    if account.is_subaccount:
        raise PaidByParent(f"{account.name} is a sub-account; its main account pays")
    lock_wallets(account_ids=[account.pk])
    before = Payment.objects.filter(uuid=key).first()
    if before is not None:
        if before.account_id != account.pk:
            raise Invalid("This form was sent already; load the page again")
        return Begun(before, is_new=False)
    refuse_unconfirmed(account=account)
    amount = check_amount(amount=amount, missing=queries.to_pay(account, today=clock.today()))
    customer = _chargeable(account.pk)
    if Payment.objects.filter(account=account, state__in=sorted(OPEN_PAYMENT)).exists():
        raise PaymentOpen("A payment is still under way; wait until it has ended, or cancel it")
    sum = taxed(account=account, net=amount)
    payment = _create(customer, sum, is_auto=False, key=key, return_url=return_url, by=by)
    return Begun(payment, is_new=True)


@transaction.atomic
def begin_auto_refill(*, account_id: int) -> Payment | None:
    """An attempt of auto-refill where one is due now; None where it is not (any more). Harmless twice.

    Due: auto-refill is on, or its retry's time has come; the balance is orange or red; nothing else is open; this turn
    and the last 24 hours have not had their charge, and the ceiling allows it.
    """
    lock_wallets(account_ids=[account_id])
    refill = AutoRefill.objects.select_for_update().select_related("account").filter(pk=account_id).first()
    if refill is None:
        return None
    today = clock.today()
    if not queries.is_low(account_id, today=today):
        end_turn_if_green(account_id=account_id)
        return None
    if not _may_start(refill) or queries.open_payment_of(account_id) is not None:
        return None
    if refill.turn_since is None:
        refill.turn, refill.turn_since = refill.turn + 1, clock.now()
        refill.save(update_fields=["turn", "turn_since"])
    charged = queries.charged_by_refill(refill, now=clock.now())
    held = held_by(charged, amount=refill.amount, per_day=refill.per_day, ceiling=refill.ceiling)
    if held is not None:
        _hold(refill, held, spent=charged.in_month, today=today)
        return None
    try:
        sum = taxed(account=refill.account, net=refill.amount)
    except DetailsMissing:
        _wait_for_details(refill)
        return None
    try:
        customer = _chargeable(account_id)
    except (CardMissing, CardExpired) as refusal:
        news(refill=refill, happened=RefillNews.STARTED)
        _declined(refill, refill.amount, "", refusal.message.split(";")[0].lower(), key=f"{clock.now():%Y%m%d%H%M%S}")
        return None
    payment = _create(customer, sum, is_auto=True, key=uuid.uuid4(), return_url="", by=SYSTEM, turn=refill.turn)
    news(refill=refill, happened=RefillNews.STARTED)
    return payment


def _may_start(refill: AutoRefill) -> bool:
    if refill.state == RefillState.RETRYING:
        return refill.retry_at is not None and refill.retry_at <= clock.now()
    return refill.state == RefillState.ON


def _hold(refill: AutoRefill, held: Held, *, spent: Decimal, today: dt.date) -> None:
    """A low balance that auto-refill does nothing about: its owner is notified of the ceiling once, and once in a turn
    of the exact sum that is missing where lines cannot run."""
    refill.look_at = clock.now() + LOOK_AGAIN
    refill.save(update_fields=["look_at"])
    if held is Held.CEILING and refill.ceiling is not None:
        told = words.ceiling_reached(
            amount=refill.amount, spent=spent, ceiling=refill.ceiling, is_own=refill.ceiling_is_own
        )
        key = f"refill-ceiling:{refill.pk}:{today:%Y-%m}:{plain(refill.ceiling)}"
        tell(account_id=refill.pk, key=key, told=told, page="/billing/auto-refill/", about="refill")
    balance = queries.balance_of(refill.account, today=today)
    if balance.colour is Colour.RED:
        told = words.missing(
            missing=missing(balance.available, balance.minimum),
            available=balance.available,
            minimum=balance.minimum,
            held=held,
            per_day=refill.per_day,
        )
        tell(
            account_id=refill.pk,
            key=f"refill-missing:{refill.pk}:{refill.turn}",
            told=told,
            page=PAY_MISSING,
            about="missing",
        )


def _wait_for_details(refill: AutoRefill) -> None:
    """Nothing may be charged without a buyer for its invoice: the owner hears of it once in a turn."""
    refill.look_at = clock.now() + LOOK_AGAIN
    refill.save(update_fields=["look_at"])
    key = f"refill-details:{refill.pk}:{refill.turn}"
    told = words.details_missing(amount=refill.amount)
    tell(account_id=refill.pk, key=key, told=told, page=BILLING_DETAILS, about="refill")


def _chargeable(account_id: int) -> Customer:
    customer = Customer.objects.filter(pk=account_id).first()
    if customer is None or not customer.has_card or customer.exp_year is None or customer.exp_month is None:
        raise CardMissing("There is no saved card; add one first")
    today = clock.today()
    if (customer.exp_year, customer.exp_month) < (today.year, today.month):
        raise CardExpired(f"The card ending in {customer.last4} expired in {customer.expiry}; replace it")
    return customer


def _create(
    customer: Customer,
    sum: Taxed,
    *,
    is_auto: bool,
    key: uuid.UUID,
    return_url: str,
    by: Actor,
    turn: int | None = None,
) -> Payment:
    payment = Payment.objects.create(
        account_id=customer.pk,
        uuid=key,
        is_auto=is_auto,
        turn=turn,
        amount=sum.net,
        tax=sum.tax,
        terms=sum.terms,
        state=PaymentState.PENDING,
        card_id=customer.card_id,
        brand=customer.brand,
        last4=customer.last4,
        return_url=return_url,
        by=by.name,
        created_at=clock.now(),
        sent_at=clock.now(),
        ask_at=clock.now() + PATIENCE,
    )
    detail = {"amount": plain(sum.net), "tax": plain(sum.tax), "auto": is_auto, "last4": customer.last4}
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
def send_again(*, payment_id: int) -> bool:
    """Stripe was asked and knows nothing of it: whether it is to be sent once more. It may be on its way still while
    the one who sent it last waits for the answer; and it is given up when Stripe has had its time and keeps knowing
    nothing, so that no account waits for longer than minutes."""
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    now = clock.now()
    sent = payment.sent_at or payment.created_at
    if not payment.is_open or now < sent + PATIENCE:
        return False
    payment.unknown += 1
    age = now - payment.created_at
    is_over = (payment.unknown > UNKNOWN_TIMES and age >= GIVE_UP_AFTER) or age >= SENT_WITHIN
    if not is_over:
        payment.sent_at = now
    payment.save(update_fields=["unknown", "sent_at"])
    if is_over:
        give_up(payment_id=payment.pk, reason="the payment provider did not answer", unanswered=True)
    return not is_over


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
    if outcome.amount != payment.total:
        raise Invalid(f"Stripe says {outcome.amount}, and {payment.total} was asked for")
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
    payment.waits_since = clock.now() if after is PaymentState.CONFIRMING else payment.waits_since
    payment.save()
    subject = f"payment:{payment.pk}"
    detail = {"amount": plain(payment.amount), "before": before.value, "reason": payment.reason}
    record(by=by, verb=f"payment.{after.value}", account_id=account_id, subject=subject, detail=detail)
    if after is PaymentState.SUCCEEDED:
        _credit(payment)
    if payment.is_auto:
        if after is PaymentState.CANCELLED and before is PaymentState.PENDING and by == SYSTEM:
            _tell_unanswered(payment)
        else:
            _tell_refill(payment, after, was_abandoned=by == SYSTEM)
    return payment


@transaction.atomic
def drop(*, payment_id: int, by: Actor = SYSTEM) -> Payment:
    """Its owner cancels what Stripe knows nothing of: at once, unless it may be on its way to Stripe still."""
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    if not payment.is_open or clock.now() < (payment.sent_at or payment.created_at) + PATIENCE:
        return payment
    return give_up(payment_id=payment_id, reason="it was cancelled", unanswered=True, by=by)


@transaction.atomic
def give_up(*, payment_id: int, reason: str, unanswered: bool = False, by: Actor = SYSTEM) -> Payment:
    """Stripe refuses to try, or never heard of it (`unanswered`): nothing was charged. Where that proves wrong later,
    the news of it still credits the payment."""
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
    if payment.is_auto and unanswered:
        _tell_unanswered(payment)
    elif payment.is_auto:
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
    told = words.receipt(
        amount=payment.amount, tax=payment.tax, last4=payment.last4, invoice=invoice.name, is_auto=payment.is_auto
    )
    tell(account_id=payment.account_id, key=f"receipt:{payment.pk}", told=told, invoice=invoice)
    end_turn_if_green(account_id=payment.account_id)


def _tell_unanswered(payment: Payment) -> None:
    """No fault of the card: another attempt follows in minutes, and its owner hears of it once in a turn."""
    refill = AutoRefill.objects.select_for_update().get(pk=payment.account_id)
    again = clock.now() + ASK_AGAIN
    if news(refill=refill, happened=RefillNews.UNANSWERED, retry_at=again) is RefillState.RETRYING:
        told = words.unanswered(amount=payment.amount)
        tell(account_id=refill.pk, key=f"unanswered:{refill.pk}:{payment.turn}", told=told, about="refill")


def _tell_refill(payment: Payment, state: PaymentState, *, was_abandoned: bool = False) -> None:
    """What an attempt's end means for auto-refill. A confirmation that nobody gave is a card that was declined."""
    refill = AutoRefill.objects.select_for_update().get(pk=payment.account_id)
    if state is PaymentState.SUCCEEDED:
        news(refill=refill, happened=RefillNews.PAID)
    elif state is PaymentState.CONFIRMING:
        if news(refill=refill, happened=RefillNews.WANTS_OWNER) is RefillState.CONFIRMING:
            told = words.wants_confirmation(amount=payment.amount, last4=payment.last4)
            tell(account_id=payment.account_id, key=f"confirm:{payment.pk}", told=told)
    elif state is PaymentState.CANCELLED and not was_abandoned:
        if news(refill=refill, happened=RefillNews.DROPPED, why="you cancelled its payment") is RefillState.PAUSED:
            told = words.dropped(amount=payment.amount)
            tell(account_id=payment.account_id, key=f"dropped:{payment.pk}", told=told, about="refill")
    else:
        reason = NOT_CONFIRMED if state is PaymentState.CANCELLED else payment.reason
        _declined(refill, payment.amount, payment.last4, reason, key=str(payment.pk))
        customer = queries.customer_of(payment.account_id)
        if customer is not None and customer.has_card and customer.card_id != payment.card_id:
            news(refill=refill, happened=RefillNews.NEW_CARD)  # it was given while the old one was tried


def _declined(refill: AutoRefill, amount: Decimal, last4: str, reason: str, *, key: str) -> None:
    if refill.state not in (RefillState.CHARGING, RefillState.CONFIRMING):
        return
    count = refill.declined + 1
    again = retry_at(count, clock.now())
    happened = RefillNews.DECLINED if again else RefillNews.DECLINED_LAST
    news(refill=refill, happened=happened, retry_at=again, declined=count, why=reason)
    told = words.declined(amount=amount, last4=last4, reason=reason, again=again)
    tell(account_id=refill.pk, key=f"declined:{refill.pk}:{key}", told=told, about="refill")
