"""Strangers as servers on this machine: what our code really says to them, and what it makes of odd answers."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR
from automation import outbound
from automation.commands import webhooks
from automation.models import WebhookDelivery, WebhookEndpoint
from automation.work import webhooks as sending
from billing.models import Notice
from lines.commands import passes, sms
from lines.models import Carrier, Difference, Line, LineState, Quarantine, ReadingPass, SmsMessage
from lines.policy import SMS_READ_BACK, SmsState
from lines.work.clients import close_clients
from lines.work.messages import handle_messages
from lines.work.reading import Reader
from tests.fleets import MB, Fleet, books_hold, used
from tests.inputs.servers import Receiver, Simbase, serving
from tests.inputs.test_spellings import forever, ours, read, sim

FILES = Path(__file__).parent / "files"
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
FIRST, SECOND = "8988239000000000019", "8988239000000000027"


@pytest.fixture
def fleet(transactional_db: None, settings: Any) -> Iterator[Fleet]:
    settings.WEBHOOKS_TO_PRIVATE = True
    yield Fleet()
    close_clients()


# A receiver that asks for patience


def http_date(moment: dt.datetime) -> str:
    return email.utils.format_datetime(moment, usegmt=True)


def sent_to(account: Account, url: str) -> WebhookEndpoint:
    endpoint = webhooks.add_webhook(account=account, url=url, topics=["rules"], by=OPERATOR)
    webhooks.send_test(account=account, endpoint=endpoint, by=OPERATOR)
    sending.send()
    endpoint.refresh_from_db()
    return endpoint


IN_A_MINUTE = http_date(NOON + dt.timedelta(seconds=60))
THEIRS = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)  # their clock is 25 years behind ours
PATIENCE = [
    pytest.param(429, {"Retry-After": "60"}, 60, id="429, seconds"),
    pytest.param(503, {"Retry-After": "60"}, 60, id="503, seconds"),
    pytest.param(429, {"Retry-After": IN_A_MINUTE, "Date": http_date(NOON)}, 60, id="429, a date"),
    pytest.param(503, {"Retry-After": IN_A_MINUTE, "Date": http_date(NOON)}, 60, id="503, a date"),
    pytest.param(
        429, {"Retry-After": http_date(THEIRS + dt.timedelta(minutes=2)), "Date": http_date(THEIRS)}, 120,
        id="a date by their own clock",
    ),
    pytest.param(429, {"Retry-After": "99999999"}, outbound.LONGEST_WAIT, id="capped"),
    pytest.param(503, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, outbound.LONGEST_WAIT, id="a date, capped"),
    pytest.param(429, {"Retry-After": "1"}, 5, id="a floor: our own pause is longer"),
    pytest.param(429, {"Retry-After": "soon"}, 5, id="no number and no date"),
    pytest.param(429, {}, 5, id="nothing asked"),
    pytest.param(500, {"Retry-After": "60"}, 5, id="500 asks for nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "headers", "seconds"), PATIENCE)
def test_a_receiver_is_left_alone_for_as_long_as_it_asks(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str], seconds: float
) -> None:
    with serving(Receiver(status, **{name.replace("-", "_"): value for name, value in headers.items()})) as receiver:
        sent_to(fleet.account(), f"{receiver.url}/hook")
        assert WebhookDelivery.objects.get().due_at == NOON + dt.timedelta(seconds=seconds)
        monkeypatch.setenv("LINEKEEPER_NOW", (NOON + dt.timedelta(seconds=seconds - 1)).isoformat())
        assert (sending.send(), len(receiver.received)) == (0, 1)
        receiver.status = 204
        monkeypatch.setenv("LINEKEEPER_NOW", (NOON + dt.timedelta(seconds=seconds)).isoformat())
        assert (sending.send(), len(receiver.received)) == (1, 2)


def test_410_is_the_end_of_a_message(fleet: Fleet) -> None:
    with serving(Receiver(410)) as receiver:
        sent_to(fleet.account(), f"{receiver.url}/hook")
        assert WebhookDelivery.objects.get().failed_at == NOON
        assert sending.send() == 0


# A name with two addresses


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    real = socket.getaddrinfo

    def told(host: str, port: int, *more: Any, **named: Any) -> Any:
        if host != "hooks.example":
            return real(host, port, *more, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr("automation.outbound.socket.getaddrinfo", told)


@pytest.mark.parametrize(
    "addresses", [("127.0.0.2", "127.0.0.1"), ("127.0.0.1", "127.0.0.2"), ("127.0.0.3", "127.0.0.2", "127.0.0.1")]
)
def test_the_address_that_lives_is_found(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    """The receiver listens on 127.0.0.1 alone."""
    names(monkeypatch, *addresses)
    with serving(Receiver(200)) as receiver:
        sent_to(fleet.account(), f"http://hooks.example:{receiver.server_port}/two")
        assert receiver.paths("POST") == ["/two"]
    assert WebhookDelivery.objects.get().status == 200


def test_where_all_are_dead_it_is_tried_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "127.0.0.2", "127.0.0.3")
    with serving(Receiver(200)) as receiver:
        sent_to(fleet.account(), f"http://hooks.example:{receiver.server_port}/two")
        assert receiver.received == []
    assert WebhookDelivery.objects.get().due_at == NOON + dt.timedelta(seconds=5)


@pytest.mark.parametrize("among", [("127.0.0.1", "8.8.8.8"), ("8.8.8.8", "10.0.0.1")])
def test_one_address_that_is_not_public_refuses_the_name(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, settings: Any, among: tuple[str, ...]
) -> None:
    names(monkeypatch, *among)
    with serving(Receiver(200)) as receiver:
        account = fleet.account()
        url = f"http://hooks.example:{receiver.server_port}/two"
        endpoint = webhooks.add_webhook(account=account, url=url, topics=["rules"], by=OPERATOR)
        settings.WEBHOOKS_TO_PRIVATE = False
        webhooks.send_test(account=account, endpoint=endpoint, by=OPERATOR)
        assert sending.send() == 0
        assert receiver.received == []
    assert "not public" in WebhookDelivery.objects.get().last_error


# An address that goes back and forth


def test_an_address_that_flaps_is_one_mail_an_hour_with_its_last_state(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given up at 12:00 and mailed; back, gone and back until 12:30 are one mail at 13:00: it works again."""
    with serving(Receiver(410)) as receiver:
        account = fleet.account()
        endpoint = sent_to(account, f"{receiver.url}/hook")
        assert endpoint.given_up_at == NOON
        for minute, status in ((10, 204), (20, 410), (21, 410), (30, 204), (31, 204)):
            monkeypatch.setenv("LINEKEEPER_NOW", (NOON + dt.timedelta(minutes=minute)).isoformat())
            receiver.status = status
            webhooks.send_test(account=account, endpoint=endpoint, by=OPERATOR)
            sending.send()
    mails = Notice.objects.filter(about=f"webhook:{endpoint.pk}").order_by("pk")
    assert [mail.due_at for mail in mails] == [None, NOON + dt.timedelta(hours=1)]
    assert "could not be delivered" in mails[0].subject
    assert "are delivered again" in mails[1].subject
    assert "several times within an hour" in mails[1].text


