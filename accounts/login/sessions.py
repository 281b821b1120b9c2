"""A session: where it holds, when it ends, and that it ends with what proved it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout, update_session_auth_hash
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from kit import clock
from kit.office import is_at_office

from accounts.commands.staff import end_sessions
from accounts.login import devices
from accounts.models import User
from accounts.policy import OFFICE_SESSION, SESSION, SessionEnds

PLACE = "place"  # the session's keys: the host that it was opened at, and two moments in Unix seconds
OPENED, SEEN = "opened_at", "seen_at"
NOTED = 60  # seconds: no oftener is it written down that somebody was seen
LIVE = "X-Live"  # a part of a page that asks again by itself: nobody is there for that


def place_of(request: HttpRequest) -> str:
    """The installation's own hosts are one place, but for the back office's; each brand's domain is another."""
    brand = getattr(request, "brand", None)
    if is_at_office(request):
        return "back office"
    return f"{brand.key}@{brand.domain}" if brand else ""


def ends_of(user: User) -> SessionEnds:
    return OFFICE_SESSION if user.is_staff else SESSION


class SessionEndsMiddleware:
    """Ends sessions that are too old, and takes no session that was opened elsewhere.

    Who has a domain can lead it anywhere tomorrow: what a browser gives to it must open nothing at another.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.session_key and SESSION_KEY in request.session:
            self._judge(request)
        response = self.get_response(request)
        if SESSION_KEY in request.session:
            devices.keep(request, response)
        return response

    def _judge(self, request: HttpRequest) -> None:
        session = request.session
        if session.get(PLACE) != place_of(request):
            request.session = type(session)()  # the other host's stays as it is
            request.user = AnonymousUser()
            return
        if not isinstance(request.user, User):  # its password or its key changed meanwhile
            return
        now, ends = clock.now(), ends_of(request.user)
        if is_at_office(request) and not request.user.is_staff:
            logout(request)
        elif ends.have_come(opened=_moment(session.get(OPENED)), seen=_moment(session.get(SEEN)), now=now):
            logout(request)
            messages.info(request, "Your session ended. Log in again to continue.")
        elif LIVE not in request.headers and now.timestamp() - session.get(SEEN, 0) >= NOTED:
            session[SEEN] = int(now.timestamp())
            UserSession.objects.create_from_request(request)


def begin(*, request: HttpRequest, **_: Any) -> None:
    """For Django's signal of a log-in, however it came about."""
    now = int(clock.now().timestamp())
    request.session[PLACE], request.session[OPENED], request.session[SEEN] = place_of(request), now, now


def renew(request: HttpRequest) -> None:
    """A new id for a session in which something was proved again; whoever had the old one has nothing."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def end_others(request: HttpRequest | None, user: User) -> None:
    """The person is logged out everywhere but here."""
    before = request.session.session_key if request else None
    end_sessions(user=user)
    user.refresh_from_db(fields=["sessions_key"])
    if request is not None and request.user == user:
        update_session_auth_hash(request, user)
        UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def clear() -> int:
    """Deletes sessions whose time is over, and what is listed of sessions that are no more."""
    SessionStore.clear_expired()
    gone = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    deleted: int = gone.delete()[0]
    return deleted


def _moment(seconds: int | None) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds or 0, dt.UTC)
