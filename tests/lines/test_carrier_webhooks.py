"""Carriers call us when something has happened to a SIM: a hint to read sooner, and never more, whoever calls."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from kit import clock, crypto
from kit.errors import Invalid
from simulator.dialects import onence as onence_dialect
from simulator.running import Running, running
from stdnum import luhn

from accounts.models import Event, User
from accounts.policy import OPERATOR
from lines.carriers import CLIENTS
from lines.carriers.webhooks import Heard
from lines.commands import webhooks
from lines.commands.stock import add_carrier
from lines.models import Carrier, CarrierWebhook, Line, LineDevice, LineState, SmsLook, ToldLine, WebhookCall
from lines.work.clients import close_clients
from lines.work.told import read_told
from tests.fleets import Fleet, at, state
from tests.proofs import log_in, with_factor

NOW = "2026-11-20T12:00:00"
WHSEC = "whsec_" + base64.b64encode(b"k" * 32).decode()
AUTH = "t" * 32
HOST = "https://console.example.com"


@dataclass
class Ringing:
    """How a carrier of a kind calls about a SIM, as its document shows, and what it proves itself by."""

    secret: str  # that the operator pastes
    body: Callable[[str, str], Any]  # of an ICCID and a moment
    headers: Callable[[str, str, bytes], dict[str, str]]  # of the secret, the address, the body
    about: type = ToldLine
    query: Callable[[bytes], str] = lambda _body: ""


def basic(secret: str, *_: object) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"linekeeper:{secret}".encode()).decode()}


def twilio(secret: str, url: str, _body: bytes) -> dict[str, str]:
    return {"X-Twilio-Signature": base64.b64encode(hmac.digest(secret.encode(), url.encode(), "sha1")).decode()}


def kore(secret: str, url: str, body: bytes) -> dict[str, str]:
    with suppress(ValueError, RecursionError):  # what is no JSON is signed as it is
        body = json.dumps(json.loads(body), separators=(",", ":")).encode()
    return {"Kore-Signature": hashlib.sha256(f"{secret}POST{url}".encode() + body).hexdigest()}


def standard(secret: str, _url: str, body: bytes, *, moment: str = "") -> dict[str, str]:
    moment = moment or str(int(clock.now().timestamp()))
    digest = hmac.digest(
        base64.b64decode(secret.removeprefix("whsec_")), b"evt_1." + moment.encode() + b"." + body, "sha256"
    )
    signed = "v1,AAAA v1," + base64.b64encode(digest).decode()
    return {"Webhook-Id": "evt_1", "Webhook-Timestamp": moment, "Webhook-Signature": signed}


def streamed(iccid: str, moment: str) -> list[dict[str, Any]]:
    return [{"id": 1, "sim": {"iccid": iccid, "id": 5}, "traffic_type": {"id": 5}, "end_timestamp": f"{moment}Z"}]


RINGING = {
    "simbase": Ringing(
        "request-token",
        lambda iccid, moment: {"event": "state", "iccid": iccid, "timestamp": moment.replace("T", " ")},
        lambda secret, *_: {"X-Simbase-RequestToken": secret},
    ),
    "onence": Ringing("", streamed, basic),
    "emnify": Ringing("", streamed, lambda *_: {}),
    "onomondo": Ringing(
        "",
        lambda iccid, moment: {"type": "usage", "iccid": iccid, "sim_id": "1", "time": f"{moment}.000Z"},
        lambda *_: {},
    ),
    "soracom": Ringing("", lambda iccid, _: {"sim": iccid}, lambda secret, *_: {"X-Linekeeper-Token": secret}),
    "keepgo": Ringing(
        WHSEC,
        lambda iccid, moment: {
            "id": "evt_1",
            "type": "line.confirmed",
            "timestamp": f"{moment}Z",
            "data": {"account": "0" * 32, "subject": f"line:{iccid}"},
        },
        standard,
    ),
    "supersim": Ringing(
        "",
        lambda iccid, moment: [
            {
                "specversion": "1.0",
                "type": "com.twilio.iot.supersim.connection.data-session.updated",
                "time": f"{moment}.000Z",
                "data": {"sim_iccid": iccid, "sim_sid": "HS1"},
            }
        ],
        twilio,
        query=lambda body: f"?bodySHA256={hashlib.sha256(body).hexdigest()}",
    ),
}
RINGING["kore"] = Ringing(
    "portal-secret",
    lambda iccid, moment: {
        "specversion": "1.0",
        "type": "com.kore.iot.supersim.connection.data-session.ended",
        "source": "kore-events",
        "time": f"{moment}.5842087+00:00",
        "data": {"sim_iccid": iccid, "sim_sid": "HS1"},
    },
    kore,
)
SECRETS = {"username": onence_dialect.USER, "password": onence_dialect.PASSWORD}
RINGING["simbase2"] = RINGING["simbase"]
KINDS = sorted(RINGING)
PROVED = [kind for kind in KINDS if CLIENTS[kind].webhook.proof.whose != "none"]  # type: ignore[union-attr]


class Caller:
    """A carrier with an address of ours, and its calls."""

    def __init__(self, fleet: Fleet, kind: str) -> None:
        self.how, self.kind = RINGING[kind], kind
        known = fleet.carriers.get(kind)
        names = {name: AUTH if name == "auth_token" else "s" * 16 for name in CLIENTS[kind].secret_names}
        self.carrier = known or add_carrier(name=kind, kind=kind, url="http://127.0.0.1:9", secrets=names, by=OPERATOR)
        self.webhook = webhooks.open_webhook(carrier=self.carrier, secret=self.how.secret, by=OPERATOR)
        self.secret = webhooks.secret_of(webhook=self.webhook)
        self.path = f"/carriers/told/{webhooks.token_of(webhook=self.webhook)}/"
        self.line = fleet.line(fleet.account())
        Line.objects.filter(pk=self.line.pk).update(carrier=self.carrier)

    def call(self, body: object = None, *, secret: str | None = None, path: str = "", **more: str) -> int:
        """The status that the carrier gets; what it says is empty, or one sentence."""
        told = self.how.body(self.line.iccid, NOW) if body is None else body
        sent = told if isinstance(told, bytes) else json.dumps(told).encode()
        path = (path or self.path) + self.how.query(sent)
        headers = self.how.headers(self.secret if secret is None else secret, HOST + path, sent) | more
        answer = Client().post(path, sent, content_type="application/json", headers=headers)
        assert len(answer.content) < 100 or answer.status_code == 404
        return answer.status_code


@pytest.fixture(autouse=True)
def _now(settings: Any) -> Iterator[None]:
    settings.CONSOLE_URL = HOST
    with clock.frozen(at(NOW)):
        yield


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()


def told() -> set[str]:
    return set(ToldLine.objects.filter(is_due=True).values_list("line__iccid", flat=True))


def test_each_carrier_that_calls_is_tried_here() -> None:
    assert sorted(kind for kind, client in CLIENTS.items() if client.webhook) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_makes_its_line_due_and_changes_nothing_else(fleet: Fleet, kind: str) -> None:
    caller = Caller(fleet, kind)
    before = list(LineState.objects.values())
    assert caller.call() == 200
    assert told() == {caller.line.iccid}
    assert list(LineState.objects.values()) == before
    assert CarrierWebhook.objects.get().called_at == at(NOW)


@pytest.mark.parametrize("kind", PROVED)
def test_a_call_that_does_not_prove_itself_is_a_strangers(fleet: Fleet, kind: str) -> None:
    caller = Caller(fleet, kind)
    wrong = "whsec_" + base64.b64encode(b"x" * 32).decode() if kind == "keepgo" else "another secret"
    assert caller.call(secret=wrong) == 404
    caller.how = RINGING["emnify"]  # without any
    assert caller.call() == 404
    assert told() == set()
    assert CarrierWebhook.objects.get().called_at is None


def test_kores_own_examples_are_signed_as_it_says() -> None:
    proof = CLIENTS["kore"].webhook.proof  # type: ignore[union-attr]
    for secret, body, digest in (
        ("12345", b"field1=value1&field2=value2", "f562d3959f68b5a30fc7a63f8bbf40987f633575f4231ffceb4f76dd154ea3ce"),
        (
            "a35974bdf1c769b8bb",
            b'{ "field1": "value1", "field2": "value2"}',
            "d21c555b37789cdb9433a85760d326f0c637d5c17676b8dc49918ec629c67d59",
        ),
    ):
        for url in ("https://testendpoint.com", "https://testendpoint.com?foo1=bar1#cbs=kore"):
            heard = Heard(url, {"kore-signature": digest}, body)
            assert proof.holds(secret, heard, at(NOW))
            assert not proof.holds(secret + "6", heard, at(NOW))
            assert not proof.holds("", Heard(url, {}, body), at(NOW))


@pytest.mark.parametrize("kind", ["keepgo", "supersim", "kore"])
def test_a_signature_is_of_one_body(fleet: Fleet, kind: str) -> None:
    caller = Caller(fleet, kind)
    body, other = (
        json.dumps(caller.how.body(caller.line.iccid, moment)).encode() for moment in (NOW, "2026-11-20T11:59:59")
    )
    path = caller.path + caller.how.query(body)
    headers = caller.how.headers(caller.secret, HOST + path, body)
    assert Client().post(path, other, content_type="application/json", headers=headers).status_code == 404
    assert Client().post(path, body, content_type="application/json", headers=headers).status_code == 200


def test_a_signature_of_long_ago_is_none(fleet: Fleet) -> None:
    caller = Caller(fleet, "keepgo")
    for minutes, status in ((6, 404), (-6, 404), (4, 200)):
        body = json.dumps(caller.how.body(caller.line.iccid, NOW)).encode()
        moment = str(int((at(NOW) - dt.timedelta(minutes=minutes)).timestamp()))
        headers = standard(WHSEC, "", body, moment=moment)
        assert Client().post(caller.path, body, content_type="application/json", headers=headers).status_code == status
    assert caller.call(**{"Webhook-Timestamp": "nan"}) == 404
    assert caller.call(**{"Webhook-Timestamp": "9" * 400}) == 404


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "soracom"])
def test_a_call_that_comes_again_says_nothing(fleet: Fleet, kind: str) -> None:
    caller = Caller(fleet, kind)
    assert caller.call() == 200
    ToldLine.objects.update(is_due=False)
    assert caller.call() == 200
    assert told() == set()
    with clock.frozen(at(NOW) + dt.timedelta(days=1, minutes=20)):
        assert webhooks.forget_calls() == 1
        if kind != "keepgo":  # whose signature is too old by now
            assert caller.call() == 200
    assert told() == set()  # what happened a day ago is no news
    assert WebhookCall.objects.count() == 0


def test_what_says_no_time_may_come_again_but_is_read_once_a_minute(fleet: Fleet) -> None:
    caller = Caller(fleet, "soracom")
    assert caller.call() == 200
    (line,) = webhooks.claim_told(carrier=caller.carrier, limit=9)
    webhooks.told_read(line_ids=[line.pk], read_at=clock.now())
    assert [caller.call() for _ in range(3)] == [200] * 3
    assert webhooks.claim_told(carrier=caller.carrier, limit=9) == []
    with clock.frozen(at(NOW) + webhooks.PAUSE):
        assert webhooks.claim_told(carrier=caller.carrier, limit=9) == [line]


def test_messages_and_devices_are_looked_for(fleet: Fleet) -> None:
    caller = Caller(fleet, "simbase")
    event = caller.how.body(caller.line.iccid, NOW)
    assert [caller.call({**event, "event": event_name}) for event_name in ("sms", "imei")] == [200, 200]
    assert SmsLook.objects.get(is_due=True).line == caller.line
    assert LineDevice.objects.get(is_due=True).line == caller.line
    assert told() == set()


def test_lines_of_others_unknown_ones_and_stock_say_nothing(fleet: Fleet) -> None:
    caller = Caller(fleet, "simbase")
    others, stock = fleet.line(fleet.account(), "iotportal"), fleet.line(None)
    event = caller.how.body(caller.line.iccid, NOW)
    for iccid in (others.iccid, stock.iccid, "8944000000000000000009"):
        assert caller.call({**event, "iccid": iccid}) == 200
    assert not ToldLine.objects.exists()


def test_a_line_is_found_by_either_spelling(fleet: Fleet) -> None:
    caller = Caller(fleet, "onomondo")
    iccid = "8944500000000000017"
    Line.objects.filter(pk=caller.line.pk).update(iccid=iccid)
    assert caller.call(caller.how.body(iccid + luhn.calc_check_digit(iccid), NOW)) == 200
    assert told() == {iccid}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[",
        b"{}",
        b'"x"',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"iccid": 8944000000000000001, "sim": 5}',
        b"a=b",
    ],
)
def test_odd_bodies_are_refused_by_name_and_do_nothing(fleet: Fleet, kind: str, body: bytes) -> None:
    caller = Caller(fleet, kind)
    is_nothing = body == b"{}" and kind in ("onence", "emnify")  # a record without a SIM: of the account
    is_nothing |= kind in ("onence", "emnify", "onomondo") and b"8944" in body and False
    assert caller.call(body) == (200 if is_nothing else 400)
    assert not ToldLine.objects.exists()


@pytest.mark.parametrize("kind", ["onence", "emnify", "supersim"])
def test_one_bad_record_costs_itself(fleet: Fleet, kind: str) -> None:
    caller = Caller(fleet, kind)
    good = caller.how.body(caller.line.iccid, NOW)
    assert caller.call([{"sim": {"iccid": "x"}, "data": 7, "type": 1}, *good, None, 3]) == 200
    assert told() == {caller.line.iccid}


def test_a_long_call_is_refused_before_it_is_read(fleet: Fleet) -> None:
    caller = Caller(fleet, "emnify")
    answer = Client().post(caller.path, b"[]", content_type="application/json", CONTENT_LENGTH="8000001")
    assert answer.status_code == 413


def test_a_flood_of_strangers_costs_no_query(fleet: Fleet, settings: Any) -> None:
    caller = Caller(fleet, "simbase")
    forged = ["nothing", "1.2.3", caller.path.split("/")[-2] + "A", f"{caller.carrier.pk}.{caller.webhook.key}", ".."]
    with CaptureQueriesContext(connection) as asked:
        assert {caller.call(path=f"/carriers/told/{token}/") for token in forged} == {404}
    assert len(asked) == 0
    with CaptureQueriesContext(connection) as asked:
        assert {caller.call(secret="wrong") for _ in range(5)} == {404}
    assert not [one["sql"] for one in asked if not one["sql"].startswith("SELECT")]
    assert Client().get(caller.path).status_code == 405


def test_a_carrier_that_calls_too_often_is_asked_to_wait(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MOST_A_MINUTE", 3)
    caller = Caller(fleet, "soracom")
    assert [caller.call() for _ in range(5)] == [200, 200, 200, 429, 429]
    with clock.frozen(at(NOW) + dt.timedelta(minutes=1)):
        assert caller.call() == 200


def test_a_new_address_shuts_the_old_one_and_a_paused_carrier_is_not_heard(fleet: Fleet) -> None:
    caller = Caller(fleet, "onence")
    old, caller.webhook = caller.path, webhooks.open_webhook(carrier=caller.carrier, by=OPERATOR)
    assert caller.call(path=old) == 404
    caller.path = f"/carriers/told/{webhooks.token_of(webhook=caller.webhook)}/"
    assert caller.call() == 404  # by the old password
    caller.secret = webhooks.secret_of(webhook=caller.webhook)
    assert caller.call() == 200
    Carrier.objects.filter(pk=caller.carrier.pk).update(is_active=False)
    assert caller.call() == 404
    webhooks.shut_webhook(carrier=caller.carrier, by=OPERATOR)
    webhooks.shut_webhook(carrier=caller.carrier, by=OPERATOR)
    assert Event.objects.filter(verb="carrier.webhook_opened").count() == 2
    assert Event.objects.filter(verb="carrier.webhook_closed").count() == 1


def test_secrets_are_kept_encrypted_and_asked_for_where_the_carrier_makes_them(fleet: Fleet) -> None:
    hook = webhooks.open_webhook(carrier=fleet.carriers["simbase"], secret="request-token", by=OPERATOR)
    assert "request-token" not in hook.secret
    for secret in ("", "short", "x" * 501, "tok\nen-of-theirs"):
        with pytest.raises(Invalid):
            webhooks.open_webhook(carrier=fleet.carriers["simbase"], secret=secret, by=OPERATOR)
    with pytest.raises(Invalid, match="has no webhooks"):
        webhooks.open_webhook(carrier=fleet.carriers["iotportal"], by=OPERATOR)


def test_the_page_says_where_to_call_and_by_what_secret(fleet: Fleet, admin_user: User) -> None:
    office = log_in(Client(), with_factor(admin_user), proved=("password", "mfa"))
    carrier = add_carrier(name="1NCE", kind="onence", url="http://127.0.0.1:9", secrets=SECRETS, by=OPERATOR)
    page = f"/back-office/lines/carrier/{carrier.pk}/webhook/"
    assert "Create address" in office.get(page).content.decode()
    assert office.post(page).status_code == 302
    hook = CarrierWebhook.objects.get()
    shown = office.get(page).content.decode()
    assert f"{HOST}/carriers/told/{webhooks.token_of(webhook=hook)}/" in shown
    assert webhooks.secret_of(webhook=hook) in shown
    assert "HTTP/Webhook" in shown
    assert office.post(page, {"is_closed": "on"}).status_code == 302
    assert not CarrierWebhook.objects.exists()
    none = office.get(f"/back-office/lines/carrier/{fleet.carriers['iotportal'].pk}/webhook/").content.decode()
    assert "IoT Portal has no webhooks for SIMs" in none


@pytest.fixture
def simulator() -> Iterator[Running]:
    with running(simbase=1, iotportal=1, others=4, clock=f"{NOW}Z", quiet=True) as served:
        yield served
        close_clients()


@pytest.mark.parametrize("kind", ["onence", "simbase"])
def test_a_line_that_was_told_of_is_read_before_its_turn(transactional_db: None, simulator: Running, kind: str) -> None:
    fleet = Fleet()
    caller = Caller(fleet, kind)
    keys = {"onence": SECRETS, "simbase": {"api_key": Running.api_key}}[kind]
    sealed = crypto.encrypt(json.dumps(keys), row=f"carrier:{caller.carrier.pk}")
    Carrier.objects.filter(pk=caller.carrier.pk).update(
        url=simulator.url_of(kind), secrets=sealed, calls_per_second=10.0, calls_per_day=None
    )
    Line.objects.filter(pk=caller.line.pk).update(iccid=simulator.iccids(kind)[0])
    caller.line.refresh_from_db()
    assert caller.call() == 200
    carrier = Carrier.objects.get(pk=caller.carrier.pk)
    read = read_told(carrier, patience=5.0, stop=lambda: False, seconds=5.0)
    assert (read.applied.readings, read.errors) == (1, [])
    assert state(caller.line).read_at == at(NOW)
    assert told() == set()
    assert read_told(carrier, patience=5.0, stop=lambda: False, seconds=5.0).applied.readings == 0


def test_a_carrier_that_does_not_answer_loses_nothing(transactional_db: None) -> None:
    caller = Caller(Fleet(), "onence")
    assert caller.call() == 200
    read = read_told(caller.carrier, patience=1.0, stop=lambda: False, seconds=5.0)
    assert (read.applied.readings, read.failed, len(read.errors)) == (0, 1, 1)
    assert told() == set()  # the next pass reads it, as it does every line
    close_clients()
