"""Whether a person proved just now who they are: asked before what somebody at an open browser must not do."""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


def confirmed_first(request: HttpRequest, *, back: str) -> HttpResponse | None:
    """Where a person is sent to confirm who they are, and from there `back`; None where they did just now."""
    if did_recently_reauthenticate(request):
        return None
    ways = get_adapter().get_reauthentication_methods(request.user)
    return redirect(f"{ways[0]['url']}?{urlencode({'next': back})}" if ways else "account_login")
