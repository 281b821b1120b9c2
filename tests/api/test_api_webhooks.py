"""Webhooks by API: a secret is told once, and is in no row in plain text."""

from __future__ import annotations

import time

import pytest
from kit import crypto

from accounts import keys
from accounts.models import Account, Event, IdempotentAnswer
from accounts.policy import OPERATOR, Scope
from automation.models import WebhookDelivery, WebhookEndpoint
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet

NEW = {"url": "https://hooks.example.com/a", "topics": ["rules", "lines"]}
NONE = "0" * 32


def test_a_webhook_is_added_changed_switched_and_deleted(client: KeepgoClient) -> None:
    made = client.post("webhooks", NEW).json()
    path, row = f"webhooks/{made['uuid']}", WebhookEndpoint.objects.get()
    assert made["secret"] == crypto.decrypt(row.secret, row=f"webhook:{row.uuid.hex}")
    (listed,) = client.get("webhooks").json()["data"]
    assert listed == made | {"secret": None}
    assert client.get(path).json() == listed
    changed = client.put(path, {"url": "https://hooks.example.com/b", "topics": ["payments"]}).json()
    assert changed == listed | {"url": "https://hooks.example.com/b", "topics": ["payments"]}
    assert client.put(f"{path}/switch", {"is_on": False}).json()["is_on"] is False
    renewed = client.post(f"{path}/secret").json()["secret"]
    row.refresh_from_db()
    assert renewed == crypto.decrypt(row.secret, row=f"webhook:{row.uuid.hex}") != made["secret"]
    assert client.write("DELETE", path).json() == {"ack": "success"}
    assert client.write("DELETE", path, timestamp=int(time.time()) - 60).status_code == 404
    assert (client.get("webhooks").json()["total"], client.get(path).status_code) == (0, 404)
    assert set(Event.objects.filter(verb__startswith="webhook.").values_list("actor_kind", flat=True)) == {"key"}


def test_the_same_key_gets_the_secret_again_and_no_row_has_it_in_plain_text(client: KeepgoClient) -> None:
    first = client.post("webhooks", NEW, key="k")
    kept = bytes(IdempotentAnswer.objects.get().body)
    assert first.json()["secret"].encode() not in kept
    assert b"hooks.example.com" not in kept
    again = client.post("webhooks", NEW, key="k", timestamp=int(time.time()) - 60)
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert WebhookEndpoint.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [{"url": "http://hooks.example.com"}, {"url": "https://127.0.0.1/"}, {"url": ""}, {"topics": []},
     {"topics": ["weather"]}, {"url": "https://name:word@hooks.example.com/"}],
    ids=str,
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused(client: KeepgoClient, change: dict[str, object]) -> None:
    assert client.post("webhooks", NEW | change).status_code == 422
    assert WebhookEndpoint.objects.count() == 0


def test_there_are_at_most_ten(client: KeepgoClient) -> None:
    answers = [client.post("webhooks", NEW | {"url": f"https://hooks.example.com/{number}"}) for number in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [409]


def test_a_test_is_sent_listed_and_sent_again(client: KeepgoClient) -> None:
    path = f"webhooks/{client.post('webhooks', NEW).json()['uuid']}"
    sent = client.post(f"{path}/test").json()
    WebhookDelivery.objects.update(failed_at=WebhookDelivery.objects.get().created_at, attempts=9, status=500)
    (listed,) = client.get(f"{path}/messages").json()["data"]
    assert (listed["uuid"], listed["attempts"], listed["status"]) == (sent["uuid"], 9, 500)
    assert listed["failed_at"]
    again = client.post(f"{path}/messages/{sent['uuid']}/again").json()
    assert (again["uuid"], again["attempts"], again["failed_at"]) == (sent["uuid"], 0, None)
    assert client.post(f"{path}/messages/{NONE}/again").status_code == 404
    other = client.post("webhooks", NEW | {"topics": ["balance"]}).json()["uuid"]
    assert client.post(f"webhooks/{other}/messages/{sent['uuid']}/again").status_code == 404


def test_webhooks_are_the_owners_own(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    path, stranger = f"webhooks/{client.post('webhooks', NEW).json()['uuid']}", fleet.account()
    Account.objects.filter(pk=stranger.pk).update(is_professional=True)
    for one in (client_of(stranger), client_of(fleet.account(parent=account))):
        assert one.put(path, NEW).status_code == 404
        assert one.write("DELETE", path).status_code == 404
        for do in ("switch", "secret", "test"):
            assert one.post(f"{path}/{do}", {"is_on": False} if do == "switch" else {}).status_code == 404
        assert one.get(f"{path}/messages").status_code == 404
    assert WebhookDelivery.objects.count() == 0
    address = f"/api/{account.uuid.hex}/webhooks"
    for scope in Scope:
        key = keys.make_key(account=account, name=scope, scopes=[scope], days=7, by=OPERATOR)[1]
        answer = client.http.get(address, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == (200 if scope == Scope.MANAGE_WEBHOOKS else 403), scope
