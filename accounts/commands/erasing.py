"""An account is erased for good: asked for by one person, decided by another. What of its people goes, and the audit
keeps that something happened, and no more (docs/decisions/0220)."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import Q
from kit import clock
from kit.errors import Invalid, Refusal

from accounts.commands.events import record, seal
from accounts.commands.staff import end_sessions
from accounts.models import (
    Account,
    AccountExport,
    ApiCredential,
    ApiKey,
    Brand,
    Erasure,
    Event,
    IdempotentAnswer,
    Invitation,
    Membership,
    OwnershipOffer,
    PostedLetter,
    User,
    WaitingLetter,
)
from accounts.policy import Actor

ALSO = (OwnershipOffer, WaitingLetter, PostedLetter, Invitation, ApiCredential, ApiKey, IdempotentAnswer, Brand)


class NotErased(Refusal):
    """This account cannot be erased, or not by this person."""


def erasable(*, account: Account) -> Account:
    """It, if it is one that is erased. Raises NotErased."""
    if account.is_subaccount:
        raise NotErased(f"{account.name} is a sub-account. It is erased with its account.")
    if account.erased_at is not None:
        raise NotErased("This account is erased already.")
    return account


@transaction.atomic
def ask_erasure(*, account: Account, reason: str, by: Actor) -> Erasure:
    """Waits for a second person. One that waits already is the same one. Raises NotErased, Invalid."""
    account = erasable(account=Account.objects.select_for_update().get(pk=account.pk))
    if not reason.strip():
        raise Invalid("Say why, such as the letter that asks for it.")
    found = Erasure.objects.filter(account=account, is_agreed=None).first()
    if found is not None:
        return found
    record(by=by, verb="account.erasure_asked", account_id=account.pk)
    return Erasure.objects.create(account=account, reason=reason.strip(), asked_by=by.name, asker_id=by.person)


@transaction.atomic
def decide_erasure(*, erasure_id: int, agreed: bool, by: Actor) -> Erasure:
    """Writes down what the second person said; the caller erases in the same transaction. Raises NotErased."""
    erasure = Erasure.objects.select_for_update(of=("self",)).select_related("account").get(pk=erasure_id)
    if erasure.is_agreed is not None:
        raise NotErased("This request is decided already.")
    if erasure.asked_by == by.name or (by.person is not None and erasure.asker_id == by.person):
        raise NotErased("You asked for this: somebody else of the back office decides.")
    erasure.is_agreed, erasure.decided_by, erasure.decided_at = agreed, by.name, clock.now()
    erasure.save(update_fields=["is_agreed", "decided_by", "decided_at"])
    if not agreed:
        record(by=by, verb="account.erasure_refused", account_id=erasure.account_id)
    return erasure


@transaction.atomic
def erase_people(*, account: Account, by: Actor) -> dict[str, int]:
    """Deletes logins that have no other place, ends all keys, takes the names away of the account and its sub-accounts,
    which stay closed, and empties their events. Gives rows by table. Harmless twice. Raises NotErased."""
    if account.is_subaccount:
        raise NotErased(f"{account.name} is a sub-account. It is erased with its account.")
    tests = [one.pk for one in tests_of(account=account)]
    whose = Q(pk=account.pk) | Q(parent=account) | Q(pk__in=tests) | Q(parent__in=tests)
    held = list(Account.objects.select_for_update().filter(whose).order_by("pk"))
    ids, now = [one.pk for one in held], clock.now()
    people = list(User.objects.filter(memberships__account__in=ids).distinct())
    for one in held:
        one.name, one.is_active, one.erased_at = f"Erased {one.uuid.hex[:8]}", False, one.erased_at or now
        one.live = None
        one.save(update_fields=["name", "is_active", "erased_at", "live"])
    gone = {model.__name__: model._default_manager.filter(account__in=ids).delete()[0] for model in ALSO}
    gone["PostedLetter"] += PostedLetter.objects.filter(to__in=[one.email for one in people]).delete()[0]
    gone["AccountExport"] = AccountExport.objects.filter(account__in=ids).delete()[0]
    for user in people:
        end_sessions(user=user)
    gone["Membership"] = Membership.objects.filter(account__in=ids).delete()[0]
    alone = User.objects.filter(pk__in=[one.pk for one in people], memberships=None, is_staff=False)
    gone["User"] = alone.count()
    alone.delete()
    _seal_all(ids)  # what is emptied has its hash before
    said = Event.objects.filter(account__in=ids, erased_at=None).exclude(verb="account.erased")
    gone["Event"] = said.update(actor_name="", subject="", detail={}, erased_at=now)
    for pk in ids:
        record(by=by, verb="account.erased", account_id=pk)
    _seal_all(ids)  # and a link after it says so
    return gone


def tests_of(*, account: Account) -> list[Account]:
    """Its test accounts and those of its sub-accounts, also the closed ones: its events say which it made."""
    made = Event.objects.filter(account=account, verb="test_account.made").values_list("subject", flat=True)
    uuids = [subject.partition(":")[2] for subject in made if subject]
    return list(Account.objects.filter(uuid__in=uuids, is_test=True).order_by("pk"))


def _seal_all(account_ids: list[int]) -> None:
    with connection.cursor() as cursor:  # others that seal wait until this is done
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('seal_events'))")
    while Event.objects.filter(account__in=account_ids, hash=None).exists():
        seal()
