"""Clients of the API: what they sign with, and whose call it is."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from kit import clock, crypto
from kit.errors import NotFound

from accounts.models import Account, ApiCredential
from accounts.policy import Actor, Right, Role, is_signed, key_actor, rights


@dataclass(frozen=True, slots=True)
class Credential:
    """What a client signs with, opened: 32 hex each."""

    user_uuid: str
    shared_key: str


def credential_of(account: Account) -> Credential:
    """The account's live API credential. Raises NotFound where it was revoked, CannotDecrypt after a lost key."""
    row = ApiCredential.objects.filter(account=account, revoked_at=None).first()
    if row is None:
        raise NotFound(f"{account.name} has no live API credential.")
    return Credential(row.user_uuid, crypto.decrypt(row.shared_key))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the API, proved: a client that signs for a whole account, one with a bearer key, or a person who tries
    it in the console."""

    account: Account
    actor: Actor
    rights: frozenset[Right]

    def may(self, right: Right) -> bool:
        return right in self.rights

    @property
    def is_professional(self) -> bool:
        """Whether the payer is: everybody else gets sample data."""
        return (self.account.parent or self.account).is_professional


def caller_of(*, account_uuid: str, user_uuid: str, timestamp: str, signed: str) -> Caller | None:
    """Whose call this is, or None: one answer for an unknown user, a wrong hash, and another's or a closed account.

    The work is the same in each case, so that its time tells nothing.
    """
    row = (
        ApiCredential.objects.filter(user_uuid=user_uuid, revoked_at=None)
        .select_related("account", "account__parent")
        .first()
    )
    former = row.former_key if row and row.former_until and row.former_until > clock.now() else ""
    is_right = False
    for kept in (row.shared_key if row else _nobodys_key(), former or _nobodys_key()):
        is_right |= is_signed(
            signed,
            shared_key=crypto.decrypt(kept),
            timestamp=timestamp,
            account_uuid=account_uuid,
            user_uuid=user_uuid,
        )
    if row is None or not is_right or row.account.uuid.hex != account_uuid:
        return None
    account = row.account
    if not is_open(account):
        return None
    return Caller(account, key_actor(row.user_uuid[:8]), rights(Role.OWNER, is_subaccount=account.is_subaccount))


def is_open(account: Account) -> bool:
    """Whether it is active, and its parent, where it has one."""
    return account.is_active and (account.parent is None or account.parent.is_active)


@functools.cache
def _nobodys_key() -> str:
    return crypto.encrypt(crypto.new_hex())
