"""The back office's calls: who may make them, and that they are the desks' commands."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client, override_settings
from django.urls import reverse
from kit import clock
from kit.errors import Invalid
from simulator import Running, running

from accounts.commands.desk import let_into_back_office, put_out_of_back_office
from accounts.models import Event, OfficeKey, User
from accounts.office_keys import AT_ONCE, NoFactor, make_office_key, revoke_office_key
from accounts.policy import OPERATOR
from lines.api.office import ENDPOINTS
from lines.carriers import CLIENTS
from lines.commands import webhooks
from lines.commands.stock import add_carrier
from lines.models import AddressChange, Carrier, CarrierWebhook, FormerSecrets, LineSetting
from lines.work.clients import close_clients
from tests.fleets import Fleet
from tests.proofs import log_in
from tests.responses import ClientResponse
from tests.worlds import operator

HTTP = Client(raise_request_exception=False)
DOCS = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def clerk(email: str = "ann@office.example") -> User:
    user = let_into_back_office(email=email, password="orbit-lantern-42", by=OPERATOR)
    Authenticator.objects.get_or_create(user=user, type=Authenticator.Type.TOTP, defaults={"data": {"secret": "x"}})
    return user


def key_of(user: User, **more: Any) -> str:
    return make_office_key(user=user, name=more.pop("name", "script"), days=7, by=user.actor, **more)[1]


def call(key: str, path: str, verb: str = "GET", body: Any = None, **more: Any) -> ClientResponse:
    data = b"" if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return HTTP.generic(
        verb, f"/api/back-office/{path}", data, "application/json", headers=headers, REMOTE_ADDR="10.0.0.7", **more
    )


@pytest.fixture
def key(db: None) -> str:
    return key_of(clerk())


def test_a_key_is_of_a_person_who_works_there_with_a_second_factor(db: None) -> None:
    ann = clerk()
    key = key_of(ann)
    assert call(key, "carriers").status_code == 200
    row = OfficeKey.objects.get()
    assert (row.last_used_from, key in str(list(OfficeKey.objects.values()))) == ("10.0.0.7", False)
    Authenticator.objects.all().delete()
    assert call(key, "carriers").status_code == 401
    with pytest.raises(NoFactor):
        key_of(ann, name="other")
    clerk()
    assert call(key, "carriers").status_code == 200
    put_out_of_back_office(email=ann.email, by=OPERATOR)
    assert call(key, "carriers").status_code == 401
    clerk()  # let in again: the old key stays ended
    assert call(key, "carriers").status_code == 401
    with pytest.raises(Invalid):
        make_office_key(user=User.objects.create_user("bob@acme.example"), name="x", days=7, by=OPERATOR)


def without_id(body: bytes) -> bytes:
    return re.sub(b'"request_id":"[^"]*"', b"", body)


def test_whatever_is_wrong_gets_one_and_the_same_answer(key: str, fleet: Fleet) -> None:
    account = fleet.account()
    revoked = key_of(clerk(), name="revoked")
    for _ in range(2):
        revoke_office_key(key=OfficeKey.objects.get(name="revoked"), by=OPERATOR)
    ended = key_of(clerk(), name="ended")
    OfficeKey.objects.filter(name="ended").update(created_at=clock.now() - dt.timedelta(days=9))
    OfficeKey.objects.filter(name="ended").update(expires_at=clock.now() - dt.timedelta(days=1))
    answers = [call(wrong, "carriers") for wrong in ("", "office_" + "x" * 43, revoked, ended, "x" * 200)]
    assert {(one.status_code, without_id(one.content)) for one in answers} == {(401, without_id(answers[0].content))}
    assert HTTP.get("/api/back-office/carriers", headers={"hash": "x", "uuid": account.uuid.hex}).status_code == 401
    assert HTTP.get(f"/api/{account.uuid.hex}/", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    there = key_of(clerk(), name="there", ranges=("192.0.2.0/24",))
    assert call(there, "carriers").status_code == 403
    assert Event.objects.filter(verb="office_key.revoked").count() == 1


def test_a_key_that_calls_without_end_is_slowed(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that runs wild would use up what all others share; another key goes on."""
    monkeypatch.setenv("LINEKEEPER_NOW", clock.now().isoformat())
    answers = [call(key, "carriers") for _ in range(AT_ONCE + 1)]
    assert {one.status_code for one in answers[:-1]} == {200}
    assert (answers[-1].status_code, answers[-1]["Retry-After"]) == (429, "1")
    assert call(key_of(clerk(), name="other"), "carriers").status_code == 200
    monkeypatch.setenv("LINEKEEPER_NOW", (clock.now() + dt.timedelta(seconds=1)).isoformat())
    assert [call(key, "carriers").status_code for _ in range(3)] == [200, 200, 429]


