"""Credits, debits and discounts by hand: at once up to a limit, above it when a second person has agreed.

The limit is a person's, over all accounts and with their refunds, in 24 hours.
"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction
from kit import clock
from kit.errors import Invalid, Refusal
from kit.money import exact, plain, shown

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from billing import queries
from billing.commands.byhand import adjust, check_by_hand, discount, transfer
from billing.commands.ledger import lock_wallets
from billing.models import Adjustment, AdjustmentKey, CreditRequest, Entry
from billing.policy import Decision, EntryKind, needs_second_person

COUNTED = dt.timedelta(hours=24)
COMMANDS = {EntryKind.ADJUSTMENT: adjust, EntryKind.DISCOUNT: discount, EntryKind.TRANSFER: transfer}


class OwnRequest(Refusal):
    """Nobody decides about a credit that they asked for."""


class Decided(Refusal):
    """Somebody has decided already."""


class TooMuch(Refusal):
    """Over what this installation credits or debits at once."""


def lock_person(*, by: Actor) -> None:
    """One decision of a person about money at a time, for the rest of the transaction and before any wallet: two at
    once on two accounts would each see the limit untouched."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"money by hand: {by.person or by.name}"])


def check_bound(*, amount: Decimal) -> None:
    """Whoever asks and whoever agrees. Raises TooMuch."""
    if abs(amount) > settings.CREDIT_MOST:
        raise TooMuch(f"{shown(abs(amount))} is over the most by hand, {shown(settings.CREDIT_MOST)}")


@transaction.atomic
def ask_credit(
    *, account: Account, kind: EntryKind, amount: Decimal, reason: str, key: uuid.UUID, by: Actor
) -> CreditRequest:
    """Credits at once, or keeps it for a second person. The same key again is the same request.

    Raises PaidByParent, Invalid, TooMuch.
    """
    check_by_hand(kind=kind, account=account, amount=amount, reason=reason)
    check_bound(amount=amount)
    lock_person(by=by)
    lock_wallets(account_ids=[account.pk])
    before = CreditRequest.objects.filter(uuid=key).first()
    if before is not None:
        if before.account_id != account.pk:
            raise Invalid("This form was sent already; load the page again")
        return before
    given = queries.moved_by(by, since=clock.now() - COUNTED)
    request = CreditRequest.objects.create(
        account=account,
        uuid=key,
        kind=kind,
        amount=amount,
        reason=reason.strip(),
        asked_by=by.name,
        asker_id=by.person,
    )
    if not needs_second_person(amount, given, settings.CREDIT_LIMIT):
        return _post(request, by)
    detail = {"amount": plain(amount), "kind": kind.value, "reason": request.reason}
    record(by=by, verb="credit.asked", account_id=account.pk, subject=f"credit:{request.pk}", detail=detail)
    return request


@transaction.atomic
def credit_once(*, account: Account, kind: EntryKind, amount: Decimal, reason: str, key: str, by: Actor) -> Entry:
    """What an operator's script posts: the same key again is the same row. Raises PaidByParent, Invalid, TooMuch."""
    check_by_hand(kind=kind, account=account, amount=amount, reason=reason)
    check_bound(amount=amount)
    lock_wallets(account_ids=[account.pk])
    before = AdjustmentKey.objects.select_related("entry").filter(key=key).first() if key else None
    if before is not None:
        entry = before.entry
        given = Adjustment.objects.get(pk=entry.key.split(":")[1]).amount
        if (entry.account_id, entry.kind, given) != (account.pk, kind.value, exact(amount)):
            raise Invalid(f"The key {key} was used for another credit: {entry.key}, {plain(given)}")
        return entry
    entry = COMMANDS[kind](account=account, amount=amount, reason=reason, by=by)
    if key:
        AdjustmentKey.objects.create(key=key, entry=entry)
    return entry


@transaction.atomic
def decide_credit(*, request_id: int, agreed: bool, by: Actor) -> CreditRequest:
    """A second person agrees, and it is posted, or refuses. Raises OwnRequest, Decided."""
    account_id = CreditRequest.objects.values_list("account_id", flat=True).get(pk=request_id)
    lock_wallets(account_ids=[account_id])
    request = CreditRequest.objects.select_for_update(of=["self"]).select_related("account").get(pk=request_id)
    if request.asked_by == by.name or (by.person is not None and request.asker_id == by.person):
        raise OwnRequest("You asked for this yourself; somebody else of the back office decides")
    if request.state != Decision.OPEN:
        raise Decided(f"{request.decided_by} has decided already: {request.state}")
    if agreed:
        return _post(request, by)
    request.state, request.decided_by, request.decided_at = Decision.REFUSED, by.name, clock.now()
    request.save(update_fields=["state", "decided_by", "decided_at"])
    record(by=by, verb="credit.refused", account_id=account_id, subject=f"credit:{request.pk}")
    return request


def _post(request: CreditRequest, by: Actor) -> CreditRequest:
    entry = COMMANDS[EntryKind(request.kind)](
        account=request.account, amount=request.amount, reason=request.reason, by=by
    )
    request.state, request.decided_by, request.decided_at = Decision.DONE, by.name, clock.now()
    request.entry = entry
    request.save(update_fields=["state", "decided_by", "decided_at", "entry"])
    return request
