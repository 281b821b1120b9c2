"""Bearer keys of people who run the installation: for the back office's own calls, for as long as they work there."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence

from allauth.mfa.utils import is_mfa_enabled
from django.db import connection, transaction
from django.db.models import QuerySet
from kit import clock
from kit.errors import Invalid, Refusal

from accounts.commands import record
from accounts.keys import WrongAddress, checked_name, checked_ranges, digest_of, note_use
from accounts.models import OfficeKey, User
from accounts.policy import Actor, ActorKind, is_from

PREFIX = "office_"
LASTS = (1, 7, 30, 90)  # days that may be chosen
MOST_KEYS = 10  # of a person


A_SECOND, AT_ONCE = 2, 120  # calls of a key: so many in a second, and so many before it has to wait
CALL = """
UPDATE accounts_officekey SET free_at = greatest(free_at, %(now)s) + make_interval(secs => %(one)s)
 WHERE id = %(key)s
   AND greatest(free_at, %(now)s) + make_interval(secs => %(one)s)
       <= %(now)s + make_interval(secs => %(one)s * %(at_once)s)
"""


class KeyTooFast(Refusal):
    """The key has made its calls of this minute."""

    status = 429


class NoFactor(Refusal):
    """Without a second factor nobody has a key to the back office."""


@transaction.atomic
def make_office_key(
    *, user: User, name: str, days: int, ranges: Sequence[str] = (), by: Actor
) -> tuple[OfficeKey, str]:
    """The key's row and the key itself, which nobody can read again. Raises Invalid, NoFactor."""
    name, ranges = checked_name(name), checked_ranges(ranges)
    user = User.objects.select_for_update().get(pk=user.pk)
    if days not in LASTS:
        raise Invalid(f"A key lasts {', '.join(map(str, LASTS[:-1]))} or {LASTS[-1]} days")
    if not user.is_staff or not user.is_active:
        raise Invalid(f"{user.email} does not work in the back office")
    if not is_mfa_enabled(user):
        raise NoFactor("Set up two-factor authentication first")
    if office_keys_of(user).count() >= MOST_KEYS:
        raise Invalid(f"A person has at most {MOST_KEYS} keys; revoke one that nobody uses")
    if office_keys_of(user).filter(name=name).exists():
        raise Invalid(f"A key named {name} is there already; revoke that one or choose another name")
    key, now = PREFIX + secrets.token_urlsafe(32), clock.now()
    row = OfficeKey.objects.create(
        user=user,
        name=name,
        digest=digest_of(key),
        hint=key[: len(PREFIX) + 4],
        ranges=ranges,
        created_at=now,
        expires_at=now + dt.timedelta(days=days),
    )
    detail = {"name": name, "ranges": ranges, "expires_at": row.expires_at.isoformat()}
    record(by=by, verb="office_key.made", subject=f"person:{user.email}", detail=detail)
    return row, key


@transaction.atomic
def revoke_office_key(*, key: OfficeKey, by: Actor) -> OfficeKey:
    """Ends a key at once. Harmless twice."""
    key = OfficeKey.objects.select_for_update(of=("self",)).select_related("user").get(pk=key.pk)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        key.save(update_fields=["revoked_at"])
        record(by=by, verb="office_key.revoked", subject=f"person:{key.user.email}", detail={"name": key.name})
    return key


def office_keys_of(user: User) -> QuerySet[OfficeKey]:
    return OfficeKey.objects.filter(user=user, revoked_at=None).order_by("-pk")


def office_bearer(*, key: str, address: str) -> Actor | None:
    """Who calls the back office, or None: one answer for an unknown, revoked or expired key, and for one of a person
    who works there no longer or has no second factor any more.

    Writes down when and from where the key was last used. Raises WrongAddress, KeyTooFast.
    """
    live = OfficeKey.objects.filter(digest=digest_of(key), revoked_at=None, expires_at__gt=clock.now())
    row = live.filter(user__is_staff=True, user__is_active=True).select_related("user").first()
    if row is None or not is_mfa_enabled(row.user):
        return None
    if not is_from(address, row.ranges):
        raise WrongAddress(f"This key is not to be used from {address}; make one whose ranges have this address")
    note_use(row, address)
    _count(row)
    return Actor(ActorKind.BACK_OFFICE, row.user.email, row.user.pk)


def _count(key: OfficeKey) -> None:
    """Some calls ask a carrier or write for everybody: a script that runs wild, or a thief, is slowed. One statement,
    so that none is lost however many come at once. Raises KeyTooFast."""
    one = 1 / A_SECOND  # seconds
    with connection.cursor() as cursor:
        cursor.execute(CALL, {"key": key.pk, "now": clock.now(), "one": one, "at_once": AT_ONCE})
        if not cursor.rowcount:
            raise KeyTooFast(
                f"The key makes at most {AT_ONCE} calls at once and {A_SECOND} a second after; wait a moment"
            )
