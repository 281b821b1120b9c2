"""Who acts, and what each kind of person may do. Pure."""

from __future__ import annotations

import base64
import datetime as dt
import enum
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field


class ActorKind(enum.StrEnum):
    PERSON = "person"
    KEY = "key"
    RULE = "rule"
    CARRIER = "carrier"
    OPERATOR = "operator"
    BACK_OFFICE = "back office"  # a person who runs the installation, acting for an account
    SYSTEM = "system"


# Who asks for an account; all others act for the installation.
ASKING = frozenset({ActorKind.PERSON, ActorKind.KEY, ActorKind.RULE})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who a change is by, as it is shown: a person's mail, a rule's name, `system`. `person` is the id of who works in
    the back office, for what asks for two people: a mail address may change."""

    kind: ActorKind
    name: str
    person: int | None = field(default=None, compare=False)


SYSTEM = Actor(ActorKind.SYSTEM, "system")
OPERATOR = Actor(ActorKind.OPERATOR, "operator")
_KEY = "API key "


def key_actor(name: str) -> Actor:
    """A client of the API as it is shown: by its bearer key's name or the beginning of its user UUID."""
    return Actor(ActorKind.KEY, _KEY + name)


def actor_named(name: str) -> Actor:
    """The person or the API client of this name, where only the name was kept: a person's is a mail address."""
    return Actor(ActorKind.KEY if name.startswith(_KEY) else ActorKind.PERSON, name)


class Role(enum.StrEnum):
    OWNER = "owner"
    USER = "user"
    OPERATOR = "operator"  # works with lines, and causes no cost
    VIEWER = "viewer"  # sees everything, and changes nothing


INVITED_AS = (Role.USER, Role.OPERATOR, Role.VIEWER)  # an owner is made by a transfer alone


class Right(enum.StrEnum):
    """What a page or a command asks for."""

    SEE_LINES = "see lines"
    SEE_MONEY = "see money"
    SEE_AUDIT = "see what was done, by whom"
    SEE_SUBACCOUNTS = "see sub-accounts"
    EDIT_NOTES = "edit the notes of lines"
    ASK = "ask carriers, order statements, mark messages as read"
    STOP_LINES = "deactivate lines"
    ACTIVATE_LINES = "activate lines, send SMS"
    MANAGE_LINES = "manage lines"
    MANAGE_SUBACCOUNTS = "manage sub-accounts and the white label"
    MANAGE_MONEY = "manage money"
    MANAGE_PEOPLE = "manage people"
    MANAGE_KEYS = "see and rotate API keys"
    MANAGE_WEBHOOKS = "manage webhooks, read events"


_EVERYTHING = frozenset(Right)
_SEES = frozenset({Right.SEE_LINES, Right.SEE_MONEY, Right.SEE_AUDIT, Right.SEE_SUBACCOUNTS})
_OF_ROLE = {
    Role.OWNER: _EVERYTHING,
    Role.USER: _EVERYTHING - {Right.MANAGE_MONEY, Right.MANAGE_PEOPLE, Right.MANAGE_KEYS, Right.MANAGE_WEBHOOKS},
    Role.OPERATOR: _SEES | {Right.EDIT_NOTES, Right.ASK, Right.STOP_LINES},
    Role.VIEWER: _SEES,
}
_OF_SUBACCOUNT = frozenset({Right.SEE_LINES, Right.ACTIVATE_LINES, Right.EDIT_NOTES, Right.ASK, Right.MANAGE_KEYS})


# A test account has play money, and its people are those of the account that it is of.
_NOT_IN_TEST = frozenset({Right.MANAGE_MONEY, Right.MANAGE_PEOPLE})


def rights(role: Role, *, is_subaccount: bool, is_test: bool = False) -> frozenset[Right]:
    """What a role may do; a sub-account's people see at most their own lines and no money, whatever their role."""
    granted = _OF_ROLE[role] & _OF_SUBACCOUNT if is_subaccount else _OF_ROLE[role]
    return granted - _NOT_IN_TEST if is_test else granted


class Scope(enum.StrEnum):
    """What a bearer key is for; each has all that it needs, so that no key must have two for one purpose."""

    READ_LINES = "lines:read"
    ACTIVATE_LINES = "lines:activate"
    MANAGE_LINES = "lines:manage"
    READ_SUBACCOUNTS = "subaccounts:read"
    MANAGE_SUBACCOUNTS = "subaccounts:manage"
    READ_MONEY = "money:read"
    READ_AUDIT = "audit:read"
    MANAGE_WEBHOOKS = "webhooks:manage"
    MANAGE_KEYS = "keys:manage"


