"""Clients of the API: what they sign with, and whose call it is."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from kit import clock, crypto
from kit.errors import NotFound
from kit.kept import Kept
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
    def is_for_test(self) -> bool:
        """Whether this call is answered in the account's test account: it was made with a test key, or the payer is no
        professional account."""
        if self.account.is_test:
            return False
        return not (self.account.parent or self.account).is_professional or self.has_test_key

    @property
    def has_test_key(self) -> bool:
        return self.key is not None and self.key.is_test

    def in_test(self, account: Account) -> Caller:
        """The same caller in the test account, with no more rights than in its own."""
        within = rights(Role.OWNER, is_subaccount=account.is_subaccount, is_test=True)
        return replace(self, account=account, rights=self.rights & within)


@dataclass(frozen=True, slots=True)
class _Signer:
    """Who may sign with which keys; nobody has no accounts, and keys that are as much work."""

    keys: tuple[tuple[str, dt.datetime | None], ...]  # opened, and until when each works
    accounts: tuple[Any, ...]  # the columns of an account, then those of its parent


_signers: Kept[_Signer] = Kept(seconds=settings.API_KEPT_SECONDS, most=10_000, worth=lambda one: bool(one.accounts))
_bearers: Kept[tuple[ApiKey, tuple[Any, ...]] | None] = Kept(
    seconds=settings.API_KEPT_SECONDS, most=10_000, worth=lambda one: one is not None
)


def caller_of(*, account_uuid: str, user_uuid: str, proves: Callable[[str], bool]) -> Caller | None:
    """Whose call this is, or None: one answer for an unknown user, a wrong hash, and another's or a closed account.

    `proves` is asked of each key that works, as text. The work is the same for an unknown user and for one who has not
    called just now, so that its time tells nothing of who there is. What is known is believed for API_KEPT_SECONDS.
    """
    if not HEX.fullmatch(user_uuid) or not HEX.fullmatch(account_uuid):
        return None
    signer, now = _signers.get(user_uuid, lambda: _signer(user_uuid)), clock.now()
    is_right = False
    for key, until in signer.keys:
        is_right |= proves(key) and (until is None or until > now)
    account = _account_from(signer.accounts) if is_right and signer.accounts else None
    if account is None or account.uuid.hex != account_uuid or not is_open(account):
        return None
    granted = rights(Role.OWNER, is_subaccount=account.is_subaccount, is_test=account.is_test)
    return Caller(account, key_actor(user_uuid[:8]), granted)


def _signer(user_uuid: str) -> _Signer:
    rows = prepared(SIGNER, [user_uuid])
    shared, former, former_until, *accounts = rows[0] if rows else (_nobodys_key(), "", None)
    bound = f"credential:{user_uuid}" if rows else NOBODY
    key = crypto.decrypt(shared, row=bound)
    before = crypto.decrypt(former, row=bound) if former else crypto.decrypt(_nobodys_key(), row=NOBODY)
    return _Signer(((key, None), (before, former_until or LONG_AGO)), tuple(accounts))


def key_by_digest(digest: bytes) -> tuple[ApiKey, Account] | None:
    """The bearer key that has it and was not revoked, ended or not, with its account; believed for
    API_KEPT_SECONDS."""
    found = _bearers.get(digest, lambda: _bearer(digest))
    account = None if found is None else _account_from(found[1])
    return None if found is None or account is None else (found[0], account)


def _bearer(digest: bytes) -> tuple[ApiKey, tuple[Any, ...]] | None:
    rows = prepared(BEARER, [digest])
    if not rows:
        return None
    own = dict(zip(KEY_FIELDS, rows[0], strict=False))
    lists = {name: msgspec.json.decode(own[name]) for name in ("scopes", "ranges")}  # the driver leaves JSON a text
    return ApiKey(**own | lists), rows[0][len(KEY_FIELDS) :]


HEX = re.compile("[0-9a-f]{32}")
NOBODY = "nobody"
LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)
COLUMNS = [field.column for field in Account._meta.concrete_fields]
FIELDS = [field.attname for field in Account._meta.concrete_fields]
KEY_FIELDS = [field.attname for field in ApiKey._meta.concrete_fields]
_ACCOUNTS = ", ".join(f"{table}.{column}" for table in ("a", "p") for column in COLUMNS)
SIGNER = f"""
    SELECT c.shared_key, c.former_key, c.former_until, {_ACCOUNTS}
      FROM accounts_apicredential c
      JOIN accounts_account a ON a.id = c.account_id
      LEFT JOIN accounts_account p ON p.id = a.parent_id
     WHERE c.user_uuid = %s AND c.revoked_at IS NULL
"""
BEARER = f"""
    SELECT {", ".join(f"k.{name}" for name in KEY_FIELDS)}, {_ACCOUNTS}
      FROM accounts_apikey k
      JOIN accounts_account a ON a.id = k.account_id
      LEFT JOIN accounts_account p ON p.id = a.parent_id
     WHERE k.digest = %s AND k.revoked_at IS NULL
"""


def _account_from(values: Sequence[Any]) -> Account | None:
    """An account of its own for each call, with its parent; the columns are those of SIGNER and BEARER."""
    account, parent = (_account(values[at : at + len(COLUMNS)]) for at in (0, len(COLUMNS)))
    if account is not None:
        account.parent = parent
    return account


def _account(values: Sequence[Any]) -> Account | None:
    return None if values[0] is None else Account.from_db(DEFAULT_DB_ALIAS, FIELDS, values)


def is_open(account: Account) -> bool:
    """Whether it is active, and its parent, where it has one."""
    return account.is_active and (account.parent is None or account.parent.is_active)


@functools.cache
def _nobodys_key() -> str:
    return crypto.encrypt(crypto.new_hex(), row=NOBODY)
