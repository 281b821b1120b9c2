"""Accounts are opened, by an operator or by signing up."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction
from kit import crypto
from kit.errors import Invalid, NotFound, Refusal
from kit.fonts import unprintable
from kit.names import checked_name, look_alike, refuse_address

from accounts.commands.events import record
from accounts.commands.people import add_person, give_password, mail_address
from accounts.models import Account, ApiCredential, Membership, User
from accounts.policy import Actor, Role

LONGEST_NAME = 200


class EmailTaken(Refusal):
    """A person with this mail address exists already."""


class AlreadyOwned(Refusal):
    """The owner has an account of this name in the same place: asked for twice, most likely."""


class NameTaken(Refusal):
    """A sister has this name."""


class ParentRefused(Refusal):
    """The account cannot have sub-accounts."""


@transaction.atomic
def open_account(
    *,
    name: str,
    owner_email: str,
    password: str | None = None,
    professional: bool = False,
    parent: Account | None = None,
    by: Actor,
) -> Account:
    """Open an account with its owner and API credential.

    A new person without a password sets one through password reset; a person who exists keeps theirs.
    Raises Invalid, AlreadyOwned, ParentRefused or Refusal.
    """
    name, owner_email = _account_name(name), mail_address(email=owner_email)
    parent = _open_parent(parent)
    owner = person_of(email=owner_email, password=password)
    if Membership.objects.filter(user=owner, role=Role.OWNER, account__name=name, account__parent=parent).exists():
        raise AlreadyOwned(f"{owner_email} already owns an account named {name}; choose another name.")
    return _open(name=name, owner=owner, professional=professional, parent=parent, by=by)


@transaction.atomic
def sign_up(*, name: str, email: str, password: str, by: Actor) -> Account:
    """Open an account for a new person, their address unverified. Raises Invalid or EmailTaken."""
    name, email = _account_name(name), mail_address(email=email)
    if look_alike(name, settings.SELLER["name"]):
        raise Invalid("Choose another account name: this one looks like ours.")
    try:
        with transaction.atomic():
            owner = add_person(email=email, password=password, verified=False)
    except IntegrityError:  # both the look before and the unique address guard this; the address decides
        raise EmailTaken("A person with this mail address is here already; log in instead.") from None
    return _open(name=name, owner=owner, professional=False, parent=None, by=by)


@transaction.atomic
def open_subaccount(*, parent: Account, name: str, by: Actor) -> Account:
    """Open a sub-account with its API credential; its people are invited. Raises Invalid, NameTaken, ParentRefused."""
    name = _account_name(name)
    locked = _open_parent(parent)
    _refuse_taken(name, parent)
    return _open(name=name, owner=None, professional=False, parent=locked, by=by)


@transaction.atomic
def rename_subaccount(*, subaccount: Account, name: str, by: Actor) -> Account:
    """Raises Invalid, NameTaken, NotFound. Harmless twice."""
    name = _account_name(name)
    subaccount = _subaccount(subaccount)
    if name != subaccount.name:
        _refuse_taken(name, subaccount.parent, but=subaccount.pk)
        before, subaccount.name = subaccount.name, name
        subaccount.save(update_fields=["name"])
        _note_subaccount(subaccount, "subaccount.renamed", by, {"before": before, "after": name})
    return subaccount


@transaction.atomic
def switch_subaccount(*, subaccount: Account, active: bool, by: Actor) -> Account:
    """Let its people and its API clients in, or shut them out. What becomes of its lines is the caller's to say.

    Raises NotFound. Harmless twice.
    """
    subaccount = _subaccount(subaccount)
    if subaccount.is_active != active:
        subaccount.is_active = active
        subaccount.save(update_fields=["is_active"])
        _note_subaccount(subaccount, "subaccount.activated" if active else "subaccount.deactivated", by, {})
    return subaccount


def _subaccount(account: Account) -> Account:
    """The sub-account, locked after its parent, so that two siblings never take one name."""
    Account.objects.select_for_update(no_key=True).filter(subaccounts=account).first()
    locked = Account.objects.select_for_update(no_key=True, of=("self",)).select_related("parent")
    found = locked.filter(pk=account.pk, parent__isnull=False).first()
    if found is None:
        raise NotFound("There is no such sub-account.")
    return found


def _refuse_taken(name: str, parent: Account | None, *, but: int = 0) -> None:
    sisters = Account.objects.filter(parent=parent).exclude(pk=but).values_list("name", flat=True)
    if other := next((sister for sister in sisters if look_alike(name, sister)), ""):
        raise NameTaken(f"There is a sub-account named {other} already; choose a name that looks different.")


def _note_subaccount(account: Account, verb: str, by: Actor, detail: dict[str, object]) -> None:
    """On the parent's books, whose people did it."""
    record(by=by, verb=verb, account_id=account.parent_id, subject=f"account:{account.uuid.hex}", detail=detail)


