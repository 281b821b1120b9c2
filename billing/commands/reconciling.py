"""Stripe's balance beside our ledger: what moved there is kept, and where the two differ it is listed to be settled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from kit import clock
from kit.errors import Invalid
from kit.money import ZERO

from accounts.commands import record
from accounts.policy import SYSTEM, Actor
from billing.models import BalanceMovement, MoneyDifference, Payment, Payout, Reversal
from billing.policy import PaymentState
from billing.stripe import Moved, PaidOut

CHARGES = frozenset({"charge", "payment"})
BACKS = frozenset({"refund", "payment_refund", "adjustment"})


@transaction.atomic
def keep_movements(*, moved: Iterable[Moved], payout_id: str = "") -> None:
    """Each once; what is known already learns its payout. Each is looked at again, so what came right is settled."""
    payout = Payout.objects.filter(stripe_id=payout_id).first() if payout_id else None
    for one in moved:
        payment = Payment.objects.filter(stripe_id=one.intent).first() if one.intent else None
        row, _ = BalanceMovement.objects.get_or_create(
            stripe_id=one.id,
            defaults={
                "kind": one.kind[:40],
                "amount": one.amount,
                "fee": one.fee,
                "source": one.source,
                "payment": payment,
                "moved_at": one.at,
            },
        )
        if payout is not None and row.payout_id is None:
            row.payout = payout
            row.save(update_fields=["payout"])
        if one.is_ours:
            _compare(one, payment)


def _compare(one: Moved, payment: Payment | None) -> None:
    """One movement beside what we posted of it. What concerns no payment (a fee, a payout) has no row of ours."""
    if one.kind in CHARGES and one.intent:
        ours = payment.total if payment is not None and payment.state == PaymentState.SUCCEEDED else None
        says = "A charge at Stripe is not on any balance" if ours is None else "A charge at Stripe has another amount"
        _differ(one.id, says, ours=ours, theirs=one.paid, payment=payment)
    elif one.kind in BACKS and one.amount < 0 and one.source.startswith(("re_", "pyr_", "dp_", "du_")):
        back = Reversal.objects.filter(stripe_id=one.source).select_related("payment").first()
        says = "Money went back at Stripe and not here" if back is None else "Another amount went back at Stripe"
        payment = back.payment if back is not None else payment
        _differ(one.id, says, ours=-back.amount if back else None, theirs=-abs(one.paid), payment=payment)


@transaction.atomic
def keep_payout(*, out: PaidOut) -> Payout:
    values = {"amount": out.amount, "status": out.status[:16], "arrives_on": out.arrives_on, "created_at": out.at}
    return Payout.objects.update_or_create(stripe_id=out.id, defaults=values)[0]


@transaction.atomic
def compare_payout(*, payout_id: int) -> None:
    """A payout is what its movements come to, less their fees."""
    payout = Payout.objects.select_for_update().get(pk=payout_id)
    rows = payout.movements.exclude(kind__startswith="payout").aggregate(amount=Sum("amount"), fee=Sum("fee"))
    payout.summed = (rows["amount"] or ZERO) - (rows["fee"] or ZERO)
    payout.save(update_fields=["summed"])
    says = "A payout is not the sum of its movements"
    _differ(payout.stripe_id, says, ours=payout.summed, theirs=payout.amount)


@transaction.atomic
def find_missing(*, since: dt.datetime, until: dt.datetime) -> None:
    """Payments of ours in this time that Stripe's balance does not know."""
    paid = Payment.objects.filter(state=PaymentState.SUCCEEDED, ended_at__gte=since, ended_at__lt=until)
    for payment in paid.exclude(movements__kind__in=CHARGES):
        says = "A payment on a balance is not in Stripe’s"
        _differ(f"payment:{payment.pk}", says, ours=payment.total, theirs=None, payment=payment)
    known = MoneyDifference.objects.filter(settled_at=None, key__startswith="payment:")
    for row in known.filter(payment__movements__kind__in=CHARGES).distinct():
        _settle(row, SYSTEM, "It is there now")


def _differ(
    key: str, says: str, *, ours: Decimal | None, theirs: Decimal | None, payment: Payment | None = None
) -> None:
    open_row = MoneyDifference.objects.select_for_update().filter(key=key).first()
    if ours == theirs:
        if open_row is not None and open_row.settled_at is None:
            _settle(open_row, SYSTEM, "They agree now")
    elif open_row is None:
        MoneyDifference.objects.create(key=key, says=says, ours=ours, theirs=theirs, payment=payment)
    elif open_row.settled_at is None:
        MoneyDifference.objects.filter(pk=open_row.pk).update(says=says, ours=ours, theirs=theirs)


@transaction.atomic
def settle(*, difference_id: int, note: str, by: Actor) -> MoneyDifference:
    """A person says what it was; no money moves by it. Raises Invalid."""
    row = MoneyDifference.objects.select_for_update().get(pk=difference_id)
    if row.settled_at is not None:
        raise Invalid(f"{row.settled_by} settled it already.")
    if not note.strip():
        raise Invalid("Say what it was. The note is kept.")
    _settle(row, by, note.strip()[:300])
    record(by=by, verb="difference.settled", subject=f"difference:{row.key}", detail={"note": row.note})
    return row


def _settle(row: MoneyDifference, by: Actor, note: str) -> None:
    row.settled_at, row.settled_by, row.note = clock.now(), by.name, note
    row.save(update_fields=["settled_at", "settled_by", "note"])