def test_it_is_where_the_back_office_is_and_nowhere_else(key: str) -> None:
    with override_settings(BACK_OFFICE_HOST="office.example", ALLOWED_HOSTS=["office.example", "testserver"]):
        assert call(key, "carriers").status_code == 404
        assert call(key, "carriers", HTTP_HOST="office.example").status_code == 200


def test_the_page_shows_a_key_once(db: None) -> None:
    office = log_in(Client(), clerk(), proved=("password", "mfa"))
    answer = office.post(reverse("admin:accounts_officekey_create"), {"name": "cron", "days": "7", "ranges": ""})
    (key,) = re.findall(r"office_[A-Za-z0-9_-]{40,}", answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert call(key, "carriers").status_code == 200
    assert key not in office.get("/back-office/accounts/officekey/").content.decode()
    row = OfficeKey.objects.get()
    assert office.post(reverse("admin:accounts_officekey_revoke", args=[row.pk])).status_code == 302
    assert call(key, "carriers").status_code == 401


def test_what_cannot_be_asked_says_why_and_changes_nothing(key: str, fleet: Fleet) -> None:
    carrier = fleet.carriers["simbase"]
    assert call(key, "nothing").status_code == 404
    assert call(key, "carriers/999999").status_code == 404
    assert call(key, "carriers", "PATCH").status_code == 405
    assert call(key, f"carriers/{carrier.pk}", "PUT", {}).status_code == 422
    assert call(key, f"carriers/{carrier.pk}", "PUT", {"calls_a_day": 5}).status_code == 422
    assert call(key, f"carriers/{carrier.pk}", "PUT", {"cycle_day": 31}).status_code == 422
    assert call(key, f"carriers/{carrier.pk}", "DELETE").status_code == 409  # a rate plan hangs on it
    assert call(key, "carriers", "POST", {"name": "x", "kind": "simbase", "url": "x", "secrets": {}}).status_code == 422
    assert call(key, "sims/8900000000000000001/state", "PUT", {"state": "RETIRED"}).status_code == 404
    assert Carrier.objects.count() == 2


def test_pace_pause_words_and_states_are_the_desks_commands(key: str, fleet: Fleet) -> None:
    carrier = fleet.carriers["iotportal"]
    path = f"carriers/{carrier.pk}"
    given = {
        "calls_per_second": 2.5,
        "calls_per_minute": 100,
        "calls_per_day": 9000,
        "read_every": 60,
        "asks": {"on": "LIVE"},
        "device_edits": True,
    }
    answer = call(key, path, "PUT", given).json()
    assert {name: answer[name] for name in given} == given
    assert call(key, path, "PUT", {"calls_per_day": 0}).json()["calls_per_day"] is None
    shown = call(key, path, "PUT", {"url": "https://elsewhere.example"}).json()
    assert (shown["url"], shown["url_waiting"]) == (carrier.url, "https://elsewhere.example")
    assert AddressChange.objects.get().asked_by == "ann@office.example"
    for verb, is_active in (("pause", False), ("pause", False), ("resume", True)):
        assert call(key, f"{path}/{verb}", "POST").json()["is_active"] is is_active
    assert Event.objects.filter(verb="carrier.paused", actor_name="ann@office.example").count() == 1
    stock = fleet.line(None, "iotportal")
    assert call(key, f"sims/{stock.iccid}/state", "PUT", {"state": "inventory"}).status_code == 200
    assert LineSetting.objects.get().wanted == "INVENTORY"
    assert call(key, "carriers").json()["total"] == 2
    assert "secrets" not in json.dumps(call(key, "carriers").json())


def test_where_a_carrier_calls_us_is_made_told_and_shut(key: str, fleet: Fleet, settings: Any) -> None:
    settings.CONSOLE_URL = "https://console.example"
    secrets = dict.fromkeys(CLIENTS["soracom"].secret_names, "s" * 20)
    soracom = add_carrier(name="Soracom", kind="soracom", url="http://127.0.0.1:9", secrets=secrets, by=OPERATOR)
    path = f"carriers/{soracom.pk}/webhook"
    assert (call(key, path).status_code, call(key, "carriers/999999/webhook").status_code) == (404, 404)
    made = call(key, path, "PUT", {}).json()
    assert made["secret"] == webhooks.secret_of(webhook=CarrierWebhook.objects.get())
    assert made["header"] == "X-Linekeeper-Token"
    assert call(key, path).json() == made | {"secret": None}
    assert made["address"].startswith("https://console.example/carriers/told/")
    said = operator("carrier_webhook", "Soracom")
    assert (said["address"], said["secret"]) == (made["address"], made["secret"])
    assert operator("carrier_webhook", "Soracom", "--open")["address"] != made["address"]
    assert call(key, path, "PUT", {"secret": "of-the-carrier"}).status_code == 422
    assert call(key, path, "DELETE").status_code == 200
    assert operator("carrier_webhook", "Soracom") == {"carrier": "Soracom", "open": False}
    simbase = f"carriers/{fleet.carriers['simbase'].pk}/webhook"
    assert call(key, simbase, "PUT", {"secret": "short"}).status_code == 422
    assert call(key, simbase, "PUT", {"secret": "request-token"}).json()["secret"] is None
    assert operator("carrier_webhook", "simbase", "--close")["open"] is False
    portal = f"carriers/{fleet.carriers['iotportal'].pk}/webhook"
    assert call(key, portal, "PUT", {}).status_code == 422
    assert Event.objects.filter(verb="carrier.webhook_opened", actor_name="ann@office.example").count() == 2


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=1, iotportal=1) as served:
        yield served


