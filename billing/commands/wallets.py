"""Wallets that accounts give their sub-accounts: opened, credited, given a limit, closed."""

from __future__ import annotations

import re
from decimal import Decimal

from django.db import transaction
from kit import clock
from kit.errors import Invalid, NotFound
from kit.money import LIMIT, ZERO, exact, plain

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from billing.commands.ledger import lock_wallets, post
from billing.models import Entry, Wallet
from billing.policy import EntryKind

LONGEST_NOTE = 300
KEY = re.compile(r"[A-Za-z0-9_.-]{1,60}")


def check_limit(*, limit: Decimal | None) -> None:
    """Raises Invalid for a credit limit that is no amount."""
    if limit is not None and not (limit.is_finite() and ZERO <= limit < LIMIT and limit == exact(limit)):
        raise Invalid(f"A credit limit is an amount from 0 to under {LIMIT:,}", field="credit_limit")


def locked_wallet(*, subaccount: Account) -> Wallet:
    """The sub-account's open wallet, locked with that of who pays. Raises NotFound."""
    lock_wallets(account_ids=_with_payer(subaccount))
    wallet = Wallet.objects.filter(pk=subaccount.pk).first() if subaccount.is_subaccount else None
    if wallet is None or wallet.is_closed:
        raise NotFound(f"{subaccount.name} has no balance of its own. Give it one first.")
    return wallet


def _with_payer(subaccount: Account) -> list[int]:
    """Only wallets that are there: to lock one that is not would open it."""
    return list(Wallet.objects.filter(pk__in=[subaccount.pk, subaccount.payer_id]).values_list("pk", flat=True))


@transaction.atomic
def open_wallet(*, subaccount: Account, credit_limit: Decimal | None, by: Actor) -> Wallet:
    """A balance of a sub-account's own: prepaid, or with a credit limit postpaid. One that is closed opens again with
    what is on it; one that is open gets this limit. Whether its lines may run is decided next. Raises Invalid."""
    if not subaccount.is_subaccount:
        raise Invalid("An account’s balance is opened with the account. Only sub-accounts are given one.")
    check_limit(limit=credit_limit)
    lock_wallets(account_ids=[subaccount.payer_id])  # who pays stands before whom it pays for: one order for all
    before = Wallet.objects.filter(pk=subaccount.pk).first()
    lock_wallets(account_ids=[subaccount.pk])
    wallet = Wallet.objects.get(pk=subaccount.pk)
    is_new = before is None or before.is_closed
    if not is_new and wallet.credit_limit == credit_limit:
        return wallet
    wallet.credit_limit, wallet.is_closed = credit_limit, False
    if is_new:  # it holds no line yet: that is decided where colours are
        wallet.is_red, wallet.red_since = False, None
    wallet.save(update_fields=["credit_limit", "is_closed", "is_red", "red_since"])
    shown = None if credit_limit is None else plain(credit_limit)
    verb = "wallet.opened" if is_new else "wallet.limit_changed"
    record(by=by, verb=verb, account_id=subaccount.pk, subject=f"wallet:{subaccount.uuid.hex}", detail={"limit": shown})
    return wallet


@transaction.atomic
def credit_wallet(*, subaccount: Account, amount: Decimal, note: str, key: str, by: Actor) -> Entry:
    """A credit, or with a minus a debit, on a sub-account's balance, with what it is for. The same key again is the
    same row. The account's own balance does not move. Raises NotFound, Invalid."""
    if not KEY.fullmatch(key):
        raise Invalid("A key has 1 to 60 letters, digits, dots, dashes or underscores", field="key")
    if not amount.is_finite() or not amount or abs(amount) >= LIMIT or amount != exact(amount):
        raise Invalid(f"Give an amount other than 0, under {LIMIT:,}, with at most six decimals", field="amount")
    if not note.strip() or len(note) > LONGEST_NOTE:
        raise Invalid(f"Say what it is for, in at most {LONGEST_NOTE} characters", field="note")
    locked_wallet(subaccount=subaccount)
    name = f"credit:{subaccount.uuid.hex}:{key}"
    is_new = post(
        account_id=subaccount.pk,
        key=name,
        kind=EntryKind.CREDIT,
        amount=exact(amount),
        day=clock.today(),
        note=note.strip(),
    )
    entry = Entry.objects.get(key=name)
    if not is_new and entry.amount != exact(amount):
        raise Invalid("This key was used for another amount. Use a new one.", field="key")
    if is_new:
        detail = {"amount": plain(amount), "reason": note.strip()}
        subject = f"wallet:{subaccount.uuid.hex}"
        record(by=by, verb="wallet.credited", account_id=subaccount.pk, subject=subject, detail=detail)
    return entry


@transaction.atomic
def close_wallet(*, subaccount: Account, by: Actor) -> Wallet:
    """Its account pays for it again: the balance stands as it is and suspends nothing. Harmless twice.

    Its lines are brought back by the caller.
    """
    wallet = locked_wallet(subaccount=subaccount)
    wallet.is_closed, wallet.is_red, wallet.red_since = True, False, None
    wallet.save(update_fields=["is_closed", "is_red", "red_since"])
    subject = f"wallet:{subaccount.uuid.hex}"
    record(by=by, verb="wallet.closed", account_id=subaccount.pk, subject=subject)
    return wallet
