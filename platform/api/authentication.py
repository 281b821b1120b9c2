"""Who calls: three headers, signed with the account's key (observed API: Signing). Cookies are never looked at."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest
from kit import clock

from accounts.queries import Caller, caller_of
from api.problems import Unauthenticated

HEX = re.compile("[0-9a-f]{32}")
UNIX = re.compile("[0-9]{1,12}")


def authenticate(request: HttpRequest, account_uuid: str) -> Caller:
    """Raises Unauthenticated, in the same words whoever is unknown and whatever is wrong."""
    timestamp = request.headers.get("timestamp", "")
    if not UNIX.fullmatch(timestamp):
        raise Unauthenticated("The header timestamp is no Unix time in seconds")
    if abs(int(timestamp) - int(clock.now().timestamp())) > settings.API_WINDOW_SECONDS:
        raise Unauthenticated(
            f"The timestamp is over {settings.API_WINDOW_SECONDS} seconds from our time; set your clock and sign again"
        )
    user_uuid, signed = request.headers.get("uuid", ""), request.headers.get("hash", "")
    caller = None
    if HEX.fullmatch(user_uuid) and HEX.fullmatch(account_uuid):
        caller = caller_of(account_uuid=account_uuid, user_uuid=user_uuid, timestamp=timestamp, signed=signed)
    if caller is None:
        raise Unauthenticated("The account, the uuid and the hash do not belong together")
    return caller