def test_credentials_are_tried_kept_with_a_way_back_and_never_told(simulators: Running, transactional_db: None) -> None:
    key, right = key_of(clerk()), {"api_key": simulators.api_key}
    given = {"name": "New", "kind": "simbase", "url": simulators.simbase, "secrets": {"api_key": "wrong-wrong-wrong"}}
    assert call(key, "carriers", "POST", given).status_code == 422
    assert not Carrier.objects.exists()
    made = call(key, "carriers", "POST", given | {"secrets": right})
    assert made.status_code == 200, made.content
    path = f"carriers/{made.json()['id']}"
    wrong = {"secrets": {"api_key": "wrong-wrong-wrong"}}
    for where in ("test", "credentials"):
        verb = "PUT" if where == "credentials" else "POST"
        assert call(key, f"{path}/{where}", verb, wrong).status_code == 422
    assert not FormerSecrets.objects.exists()
    assert call(key, f"{path}/test", "POST", {"secrets": right}).json() == {"carrier": "New", "takes": True}
    assert call(key, f"{path}/credentials/restore", "POST").status_code == 404
    carrier = Carrier.objects.get()
    old = add_carrier(name="old", kind="simbase", url=simulators.simbase, secrets={"api_key": "o" * 16}, by=OPERATOR)
    answer = call(key, f"carriers/{old.pk}/credentials", "PUT", {"secrets": right})
    assert answer.json()["has_former_credentials"] is True
    assert call(key, f"carriers/{old.pk}/credentials/restore", "POST").status_code == 200
    assert call(key, f"carriers/{carrier.pk}", "DELETE").json() == {"ack": "success"}
    assert simulators.api_key not in str(list(Event.objects.values())) + answer.content.decode()
    close_clients()


def test_the_docs_name_every_call() -> None:
    rows = dict(
        re.findall(
            r"^\| `((?:GET|POST|PUT|DELETE) [^`]+)` \| (.+) \|$", DOCS.split("## The back office’s calls")[1], re.M
        )
    )
    assert set(rows) == {f"{verb} {one.path}" for one in ENDPOINTS for verb in one.verbs}
