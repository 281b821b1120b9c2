"""What people do to their own logins is written down in each account that they belong to."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as logins
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.mfa import signals as factors
from allauth.mfa.models import Authenticator
from django.contrib.auth import signals as django_logins
from django.dispatch import Signal
from django.http import HttpRequest

from accounts import trail
from accounts.commands import Happened, record_many
from accounts.commands.logins import forgive
from accounts.login import sessions
from accounts.models import User
from accounts.queries import memberships_of

KINDS = {
    Authenticator.Type.TOTP: "authenticator app",
    Authenticator.Type.WEBAUTHN: "passkey",
    Authenticator.Type.RECOVERY_CODES: "recovery codes",
}
VERBS: dict[Signal, str] = {
    logins.password_set: "person.password_set",
    logins.password_changed: "person.password_changed",
    logins.password_reset: "person.password_reset",
    logins.email_changed: "person.mail_changed",
    factors.authenticator_added: "person.second_factor_added",
    factors.authenticator_removed: "person.second_factor_removed",
    factors.authenticator_reset: "person.second_factor_made_anew",
}

# What a session was proved by: where it changes, the person's other sessions end.
PROOFS = (
    logins.password_set,
    logins.password_changed,
    logins.password_reset,
    factors.authenticator_added,
    factors.authenticator_removed,
    factors.authenticator_reset,
)


def listen() -> None:
    """Called once, when the apps are ready."""
    for signal in VERBS:
        signal.connect(_write, dispatch_uid="accounts.security")
    for signal in PROOFS:
        signal.connect(_end_others, dispatch_uid="accounts.security.sessions")
    factors.authenticator_added.connect(_gave, dispatch_uid="accounts.security.gave")
    logins.authentication_step_completed.connect(_renew, dispatch_uid="accounts.security.renew")
    logins.password_reset.connect(_forgive, dispatch_uid="accounts.security.forgive")
    django_logins.user_logged_in.connect(sessions.begin, dispatch_uid="accounts.login.sessions")
    django_logins.user_logged_in.connect(trail.succeeded, dispatch_uid="accounts.trail")


def _end_others(*, user: User, request: HttpRequest | None = None, **_: object) -> None:
    sessions.end_others(request, user)


def _gave(*, request: HttpRequest, user: User, authenticator: Authenticator, **_: object) -> None:
    """Setting a factor up proves it: its code was given, its key was touched."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)


def _forgive(*, user: User, **_: object) -> None:
    forgive(email=user.email)


def _renew(*, request: HttpRequest, reauthenticated: bool = False, **_: object) -> None:
    if reauthenticated:
        sessions.renew(request)


def _write(*, signal: Signal, user: User, **told: Any) -> None:
    things = [
        Happened(place.account_id, f"person:{user.email}"[:128], _detail(**told)) for place in memberships_of(user)
    ]
    record_many(by=user.actor, verb=VERBS[signal], things=things)


def _detail(
    authenticator: Authenticator | None = None,
    from_email_address: EmailAddress | None = None,
    to_email_address: EmailAddress | None = None,
    **_: object,
) -> dict[str, str]:
    if authenticator is not None:
        return {"kind": KINDS[authenticator.type]}
    if from_email_address is not None and to_email_address is not None:
        return {"before": from_email_address.email, "after": to_email_address.email}
    return {}
