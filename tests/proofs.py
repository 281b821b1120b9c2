"""Sessions in which something was proved, without the pages that ask for it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from accounts.models import User


def log_in(client: Client, user: User, *, proved: Iterable[str] = ("password",), place: str | None = None) -> Client:
    """As if the person had just given these ("password", "mfa"), at the installation's own host unless `place`."""
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [
        {"method": method, "at": time.time(), "reauthenticated": True} for method in proved
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    if place is not None:
        session["place"] = place
    session.save()
    return client


def with_factor(user: User) -> User:
    Authenticator.objects.get_or_create(user=user, type=Authenticator.Type.TOTP, defaults={"data": {"secret": "x"}})
    return user


def code_of(secret: str) -> str:
    """Of the half minute that runs: the one after it opens with it, too."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // app_settings.TOTP_PERIOD)))


def enrol(client: Client) -> str:
    """Sets up an authenticator app by the pages; its secret."""
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    found = re.search(r'class="secret">([A-Z2-7]+)<', page)
    assert found
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code_of(found.group(1))})
    assert answer.status_code == 302
    return found.group(1)
