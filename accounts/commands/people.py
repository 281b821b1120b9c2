"""What happens to a person: made known, given a password."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from kit.errors import Invalid

from accounts.models import User

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


def give_password(*, user: User, password: str) -> None:
    """People choose through forms, which judge strength; an operator who hands out a first password knows why."""
    if not password.strip():
        raise Invalid("A password cannot be blank.")
    user.set_password(password)


def person_name(*, name: str) -> str:
    """The name in one line. Raises Invalid."""
    name = " ".join(name.split())
    if len(name) > LONGEST_PERSON:
        raise Invalid(f"The name has {len(name)} characters; {LONGEST_PERSON} are the most.")
    return name