def open_within(*, name: str, live: Account, parent: Account | None, by: Actor) -> Account:
    """Open the test account of another, which must be locked. Nobody owns it: its people are the other's."""
    return _open(name=name, owner=None, professional=True, parent=parent, live=live, by=by)


def _open(
    *,
    name: str,
    owner: User | None,
    professional: bool,
    parent: Account | None,
    by: Actor,
    live: Account | None = None,
) -> Account:
    is_test = live is not None or (parent is not None and parent.is_test)
    account = Account.objects.create(name=name, parent=parent, is_professional=professional, live=live, is_test=is_test)
    if owner is not None:
        Membership.objects.create(user=owner, account=account, role=Role.OWNER)
    user_uuid = crypto.new_hex()
    shared_key = crypto.encrypt(crypto.new_hex(), row=f"credential:{user_uuid}")
    ApiCredential.objects.create(account=account, user_uuid=user_uuid, shared_key=shared_key)
    record(
        by=by,
        verb="account.opened",
        account_id=account.payer_id,
        subject=f"account:{account.uuid.hex}",
        detail={
            "name": name,
            "owner": owner.email if owner else None,
            "professional": professional,
            "parent": parent.uuid.hex if parent else None,
        },
    )
    return account


def _account_name(name: str) -> str:
    """It stands in mails to people who never heard of us. Raises Invalid."""
    name = refuse_address(checked_name(name, longest=LONGEST_NAME, what="account name"), what="account name")
    if lost := unprintable(name):
        raise Invalid(f"We can’t print “{lost[:5]}” on invoices. Leave it out of the account name.")
    return name


def _open_parent(parent: Account | None) -> Account | None:
    """The parent, locked so that it stays one until we commit."""
    if parent is None:
        return None
    locked = Account.objects.select_for_update(no_key=True).get(pk=parent.pk)
    if locked.is_subaccount:
        raise ParentRefused(f"{locked.name} is itself a sub-account and cannot have sub-accounts.")
    if not locked.is_active:
        raise ParentRefused(f"{locked.name} is closed; open it before giving it sub-accounts.")
    return locked


def person_of(*, email: str, password: str | None) -> User:
    """The person of this address, locked, or a new one whose address the caller vouches for."""
    user = User.objects.select_for_update(no_key=True).filter(email=email).first()
    if user is None:
        try:
            with transaction.atomic():
                return add_person(email=email, password=password, verified=True)
        except IntegrityError:  # made by somebody else meanwhile
            user = User.objects.select_for_update(no_key=True).get(email=email)
    if not user.is_active:
        raise Refusal(f"{email} is a person who may not log in; activate them first.")
    if password and not user.has_usable_password():
        give_password(user=user, password=password)
        user.save(update_fields=["password"])
    elif password and not user.check_password(password):
        raise Refusal(f"{email} is here already, with another password; leave --password out.")
    return user
