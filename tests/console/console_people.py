"""Who looks at the pages."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page, TimeoutError, ViewportSize

from accounts.models import Account, Membership, User
from accounts.queries import owner_of
from lines.models import Line
from tests import proofs

PASSWORD = "orbit-lantern-42"
MakeLine = Callable[..., Line]
Visit = Callable[..., Page]
DESK, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)


def place_of(account: Account) -> Membership:
    """The owner's place in an account."""
    return Membership.objects.select_related("account").get(account=account, role="owner")


def client_of(account: Account) -> Client:
    """A browser in which the owner is logged in."""
    client = Client()
    client.force_login(owner_of(account))
    return client


def log_in(context: BrowserContext, email: str, address: str) -> None:
    """As if this person had typed password and code into this browser just now."""
    client = proofs.log_in(Client(), User.objects.get(email=email), proved=("password", "mfa"))
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": address}])


def fits(page: Page) -> bool:
    """Whether nothing makes the page itself scroll sideways, once what follows a new size has followed it."""
    try:
        page.wait_for_function("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    except TimeoutError:
        return False
    return True