_ACTIVATES = frozenset({Right.SEE_LINES, Right.ACTIVATE_LINES, Right.EDIT_NOTES, Right.ASK})
RIGHTS_OF_SCOPE = {
    Scope.READ_LINES: frozenset({Right.SEE_LINES}),
    Scope.ACTIVATE_LINES: _ACTIVATES,
    Scope.MANAGE_LINES: _ACTIVATES | {Right.STOP_LINES, Right.MANAGE_LINES},
    Scope.READ_SUBACCOUNTS: frozenset({Right.SEE_LINES, Right.SEE_SUBACCOUNTS}),
    Scope.MANAGE_SUBACCOUNTS: frozenset({Right.SEE_LINES, Right.SEE_SUBACCOUNTS, Right.MANAGE_SUBACCOUNTS}),
    Scope.READ_MONEY: frozenset({Right.SEE_MONEY}),
    Scope.READ_AUDIT: frozenset({Right.SEE_AUDIT}),
    Scope.MANAGE_WEBHOOKS: frozenset({Right.MANAGE_WEBHOOKS}),
    Scope.MANAGE_KEYS: frozenset({Right.MANAGE_KEYS}),
}


def rights_of_scopes(scopes: Iterable[Scope], *, is_subaccount: bool, is_test: bool = False) -> frozenset[Right]:
    """Never more than the account itself may."""
    granted = frozenset[Right]().union(*(RIGHTS_OF_SCOPE[scope] for scope in scopes))
    return granted & rights(Role.OWNER, is_subaccount=is_subaccount, is_test=is_test)


def is_from(address: str, ranges: Iterable[str]) -> bool:
    """Whether an address is in one of these ranges; where there is none, every address is. An IPv4 address that came
    over IPv6 is the IPv4 one."""
    wanted = [ipaddress.ip_network(one) for one in ranges]
    try:
        given = ipaddress.ip_address(address)
    except ValueError:
        return not wanted
    mapped = given.ipv4_mapped if isinstance(given, ipaddress.IPv6Address) else None
    return not wanted or any((mapped or given) in network for network in wanted)


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


def token_hash(token: str) -> str:
    """How a secret that is shown once is kept: SHA-256, hex. Only for long random ones."""
    return hashlib.sha256(token.encode()).hexdigest()


PER_SECOND, MOST_PER_SECOND = 50, 200  # requests of one bearer key: unless said otherwise, and at most


TEST_REQUESTS = 2_000  # of a test account on a day, however few its lines are


def requests_allowed(lines: int, *, is_test: bool = False) -> int:
    """API requests a day: 100 for each line of the account, and 100 for one that has none yet."""
    allowed = 100 * max(1, lines)
    return max(allowed, TEST_REQUESTS) if is_test else allowed


INVITATION_DAYS = 7
OFFER_DAYS = 7  # an ownership that is offered waits so long
KEY_OVERLAPS = (0, 24, 168)  # hours that a shared key still works after it was rotated


@dataclass(frozen=True, slots=True)
class SessionEnds:
    """How long a session lives: since it was opened, and since somebody was seen in it."""

    absolute: dt.timedelta
    idle: dt.timedelta

    def have_come(self, *, opened: dt.datetime, seen: dt.datetime, now: dt.datetime) -> bool:
        return now - opened >= self.absolute or now - seen >= self.idle


SESSION = SessionEnds(absolute=dt.timedelta(days=7), idle=dt.timedelta(hours=24))
OFFICE_SESSION = SessionEnds(absolute=dt.timedelta(hours=12), idle=dt.timedelta(minutes=30))  # runs the installation


@dataclass(frozen=True, slots=True)
class Guesses:
    """How many wrong passwords are free, and how long the next try waits after them: twice as long each time."""

    free: int
    first_wait: dt.timedelta
    longest_wait: dt.timedelta
    forgotten_after: dt.timedelta  # without another

    def wait(self, failures: int) -> dt.timedelta:
        """After so many wrong ones in a row."""
        if failures < self.free:
            return dt.timedelta()
        times: int = 2 ** min(failures - self.free, 20)
        return min(self.first_wait * times, self.longest_wait)


_MINUTE = dt.timedelta(minutes=1)
GUESSES_AT_ADDRESS = Guesses(5, _MINUTE, 15 * _MINUTE, dt.timedelta(hours=24))  # and from a device used before
GUESSES_FROM_NETWORK = Guesses(20, _MINUTE, 15 * _MINUTE, dt.timedelta(hours=1))

OFFICE_PASS_HOURS = 24

INVITATION_MAILS_A_DAY = 100  # of an account and its sub-accounts
INVITATION_MAILS_OF_NEWCOMERS = 10  # younger than this, and not known to the back office
NEWCOMER_DAYS = 7


def invitation_mails_a_day(*, age: dt.timedelta, is_professional: bool) -> int:
    """A stranger's account writes to few: in our name, to people who never heard of us."""
    is_known = is_professional or age >= dt.timedelta(days=NEWCOMER_DAYS)
    return INVITATION_MAILS_A_DAY if is_known else INVITATION_MAILS_OF_NEWCOMERS


def network_of(address: str) -> str:
    """An IPv4 address, or the /64 that one household or host has of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
