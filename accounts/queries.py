"""Reads about people and accounts."""

from __future__ import annotations

import functools
import uuid
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from kit import crypto
from kit.errors import NotFound

from accounts.models import Account, ApiCredential, Membership, User
from accounts.policy import Actor, Right, Role, is_signed, key_actor, rights


@dataclass(frozen=True, slots=True)
class Credential:
    """What a client signs with, opened: 32 hex each."""

    user_uuid: str
    shared_key: str


def account_by_uuid(text: str) -> Account:
    """The account that an operator names, with or without dashes. Raises NotFound."""
    try:
        account = Account.objects.filter(uuid=uuid.UUID(text.strip())).first()
    except ValueError:
        account = None
    if account is None:
        raise NotFound(f"No account has the UUID {text.strip()!r}; check it against what add_account answered.")
    return account


def user_by_email(email: str) -> User | None:
    return User.objects.filter(email__iexact=email.strip()).first()


def memberships_of(user: User) -> QuerySet[Membership]:
    """A person's active places in accounts that are open (a sub-account is open while its parent is), oldest first."""
    return (
        Membership.objects.filter(user=user, is_active=True, account__is_active=True)
        .filter(Q(account__parent=None) | Q(account__parent__is_active=True))
        .select_related("account", "user")
        .order_by("pk")
    )


def credential_of(account: Account) -> Credential:
    """The account's live API credential. Raises NotFound where it was revoked, CannotDecrypt after a lost key."""
    row = ApiCredential.objects.filter(account=account, revoked_at=None).first()
    if row is None:
        raise NotFound(f"{account.name} has no live API credential.")
    return Credential(row.user_uuid, crypto.decrypt(row.shared_key))


def owner_of(account: Account) -> User:
    """The person that the account belongs to."""
    return User.objects.get(memberships__account=account, memberships__role="owner")


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of the API that has proved who it is: it acts for a whole account."""

    account: Account
    user_uuid: str

    def may(self, right: Right) -> bool:
        return right in rights(Role.OWNER, is_subaccount=self.account.is_subaccount)

    @property
    def is_professional(self) -> bool:
        """Whether the payer is: everybody else gets sample data."""
        return (self.account.parent or self.account).is_professional

    @property
    def actor(self) -> Actor:
        return key_actor(self.user_uuid)


Viewer = Membership | Caller  # whoever sees lines: a person in an account, or a client of its API


def caller_of(*, account_uuid: str, user_uuid: str, timestamp: str, signed: str) -> Caller | None:
    """Whose call this is, or None: one answer for an unknown user, a wrong hash, and another's or a closed account.

    The work is the same in each case, so that its time tells nothing.
    """
    row = (
        ApiCredential.objects.filter(user_uuid=user_uuid, revoked_at=None)
        .select_related("account", "account__parent")
        .first()
    )
    shared_key = crypto.decrypt(row.shared_key if row else _nobodys_key())
    is_right = is_signed(
        signed, shared_key=shared_key, timestamp=timestamp, account_uuid=account_uuid, user_uuid=user_uuid
    )
    if row is None or not is_right or row.account.uuid.hex != account_uuid:
        return None
    account = row.account
    is_open = account.is_active and (account.parent is None or account.parent.is_active)
    return Caller(account, row.user_uuid) if is_open else None


@functools.cache
def _nobodys_key() -> str:
    return crypto.encrypt(crypto.new_hex())
