"""Clients of the API: what they sign with, and whose call it is."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from kit import clock, crypto
from kit.errors import NotFound
from kit.sql import prepared

from accounts.models import Account, ApiCredential, ApiKey
from accounts.policy import Actor, Right, Role, key_actor, rights


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
    return Credential(row.user_uuid, crypto.decrypt(row.shared_key, row=f"credential:{row.user_uuid}"))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the API, proved: a client that signs for a whole account, one with a bearer key, or a person who tries
    it in the console."""

    account: Account
    actor: Actor
    rights: frozenset[Right]
    address: str = ""  # where the call comes from, as far as it is known
    key: ApiKey | None = None  # the bearer key that was sent

    def may(self, right: Right) -> bool:
        return right in self.rights

    @property
    def is_professional(self) -> bool:
        """Whether the payer is: everybody else gets sample data, and so does whoever sends a test key."""
        return (self.account.parent or self.account).is_professional and not (self.key and self.key.is_test)


def caller_of(*, account_uuid: str, user_uuid: str, proves: Callable[[str], bool]) -> Caller | None:
    """Whose call this is, or None: one answer for an unknown user, a wrong hash, and another's or a closed account.

    `proves` is asked of each key that works, as text. The work is the same in each case, so that its time tells
    nothing.
    """
    if not HEX.fullmatch(user_uuid) or not HEX.fullmatch(account_uuid):
        return None
    rows = prepared(SIGNER, [user_uuid])
    shared, former, former_until, *accounts = rows[0] if rows else (_nobodys_key(), "", None)
    if former_until is None or former_until <= clock.now():
        former = ""
    is_right = False
    bound = f"credential:{user_uuid}" if rows else NOBODY
    for kept, row in ((shared, bound), (former, bound) if former else (_nobodys_key(), NOBODY)):
        is_right |= proves(crypto.decrypt(kept, row=row))
    if not rows or not is_right:
        return None
    account, parent = (_account(accounts[at : at + len(COLUMNS)]) for at in (0, len(COLUMNS)))
    if account is None or account.uuid.hex != account_uuid:
        return None
    account.parent = parent
    if not is_open(account):
        return None
    return Caller(account, key_actor(user_uuid[:8]), rights(Role.OWNER, is_subaccount=account.is_subaccount))


HEX = re.compile("[0-9a-f]{32}")
NOBODY = "nobody"
COLUMNS = [field.column for field in Account._meta.concrete_fields]
SIGNER = f"""
    SELECT c.shared_key, c.former_key, c.former_until,
           {", ".join(f"{table}.{column}" for table in ("a", "p") for column in COLUMNS)}
      FROM accounts_apicredential c
      JOIN accounts_account a ON a.id = c.account_id
      LEFT JOIN accounts_account p ON p.id = a.parent_id
     WHERE c.user_uuid = %s AND c.revoked_at IS NULL
"""


def _account(values: Sequence[Any]) -> Account | None:
    return None if values[0] is None else Account.from_db(DEFAULT_DB_ALIAS, FIELDS, values)


FIELDS = [field.attname for field in Account._meta.concrete_fields]


def is_open(account: Account) -> bool:
    """Whether it is active, and its parent, where it has one."""
    return account.is_active and (account.parent is None or account.parent.is_active)


@functools.cache
def _nobodys_key() -> str:
    return crypto.encrypt(crypto.new_hex(), row=NOBODY)
