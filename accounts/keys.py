"""Bearer keys of the API: made and shown once, found by their digest, revoked."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import secrets
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from kit import clock
from kit.errors import Invalid, Refusal

from accounts.commands import record
from accounts.models import Account, ApiCredential, ApiKey
from accounts.policy import Actor, Right, Role, Scope, is_from, key_actor, rights, rights_of_scopes
from accounts.queries import Caller, is_open

PREFIX = "api_"  # names nobody: a white label's keys are the same. Keys made before begin lk_ and go on
HINT = len(PREFIX) + 6
LONGEST_NAME = 100
LASTS = (7, 30, 90, 365)  # days that may be chosen
MOST_KEYS, MOST_RANGES = 50, 20
USE_IS_NOTED = dt.timedelta(minutes=1)  # no oftener: a key may be used a hundred times a second


class NameTaken(Refusal):
    """A live key has this name."""


class TooManyKeys(Refusal):
    """The account has as many keys as it may."""


class WrongAddress(Refusal):
    """The key is good, and not from here."""

    status = 403


@transaction.atomic
def make_key(
    *, account: Account, name: str, scopes: Sequence[Scope], days: int, ranges: Sequence[str] = (), by: Actor
) -> tuple[ApiKey, str]:
    """The key's row and the key itself, which nobody can read again. Raises Invalid, NameTaken, TooManyKeys."""
    name, ranges = checked_name(name), checked_ranges(ranges)
    if days not in LASTS:
        raise Invalid(f"A key lasts {', '.join(map(str, LASTS[:-1]))} or {LASTS[-1]} days")
    granted = [scope for scope in Scope if scope in scopes]
    if not granted:
        raise Invalid("A key is for something; choose at least one scope")
    account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if keys_of(account).count() >= MOST_KEYS:
        raise TooManyKeys(f"An account has at most {MOST_KEYS} keys; revoke one that nobody uses")
    key, now = PREFIX + secrets.token_urlsafe(32), clock.now()
    try:
        with transaction.atomic():
            row = ApiKey.objects.create(
                account=account,
                name=name,
                digest=digest_of(key),
                hint=key[:HINT],
                scopes=granted,
                ranges=ranges,
                created_at=now,
                created_by=by.name,
                expires_at=now + dt.timedelta(days=days),
            )
    except IntegrityError:
        raise NameTaken(f"A key named {name} is there already; revoke that one or choose another name") from None
    detail = {"name": name, "scopes": granted, "ranges": ranges, "expires_at": row.expires_at.isoformat()}
    record(by=by, verb="api_key.made", account_id=account.pk, subject=f"api_key:{row.pk}", detail=detail)
    return row, key


@transaction.atomic
def revoke_key(*, key: ApiKey, by: Actor) -> ApiKey:
    """Ends a key at once. Harmless twice."""
    key = ApiKey.objects.select_for_update().get(pk=key.pk)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        key.save(update_fields=["revoked_at"])
        record(
            by=by,
            verb="api_key.revoked",
            account_id=key.account_id,
            subject=f"api_key:{key.pk}",
            detail={"name": key.name},
        )
    return key


def keys_of(account: Account) -> QuerySet[ApiKey]:
    """Those that are not revoked, the newest first; an expired one stays until somebody takes it away."""
    return ApiKey.objects.filter(account=account, revoked_at=None).order_by("-pk")


def bearer(*, key: str, account_uuid: str, address: str) -> Caller | None:
    """Whose call this is, or None: one answer for an unknown, revoked or expired key and one of another account.

    Writes down when and from where the key was last used. Raises WrongAddress.
    """
    row = (
        ApiKey.objects.filter(digest=digest_of(key), revoked_at=None, expires_at__gt=clock.now())
        .select_related("account", "account__parent")
        .first()
    )
    if row is None or row.account.uuid.hex != account_uuid or not is_open(row.account):
        return None
    if not is_from(address, row.ranges):
        raise WrongAddress(f"This key is not to be used from {address}; make one whose ranges have this address")
    _note_use(row, address)
    scopes = [Scope(scope) for scope in row.scopes]
    return Caller(row.account, key_actor(row.name), rights_of_scopes(scopes, is_subaccount=row.account.is_subaccount))


def key_may(*, account: Account, name: str, right: Right, since: dt.datetime) -> bool:
    """Whether what a client began then, under this name (see key_actor), may go on: not where its key was revoked or
    the shared one replaced at once. A key's own end stops nothing that was begun in its time, and a new one that has
    its name is another."""
    if right in rights(Role.OWNER, is_subaccount=account.is_subaccount):
        for row in ApiCredential.objects.filter(account=account, revoked_at=None):
            is_replaced = row.rotated_at is not None and row.rotated_at > since and not row.former_key
            if key_actor(row.user_uuid[:8]).name == name and not is_replaced:
                return True
    for key in keys_of(account).filter(created_at__lte=since):
        if key_actor(key.name).name == name:
            scopes = [Scope(scope) for scope in key.scopes]
            return right in rights_of_scopes(scopes, is_subaccount=account.is_subaccount)
    return False


def _note_use(row: ApiKey, address: str) -> None:
    now = clock.now()
    if row.last_used_at is None or now - row.last_used_at > USE_IS_NOTED:
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now, last_used_from=address or None)


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(f"A key has a name of 1 to {LONGEST_NAME} characters, such as what uses it")
    return name


def checked_ranges(texts: Sequence[str]) -> list[str]:
    """As CIDR; a single address is a range of one. Raises Invalid."""
    if len(texts) > MOST_RANGES:
        raise Invalid(f"A key has at most {MOST_RANGES} ranges of addresses")
    found = []
    for text in texts:
        try:
            found.append(str(ipaddress.ip_network(text.strip(), strict=False)))
        except ValueError:
            raise Invalid(f"{text.strip()[:60]} is no address or range; write it like 203.0.113.0/24") from None
    return found
