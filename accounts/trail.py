"""What is written down of log-ins, right and wrong: in the log with the network address, and in the audit."""

from __future__ import annotations

import logging

from django.http import HttpRequest

from accounts.commands import Happened, record_many
from accounts.doors import address_of
from accounts.models import User
from accounts.policy import SYSTEM, Actor, ActorKind
from accounts.queries import memberships_of, user_by_email

log = logging.getLogger("linekeeper.logins")


def succeeded(*, request: HttpRequest, user: User, **_: object) -> None:
    """For Django's signal of a log-in, however it came about."""
    ways = sorted({str(record.get("method")) for record in request.session.get("account_authentication_methods", [])})
    _write(request, user, "person.logged_in", Actor(ActorKind.PERSON, user.email), ways=", ".join(ways))


def failed(request: HttpRequest, email: str) -> None:
    _of_whom(request, email, "person.login_failed")


def refused(request: HttpRequest, email: str) -> None:
    """Too many tries. Only logged: whoever goes on trying must not fill the audit."""
    user = user_by_email(email)
    log.warning("person.login_refused who=%s address=%s", user.email if user else "unknown", address_of(request))


def _of_whom(request: HttpRequest, email: str, verb: str) -> None:
    user = user_by_email(email)
    if user is None:  # a password typed into the wrong field must not be kept
        log.warning("%s who=unknown address=%s", verb, address_of(request))
        return
    _write(request, user, verb, SYSTEM)


def _write(request: HttpRequest, user: User, verb: str, by: Actor, **more: str) -> None:
    address = address_of(request)
    level = logging.INFO if verb == "person.logged_in" else logging.WARNING
    log.log(level, "%s who=%s address=%s %s", verb, user.email, address, more.get("ways", ""))
    places: list[int | None] = [place.account_id for place in memberships_of(user)]
    detail = {"address": address, **{name: value for name, value in more.items() if value}}
    things = [Happened(place, f"person:{user.email}"[:128], detail) for place in places or [None]]
    record_many(by=by, verb=verb, things=things)
