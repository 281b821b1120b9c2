"""The console's rows of `manage.py bench`: how long the server takes for each page, as the owner of the largest account
opens it, and for each desk of the back office."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from allauth.mfa.models import Authenticator
from console.desks import DESKS
from console.navigation import ACCOUNT_PAGES, BELOW, ENTRIES, MONEY_TABS
from django.test import Client, override_settings
from django.urls import reverse
from kit import clock, kept

from accounts.commands.desk import let_into_back_office
from accounts.models import User
from accounts.policy import OPERATOR
from bench.fleet import NOW, Fleet
from bench.report import Row
from lines.models import Line

WELL = (200, 302)
# Pages that no menu leads to, and what people ask of the list of lines.
MORE_PAGES = ("new_rule", "webhooks", "lines-add", "lines-add-many", "lines-find")
ASKED = (
    ("the list sorted by this month", "?sort=-month"),
    ("the list of one status", "?status=activated"),
    ("the list by a frequent word", "?q=tracker"),
    ("the list by last digits", "?q=4711"),
)
TABS = ("line", "line-usage", "line-connections", "line-destinations", "line-statistics", "line-sms", "line-audit",
        "line-settings")  # fmt: skip
PLAIN = {  # as a test's: no other host, no collected files
    "ALLOWED_HOSTS": ["testserver"],
    "SECURE_SSL_REDIRECT": False,
    "STORAGES": {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    },
}


@override_settings(**PLAIN)
def rows(fleet: Fleet, rounds: int) -> list[Row]:
    """Milliseconds from the request to the whole answer, through all of Django, without a web server."""
    with clock.frozen(NOW):
        owner, office = Client(), Client()
        owner.force_login(fleet.owner.user)
        office.force_login(_clerk())
        pages = [*((owner, *page) for page in console(fleet)), *((office, *page) for page in _office())]
        return [Row(f"page: {what}", _median(client, path, rounds), "ms") for client, what, path in pages]


def console(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """What each page is called, and its address."""
    named = [(entry.name, entry.label) for entry in (*ENTRIES, *BELOW) if entry.is_for(fleet.owner)]
    named += [(name, label) for name, label, _ in (*ACCOUNT_PAGES, *MONEY_TABS)]
    named += [(name, name) for name in MORE_PAGES]
    for name, label in dict(named).items():
        yield label, reverse(name)
    for label, query in ASKED:
        yield label, reverse("lines") + query
    yield "lines-bulk", reverse("lines-bulk") + "?status=activated"
    yield "search", reverse("search") + "?q=tracker"
    iccid = Line.objects.filter(payer=fleet.big).order_by("iccid").values_list("iccid", flat=True)[0]
    for name in TABS:
        yield name, reverse(name, args=[iccid])


def _office() -> Iterator[tuple[str, str]]:
    yield "back office", reverse("admin:index")
    for _, desks in DESKS:
        for name, label, _ in desks:
            yield f"back office, {label}", reverse(f"admin:{name}")


def _clerk() -> User:
    clerk = let_into_back_office(email="office@bench.invalid", password=None, by=OPERATOR)
    Authenticator.objects.create(user=clerk, type=Authenticator.Type.TOTP, data={})
    return clerk


def _median(client: Client, path: str, rounds: int) -> float:
    """Of a call in each round that nothing is kept for; the first does not count."""
    took = []
    for _ in range(rounds + 1):
        kept.forget()
        began = time.perf_counter()
        answer = client.get(path)
        took.append(time.perf_counter() - began)
        check(path, answer.status_code)
    return 1000 * statistics.median(took[1:])


def check(path: str, status: int) -> None:
    """What is measured is the page, and no error."""
    if status not in WELL:
        raise AssertionError(f"{path} answered {status}")
