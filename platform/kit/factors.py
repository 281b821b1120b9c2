"""Whether this session gave a second factor: that the person has one somewhere says nothing of who sits here."""

from __future__ import annotations

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest


def gave_factor(request: HttpRequest) -> bool:
    """A code, a passkey or a recovery code was given in this session, and the person still has a factor."""
    known: dict[str, Any] = request.__dict__
    if "gave_factor" not in known:
        given = any(record.get("method") == "mfa" for record in get_authentication_records(request, request.user))
        known["gave_factor"] = given and is_mfa_enabled(request.user)
    return bool(known["gave_factor"])


def door_to_factor(request: HttpRequest) -> str:
    """The name of the page where this session gives its factor, or where the person sets one up."""
    return "mfa_reauthenticate" if is_mfa_enabled(request.user) else "mfa_index"
