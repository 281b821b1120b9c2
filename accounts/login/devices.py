"""Browsers in which a person has logged in before: nobody's guesses elsewhere shut them out there."""

from __future__ import annotations

from django.core import signing
from django.http import HttpRequest, HttpResponse
from kit import crypto
from kit.cookies import cookie_name, cookie_rules

from accounts.models import User
from accounts.queries import user_by_email

COOKIE = "device"  # signed: a random id, then the ids of who logged in here
A_YEAR = 365 * 86_400
MOST = 5  # people of one browser


def device_of(request: HttpRequest, email: str) -> str:
    """The browser's id with the person's, where they have logged in here before; else nothing."""
    device, people = _kept(request)
    user = user_by_email(email)
    return f"{device}:{user.pk}" if user and user.pk in people else ""


def keep(request: HttpRequest, response: HttpResponse) -> None:
    """This browser is known as the person's from now on."""
    user = request.user
    if not isinstance(user, User) or not user.pk:
        return
    device, people = _kept(request)
    if user.pk not in people:
        text = f"{device or crypto.new_hex()}:{'.'.join(map(str, [user.pk, *people][:MOST]))}"
        value = signing.dumps(text, salt=COOKIE)
        response.set_cookie(cookie_name(COOKIE), value, max_age=A_YEAR, **cookie_rules())


def _kept(request: HttpRequest) -> tuple[str, list[int]]:
    try:
        text: str = signing.loads(request.COOKIES.get(cookie_name(COOKIE), ""), salt=COOKIE, max_age=A_YEAR)
    except signing.BadSignature:
        return "", []
    device, _, people = text.partition(":")
    return device, [int(one) for one in people.split(".") if one]
