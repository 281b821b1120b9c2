"""Webhooks as a polite guest: patience that is asked for is kept, and every address of a name is tried."""

from __future__ import annotations

import datetime as dt
import email.utils
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpcore
import pytest
from kit import clock
from kit.errors import Invalid
from kit.retry_after import seconds_to_wait

from accounts.policy import OPERATOR
from automation import outbound, policy
from automation.commands import webhooks
from automation.models import WebhookDelivery, WebhookEndpoint
from automation.outbound import Message, Undeliverable, deliver, is_public, new_secret
from tests.fleets import Fleet

NOON = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
DATE = "Fri, 27 Nov 2026 12:00:00 GMT"
WAITS = [
    ("60", 60.0),
    (" 60 ", 60.0),
    ("0", 0.0),
    ("1.5", 1.5),
    ("999999999", 3600.0),
    ("Fri, 27 Nov 2026 12:01:00 GMT", 60.0),
    ("Friday, 27-Nov-26 12:01:00 GMT", 60.0),
    ("Thu, 26 Nov 2026 12:00:00 GMT", 0.0),
    ("Fri, 27 Nov 2099 12:00:00 GMT", 3600.0),
    ("", None),
    ("soon", None),
    ("-5", None),
    ("9" * 400, None),
]
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "2a00:1450:4001::1", "64:ff9b::5db8:d822", "::ffff:8.8.8.8"]
SPECIAL = [
    "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.0.1", "192.0.0.1", "192.0.0.8",
    "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:10.0.0.1", "fe80::1",
    "fe80::1%eth0", "fec0::1", "fc00::1", "fd00::1", "ff02::1", "100::1", "64:ff9b:1::1", "64:ff9b::7f00:1",
    "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "5f00::1",
    "4000::1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), WAITS)
def test_how_long_a_server_asks_to_be_left_alone(text: str, seconds: float | None) -> None:
    assert seconds_to_wait(text, date=DATE, most=3600.0) == seconds


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", SPECIAL)
def test_special_ranges_are_refused_whatever_python_thinks_of_them(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://127.1/", "https://0x7f000001/", "https://0x7f.1/", "https://2130706433/",
        "https://0177.0.0.1/", "https://10.1/", "https://localhost./", "https://LOCALHOST/", "https://[::1]/",
        "https://[::ffff:10.0.0.1]/", "https://169.254.169.254./", "https://hooks.example:0/",
        "https://hooks.example/ x",
        "https://hooks.example/\tx", "https://user@hooks.example/", "https://hooks.example/#x",
        "https://müller.example/",
        "https:///x", "http://hooks.example/", "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_right_is_refused_where_it_is_typed(fleet: Fleet, url: str) -> None:
    with pytest.raises(Invalid):
        webhooks.add_webhook(account=fleet.account(), url=url, topics=["rules"], by=OPERATOR)


GOOD = ["https://hooks.example/a?b=c", "https://8.8.8.8/", "https://dead.beef.example/", " https://fade.cafe/ "]


@pytest.mark.parametrize("url", GOOD)
def test_and_others_are_taken(fleet: Fleet, url: str) -> None:
    assert webhooks.add_webhook(account=fleet.account(), url=url, topics=["rules"], by=OPERATOR).url == url.strip()


def test_patience_is_a_floor_of_every_retry() -> None:
    now = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
    assert policy.retry_at(1, now, dt.timedelta(seconds=60)) == now + dt.timedelta(seconds=60)
    assert policy.retry_at(2, now, dt.timedelta(seconds=60)) == now + dt.timedelta(seconds=300)
    assert policy.retry_at(99, now, dt.timedelta(seconds=60)) is None


class _Busy(BaseHTTPRequestHandler):
    status, headers_to_send, seen = 429, {"Retry-After": "60"}, 0

    def do_POST(self) -> None:
        type(self).seen += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        for name, value in self.headers_to_send.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def served(handler: type[BaseHTTPRequestHandler]) -> HTTPServer:
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry-After": "60"}, 60.0),
        (503, {"retry-after": "60"}, 60.0),
        (429, {"Retry-After": "99999999"}, outbound.LONGEST_WAIT),
        (429, {}, None),
        (500, {"Retry-After": "60"}, None),
    ],
)
def test_429_and_503_say_how_long(status: int, headers: dict[str, str], wait: float | None) -> None:
    handler = type("Handler", (_Busy,), {"status": status, "headers_to_send": headers})
    server = served(handler)
    try:
        with pytest.raises(Undeliverable) as refused:
            deliver(
                Message(f"http://127.0.0.1:{server.server_port}/", "m", "{}", [new_secret()]),
                timestamp=1,
                allow_private=True,
            )
    finally:
        server.shutdown()
        server.server_close()
    assert (refused.value.status, refused.value.wait) == (status, wait)


