"""Webhooks: what is sent, how it is signed, where it may go, and what becomes of what is not taken."""

from __future__ import annotations

import datetime as dt
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpcore
import pytest
from django.test import Client
from kit import crypto
from pytest_django import Settings

from accounts.models import Event
from accounts.policy import SYSTEM
from accounts.queries import owner_of
from automation import outbound, policy
from automation.commands import webhooks
from automation.models import WebhookDelivery, WebhookEndpoint
from automation.outbound import Message, NotPublic, PublicOnly, Undeliverable, deliver, is_public, sign
from automation.work import webhooks as work
from billing.models import Notice
from tests.automation.ruled import MIA, Ruled

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """An address of a customer's on this machine: keeps what it is sent, answers what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], str]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.got.append((self.path, dict(self.headers), body))
                status = receiver.answers.pop(0) if receiver.answers else 204
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def endpoint(ruled: Ruled, receiver: Receiver, settings: Settings) -> WebhookEndpoint:
    settings.WEBHOOKS_TO_PRIVATE = True
    return webhooks.add_webhook(account=ruled.account, url=receiver.url, topics=["rules", "lines"], by=MIA)


def test_the_signature_is_the_standards() -> None:
    """The example of the specification's own libraries."""
    signed = sign(SECRET, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body='{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_rule_that_fires_is_told_once_signed_by_the_addresss_own_secret(
    ruled: Ruled, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    line = ruled.line()
    ruled.daily()
    ruled.uses(line, 600)
    for _ in range(2):
        work.plan()
        work.send()
    by_type = {json.loads(body)["type"]: (headers, body) for _, headers, body in receiver.got}
    assert (set(by_type), len(receiver.got)) == ({"line.deactivated", "rule.fired"}, 2)
    headers, body = by_type["rule.fired"]
    assert headers["webhook-signature"] == sign(
        crypto.decrypt(endpoint.secret, row=f"webhook:{endpoint.uuid.hex}"),
        message_id=headers["webhook-id"],
        timestamp=int(headers["webhook-timestamp"]),
        body=body,
    )
    assert int(headers["webhook-timestamp"]) == int(ruled.now.timestamp())
    said = json.loads(body)["data"]
    assert said["account"] == ruled.account.uuid.hex
    assert said["lines"][0]["iccid"] == line.iccid
    assert set(WebhookDelivery.objects.values_list("status", "attempts")) == {(204, 1)}


def test_a_subaccounts_lines_are_told_to_the_payer_and_nobodys_to_others(
    ruled: Ruled, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    theirs = ruled.line(ruled.fleet.account(parent=ruled.account))
    foreign = ruled.line(ruled.fleet.account())
    for line in (theirs, foreign):
        Event.objects.create(
            account=line.account, actor_kind="person", actor_name="x", verb="line.activated", subject=line.iccid
        )
    Event.objects.create(account=ruled.account, actor_kind="person", actor_name="x", verb="payment.succeeded")
    work.plan()
    work.send()
    told = [(json.loads(body)["type"], json.loads(body)["account_uuid"]) for _, _, body in receiver.got]
    assert theirs.account is not None
    of_theirs = theirs.account.uuid.hex
    assert sorted(told) == [("line.activated", of_theirs), ("line.confirmed", of_theirs)]


def test_what_is_not_taken_comes_again_with_the_same_id_for_three_days(
    ruled: Ruled, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    webhooks.send_test(account=ruled.account, endpoint=endpoint, by=MIA)
    receiver.answers = [500] * 20
    began, tries = ruled.now, 0
    while (delivery := WebhookDelivery.objects.get()).is_open:
        if delivery.due_at:
            ruled.clock(delivery.due_at.strftime("%Y-%m-%dT%H:%M:%S"))
        tries += 1
        work.send()
    assert tries == len(receiver.got) == 10
    assert dt.timedelta(hours=70) < ruled.now - began <= dt.timedelta(hours=72)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    assert delivery.failed_at is not None
    assert delivery.last_error == "The answer was 500: no success"
    assert Notice.objects.filter(key__startswith="webhook:", account=ruled.account).count() == 1
    webhooks.send_again(account=ruled.account, delivery_id=delivery.pk, by=MIA)
    receiver.answers = []
    assert work.send() == 1
    assert receiver.got[-1][1]["webhook-id"] == receiver.got[0][1]["webhook-id"]


def test_a_redirect_is_not_followed(ruled: Ruled, endpoint: WebhookEndpoint, receiver: Receiver) -> None:
    webhooks.send_test(account=ruled.account, endpoint=endpoint, by=MIA)
    receiver.answers = [302]
    work.send()
    assert [path for path, _, _ in receiver.got] == ["/hook"]
    assert "redirect, which is not followed" in WebhookDelivery.objects.get().last_error


def test_one_address_that_does_not_answer_holds_up_only_its_own(
    ruled: Ruled, endpoint: WebhookEndpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "SECONDS", 0.5)
    dead = webhooks.add_webhook(account=ruled.account, url="http://127.0.0.1:9/", topics=["rules"], by=MIA)
    for _ in range(20):
        webhooks.send_test(account=ruled.account, endpoint=dead, by=MIA)
    webhooks.send_test(account=ruled.account, endpoint=endpoint, by=MIA)
    assert work.send() == 1
    assert sum(WebhookDelivery.objects.filter(endpoint=dead).values_list("attempts", flat=True)) == work.AT_ONCE


def test_a_message_that_cannot_be_signed_holds_up_no_other(
    ruled: Ruled, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    broken = webhooks.add_webhook(account=ruled.fleet.account(), url=receiver.url, topics=["rules"], by=MIA)
    WebhookEndpoint.objects.filter(pk=broken.pk).update(secret="of another key")
    for one in (broken, endpoint):
        webhooks.send_test(account=one.account, endpoint=one, by=MIA)
    assert work.send() == 1
    assert "could not be sent" in WebhookDelivery.objects.get(endpoint=broken).last_error


def test_switched_off_nothing_is_sent_and_410_gives_up_at_once(
    ruled: Ruled, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    webhooks.switch_webhook(account=ruled.account, endpoint=endpoint, on=False, by=MIA)
    webhooks.send_test(account=ruled.account, endpoint=endpoint, by=MIA)
    assert work.send() == 0
    webhooks.switch_webhook(account=ruled.account, endpoint=endpoint, on=True, by=MIA)
    receiver.answers = [410]
    work.send()
    assert WebhookDelivery.objects.get().failed_at is not None


PRIVATE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "2001:db8::1", "x"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_known_in_any_disguise(address: str) -> None:
    assert not is_public(address)


def test_public_addresses_are_public() -> None:
    assert all(is_public(address) for address in ("93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"))


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Each question for a name gets the next answer; the list says to which addresses we then connected."""
    left, connected = list(answers), []

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in left.pop(0)]

    def connect_tcp(_: object, host: str, port: int, **__: object) -> None:
        connected.append(host)
        raise httpcore.ConnectError("far away")

    monkeypatch.setattr("automation.outbound.socket.getaddrinfo", getaddrinfo)
    monkeypatch.setattr("automation.outbound.httpcore.SyncBackend.connect_tcp", connect_tcp)
    return connected


def test_a_name_that_leads_inside_is_refused_after_it_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = resolve_to(monkeypatch, ["93.184.216.34", "10.0.0.1"], ["127.0.0.1"], ["::ffff:169.254.169.254"])
    for _ in range(3):
        with pytest.raises(NotPublic):
            PublicOnly().connect_tcp("rebind.example", 443)
    assert connected == []


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers otherwise the second time is asked only once."""
    connected = resolve_to(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    message = Message("https://rebind.example/", "msg_1", "{}", [SECRET])
    with pytest.raises(Undeliverable, match="far away"):
        deliver(message, timestamp=1)
    assert connected == ["93.184.216.34"]


def test_a_receiver_that_drips_is_left_after_ten_seconds_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_drip, args=(listener,), daemon=True).start()
        message = Message(f"http://127.0.0.1:{listener.getsockname()[1]}/", "msg_1", "{}", [SECRET])
        with pytest.raises(Undeliverable, match="No answer within"):
            deliver(message, timestamp=1, allow_private=True)


def test_a_name_server_that_is_silent_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "SECONDS", 0.1)
    answers = threading.Event()
    monkeypatch.setattr("automation.outbound.socket.getaddrinfo", lambda *_, **__: answers.wait(5))
    with pytest.raises(Undeliverable, match="No answer within"):
        deliver(Message("https://silent.example/", "msg_1", "{}", [SECRET]), timestamp=1)
    answers.set()


def _drip(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        for letter in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100:
            try:
                connection.sendall(bytes([letter]))
            except OSError:
                return
            threading.Event().wait(0.05)


def test_the_page_refuses_what_is_not_public_and_shows_strangers_nothing(ruled: Ruled) -> None:
    client, other = Client(), Client()
    client.force_login(owner_of(ruled.account))
    other.force_login(owner_of(ruled.fleet.account()))
    page = "/automation/webhooks/"
    for url in (
        "http://example.com/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://user:pw@example.com/",
        "x",
        "https://example.com:22/",
        "https://example.com:8080/",
    ):
        assert client.post(page, {"url": url, "topics": ["rules"]}).status_code == 422, url
    for port in (22, 8080):
        assert client.post(page, {"url": f"https://example.com:{port}/", "topics": ["rules"]}).status_code == 422
    assert client.post(page, {"url": "https://example.com/"}).status_code == 422
    added = client.post(page, {"url": "https://example.com/hook", "topics": ["rules"]})
    endpoint = WebhookEndpoint.objects.get()
    secret = crypto.decrypt(endpoint.secret, row=f"webhook:{endpoint.uuid.hex}")
    assert secret not in client.get(added["Location"]).content.decode()
    assert secret in client.get(f"{added['Location']}?secret").content.decode()
    assert Event.objects.filter(verb="webhook.secret_shown").count() == 1
    delivery = webhooks.send_test(account=ruled.account, endpoint=endpoint, by=SYSTEM)
    assert f"msg_{delivery.uuid.hex}" in client.get(added["Location"]).content.decode()
    assert other.get(added["Location"]).status_code == 404
    for act in ("switch", "delete", "secret", "test"):
        assert other.post(f"{added['Location']}{act}/").status_code == 404
    assert other.post(f"/automation/webhooks/deliveries/{delivery.pk}/again/").status_code == 404
    assert "example.com/hook" not in other.get(page).content.decode()
    client.post(f"{added['Location']}delete/")
    assert client.get(added["Location"]).status_code == 404


def test_the_last_try_is_within_three_days_of_the_first() -> None:
    assert sum(policy.BACK_OFF) <= 72 * 3600
    assert policy.retry_at(len(policy.BACK_OFF) + 1, dt.datetime.now(dt.UTC)) is None
