"""Refunds that the back office asks for: a wish before Stripe is asked, like payments."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from kit import clock
from kit.errors import Invalid
from kit.money import exact, plain, shown, to_coins

from accounts.commands import record
from accounts.policy import SYSTEM, Actor
from billing import queries
from billing.commands.credits import COUNTED, Decided, OwnRequest, lock_person
from billing.commands.ledger import lock_wallets
from billing.commands.reversals import reverse
from billing.models import Payment, Refund
from billing.policy import Decision, PaymentState, needs_second_person

LONGEST_PAUSE = dt.timedelta(hours=1)


@transaction.atomic
def ask_refund(*, payment_id: int, amount: Decimal, reason: str, key: uuid.UUID, by: Actor) -> Refund:
    """Open at once, or above the limit once a second person has agreed. The same key again is the same refund.

    Raises Invalid: nothing is left, or it is over what is left.
    """
    lock_person(by=by)
    payment = Payment.objects.get(pk=payment_id)
    lock_wallets(account_ids=[payment.account_id])
    before = Refund.objects.filter(uuid=key, payment=payment).first()
    if before is not None:
        return before
    payment.refresh_from_db()
    left = queries.refundable(payment)
    if payment.state != PaymentState.SUCCEEDED or not left:
        raise Invalid("There is nothing to give back: it was not paid, or all of it went back already")
    if not amount.is_finite() or not 0 < amount <= left or amount != to_coins(amount):
        raise Invalid(f"A refund is an amount over 0, in whole cents, up to {shown(left)}")
    if payment.refunds.filter(state__in=[Decision.OPEN, Decision.WAITING]).exists():
        raise Invalid("A refund of this payment is under way; wait until it is decided and Stripe has answered")
    if not reason.strip():
        raise Invalid("Say why; it is kept with the refund")
    waits = needs_second_person(amount, queries.moved_by(by, since=clock.now() - COUNTED), settings.CREDIT_LIMIT)
    refund = Refund.objects.create(
        payment=payment,
        uuid=key,
        amount=exact(amount),
        reason=reason.strip()[:300],
        by=by.name,
        asker_id=by.person,
        state=Decision.WAITING if waits else Decision.OPEN,
        ask_at=clock.now() + dt.timedelta(seconds=40),  # the asker's own time with Stripe
    )
    detail = {"amount": plain(refund.amount), "payment": payment.pk, "reason": refund.reason, "waits": waits}
    record(by=by, verb="refund.asked", account_id=payment.account_id, subject=f"payment:{payment.pk}", detail=detail)
    return refund


@transaction.atomic
def decide_refund(*, refund_id: int, agreed: bool, by: Actor) -> Refund:
    """A second person agrees, and Stripe may be asked, or refuses. Raises OwnRequest, Decided."""
    account_id = Refund.objects.values_list("payment__account_id", flat=True).get(pk=refund_id)
    lock_wallets(account_ids=[account_id])
    refund = Refund.objects.select_for_update(of=["self"]).select_related("payment").get(pk=refund_id)
    if refund.by == by.name or (by.person is not None and refund.asker_id == by.person):
        raise OwnRequest("You asked for this refund yourself; somebody else of the back office decides")
    if refund.state != Decision.WAITING:
        raise Decided(f"This refund is decided already: {refund.state}")
    refund.state = Decision.OPEN if agreed else Decision.REFUSED
    refund.why_refused = "" if agreed else f"{by.name} refused"[:200]
    refund.decided_by, refund.decided_at = by.name, clock.now()
    refund.ask_at = clock.now() + dt.timedelta(seconds=40)
    refund.save(update_fields=["state", "why_refused", "decided_by", "decided_at", "ask_at"])
    verb = "refund.agreed" if agreed else "refund.declined"
    detail = {"amount": plain(refund.amount), "asked_by": refund.by}
    record(by=by, verb=verb, account_id=account_id, subject=f"payment:{refund.payment_id}", detail=detail)
    return refund


@transaction.atomic
def ask_later(*, refund_id: int) -> Refund:
    """Stripe did not answer: it is asked again, ever less often."""
    refund = Refund.objects.select_for_update().select_related("payment").get(pk=refund_id)
    if refund.state == Decision.OPEN:
        refund.asks += 1
        refund.ask_at = clock.now() + min(dt.timedelta(seconds=15) * 2 ** min(refund.asks, 12), LONGEST_PAUSE)
        refund.save(update_fields=["asks", "ask_at"])
    return refund


@transaction.atomic
def settle(*, refund_id: int, stripe_id: str = "", refused: str = "", by: Actor = SYSTEM) -> Refund:
    """What Stripe says of a refund: a debit, once, whoever hears it first; or nothing where it refused."""
    account_id = Refund.objects.values_list("payment__account_id", flat=True).get(pk=refund_id)
    lock_wallets(account_ids=[account_id])
    refund = Refund.objects.select_for_update().select_related("payment").get(pk=refund_id)
    if refund.state != Decision.OPEN:
        return refund
    refund.state = Decision.REFUSED if refused else Decision.DONE
    refund.why_refused, refund.stripe_id = refused[:200], stripe_id
    refund.save(update_fields=["state", "why_refused", "stripe_id"])
    if refused:
        detail = {"amount": plain(refund.amount), "why": refund.why_refused}
        subject = f"payment:{refund.payment_id}"
        record(by=by, verb="refund.refused", account_id=account_id, subject=subject, detail=detail)
    else:
        reverse(payment_id=refund.payment_id, stripe_id=stripe_id, kind="refund", amount=refund.amount)
    return refund