def test_a_date_is_read_by_the_servers_own_clock() -> None:
    later = email.utils.format_datetime(dt.datetime(2001, 1, 1, 0, 2, tzinfo=dt.UTC), usegmt=True)
    assert seconds_to_wait(later, date="Mon, 01 Jan 2001 00:00:00 GMT", most=999) == 120.0


def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    server = served(type("Handler", (_Busy,), {"status": 204, "headers_to_send": {}}))

    real = socket.getaddrinfo

    def two(host: str, port: int, *more: Any, **named: Any) -> Any:
        if host != "hooks.example":
            return real(host, port, *more, **named)
        return [(2, 1, 6, "", ("127.0.0.2", port)), (2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("automation.outbound.socket.getaddrinfo", two)
    try:
        message = Message(f"http://hooks.example:{server.server_port}/two", "m", "{}", [new_secret()])
        assert deliver(message, timestamp=1, allow_private=True) == 204
    finally:
        server.shutdown()
        server.server_close()


def test_a_first_address_that_is_silent_leaves_time_for_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def connect_tcp(_: object, host: str, port: int, timeout: float, **__: object) -> None:
        given.append((host, timeout))
        raise httpcore.ConnectTimeout

    found = [(socket.AF_INET, 1, 6, "", (host, 443)) for host in ("8.8.8.8", "8.8.4.4", "1.1.1.1")]
    monkeypatch.setattr("automation.outbound.socket.getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr("automation.outbound.httpcore.SyncBackend.connect_tcp", connect_tcp)
    with pytest.raises(Undeliverable, match="No answer within"):
        deliver(Message("https://hooks.example/", "m", "{}", [new_secret()]), timestamp=1)
    assert [host for host, _ in given] == ["8.8.8.8", "8.8.4.4", "1.1.1.1"]
    assert given[0][1] <= outbound.SECONDS / 3


def test_nothing_goes_to_a_receiver_before_the_time_it_asked_for(fleet: Fleet) -> None:
    account = fleet.account()
    with clock.frozen(NOON + dt.timedelta(minutes=0)):
        endpoint = webhooks.add_webhook(account=account, url="https://hooks.example/", topics=["rules"], by=OPERATOR)
        for _ in range(2):
            webhooks.send_test(account=account, endpoint=endpoint, by=OPERATOR)
        (first, *_) = webhooks.claim_deliveries(limit=1)
        webhooks.not_delivered(delivery=first, reason="busy", status=429, wait=600)
        webhooks.send_test(account=account, endpoint=endpoint, by=OPERATOR)  # what is new waits as well
    with clock.frozen(NOON + dt.timedelta(minutes=9)):
        assert webhooks.claim_deliveries(limit=9) == []
    with clock.frozen(NOON + dt.timedelta(minutes=10)):
        due = webhooks.claim_deliveries(limit=9)
        assert len(due) == 3 == WebhookDelivery.objects.count()
        webhooks.delivered(delivery=due[0], status=200)
    assert WebhookEndpoint.objects.get().wait_until is None
