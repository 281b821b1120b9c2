"""Accounts with lines in every state, for pages and for the reads behind them."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from kit import clock, crypto
from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from accounts.commands import open_account
from accounts.models import Account
from accounts.policy import OPERATOR
from billing.models import UsageDay, Wallet
from lines.carriers.base import Switch
from lines.models import Carrier, Drive, Line, LineDay, LineState, Price, RatePlan
from lines.policy import MEGABYTE, Wanted, Why, data_cost
from tests.answering import Answering
from tests.console.console_people import DESK, PASSWORD, MakeLine, Visit, log_in
from tests.fleets import sum_day_rows

numbers = itertools.count(1)
# What htmx writes where a newer request takes a slower one's place, as typing does on a busy machine. A request that
# fails says more: htmx:sendError, htmx:responseError.
REPLACED = ("htmx:afterRequest", "htmx:sendAbort")


@pytest.fixture(autouse=True)
def no_tries_before() -> None:
    cache.clear()


@pytest.fixture
def plan() -> RatePlan:
    carrier = Carrier.objects.create(
        name="Simbase", kind="simbase", url="http://127.0.0.1:9", secrets=crypto.encrypt("{}"), is_active=False
    )
    plan = RatePlan.objects.create(name="Simbase EU", carrier=carrier)
    Price.objects.create(plan=plan, per_mb=Decimal("0.01"))
    return plan


@pytest.fixture
def acme() -> Account:
    account = open_account(name="Acme", owner_email="jane@acme.example", password=PASSWORD, by=OPERATOR)
    Wallet.objects.create(account=account, posted=Decimal("123.45"), is_red=False)
    return account


@pytest.fixture
def harbour(acme: Account) -> Account:
    """A sub-account of Acme."""
    return open_account(
        name="Harbour Cranes", owner_email="sub@harbour.example", password=PASSWORD, parent=acme, by=OPERATOR
    )


@pytest.fixture
def stranger(plan: RatePlan, make_line: MakeLine) -> Account:
    """An account whose everything is marked, so that it is noticed where it does not belong."""
    account = open_account(name="CANARY Ltd", owner_email="canary@stranger.example", password=PASSWORD, by=OPERATOR)
    make_line(account, iccid="8999999999999999999", notes="CANARY notes", imei="359999999999999", megabytes=9999)
    return account


@pytest.fixture
def make_line(plan: RatePlan) -> MakeLine:
    """Makes a line of an account: on and confirmed, unless said otherwise; `megabytes` were used today."""

    def make(
        account: Account,
        *,
        iccid: str = "",
        wanted: Wanted = Wanted.ACTIVE,
        why: Why | str = "",
        who: str = "",
        reported: Switch | None = Switch.ON,
        word: str = "enabled",
        blocked: bool = False,
        waiting: dt.timedelta | None = None,
        megabytes: int = 0,
        sms: int = 0,
        last_seen: dt.datetime | None = None,
        **about: object,
    ) -> Line:
        now, today = clock.now(), clock.today()
        line = Line.objects.create(
            iccid=iccid or f"8945{next(numbers):015d}",
            carrier=plan.carrier,
            plan=plan,
            account=account,
            payer_id=account.payer_id,
            **about,
        )
        used = megabytes * MEGABYTE
        LineState.objects.create(
            line=line,
            cycle=today.replace(day=1),
            baseline=1000,
            counter=1000 + used,
            read_at=now - dt.timedelta(minutes=3),
            last_seen=last_seen,
            day=today,
            day_bytes=used,
            sms_sent=sms,
            wanted=wanted,
            wanted_at=now - dt.timedelta(hours=5),
            why=why,
            why_who=who,
            reported=reported,
            reported_word=word,
            blocked=blocked,
            reported_at=now - dt.timedelta(days=2),
        )
        if waiting is not None:
            Drive.objects.create(line=line, carrier=plan.carrier, since=now - waiting)
        if used:
            LineDay.objects.create(
                line=line,
                day=today,
                payer_id=account.payer_id,
                price=plan.prices.get(),
                account=account,
                cycle=today.replace(day=1),
                used=used,
                cost=data_cost(used, Decimal("0.01")),
            )
            sum_day_rows()
        return line

    return make


@pytest.fixture
def fleet(acme: Account, harbour: Account, make_line: MakeLine) -> dict[str, Line]:
    """One line of every kind."""
    off = {"reported": Switch.OFF, "word": "disabled"}
    lines = {
        "running": make_line(acme, megabytes=120, sms=3, notes="Truck 14, Rotterdam", imei="356789012345678"),
        "by balance": make_line(acme, wanted=Wanted.SUSPENDED, why=Why.BALANCE, **off),
        "by person": make_line(acme, wanted=Wanted.DEACTIVATED, why=Why.PERSON, who="jane@acme.example", **off),
        "by rule": make_line(acme, wanted=Wanted.DEACTIVATED, why=Why.RULE, who="Over 500 MB", **off),
        "new": make_line(acme, wanted=Wanted.DEACTIVATED, why=Why.NEW, reported=None, word=""),
        "activating": make_line(acme, waiting=dt.timedelta(seconds=40), **off),
        "stopping": make_line(
            acme, wanted=Wanted.DEACTIVATED, why=Why.PERSON, who="tom@acme.example", waiting=dt.timedelta(minutes=3)
        ),
        "blocked": make_line(acme, blocked=True, word="blocked"),
        "harbour's": make_line(harbour, megabytes=30, notes="Crane 3, north quay", msisdn="882391234567"),
        "harbour's off": make_line(harbour, wanted=Wanted.DEACTIVATED, why=Why.PERSON, who="jane@acme.example", **off),
    }
    UsageDay.objects.create(account=acme, day=clock.today(), usage=Decimal("1.50"))
    return lines


@pytest.fixture
def visit(profile: Callable[..., BrowserContext], live_server: LiveServer, answering: Answering) -> Iterator[Visit]:
    """Opens pages, `to` one at once; any error in a console and any request to another host fails the test."""
    complaints: list[str] = []
    pages: list[Page] = []

    def note(kind: str, text: str) -> None:
        if kind == "error" and not text.startswith(REPLACED):
            complaints.append(text)

    def foreign(url: str) -> None:
        if not url.startswith((f"{live_server.url}/", "data:")):
            complaints.append(f"asks another host: {url}")

    def open_one(*, login: str = "", to: str = "", **options: Any) -> Page:
        context = profile(**({"viewport": DESK} | options))
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: note(message.type, message.text))
        page.on("request", lambda request: foreign(request.url))
        if login:
            log_in(context, login, live_server.url)
        if to:
            page.goto(to)
        return page

    yield open_one
    for page in pages:
        page.close()
    answering.wait()
    assert complaints == []
