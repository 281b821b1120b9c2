"""An account with an owner, a stand-in for Stripe, and what happens between them.

A module that uses the fixtures imports the three that end in _fixture; there they are called `till` and `standin`.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse
from stripe_proxy import Running, running

from accounts.commands import open_account
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from billing import queries, tasks
from billing.commands import Charge, adjust, charge_usage, lock_wallets
from billing.models import AutoRefill, Entry, Invoice, Payment
from billing.policy import Colour
from tests.responses import ClientResponse

GOOD, DECLINED, SECURE = "4242424242424242", "4000000000000341", "4000002760003184"


def usd(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.000001"))


class Till:
    """One account and its owner at the console, at a time that a test sets."""

    def __init__(self, standin: Running, clock: pytest.MonkeyPatch, name: str = "acme") -> None:
        self.standin = standin
        self._clock = clock
        self._delivered: set[str] = set()
        self.account = open_account(
            name=name, owner_email=f"owner@{name}.example", password="a-long-secret", by=OPERATOR
        )
        self.owner = owner_of(self.account)
        self.client = Client()
        self.client.force_login(self.owner)

    # Time and usage

    def at(self, text: str) -> Till:
        """2026-11-20T12:00, UTC."""
        before = getattr(self, "now", None)
        self.now = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
        self._clock.setenv("LINEKEEPER_NOW", self.now.isoformat())
        if before is None or abs(self.now - before) > dt.timedelta(hours=2):
            self.client.force_login(self.owner)  # a session does not last so long
        return self

    def later(self, **by: float) -> Till:
        return self.at((self.now + dt.timedelta(**by)).replace(tzinfo=None).isoformat())

    def uses(self, amount: str, *, day: str) -> None:
        with transaction.atomic():
            lock_wallets(account_ids=[self.account.pk])
            charge_usage(charges=[Charge(self.account.pk, dt.date.fromisoformat(day), usd(amount))])

    def credit(self, amount: str) -> None:
        adjust(account=self.account, amount=usd(amount), reason="a test", by=OPERATOR)

    # What the owner does

    def give_card(self, number: str = GOOD, *, hear: bool = True) -> None:
        """On Stripe's page; back at ours, unless only the webhook tells."""
        page = self.client.post(reverse("give_card"))
        back = self.standin.fill_in(link(page), number)
        assert back, "the card was not taken"
        if hear:
            self.client.get(back.removeprefix("http://testserver"))

    def add(self, amount: str, *, key: uuid.UUID | None = None) -> ClientResponse:
        data = {"choice": "other", "other": amount, "key": str(key or uuid.uuid4())}
        return self.client.post(reverse("add_funds"), data)

    def turn_on(self, ceiling: str = "") -> ClientResponse:
        return self.client.post(reverse("auto_refill"), {"do": "on", "ceiling": ceiling})

    # What Stripe and the bells do

    def deliver(self, kind: str = "", *, again: bool = False) -> list[int]:
        """The events that happened since, in their order; the statuses that we answer."""
        statuses = []
        for event in self.standin.events(kind):
            if again or event["id"] not in self._delivered:
                self._delivered.add(event["id"])
                statuses.append(self.webhook(event).status_code)
        return statuses

    def webhook(self, event: dict[str, Any], **signing: Any) -> ClientResponse:
        body, signature = self.standin.signed(event, **signing)
        return Client().post(
            reverse("stripe_webhook"),
            data=body,
            content_type="application/json",
            headers={"Stripe-Signature": signature},
        )

    def ring(self) -> None:
        """Every bell once."""
        tasks.ask_stripe()
        tasks.refill_balances()
        tasks.send_notices()

    # What must be true

    @property
    def available(self) -> str:
        return f"{queries.balance_of(self.account, today=self.now.date()).available:.2f}"

    @property
    def colour(self) -> Colour:
        return queries.balance_of(self.account, today=self.now.date()).colour

    @property
    def refill(self) -> AutoRefill:
        return AutoRefill.objects.get(account=self.account)

    @property
    def payment(self) -> Payment:
        """The newest."""
        return Payment.objects.filter(account=self.account).latest("id")

    def ledger(self) -> list[tuple[str, str]]:
        """Kind and amount of each row, in their order."""
        rows = Entry.objects.filter(account=self.account).order_by("id")
        return [(row.kind, f"{row.amount:.2f}") for row in rows]

    def states(self) -> list[str]:
        return list(Payment.objects.filter(account=self.account).order_by("id").values_list("state", flat=True))

    def invoices(self) -> list[int]:
        return list(Invoice.objects.filter(account=self.account).order_by("number").values_list("number", flat=True))

    def charged_at_stripe(self) -> int:
        """How many payments Stripe has carried out, whatever we think."""
        return len(self.standin.events("payment_intent.succeeded"))

    def mails(self) -> list[str]:
        return [str(message.subject) for message in mail.outbox]


def link(page: Any) -> str:
    """Where a page that goes on to Stripe leads."""
    assert page.status_code == 200, page
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.content.decode())
    assert found, page.content.decode()
    return found[1].replace("&amp;", "&")


@pytest.fixture(scope="session", name="stripe_server")
def stripe_server_fixture() -> Iterator[Running]:
    with running() as served:
        yield served


@pytest.fixture(name="standin")
def standin_fixture(stripe_server: Running, settings: Any) -> Running:
    """The stand-in for Stripe, named to the product as Stripe is: by keys and a base URL."""
    settings.STRIPE_SECRET_KEY = stripe_server.key
    settings.STRIPE_WEBHOOK_SECRET = stripe_server.secret
    settings.STRIPE_API_BASE = stripe_server.url
    stripe_server.control("POST", "forget")
    return stripe_server


@pytest.fixture(name="till")
def till_fixture(standin: Running, db: None, monkeypatch: pytest.MonkeyPatch) -> Till:
    """On 20 November 2026 at noon, with nothing on the balance and no card."""
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:00:00+00:00")
    return Till(standin, monkeypatch).at("2026-11-20T12:00")