# A carrier whose answers are odd


@pytest.mark.parametrize(
    ("name", "unknown", "odd"),
    [
        ("d01-page-stranger-iccid-with-letters", 1, 0),
        ("d02-page-new-sim-usage-null", 0, 1),
        ("d03-page-last-update-zero", 1, 0),
        ("d04-page-iccid-18-digits", 1, 0),
    ],
)
def test_an_odd_record_costs_itself_alone(fleet: Fleet, name: str, unknown: int, odd: int) -> None:
    page = json.loads((FILES / f"{name}.json").read_text())
    for record in page["sims"]:
        record["last_update"] = record["last_update"].replace("2026-11-27", "2026-11-20")
    with serving(Simbase(*page["sims"])) as server:
        lines = [ours(fleet, "simbase", server, iccid) for iccid in (FIRST, SECOND)]
        read(lines[0].carrier, by_page=True)
        for record in server.sims:
            record["usage_data"] = None if record["usage_data"] is None else record["usage_data"] + MB
        read(lines[0].carrier, by_page=True)
    assert [used(line) for line in lines] == [MB, MB]
    assert (Difference.objects.count(), Quarantine.objects.count()) == (unknown, odd)
    assert ReadingPass.objects.order_by("-pk")[0].lost == 0
    assert books_hold()


