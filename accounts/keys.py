"""Bearer keys of the API: made and shown once, found by their digest, revoked."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import secrets
import threading
import time
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat
from kit import clock
from kit.errors import Invalid, Refusal
from kit.sql import prepared

from accounts.commands import Happened, record, record_many
from accounts.models import Account, ApiCredential, ApiKey, Event, OfficeKey
from accounts.policy import (
    MOST_PER_SECOND,
    PER_SECOND,
    RIGHTS_OF_SCOPE,
    SYSTEM,
    Actor,
    Right,
    Role,
    Scope,
    is_from,
    key_actor,
    rights,
    rights_of_scopes,
)
from accounts.queries import Caller, is_open, key_by_digest

LIVE, TEST = "api_live_", "api_test_"  # name nobody: a white label's keys are the same. Older ones begin api_ or lk_
HINT = len(LIVE) + 6
LONGEST_NAME = 100
LASTS = (7, 30, 90, 365)  # days that may be chosen
MOST_KEYS, MOST_RANGES = 50, 20
USE_IS_NOTED = dt.timedelta(minutes=1)  # no oftener: a key may be used a hundred times a second


class NameTaken(Refusal):
    """A live key has this name."""


class TooManyKeys(Refusal):
    """The account has as many keys as it may."""


class MoreThanItsMaker(Refusal):
    """A key was to make or to end a key that may do more, or for longer, than it may itself."""

    status = 403


class WrongAddress(Refusal):
    """The key is good, and not from here."""

    status = 403


@transaction.atomic
def make_key(
    *,
    account: Account,
    name: str,
    scopes: Sequence[Scope],
    days: int,
    ranges: Sequence[str] = (),
    is_test: bool = False,
    per_second: int = PER_SECOND,
    maker: ApiKey | None = None,
    by: Actor,
) -> tuple[ApiKey, str]:
    """The key's row and the key itself, which nobody can read again. `maker` is the bearer key that asks for it.

    Raises Invalid, NameTaken, TooManyKeys, MoreThanItsMaker.
    """
    name, ranges, granted = checked_name(name), checked_ranges(ranges), _checked_scopes(scopes)
    if not 1 <= per_second <= MOST_PER_SECOND:
        raise Invalid(f"A key makes 1 to {MOST_PER_SECOND} requests a second")
    if days not in LASTS:
        raise Invalid(f"A key lasts {', '.join(map(str, LASTS[:-1]))} or {LASTS[-1]} days")
    account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if keys_of(account).count() >= MOST_KEYS:
        raise TooManyKeys(f"An account has at most {MOST_KEYS} keys; revoke one that nobody uses")
    is_test = is_test or account.is_test
    key, now = (TEST if is_test else LIVE) + secrets.token_urlsafe(32), clock.real()
    row = ApiKey(
        account=account,
        name=name,
        digest=digest_of(key),
        hint=key[:HINT],
        scopes=granted,
        ranges=ranges,
        created_at=now,
        created_by=by.name,
        made_with=maker,
        is_test=is_test,
        per_second=per_second,
        expires_at=now + dt.timedelta(days=days),
    )
    if maker is not None:
        _bound(row, ApiKey.objects.select_for_update().get(pk=maker.pk))
    _saved(row)
    detail = {
        "name": name,
        "scopes": granted,
        "ranges": row.ranges,
        "expires_at": row.expires_at.isoformat(),
        "is_test": is_test,
    }
    record(by=by, verb="api_key.made", account_id=account.pk, subject=f"api_key:{row.pk}", detail=detail)
    return row, key


def _saved(row: ApiKey) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise NameTaken(f"A key named {row.name} is there already; revoke that one or choose another name") from None


def _bound(row: ApiKey, maker: ApiKey) -> None:
    """No key makes what could do more than itself, and none that makes others. It ends no later and works from nowhere
    else: whoever takes a key must not be able to keep it. Raises MoreThanItsMaker."""
    if maker.revoked_at is not None:
        raise MoreThanItsMaker("The key that asks was revoked; use another one")
    if not is_within(row, maker):
        raise MoreThanItsMaker(
            "A key makes only keys that may do less or the same, and none with keys:manage; leave out the scopes that"
            " it does not have, or make the key on the page API credentials"
        )
    row.ranges = row.ranges or maker.ranges
    if not all(_is_inside(one, maker.ranges) for one in row.ranges):
        raise MoreThanItsMaker("A key makes only keys for its own addresses; choose ranges within its own")
    row.expires_at = min(row.expires_at, maker.expires_at)
    row.per_second = min(row.per_second, maker.per_second)


def is_within(key: ApiKey, other: ApiKey) -> bool:
    """Whether `other` could have made `key`: it may all that the key may, and the key makes none."""
    if Scope.MANAGE_KEYS in key.scopes or (other.is_test and not key.is_test):
        return False
    own = rights_of_scopes(map(Scope, other.scopes), is_subaccount=False)
    return all(RIGHTS_OF_SCOPE[Scope(scope)] <= own for scope in key.scopes)


def _is_inside(text: str, ranges: Sequence[str]) -> bool:
    one = ipaddress.ip_network(text)
    wider = [ipaddress.ip_network(given) for given in ranges]
    return not wider or any(one.version == given.version and one.subnet_of(given) for given in wider)  # type: ignore[arg-type]


@transaction.atomic
def revoke_key(*, key: ApiKey, by: Actor, why: str = "") -> list[ApiKey]:
    """Ends a key at once, and those that were made with it; says which. Harmless twice."""
    ended, waiting = [], list(ApiKey.objects.select_for_update().filter(pk=key.pk))
    while waiting:
        one = waiting.pop()
        waiting += ApiKey.objects.select_for_update().filter(made_with=one, revoked_at=None)
        if one.revoked_at is None:
            one.revoked_at = clock.now()
            one.save(update_fields=["revoked_at"])
            detail = {"name": one.name} | ({"why": why} if why else {})
            record(by=by, verb="api_key.revoked", account_id=one.account_id, subject=f"api_key:{one.pk}", detail=detail)
            ended.append(one)
    return ended


EXPIRING = dt.timedelta(days=7)


@transaction.atomic
def tell_expiring() -> int:
    """Writes down of each key that it ends within a week, once; says of how many. Harmless twice."""
    now = clock.now()
    told = Event.objects.filter(
        verb="api_key.expiring", subject=Concat(Value("api_key:"), Cast(OuterRef("pk"), CharField()))
    )
    due = ApiKey.objects.select_for_update(skip_locked=True).filter(
        ~Exists(told), revoked_at=None, expires_at__gt=now, expires_at__lte=now + EXPIRING
    )
    things = [
        Happened(key.account_id, f"api_key:{key.pk}", {"name": key.name, "expires_at": key.expires_at.isoformat()})
        for key in due
    ]
    record_many(by=SYSTEM, verb="api_key.expiring", things=things)
    return len(things)


def keys_of(account: Account) -> QuerySet[ApiKey]:
    """Those that are not revoked, the newest first; an expired one stays until somebody takes it away."""
    return ApiKey.objects.filter(account=account, revoked_at=None).order_by("-pk")


def bearer(*, key: str, account_uuid: str, address: str) -> Caller | None:
    """Whose call this is, or None: one answer for an unknown, revoked or expired key and one of another account.

    Writes down when and from where the key was last used. Raises WrongAddress.
    """
    found = key_by_digest(digest_of(key))
    if found is None:
        return None
    row, account = found
    if row.expires_at <= clock.now() or account.uuid.hex != account_uuid or not is_open(account):
        return None
    if not is_from(address, row.ranges):
        raise WrongAddress(f"This key is not to be used from {address}; make one whose ranges have this address")
    note_use(row, address)
    scopes = [Scope(scope) for scope in row.scopes]
    granted = rights_of_scopes(scopes, is_subaccount=account.is_subaccount, is_test=account.is_test)
    return Caller(account, key_actor(row.name), granted, key=row)


def key_may(*, account: Account, name: str, right: Right, since: dt.datetime) -> bool:
    """Whether what a client began then, under this name (see key_actor), may go on: not where its key was revoked or
    the shared one replaced at once. A key's own end stops nothing that was begun in its time, and a new one that has
    its name is another."""
    theirs = [account.pk] if account.live_id is None else [account.pk, account.live_id]  # whose keys open it
    if right in rights(Role.OWNER, is_subaccount=account.is_subaccount, is_test=account.is_test):
        for row in ApiCredential.objects.filter(account__in=theirs, revoked_at=None):
            is_replaced = row.rotated_at is not None and row.rotated_at > since and not row.former_key
            if key_actor(row.user_uuid[:8]).name == name and not is_replaced:
                return True
    for key in ApiKey.objects.filter(account__in=theirs, revoked_at=None, created_at__lte=since).order_by("-pk"):
        if key_actor(key.name).name == name:
            scopes = [Scope(scope) for scope in key.scopes]
            return right in rights_of_scopes(scopes, is_subaccount=account.is_subaccount)
    return False


def note_use(row: ApiKey | OfficeKey, address: str) -> None:
    """Writes down when and from where a key was used, not oftener than is of use."""
    now = clock.now()
    if row.last_used_at is None or now - row.last_used_at > USE_IS_NOTED:
        row.last_used_at, row.last_used_from = now, address or None
        type(row)._default_manager.filter(pk=row.pk).update(last_used_at=now, last_used_from=address or None)


# What a second's calls may be after a power cut is nobody's loss: this commit waits for no disk.
ONE_MORE = """
    WITH hurried AS (SELECT set_config('synchronous_commit', 'off', true) AS done)
    UPDATE accounts_apikey
       SET free_at = greatest(free_at, %(now)s) + make_interval(secs => %(calls)s::int / per_second::float)
      FROM hurried
     WHERE id = %(key)s AND done IS NOT NULL
       AND greatest(free_at, %(now)s) + make_interval(secs => %(calls)s::int / per_second::float)
           <= %(now)s + interval '1 second'
    RETURNING per_second
"""
AT_ONCE = 10  # the part of a second's calls that a process takes at once, and has for a second
_taken: dict[int, tuple[int, float]] = {}  # by key: calls that are left, and until when (time.monotonic)
_lock = threading.Lock()


def one_more(key: ApiKey) -> bool:
    """Whether the key may make one more request now: `per_second` at once, and as many again in each second that
    follows, however many processes are called."""
    now = time.monotonic()
    with _lock:
        left, until = _taken.get(key.pk, (0, now))
        if left and until > now:
            _taken[key.pk] = left - 1, until
            return True
    several = max(1, key.per_second // AT_ONCE)
    for calls in sorted({several, 1}, reverse=True):
        if prepared(ONE_MORE, {"key": key.pk, "now": clock.now(), "calls": calls}):
            with _lock:
                _taken[key.pk] = calls - 1, now + 1
            return True
    return False


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(f"A key has a name of 1 to {LONGEST_NAME} characters, such as what uses it")
    return name


def _checked_scopes(scopes: Sequence[Scope]) -> list[Scope]:
    granted = [scope for scope in Scope if scope in scopes]
    if not granted:
        raise Invalid("A key is for something; choose at least one scope")
    return granted


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
