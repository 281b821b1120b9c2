"""The API's calls about its own bearer keys: what a key makes is never more than itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import msgspec
from kit.endpoints import Ack, Input, Linked, endpoint, moment
from kit.errors import NotFound
from kit.paging import Page, Paging, listed

from accounts import keys as commands
from accounts.models import ApiKey
from accounts.policy import MOST_PER_SECOND, PER_SECOND, Right, Scope
from accounts.queries import Caller

GROUP = "API keys"
ScopeWord = Literal[
    "lines:read", "lines:activate", "lines:manage", "subaccounts:read", "subaccounts:manage", "money:read",
    "audit:read", "webhooks:manage", "keys:manage",
]  # fmt: skip
Scopes = Annotated[list[ScopeWord], msgspec.Meta(min_length=1, max_length=len(Scope))]
Rate = Annotated[int, msgspec.Meta(ge=1, le=MOST_PER_SECOND, description="Requests a second, at most")]
Range = Annotated[str, msgspec.Meta(max_length=60, description="An address or a range, like 203.0.113.0/24")]


class Key(Linked):
    """A bearer key; what it is sent as is told only when it is made."""

    LINKS: ClassVar[Mapping[str, str]] = {"keys": "keys"}

    id: int
    name: str
    hint: Annotated[str, msgspec.Meta(description="How it begins")]
    scopes: list[ScopeWord]
    ranges: Annotated[list[str], msgspec.Meta(description="Where it works from; empty: everywhere")]
    is_test: Annotated[bool, msgspec.Meta(description="Its calls are answered in the test account")]
    per_second: Rate
    created_at: str
    created_by: str
    expires_at: str
    last_used_at: str | None
    key: Annotated[str | None, msgspec.Meta(description="To be sent; only in the answer that made it")] = None


_SAMPLE = Key(
    id=7,
    name="billing export",
    hint="api_live_Ab3dE6",
    scopes=["money:read"],
    ranges=["203.0.113.0/24"],
    is_test=False,
    per_second=PER_SECOND,
    created_at="2026-11-01 09:30:00",
    created_by="ann@example.com",
    expires_at="2027-01-30 09:30:00",
    last_used_at=None,
)
_MADE = msgspec.structs.replace(_SAMPLE, key="api_live_Ab3dE6" + "0" * 37)


def _shown(row: ApiKey, key: str | None = None) -> Key:
    return Key(
        id=row.pk,
        name=row.name,
        hint=row.hint,
        scopes=row.scopes,
        ranges=row.ranges,
        is_test=row.is_test,
        per_second=row.per_second,
        created_at=moment(row.created_at),
        created_by=row.created_by,
        expires_at=moment(row.expires_at),
        last_used_at=moment(row.last_used_at) if row.last_used_at else None,
        key=key,
    )


@endpoint("keys", right=Right.MANAGE_KEYS, sample=[_SAMPLE])
def api_keys(caller: Caller, asked: Paging) -> Page[Key]:
    """The account's bearer keys that are not revoked, the newest first"""
    return listed(asked, [_shown(row) for row in commands.keys_of(caller.account)])


@endpoint("keys/{api_key}", right=Right.MANAGE_KEYS, sample=_SAMPLE)
def api_key(caller: Caller, api_key: str) -> Key:
    """One bearer key that is not revoked"""
    found = commands.keys_of(caller.account).filter(pk=int(api_key)).first()
    if found is None:
        raise NotFound("No such key is yours; keys lists them")
    return _shown(found)


class NewKey(Input, kw_only=True):
    """What a key is to be for. A bearer key makes only keys that may do, last and reach no more than itself."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=commands.LONGEST_NAME)]
    scopes: Scopes
    days: Annotated[Literal[7, 30, 90, 365], msgspec.Meta(description="How long it lasts")] = 90
    ranges: Annotated[list[Range], msgspec.Meta(max_length=commands.MOST_RANGES)] = []
    is_test: Annotated[bool, msgspec.Meta(description="Its calls are answered in the test account")] = False
    per_second: Rate = PER_SECOND


_NEW = NewKey(name="billing export", scopes=["money:read"], ranges=["203.0.113.0/24"])


@endpoint("keys", "POST", right=Right.MANAGE_KEYS, sample=_MADE, body=_NEW)
def make_api_key(caller: Caller, asked: NewKey) -> Key:
    """Makes a bearer key; the key itself is in this answer alone"""
    row, key = commands.make_key(
        account=caller.account,
        name=asked.name,
        scopes=[Scope(scope) for scope in asked.scopes],
        days=asked.days,
        ranges=asked.ranges,
        is_test=asked.is_test,
        per_second=asked.per_second,
        maker=caller.key,
        by=caller.actor,
    )
    return _shown(row, key)


@endpoint("keys/{api_key}", "DELETE", right=Right.MANAGE_KEYS, sample=Ack())
def revoke_api_key(caller: Caller, api_key: str) -> Ack:
    """Revokes a bearer key and those made with it; a bearer key revokes itself and what it could have made"""
    row = ApiKey.objects.filter(account=caller.account, pk=int(api_key)).first()
    if row is None:
        raise NotFound("No such key is yours; keys lists them")
    own = caller.key
    if own is not None and own.pk != row.pk and not commands.is_within(row, own):
        raise commands.MoreThanItsMaker("That key may do more than the one that asks; sign the request to revoke it")
    commands.revoke_key(key=row, by=caller.actor)
    return Ack()


ENDPOINTS = (api_keys, api_key, make_api_key, revoke_api_key)
