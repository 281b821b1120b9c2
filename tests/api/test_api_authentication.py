"""Signed requests: who gets in, who does not, and that a signed write is accepted once."""

from __future__ import annotations

import time

import pytest
from django.test import Client, override_settings
from kit import clock

from accounts import calls
from accounts.commands import open_account
from accounts.models import Account, ApiCredential, SignedWrite
from accounts.policy import OPERATOR, is_signed, signature
from lines.policy import Wanted
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet, state

KEY, ACCOUNT = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


def test_the_vector() -> None:
    assert signature(KEY, "1700000000", ACCOUNT) == "uNX80QXjZx1QLxgTp1Na3/yvUNM="


@pytest.mark.parametrize("uuid", [ACCOUNT, "ab" * 16])
def test_the_accounts_and_the_users_uuid_may_be_signed(uuid: str) -> None:
    given = signature(KEY, "1700000000", uuid)
    of = {"shared_key": KEY, "timestamp": "1700000000", "account_uuid": ACCOUNT, "user_uuid": "ab" * 16}
    assert is_signed(given, **of)
    assert not is_signed(given[:-2] + "A=", **of)
    assert not is_signed("", **of)
    assert not is_signed("ä", **of)


def test_a_signed_request_gets_in(client: KeepgoClient) -> None:
    assert client.get("").status_code == 200
    assert client.http.get(f"/api/{client.account_uuid}", headers=client.headers()).status_code == 200


def test_the_form_of_the_overview_gets_in_too(client: KeepgoClient) -> None:
    headers = client.headers()
    headers["hash"] = signature(client.shared_key, headers["timestamp"], client.user_uuid)
    assert client.http.get(f"/api/{client.account_uuid}/", headers=headers).status_code == 200


def test_whoever_is_not_known_gets_one_and_the_same_answer(client: KeepgoClient, fleet: Fleet) -> None:
    other = client_of(fleet.account())
    unknown = KeepgoClient(client.account_uuid, "0" * 32, client.shared_key)
    wrong_hash = KeepgoClient(client.account_uuid, client.user_uuid, "0" * 32)
    anothers = KeepgoClient(other.account_uuid, client.user_uuid, client.shared_key)
    nobodys = KeepgoClient("0" * 32, client.user_uuid, client.shared_key)
    odd = KeepgoClient("no-uuid", client.user_uuid, client.shared_key)
    answers = [one.get("iot_sim_cards") for one in (unknown, wrong_hash, anothers, nobodys, odd)]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0]["Content-Type"] == "application/problem+json"


def test_closed_accounts_and_revoked_credentials_get_the_same(client: KeepgoClient, account: Account) -> None:
    ApiCredential.objects.filter(account=account).update(revoked_at=clock.now())
    assert client.get("").status_code == 401
    ApiCredential.objects.filter(account=account).update(revoked_at=None)
    Account.objects.filter(pk=account.pk).update(is_active=False)
    assert client.get("").status_code == 401


def test_a_subaccount_is_closed_with_its_parent(fleet: Fleet, account: Account) -> None:
    sub = client_of(fleet.account(parent=account))
    assert sub.get("").status_code == 200
    Account.objects.filter(pk=account.pk).update(is_active=False)
    assert sub.get("").status_code == 401


@pytest.mark.parametrize("seconds", [-301, 302, -10_000_000])
def test_an_old_or_early_timestamp_is_refused(client: KeepgoClient, seconds: int) -> None:
    headers = client.headers(int(time.time()) + seconds)
    answer = client.http.get(f"/api/{client.account_uuid}/", headers=headers)
    assert answer.status_code == 401
    assert "clock" in answer.json()["what_to_do"]


def test_the_window_is_a_setting(client: KeepgoClient) -> None:
    headers = client.headers(int(time.time()) - 100)
    assert client.http.get(f"/api/{client.account_uuid}/", headers=headers).status_code == 200
    with override_settings(API_WINDOW_SECONDS=60):
        assert client.http.get(f"/api/{client.account_uuid}/", headers=headers).status_code == 401


@pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "1" * 13, "١٢"])
def test_a_timestamp_that_is_none_is_refused(client: KeepgoClient, stamp: str) -> None:
    headers = client.headers() | {"timestamp": stamp}
    assert client.http.get(f"/api/{client.account_uuid}/", headers=headers).status_code == 401


def test_a_session_never_authenticates_and_csrf_never_applies(account: Account, client: KeepgoClient) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(account.memberships.get().user)
    assert browser.get(f"/api/{account.uuid.hex}/").status_code == 401
    client.http = browser
    assert client.post("sim_card/8944000000000000000/deactivate").status_code == 404


def test_a_signed_write_is_accepted_once(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    now = int(time.time())
    path = f"sim_card/{line.iccid}/deactivate"
    assert client.post(path, timestamp=now).status_code == 200
    client.post(f"sim_card/{line.iccid}/activation_ready", timestamp=now)
    replayed = client.post(path, timestamp=now)
    assert (replayed.status_code, replayed.json()["type"]) == (409, "/api/problems/replayed")
    assert client.post(path, timestamp=now, key="another").status_code == 409
    assert client.post(f"{path}/", timestamp=now).status_code == 409
    assert client.post(f"{path}?more=1", timestamp=now).status_code == 422
    assert state(line).wanted == Wanted.ACTIVE
    zeros = {"timestamp": f"0{now}", "hash": signature(client.shared_key, f"0{now}", client.account_uuid)}
    assert client.post(path, timestamp=now, more=zeros).status_code == 409


def test_a_write_that_means_the_same_is_a_replay_however_it_is_written(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    line = fleet.line(account)
    now = int(time.time())
    headers = {
        "timestamp": str(now),
        "uuid": client.user_uuid,
        "hash": signature(client.shared_key, str(now), client.account_uuid),
    }
    path = f"/api/{account.uuid.hex}/sim_card/{line.iccid}/notes"
    bodies = ('{"notes": "a"}', '{"notes":"a"}', '{"notes" : "a" }\n', '{"notes": "\\u0061"}')
    statuses = [
        Client().put(path, body, content_type="application/json", headers=headers).status_code for body in bodies
    ]
    assert statuses == [200, 409, 409, 409]


def test_two_different_writes_in_one_second_both_pass(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    one, two = fleet.lines(account, 2)
    now = int(time.time())
    for line, notes in ((one, "a"), (two, "a"), (one, "b")):
        assert client.put(f"sim_card/{line.iccid}/notes", {"notes": notes}, timestamp=now).status_code == 200


def test_reads_may_be_replayed(client: KeepgoClient) -> None:
    headers = client.headers()
    for _ in range(2):
        assert client.http.get(f"/api/{client.account_uuid}/", headers=headers).status_code == 200


def test_signatures_are_forgotten_when_they_are_no_longer_good(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    client.post(f"sim_card/{fleet.line(account).iccid}/deactivate")
    assert calls.sweep() == 0
    assert SignedWrite.objects.count() == 1
    SignedWrite.objects.update(good_until=clock.now() - calls.ANSWERS_LAST)
    assert calls.sweep() == 1
    assert calls.sweep() == 0


def test_people_who_own_two_accounts_have_a_credential_for_each(db: None) -> None:
    one = open_account(name="one", owner_email="a@acme.example", by=OPERATOR)
    two = open_account(name="two", owner_email="a@acme.example", by=OPERATOR)
    assert client_of(one).get("").json()["name"] == "one (test)"
    mixed = client_of(one)
    mixed.account_uuid = two.uuid.hex
    assert mixed.get("").status_code == 401
