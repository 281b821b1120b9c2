"""How a carrier calls us: how such a call proves whose it is, and of which SIMs it speaks.

What it says is a hint to read sooner and nothing else: no figure and no state is taken from it.
"""

from __future__ import annotations

import base64
import datetime as dt
import enum
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from .fields import NoJson, Unreadable, decoded, utc_moment

S = TypeVar("S")

USER = "linekeeper"  # of carriers that sign in with a name and a password
TOLERANCE = dt.timedelta(minutes=5)  # between a signed time and ours


class About(enum.StrEnum):
    """What has happened to a SIM: what it used or its state, a message, the device that it is in."""

    USAGE = "usage"
    MESSAGE = "message"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class News:
    """A SIM of which a carrier says that something has happened. `at`: when, where it says so."""

    iccid: str
    about: About = About.USAGE
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A call as it came: the address as the carrier knows it, the headers by names in small letters, the body."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Whose(enum.StrEnum):
    """Who makes the secret: we do, the carrier does and the operator pastes it, it is one of the credentials that we
    have, or there is none beside the address."""

    OURS = "ours"
    THEIRS = "theirs"
    CREDENTIAL = "credential"
    NONE = "none"


class Proof:
    """How a call proves that it is the carrier's. On its own: the address alone, which nobody else knows."""

    whose: ClassVar[Whose] = Whose.NONE
    by_headers: ClassVar[bool] = True  # it needs no body
    credential: ClassVar[str] = ""  # which of the credentials is the secret
    says: ClassVar[str] = "The address is the secret. Give it to nobody else."

    def holds(self, secret: str, heard: Heard, now: dt.datetime) -> bool:  # noqa: ARG002 - the interface
        return True


@dataclass(frozen=True, slots=True)
class Token(Proof):
    """A header has the secret."""

    header: str
    whose: ClassVar[Whose] = Whose.OURS
    says: ClassVar[str] = "The header has the secret."

    def holds(self, secret: str, heard: Heard, now: dt.datetime) -> bool:  # noqa: ARG002
        return _same(heard.headers.get(self.header.lower(), ""), secret)


@dataclass(frozen=True, slots=True)
class TheirToken(Token):
    """A header has a secret that the carrier made."""

    whose: ClassVar[Whose] = Whose.THEIRS


class Password(Proof):
    """HTTP Basic, with our name and a password that we made."""

    whose = Whose.OURS
    says = f"The user name is {USER}. The password is the secret."

    def holds(self, secret: str, heard: Heard, now: dt.datetime) -> bool:  # noqa: ARG002
        wanted = "Basic " + base64.b64encode(f"{USER}:{secret}".encode()).decode()
        return _same(heard.headers.get("authorization", ""), wanted)


class TwilioSignature(Proof):
    """HMAC-SHA1 over the address, which carries the body's SHA-256, by the account's token."""

    whose = Whose.CREDENTIAL
    by_headers = False
    says = "Calls are signed with the auth token of the credentials."
    credential = "auth_token"

    def holds(self, secret: str, heard: Heard, now: dt.datetime) -> bool:  # noqa: ARG002
        told = parse_qs(urlsplit(heard.url).query).get("bodySHA256", [""])[0]
        is_body = _same(told.lower(), hashlib.sha256(heard.body).hexdigest())
        digest = base64.b64encode(hmac.digest(secret.encode(), heard.url.encode(), "sha1")).decode()
        return _same(heard.headers.get("x-twilio-signature", ""), digest) and is_body


class KoreSignature(Proof):
    """SHA-256 over a secret of the carrier's, the method, the address without a query and the body, whose JSON has lost
    its blanks."""

    whose = Whose.THEIRS
    by_headers = False
    says = "Calls are signed with the webhook secret of KORE’s developer portal."

    def holds(self, secret: str, heard: Heard, now: dt.datetime) -> bool:  # noqa: ARG002
        address = urlsplit(heard.url)._replace(query="", fragment="").geturl()
        before = f"{secret}POST{address}".encode()
        told = heard.headers.get("kore-signature", "").lower()
        bodies = (heard.body, _without_blanks(heard.body))
        return bool(secret) and any(_same(told, hashlib.sha256(before + body).hexdigest()) for body in bodies)


def _without_blanks(body: bytes) -> bytes:
    """JSON as programs write it that leave out what it can do without; what is none stays."""
    try:
        return json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return body


class StandardSignature(Proof):
    """Standard Webhooks, version 1: HMAC-SHA256 over an id, a time and the body; the time is not far from ours."""

    whose = Whose.THEIRS
    by_headers = False
    says = "Calls are signed with the secret."

    def holds(self, secret: str, heard: Heard, now: dt.datetime) -> bool:
        name, moment = heard.headers.get("webhook-id", ""), heard.headers.get("webhook-timestamp", "")
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            return False
        if not (moment.isascii() and moment.isdecimal() and len(moment) <= 12):
            return False
        if abs(now.timestamp() - int(moment)) > TOLERANCE.total_seconds():
            return False
        digest = hmac.digest(key, f"{name}.{moment}.".encode() + heard.body, "sha256")
        wanted = "v1," + base64.b64encode(digest).decode()
        return any(_same(one, wanted) for one in heard.headers.get("webhook-signature", "").split(" ")[:5])


def _same(given: str, wanted: str) -> bool:
    """In constant time. An empty secret fits nothing."""
    return bool(wanted) and hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


@dataclass(frozen=True, slots=True)
class Webhook:
    """A carrier's calls to us. `setup`: where an operator enters our address there, in one or two sentences.

    `news_in` raises Unreadable for what is no call of its kind; single records that it cannot read are left out.
    """

    proof: Proof
    news_in: Callable[[bytes], Sequence[News]]
    setup: str


_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


def records_in(body: bytes) -> list[bytes]:
    """The records of an array, or the one that comes alone. Raises Unreadable."""
    text = body.lstrip()
    if text[:1] == b"[":
        return [bytes(raw) for raw in decoded(_RAWS, body)]
    if text[:1] != b"{":
        raise NoJson("it is neither an object nor an array")
    return [body]


def each_news(body: bytes, decoder: msgspec.json.Decoder[S], tell: Callable[[S], Iterable[News]]) -> tuple[News, ...]:
    """What the records of a call say; one that cannot be read says nothing. Raises Unreadable where none can be."""
    found, bad, records = list[News](), None, records_in(body)
    for record in records:
        try:
            found += tell(decoded(decoder, record))
        except Unreadable as error:
            bad = error
    if bad is not None and not found and len(records) == 1:
        raise bad
    return tuple(found)


def moment_of(text: str | None) -> dt.datetime | None:
    """When something happened; what is no time is none."""
    try:
        return utc_moment(text) if text else None
    except Unreadable:
        return None
