"""Who calls: three headers, signed with the account's key (observed API: Signing), a signature of the whole request by
RFC 9421, or a bearer key. Cookies are never looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest
from kit import clock, uuids

from accounts.doors import address_of
from accounts.keys import bearer
from accounts.policy import is_signed
from accounts.queries import Caller, caller_of
from api import signatures
from api.problems import Unauthenticated

UNIX = re.compile("[0-9]{1,12}")
LONGEST_BEARER = 100


def authenticate(request: HttpRequest, account_uuid: str, body: Callable[[], bytes]) -> tuple[Caller, int | None]:
    """Who it is and, where they sign as Keepgo's clients do, the time that was signed.

    Raises Unauthenticated, in the same words whoever is unknown and whatever is wrong; WrongAddress for a bearer key;
    Replayed for a signature by RFC 9421 that was seen.
    """
    address = address_of(request)
    if signatures.is_signed(request):
        return replace(signatures.caller_by_signature(request, account_uuid, body), address=address), None
    if "Authorization" in request.headers and "hash" not in request.headers:
        return replace(_by_bearer(request, account_uuid, address), address=address), None
    caller, signed_at = _by_signature(request, account_uuid)
    return replace(caller, address=address), signed_at


def _by_bearer(request: HttpRequest, account_uuid: str, address: str) -> Caller:
    scheme, _, key = request.headers["Authorization"].partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(key) <= LONGEST_BEARER or not key.isascii():
        raise Unauthenticated("The header Authorization is no bearer key; send it as: Bearer api_...")
    caller = bearer(key=key, account_uuid=uuids.plain(account_uuid), address=address)
    if caller is None:
        raise Unauthenticated("The account and the key do not belong together, or the key has ended; make a new one")
    return caller


def _by_signature(request: HttpRequest, account_uuid: str) -> tuple[Caller, int]:
    timestamp = request.headers.get("timestamp", "")
    if not UNIX.fullmatch(timestamp):
        raise Unauthenticated("The header timestamp is no Unix time in seconds")
    if abs(int(timestamp) - int(clock.now().timestamp())) > settings.API_WINDOW_SECONDS:
        raise Unauthenticated(
            f"The timestamp is over {settings.API_WINDOW_SECONDS} seconds from our time; set your clock and sign again"
        )
    user_uuid, given = request.headers.get("uuid", ""), request.headers.get("hash", "")
    account, user = uuids.plain(account_uuid), uuids.plain(user_uuid)

    def proves(key: str) -> bool:
        plainly, as_written = (
            is_signed(given, shared_key=key, timestamp=timestamp, account_uuid=one, user_uuid=other)
            for one, other in ((account, user), (account_uuid, user_uuid))
        )
        return plainly | as_written

    caller = caller_of(account_uuid=account, user_uuid=user, proves=proves)
    if caller is None:
        raise Unauthenticated("The account, the uuid and the hash do not belong together")
    return caller, int(timestamp)
