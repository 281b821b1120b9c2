"""What happens to a person: made known, given a password."""

from __future__ import annotations

import zoneinfo

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from kit.errors import Invalid, Refusal
from kit.names import checked_name, refuse_address

from accounts.commands.events import record
from accounts.models import Account, User
from accounts.policy import Actor
from accounts.queries import is_unconfirmed

LONGEST_PERSON = 150


def mail_address(*, email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid(f"{email!r} is not a mail address.") from None
    return email


def add_person(*, email: str, password: str | None, verified: bool) -> User:
    user = User(email=email)
    if password is None:
        user.set_unusable_password()
    else:
        give_password(user=user, password=password)
    user.save()
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=verified)
    return user


class Unconfirmed(Refusal):
    """The account is new, and nobody has shown yet that its owner's mail address is theirs."""

    status = 403


UNCONFIRMED = "Confirm your email address first. Open the link in the email we sent you."


def refuse_unconfirmed(*, account: Account) -> None:
    """Before what takes stock or spends money. Raises Unconfirmed."""
    if is_unconfirmed(payer_id=account.payer_id):
        raise Unconfirmed(UNCONFIRMED)


def give_password(*, user: User, password: str) -> None:
    """People choose through forms, which judge strength; an operator who hands out a first password knows why."""
    if not password.strip():
        raise Invalid("A password cannot be blank.")
    user.set_password(password)


def person_name(*, name: str) -> str:
    """The name in one line; it may be empty. Raises Invalid."""
    if not name.strip():
        return ""
    return refuse_address(checked_name(name, longest=LONGEST_PERSON))


@transaction.atomic
def edit_profile(*, user: User, name: str, language: str, time_zone: str, by: Actor) -> User:
    """Change how a person is called and how times are written for them. Raises Invalid. Harmless twice."""
    if time_zone not in zoneinfo.available_timezones() or language not in dict(settings.LANGUAGES):
        raise Invalid("Choose a language and a time zone of the list.")
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    after = {"name": person_name(name=name), "language": language, "time_zone": time_zone}
    before = {key: getattr(user, key) for key in after}
    if after != before:
        for key, value in after.items():
            setattr(user, key, value)
        user.save(update_fields=list(after))
        record(by=by, verb="person.profile_edited", subject=f"person:{user.pk}", detail=_changed(before, after))
    return user


def _changed(before: dict[str, str], after: dict[str, str]) -> dict[str, dict[str, str]]:
    names = [name for name in after if before[name] != after[name]]
    return {"before": {name: before[name] for name in names}, "after": {name: after[name] for name in names}}
