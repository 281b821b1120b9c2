"""Who acts, and what each kind of person may do. Pure."""

from __future__ import annotations

import base64
import enum
import hmac
from dataclasses import dataclass


class ActorKind(enum.StrEnum):
    PERSON = "person"
    KEY = "key"
    RULE = "rule"
    CARRIER = "carrier"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who a change is by, as it is shown: a person's mail, a rule's name, `system`."""

    kind: ActorKind
    name: str


SYSTEM = Actor(ActorKind.SYSTEM, "Linekeeper")
OPERATOR = Actor(ActorKind.OPERATOR, "operator")
_KEY = "API key "


def key_actor(user_uuid: str) -> Actor:
    """A client of the API, as it is shown: the beginning of its user UUID."""
    return Actor(ActorKind.KEY, _KEY + user_uuid[:8])


def actor_named(name: str) -> Actor:
    """The person or the API client of this name, where only the name was kept: a person's is a mail address."""
    return Actor(ActorKind.KEY if name.startswith(_KEY) else ActorKind.PERSON, name)


class Role(enum.StrEnum):
    OWNER = "owner"
    USER = "user"


class Right(enum.StrEnum):
    """What a page or a command asks for."""

    SEE_LINES = "see lines"
    SEE_MONEY = "see money"
    ACTIVATE_LINES = "activate lines, edit their notes"
    MANAGE_LINES = "manage lines"
    MANAGE_MONEY = "manage money"
    MANAGE_PEOPLE = "manage people"


_EVERYTHING = frozenset(Right)
_OF_ROLE = {
    Role.OWNER: _EVERYTHING,
    Role.USER: _EVERYTHING - {Right.MANAGE_MONEY, Right.MANAGE_PEOPLE},
}
_OF_SUBACCOUNT = frozenset({Right.SEE_LINES, Right.ACTIVATE_LINES})


def rights(role: Role, *, is_subaccount: bool) -> frozenset[Right]:
    """A sub-account's people see their own lines and no money, whatever their role there."""
    return _OF_SUBACCOUNT if is_subaccount else _OF_ROLE[role]


def signature(shared_key: str, timestamp: str, uuid: str) -> str:
    """base64 of HMAC-SHA1 over timestamp and UUID, the key as text (observed API: Signing)."""
    digest = hmac.digest(shared_key.encode(), f"{timestamp}{uuid}".encode(), "sha1")
    return base64.b64encode(digest).decode("ascii")


def is_signed(given: str, *, shared_key: str, timestamp: str, account_uuid: str, user_uuid: str) -> bool:
    """Whether the hash is of this key over the account's UUID, as clients sign, or the user's, as the overview says.

    Takes as long for a wrong hash as for a right one.
    """
    theirs = given.encode()
    by_account = hmac.compare_digest(theirs, signature(shared_key, timestamp, account_uuid).encode())
    by_user = hmac.compare_digest(theirs, signature(shared_key, timestamp, user_uuid).encode())
    return by_account | by_user


def requests_allowed(lines: int) -> int:
    """API requests a day: 100 for each line of the account, and 100 for one that has none yet."""
    return 100 * max(1, lines)
