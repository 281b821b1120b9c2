"""What the back office does to accounts and people."""

from __future__ import annotations

import datetime as dt
import secrets

from allauth.mfa.models import Authenticator
from django.db import transaction
from kit import clock, crypto
from kit.errors import Invalid, NotFound

from accounts.commands.events import record
from accounts.commands.opening import person_of
from accounts.commands.people import give_password
from accounts.commands.staff import end_sessions
from accounts.models import Account, OfficeKey, OfficePass, User
from accounts.policy import OFFICE_PASS_HOURS, Actor, token_hash


@transaction.atomic
def set_professional(*, account: Account, professional: bool, reason: str, by: Actor) -> Account:
    """Real API calls, or samples; harmless twice. Raises Invalid."""
    if not reason.strip():
        raise Invalid("Say why; it is kept in the account's audit log")
    account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if account.is_professional != professional:
        account.is_professional = professional
        account.save(update_fields=["is_professional"])
        detail = {"professional": professional, "reason": reason.strip()[:300]}
        record(by=by, verb="account.kind_changed", account_id=account.pk, detail=detail)
    return account


@transaction.atomic
def let_into_back_office(*, email: str, password: str | None, by: Actor) -> User:
    """A person who runs the installation, made where they are new. Harmless twice. Raises Invalid, Refusal."""
    user = person_of(email=email, password=password)
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
        record(by=by, verb="back_office.let_in", subject=f"person:{user.email}")
    return user


@transaction.atomic
def give_office_pass(*, email: str, by: Actor) -> str:
    """A link's token with which a person of the back office sets a password and their first second factor, once, within
    a day. Whoever lost theirs gets one too: the factors they had are gone, and every session ends. Raises Invalid."""
    user = User.objects.select_for_update().filter(email__iexact=email.strip(), is_staff=True).first()
    if user is None:
        raise Invalid(f"{email.strip()!r} is nobody of the back office")
    token = secrets.token_urlsafe(32)
    Authenticator.objects.filter(user=user).delete()
    end_sessions(user=user)
    now = clock.now()
    made = {
        "token_hash": token_hash(token),
        "created_at": now,
        "expires_at": now + dt.timedelta(hours=OFFICE_PASS_HOURS),
    }
    OfficePass.objects.update_or_create(user=user, defaults=made)
    record(by=by, verb="back_office.link_made", subject=f"person:{user.email}")
    return token


@transaction.atomic
def use_office_pass(*, token: str, password: str) -> User:
    """The person behind the link, with this password. Raises NotFound, one answer for each link that opens nothing."""
    row = OfficePass.objects.select_for_update().filter(token_hash=token_hash(token), user__is_staff=True).first()
    if row is None or row.expires_at <= clock.now() or not row.user.is_active:
        raise NotFound("This link no longer works. Ask your administrator for a new one.")
    user = row.user
    give_password(user=user, password=password)
    user.sessions_key = crypto.new_hex()
    user.save(update_fields=["password", "sessions_key"])
    row.delete()
    record(by=user.actor, verb="back_office.link_used", subject=f"person:{user.email}")
    return user


def office_pass_opens(*, token: str) -> User | None:
    """Whose link this is, while it works."""
    found = OfficePass.objects.filter(token_hash=token_hash(token), expires_at__gt=clock.now(), user__is_active=True)
    row = found.filter(user__is_staff=True).select_related("user").first()
    return row.user if row else None


def forget_passes() -> int:
    return OfficePass.objects.filter(expires_at__lte=clock.now()).delete()[0]


@transaction.atomic
def end_sessions_of(*, email: str, by: Actor) -> User:
    """Log a person out everywhere. Raises Invalid where nobody has this address."""
    user = User.objects.select_for_update().filter(email__iexact=email.strip()).first()
    if user is None:
        raise Invalid(f"Nobody here has the address {email.strip()!r}")
    end_sessions(user=user)
    record(by=by, verb="person.sessions_ended", subject=f"person:{user.email}")
    return user


@transaction.atomic
def put_out_of_back_office(*, email: str, by: Actor) -> User:
    """Harmless twice. Raises Invalid where nobody has this address."""
    user = User.objects.select_for_update().filter(email__iexact=email.strip()).first()
    if user is None:
        raise Invalid(f"Nobody here has the address {email.strip()!r}")
    if user.is_staff:
        user.is_staff = False
        user.save(update_fields=["is_staff"])
        OfficePass.objects.filter(user=user).delete()
        OfficeKey.objects.filter(user=user, revoked_at=None).update(revoked_at=clock.now())
        end_sessions(user=user)  # and with them whom they act for, also when they are let in again
        record(by=by, verb="back_office.put_out", subject=f"person:{user.email}")
    return user
