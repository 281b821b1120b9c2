"""What can happen to people and accounts. Each command is one transaction and writes one event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from kit import crypto
from kit.errors import Invalid, Refusal

from accounts.models import Account, ApiCredential, Event, Membership, User
from accounts.policy import Actor, Role

LONGEST_NAME = 200


class EmailTaken(Refusal):
    """A person with this mail address exists already."""


class AlreadyOwned(Refusal):
    """The owner has an account of this name in the same place: asked for twice, most likely."""


class ParentRefused(Refusal):
    """The account cannot have sub-accounts."""


def record(
    *,
    by: Actor,
    verb: str,
    account_id: int | None = None,
    subject: str = "",
    detail: dict[str, Any] | None = None,
) -> Event:
    """Write down that something happened; call it inside the transaction of what happened."""
    return Event.objects.create(
        account_id=account_id,
        actor_kind=by.kind,
        actor_name=by.name,
        verb=verb,
        subject=subject,
        detail=detail or {},
    )


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened to one of many things."""

    account_id: int | None
    subject: str
    detail: dict[str, Any] = field(default_factory=dict)


def record_many(*, by: Actor, verb: str, things: Iterable[Happened]) -> None:
    """Write down that the same happened to many things at once; call it inside the transaction of what happened."""
    rows = [
        Event(
            account_id=thing.account_id,
            actor_kind=by.kind,
            actor_name=by.name,
            verb=verb,
            subject=thing.subject,
            detail=thing.detail,
        )
        for thing in things
    ]
    Event.objects.bulk_create(rows, batch_size=2000)


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
    name, owner_email = _account_name(name), _email(owner_email)
    parent = _open_parent(parent)
    owner = _person(email=owner_email, password=password)
    if Membership.objects.filter(user=owner, role=Role.OWNER, account__name=name, account__parent=parent).exists():
        raise AlreadyOwned(f"{owner_email} already owns an account named {name}; choose another name.")
    return _open(name=name, owner=owner, professional=professional, parent=parent, by=by)


@transaction.atomic
def sign_up(*, name: str, email: str, password: str, by: Actor) -> Account:
    """Open an account for a new person, their address unverified. Raises Invalid or EmailTaken."""
    name, email = _account_name(name), _email(email)
    try:
        with transaction.atomic():
            owner = _new_person(email=email, password=password, verified=False)
    except IntegrityError:  # both the look before and the unique address guard this; the address decides
        raise EmailTaken("A person with this mail address is here already; log in instead.") from None
    return _open(name=name, owner=owner, professional=False, parent=None, by=by)


def _open(*, name: str, owner: User, professional: bool, parent: Account | None, by: Actor) -> Account:
    account = Account.objects.create(name=name, parent=parent, is_professional=professional)
    Membership.objects.create(user=owner, account=account, role=Role.OWNER)
    ApiCredential.objects.create(
        account=account, user_uuid=crypto.new_hex(), shared_key=crypto.encrypt(crypto.new_hex())
    )
    record(
        by=by,
        verb="account.opened",
        account_id=account.pk,
        subject=f"account:{account.uuid.hex}",
        detail={"owner": owner.email, "professional": professional, "parent": parent.uuid.hex if parent else None},
    )
    return account


def _account_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Invalid("The account's name is empty; give it the company's or project's name.")
    if len(name) > LONGEST_NAME:
        raise Invalid(f"The account's name has {len(name)} characters; {LONGEST_NAME} are the most.")
    return name


def _email(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid(f"{email!r} is not a mail address.") from None
    return email


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


def _person(*, email: str, password: str | None) -> User:
    """The person of this address, locked, or a new one whose address the caller vouches for."""
    user = User.objects.select_for_update(no_key=True).filter(email=email).first()
    if user is None:
        try:
            with transaction.atomic():
                return _new_person(email=email, password=password, verified=True)
        except IntegrityError:  # made by somebody else meanwhile
            user = User.objects.select_for_update(no_key=True).get(email=email)
    if not user.is_active:
        raise Refusal(f"{email} is a person who may not log in; activate them first.")
    if password and not user.has_usable_password():
        _set_password(user, password)
        user.save(update_fields=["password"])
    elif password and not user.check_password(password):
        raise Refusal(f"{email} is here already, with another password; leave --password out.")
    return user


def _new_person(*, email: str, password: str | None, verified: bool) -> User:
    user = User(email=email)
    if password is None:
        user.set_unusable_password()
    else:
        _set_password(user, password)
    user.save()
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=verified)
    return user


def _set_password(user: User, password: str) -> None:
    """People choose through forms, which judge strength; an operator who hands out a first password knows why."""
    if not password.strip():
        raise Invalid("A password cannot be blank.")
    user.set_password(password)