@pytest.mark.parametrize("shift", [1, -1])
def test_pages_that_move_while_they_are_read_charge_nothing_twice(fleet: Fleet, shift: int) -> None:
    iccids = [f"8988239000000{number:05}1" for number in range(9)]
    with serving(Simbase(*(sim(iccid) for iccid in iccids), page_size=3)) as server:
        lines = [ours(fleet, "simbase", server, iccid) for iccid in iccids]
        read(lines[0].carrier, by_page=True)
        server.shift = shift
        for record in server.sims:
            record["usage_data"] += MB
        read(lines[0].carrier, by_page=True)
        server.shift = 0
        read(lines[0].carrier, by_page=True)
    assert [used(line) for line in lines] == [MB] * 9
    assert books_hold()


MADE = [
    ("Reset the pump’s relay – “now”", {"gsm"}, SmsState.SENT),  # e02
    ("reboot\nnow", {"crlf"}, SmsState.SENT),  # e03
    ("  getinfo", {"trim"}, SmsState.SENT),
    ("  set a\nset b – …", {"gsm", "crlf", "trim"}, SmsState.SENT),
    ("reboot", set(), SmsState.SENT),
    ("重启", {"latin"}, SmsState.QUEUED),  # listed as ??: may be any message of two characters
]


@pytest.mark.parametrize(("text", "network", "state"), MADE)
def test_a_message_whose_answer_was_lost_reaches_its_device_once(
    fleet: Fleet, text: str, network: set[str], state: SmsState
) -> None:
    with serving(Simbase(sim(FIRST))) as server:
        line = ours(fleet, "simbase", server, FIRST)
        LineState.objects.filter(pk=line.pk).update(reported=1)
        server.network = {*network, "drop"}
        now = dt.datetime.now(dt.UTC)  # the server tells its own times
        with clock.frozen(now):
            message = sms.send_sms(line=line, text=text, by=OPERATOR)
        for times in range(4):
            with clock.frozen(now + times * SMS_READ_BACK):
                SmsMessage.objects.filter(pk=message.pk).update(due_at=None)
                handle_messages(line.carrier, patience=5.0, stop=forever)
        posts = [json.loads(body)["message"] for method, _, body in server.received if method == "POST"]
    assert posts == [text]
    message.refresh_from_db()
    assert message.state == state
    assert bool(message.doubt) == (state == SmsState.QUEUED)
    assert books_hold()


def test_a_carrier_that_answers_nonsense_is_kept_and_charges_nothing(fleet: Fleet) -> None:
    class Nonsense(Simbase):
        def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
            return 200, b"<html>Back soon</html>"

    with serving(Nonsense()) as server:
        line = ours(fleet, "simbase", server, FIRST)
        passes.plan_pass(carrier=line.carrier, by_page=True)
        found = Reader(Carrier.objects.get(pk=line.carrier_id), patience=5.0, stop=forever, in_place=True).run()
    assert (found.failed, found.applied.readings) == (1, 0)
    assert Quarantine.objects.count() == 1
    assert Line.objects.count() == 1
    assert books_hold()
