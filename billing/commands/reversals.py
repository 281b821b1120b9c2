"""Money that went back: refunds and disputes as ledger rows."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from kit import clock
from kit.money import ZERO, plain, shown

from accounts.commands import record
from accounts.policy import SYSTEM
from billing import words
from billing.commands.invoices import issue_anew, issue_credit_note
from billing.commands.ledger import lock_wallets, post
from billing.commands.notices import tell
from billing.commands.refills import end_turn_if_green, pause
from billing.models import Invoice, Payment, Reversal
from billing.policy import EntryKind, tax_within


@transaction.atomic
def reverse(*, payment_id: int, stripe_id: str, kind: str, amount: Decimal) -> Reversal:
    """A refund to the card, or a dispute that took a payment back: a debit, once, which pauses auto-refill."""
    payment, reversal = _locked(payment_id, stripe_id, kind, amount)
    note = f"{'Refund to' if kind == 'refund' else 'Disputed by the owner of'} the card ending in {payment.last4}"
    key = f"{kind}:{stripe_id}"
    if not post(
        account_id=payment.account_id,
        key=key,
        kind=EntryKind(kind),
        amount=-reversal.net,
        day=clock.today(),
        note=note,
    ):
        return reversal
    issue_credit_note(key=key, payment=payment, amount=reversal.net, tax=reversal.tax, note=f"{note}.")
    detail = {"amount": plain(amount), "payment": payment.pk}
    record(by=SYSTEM, verb=f"payment.{kind}", account_id=payment.account_id, subject=key, detail=detail)
    tells = words.refunded if kind == "refund" else words.disputed
    tell(account_id=payment.account_id, key=key, told=tells(amount=amount, net=reversal.net, last4=payment.last4))
    pause(
        account_id=payment.account_id,
        key=key,
        why=f"a payment of {shown(amount)} was {'refunded' if kind == 'refund' else 'disputed'}",
    )
    return reversal


@transaction.atomic
def agree(*, payment_id: int, stripe_id: str, kind: str, amount: Decimal, is_gone: bool, was_gone: bool) -> None:
    """What Stripe says of a refund or a dispute now, whatever was heard before: posted once, taken back once where it
    failed or was won, and posted again where the bank changed its mind."""
    known = Reversal.objects.filter(stripe_id=stripe_id).first()
    if is_gone and known is not None and known.is_undone:
        reverse_again(reversal_id=known.pk)
    elif is_gone or (was_gone and known is None):
        reverse(payment_id=payment_id, stripe_id=stripe_id, kind=kind, amount=amount)
    if not is_gone and (known is not None or was_gone):
        undo_reversal(payment_id=payment_id, stripe_id=stripe_id, kind=kind, amount=amount)


@transaction.atomic
def reverse_again(*, reversal_id: int) -> None:
    """A dispute that was won is lost after all: the money is gone again, once."""
    lock_wallets(account_ids=[Reversal.objects.values_list("payment__account_id", flat=True).get(pk=reversal_id)])
    reversal = Reversal.objects.select_for_update(of=["self"]).select_related("payment").get(pk=reversal_id)
    if not reversal.is_undone:
        return
    account_id, key = reversal.payment.account_id, f"{reversal.kind}-again:{reversal.stripe_id}"
    if not post(
        account_id=account_id,
        key=key,
        kind=EntryKind(reversal.kind),
        amount=-reversal.net,
        day=clock.today(),
        note=f"{reversal.kind.capitalize()} decided anew",
    ):
        return
    note = f"{reversal.kind.capitalize()} decided anew."
    issue_credit_note(key=key, payment=reversal.payment, amount=reversal.net, tax=reversal.tax, note=note)
    reversal.is_undone = False
    reversal.save(update_fields=["is_undone"])
    detail = {"amount": plain(reversal.amount), "payment": reversal.payment_id}
    record(by=SYSTEM, verb=f"payment.{reversal.kind}", account_id=account_id, subject=key, detail=detail)
    tells = words.refunded if reversal.kind == "refund" else words.disputed
    told = tells(amount=reversal.amount, net=reversal.net, last4=reversal.payment.last4)
    tell(account_id=account_id, key=key, told=told)
    pause(account_id=account_id, key=key, why=f"a payment of {shown(reversal.amount)} was disputed")


@transaction.atomic
def undo_reversal(*, payment_id: int, stripe_id: str, kind: str, amount: Decimal) -> Reversal:
    """A refund that failed, a dispute that was won: the money is back, once; also heard before what it undoes."""
    reverse(payment_id=payment_id, stripe_id=stripe_id, kind=kind, amount=amount)
    payment, reversal = _locked(payment_id, stripe_id, kind, amount)
    key = f"{kind}-undone:{stripe_id}"
    note = "Refund that did not arrive" if kind == "refund" else "Dispute that was won"
    if post(
        account_id=payment.account_id,
        key=key,
        kind=EntryKind(kind),
        amount=reversal.net,
        day=clock.today(),
        note=note,
    ):
        _issue_anew(reversal, key=key, note=f"{note}.")
        reversal.is_undone = True
        reversal.save(update_fields=["is_undone"])
        record(
            by=SYSTEM,
            verb=f"payment.{kind}-undone",
            account_id=payment.account_id,
            subject=key,
            detail={"amount": plain(amount)},
        )
        tell(account_id=payment.account_id, key=key, told=words.reversal_undone(amount=reversal.net))
        end_turn_if_green(account_id=payment.account_id)
    return reversal


def _locked(payment_id: int, stripe_id: str, kind: str, amount: Decimal) -> tuple[Payment, Reversal]:
    payment = Payment.objects.get(pk=payment_id)
    lock_wallets(account_ids=[payment.account_id])
    reversal = Reversal.objects.filter(stripe_id=stripe_id).first()
    if reversal is None:
        tax = _tax_within(payment, amount)
        reversal = Reversal.objects.create(stripe_id=stripe_id, payment=payment, kind=kind, amount=amount, tax=tax)
    return payment, reversal


def _tax_within(payment: Payment, amount: Decimal) -> Decimal:
    """What of an amount that goes back is tax, beside what went back before."""
    before = payment.reversals.filter(is_undone=False).aggregate(amount=Sum("amount"), tax=Sum("tax"))
    return tax_within(
        amount,
        total=payment.total,
        tax=payment.tax,
        back_before=before["amount"] or ZERO,
        tax_before=before["tax"] or ZERO,
    )


def _issue_anew(reversal: Reversal, *, key: str, note: str) -> None:
    """An invoice for what the last credit note of this reversal took."""
    keys = [f"{reversal.kind}-again:{reversal.stripe_id}", f"{reversal.kind}:{reversal.stripe_id}"]
    last = Invoice.objects.filter(key__in=keys, kind=Invoice.CREDIT_NOTE).order_by("-number").first()
    if last is not None:
        issue_anew(key=key, credit_note_key=str(last.key), note=note)
