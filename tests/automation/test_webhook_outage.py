"""A receiver that is down for a day, with the library that customers check messages with."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

import pytest
import standardwebhooks.webhooks
from kit import crypto
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import Event
from accounts.policy import Role, rights
from accounts.queries import Caller
from automation.api.events import FeedAsked, events
from automation.commands import webhooks
from automation.models import WebhookDelivery, WebhookEndpoint
from automation.work import webhooks as work
from tests.automation.ruled import MIA, Ruled

DAY = dt.timedelta(days=1)


class Customer:
    """Checks each request with the standard's library, and takes it unless it is down."""

    def __init__(self) -> None:
        self.is_down = True
        self.secret = ""
        self.asked: dict[str, list[dt.datetime]] = defaultdict(list)  # by message: when it came, by its own stamp
        self.taken: list[dict[str, Any]] = []
        self.forged = 0
        customer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(customer.answer(dict(self.headers), body))
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        headers = {name.lower(): value for name, value in headers.items()}
        try:
            told = Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
            return 400
        stamp = dt.datetime.fromtimestamp(int(headers["webhook-timestamp"]), dt.UTC)
        self.asked[headers["webhook-id"]].append(stamp)
        if self.is_down:
            return 503
        self.taken.append(told)
        return 204


@pytest.fixture
def customer(ruled: Ruled, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Customer]:
    """Its clock is the turned one, too: the library refuses what is more than five minutes old."""

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return ruled.now

    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", Clock)
    settings.WEBHOOKS_TO_PRIVATE = True
    made = Customer()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def endpoint(ruled: Ruled, customer: Customer) -> WebhookEndpoint:
    made = webhooks.add_webhook(account=ruled.account, url=customer.url, topics=["payments"], by=MIA)
    customer.secret = crypto.decrypt(made.secret, row=f"webhook:{made.uuid.hex}")
    return made


def turn_to(ruled: Ruled, moment: dt.datetime) -> None:
    ruled.clock(moment.strftime("%Y-%m-%dT%H:%M:%S"))


def work_until(ruled: Ruled, end: dt.datetime) -> None:
    """The sender works whenever something is due, and the clock is turned from one such moment to the next."""
    while ruled.now < end:
        work.plan()
        work.send()
        rows = WebhookDelivery.objects.filter(delivered_at=None, failed_at=None)
        due = [row.due_at for row in rows if row.due_at]
        waits = WebhookEndpoint.objects.get().wait_until
        following = max(min(due, default=end), waits or ruled.now) + dt.timedelta(seconds=1)
        turn_to(ruled, min(max(following, ruled.now + dt.timedelta(seconds=1)), end))


def test_after_a_day_without_a_receiver_each_message_is_taken_once_and_signed(
    ruled: Ruled, endpoint: WebhookEndpoint, customer: Customer
) -> None:
    began, notes = ruled.now, []
    for hour in (0, 1, 6, 12, 23):
        work_until(ruled, began + dt.timedelta(hours=hour))
        notes.append(f"hour {hour}")
        Event.objects.create(
            account=ruled.account, actor_kind="person", actor_name="x", verb="payment.succeeded",
            subject="payment:1", detail={"note": notes[-1]},
        )  # fmt: skip
    work_until(ruled, began + DAY)
    assert (customer.taken, len(customer.asked)) == ([], len(notes))
    for stamps in customer.asked.values():
        pauses = [later - earlier for earlier, later in pairwise(stamps)]
        assert pauses == sorted(pauses)
    assert max(len(stamps) for stamps in customer.asked.values()) >= 6

    customer.is_down = False
    work_until(ruled, began + 3 * DAY)
    assert sorted(one["data"]["note"] for one in customer.taken) == sorted(notes)
    assert len({one["id"] for one in customer.taken}) == len(notes)
    assert customer.forged == 0
    assert not WebhookDelivery.objects.filter(delivered_at=None).exists()

    caller = Caller(ruled.account, MIA, rights(Role.OWNER, is_subaccount=False))
    told = events.run(caller, FeedAsked(topic="payments")).data
    assert [one.data["note"] for one in told] == notes  # webhooks promise no order, the feed does
    assert {one.id for one in told} == {one["id"] for one in customer.taken}


def test_the_library_refuses_what_was_changed_on_its_way_or_is_old(
    ruled: Ruled, endpoint: WebhookEndpoint, customer: Customer
) -> None:
    customer.is_down = False
    webhooks.send_test(account=ruled.account, endpoint=endpoint, by=MIA)
    customer.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert (work.send(), customer.forged, customer.taken) == (0, 1, [])
    customer.secret = crypto.decrypt(endpoint.secret, row=f"webhook:{endpoint.uuid.hex}")
    body = WebhookDelivery.objects.get().body
    stamp = int((ruled.now - dt.timedelta(minutes=6)).timestamp())
    signed = {"webhook-id": "msg_1", "webhook-timestamp": str(stamp)}
    signed["webhook-signature"] = Webhook(customer.secret).sign("msg_1", ruled.now - dt.timedelta(minutes=6), body)
    assert customer.answer(signed, body.encode()) == 400
    assert json.loads(body)["version"] == 1
