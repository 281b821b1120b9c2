"""Credits, debits and discounts that a person posts."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from kit import clock
from kit.errors import Invalid
from kit.money import LIMIT, exact, plain, shown, to_coins

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from billing.commands.invoices import issue_for_transfer
from billing.commands.ledger import PaidByParent, lock_wallets, post
from billing.commands.refills import end_turn_if_green, pause
from billing.commands.tax import Taxed, taxed_within
from billing.models import Adjustment, Entry
from billing.policy import EntryKind

VERBS = {
    EntryKind.ADJUSTMENT: "balance.adjusted",
    EntryKind.DISCOUNT: "balance.discounted",
    EntryKind.TRANSFER: "balance.transferred",
}
PAID = "Nothing is due. Paid by bank transfer, received on"


@transaction.atomic
def adjust(*, account: Account, amount: Decimal, reason: str, by: Actor) -> Entry:
    """A credit, or with a minus a debit, by hand; a debit pauses auto-refill. Raises PaidByParent, Invalid."""
    return _by_hand(EntryKind.ADJUSTMENT, account=account, amount=amount, reason=reason, by=by)


@transaction.atomic
def discount(*, account: Account, amount: Decimal, reason: str, by: Actor) -> Entry:
    """A credit that is a discount, by hand. Raises PaidByParent, Invalid."""
    return _by_hand(EntryKind.DISCOUNT, account=account, amount=amount, reason=reason, by=by)


@transaction.atomic
def transfer(*, account: Account, amount: Decimal, reason: str, by: Actor) -> Entry:
    """A bank transfer that arrived: what of it is not tax comes to the balance, and it has its invoice.

    Raises PaidByParent, Invalid, DetailsMissing.
    """
    return _by_hand(EntryKind.TRANSFER, account=account, amount=amount, reason=reason, by=by)


def check_by_hand(*, kind: EntryKind, account: Account, amount: Decimal, reason: str) -> None:
    """Whether a person may post this. Raises PaidByParent, Invalid, DetailsMissing."""
    word = kind.value
    if account.is_subaccount:
        raise PaidByParent(f"{account.name} is a sub-account and has no balance of its own; credit its main account")
    if not amount.is_finite() or abs(amount) >= LIMIT:
        raise Invalid(f"An {word} is an amount under {LIMIT:,}" if word[0] == "a" else f"A {word} is under {LIMIT:,}")
    if kind in (EntryKind.DISCOUNT, EntryKind.TRANSFER) and amount < 0:
        raise Invalid(f"A {word} is a credit; give an amount over 0")
    if kind is EntryKind.TRANSFER and amount != to_coins(amount):
        raise Invalid("A transfer is in whole coins, like 50.00")
    if amount != exact(amount):
        raise Invalid("An adjustment has at most six decimals")
    if not amount:
        raise Invalid("An adjustment of 0 changes nothing; give an amount")
    if not reason.strip():
        raise Invalid("An adjustment needs a note that says what it is for")
    if len(reason) > 300:
        raise Invalid("A note has at most 300 characters")
    if kind is EntryKind.TRANSFER:
        taxed_within(account=account, gross=amount)


def _by_hand(kind: EntryKind, *, account: Account, amount: Decimal, reason: str, by: Actor) -> Entry:
    check_by_hand(kind=kind, account=account, amount=amount, reason=reason)
    lock_wallets(account_ids=[account.pk])
    adjustment = Adjustment.objects.create(account=account, amount=exact(amount), reason=reason.strip(), by=by.name)
    key = f"{kind.value}:{adjustment.pk}"
    is_paid = kind is EntryKind.TRANSFER
    sum = taxed_within(account=account, gross=adjustment.amount) if is_paid else Taxed(adjustment.amount)
    post(
        account_id=account.pk,
        key=key,
        kind=kind,
        amount=sum.net,
        day=clock.today(),
        note=adjustment.reason,
    )
    detail = {"amount": plain(adjustment.amount), "reason": adjustment.reason}
    if is_paid:
        detail["tax"] = plain(sum.tax)
        issue_for_transfer(
            key=key,
            account=account,
            amount=sum.net,
            tax=sum.tax,
            terms=sum.terms,
            note=f"{PAID} {clock.today():%-d %B %Y}.",
        )
    record(by=by, verb=VERBS[kind], account_id=account.pk, subject=key, detail=detail)
    if adjustment.amount < 0:
        pause(account_id=account.pk, key=key, why=f"{shown(-adjustment.amount)} was taken off the balance by hand")
    else:
        end_turn_if_green(account_id=account.pk)
    return Entry.objects.get(key=key)
