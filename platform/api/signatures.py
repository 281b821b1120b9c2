"""HTTP Message Signatures (RFC 9421) with an account's shared key: method, path, query and body are signed, and each
signature opens once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import http_sf
from django.conf import settings
from django.http import HttpRequest
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, InvalidSignature
from http_message_signatures.algorithms import HMAC_SHA256
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from kit import clock, uuids

from accounts import calls
from accounts.queries import Caller, caller_of
from api.problems import Unauthenticated

WHOLE_ADDRESS = (("@method", "@target-uri"), ("@method", "@path", "@query"))  # each of them covers what is asked
LONGEST_FIELD = 4_000  # characters
NONCE = range(16, 129)  # characters
WRONG = "The account, the keyid and the signature do not belong together"


@dataclass(frozen=True, slots=True)
class _Message:
    """A request as it is signed."""

    method: str
    url: str
    headers: dict[str, str]


class _Key(HTTPSignatureKeyResolver):
    def __init__(self, key: str) -> None:
        self.key = key.encode()

    def resolve_public_key(self, key_id: str) -> bytes:  # noqa: ARG002 - who it is was looked up before
        return self.key

    def resolve_private_key(self, key_id: str) -> bytes:  # noqa: ARG002
        return self.key


class _Verifier(HTTPMessageVerifier):
    """By our clock, not a host's."""

    def validate_created_and_expires(self, sig_input: Any, max_age: dt.timedelta | None = None) -> None:  # noqa: ARG002
        now, window = clock.now().timestamp(), settings.API_WINDOW_SECONDS
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires", now)
        if type(created) is not int or type(expires) not in (int, float):
            raise InvalidSignature("created is no Unix time in seconds")
        if abs(now - created) > window or expires < now:
            raise InvalidSignature(f"it is over {window} seconds from our time")


def is_signed(request: HttpRequest) -> bool:
    return "Signature-Input" in request.headers


def caller_by_signature(request: HttpRequest, account_uuid: str, body: Callable[[], bytes]) -> Caller:
    """Whose request this is. Raises Unauthenticated, Replayed; Invalid where the body cannot be read."""
    if any(len(request.headers.get(name, "")) > LONGEST_FIELD for name in ("Signature-Input", "Signature")):
        raise Unauthenticated(WRONG)
    message, content = _message(request), body()
    facts = _facts(message)
    user_uuid, nonce = uuids.plain(str(facts.get("keyid", ""))), str(facts.get("nonce", ""))
    if len(nonce) not in NONCE:
        raise Unauthenticated("The signature has no nonce of 16 to 128 characters; take a random one for each request")
    caller = caller_of(
        account_uuid=uuids.plain(account_uuid), user_uuid=user_uuid, proves=lambda key: _is_right(message, content, key)
    )
    if caller is None:
        raise Unauthenticated(WRONG)
    until = dt.datetime.fromtimestamp(int(facts["created"]) + settings.API_WINDOW_SECONDS + 1, dt.UTC)
    calls.accept_write(digest=calls.digest_of("rfc9421", user_uuid, nonce), good_until=until)
    return caller


def _message(request: HttpRequest) -> _Message:
    query = request.META.get("QUERY_STRING", "")
    address = f"{request.scheme}://{request.get_host()}{quote(request.path)}"
    return _Message(request.method or "", f"{address}?{query}" if query else address, dict(request.headers.items()))


def _facts(message: _Message) -> dict[str, Any]:
    """What the one signature says of itself, not proved yet."""
    try:
        found: Any = http_sf.parse(message.headers["Signature-Input"].encode(), tltype="dictionary")
        ((_covered, facts),) = found.values()
        return dict(facts)
    except (ValueError, TypeError):
        raise Unauthenticated("The header Signature-Input is not one signature as RFC 9421 writes it") from None


def _is_right(message: _Message, body: bytes, key: str) -> bool:
    """Whether this key signed the whole of the request: what is asked, and the body where there is one."""
    try:
        verifier = _Verifier(signature_algorithm=HMAC_SHA256, key_resolver=_Key(key))
        (found,) = verifier.verify(message, body=body)
    except HTTPMessageSignaturesException:
        return False
    covered = {name.strip('"') for name in found.covered_components}
    return any(covered >= set(address) for address in WHOLE_ADDRESS)
