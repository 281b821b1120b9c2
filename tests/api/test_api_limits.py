"""Limits: 100 requests a day for each line, counted whatever comes at once."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from kit import clock

from accounts import calls
from accounts.models import Account, ApiDay
from accounts.policy import requests_allowed
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet


@pytest.mark.parametrize(("lines", "allowed"), [(0, 100), (1, 100), (2, 200), (1000, 100_000)])
def test_the_rule(lines: int, allowed: int) -> None:
    assert requests_allowed(lines) == allowed


def test_every_answer_says_where_the_account_stands(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    fleet.lines(account, 3)
    first, missing = client.get(""), client.get("nothing")
    assert (first["RateLimit-Limit"], first["RateLimit-Remaining"]) == ("300", "299")
    assert (missing.status_code, missing["RateLimit-Remaining"]) == (404, "298")
    assert first["RateLimit-Policy"] == '"day";q=300;w=86400'
    assert first["RateLimit"].startswith('"day";r=299;t=')
    assert 0 < int(first["RateLimit-Reset"]) <= 86_400


def test_the_one_after_the_last_is_refused(client: KeepgoClient, account: Account) -> None:
    client.get("")
    ApiDay.objects.update(used=98)
    assert client.get("")["RateLimit-Remaining"] == "1"
    last = client.get("")
    assert (last.status_code, last["RateLimit-Remaining"], "Retry-After" in last) == (200, "0", False)
    over = client.get("")
    assert (over.status_code, over.json()["status"]) == (429, 429)
    assert over["Content-Type"] == "application/problem+json"
    assert over["Retry-After"] == over["RateLimit-Reset"]


def test_the_next_day_begins_at_nothing(client: KeepgoClient, account: Account) -> None:
    client.get("")
    ApiDay.objects.update(used=100)
    assert client.get("").status_code == 429
    with clock.frozen(clock.now() + dt.timedelta(days=1)):
        ahead = int(clock.now().timestamp())
        headers = client.headers(ahead)
        assert client.http.get(f"/api/{client.account_uuid}/", headers=headers)["RateLimit-Remaining"] == "99"


def test_lines_added_count_within_a_minute(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    client.get("")
    fleet.lines(account, 2)
    assert client.get("")["RateLimit-Limit"] == "100"
    ApiDay.objects.update(counted_at=clock.now() - dt.timedelta(seconds=61))
    assert client.get("")["RateLimit-Limit"] == "200"


def test_a_subaccount_has_its_own_and_a_wrong_hash_costs_nobody(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    sub = client_of(fleet.account(parent=account))
    assert sub.get("")["RateLimit-Remaining"] == "99"
    assert client.get("")["RateLimit-Remaining"] == "99"
    wrong = KeepgoClient(client.account_uuid, client.user_uuid, "0" * 32).get("")
    assert (wrong.status_code, "RateLimit-Limit" in wrong) == (401, False)
    assert ApiDay.objects.get(account=account).used == 1


def test_old_days_are_swept(client: KeepgoClient) -> None:
    client.get("")
    ApiDay.objects.update(day=clock.today() - dt.timedelta(days=33))
    assert calls.sweep() == 1


@pytest.mark.django_db(transaction=True)
def test_none_is_lost_when_many_come_at_once() -> None:
    account = Fleet().account()

    def count(_: int) -> int:
        try:
            return calls.count_request(account_id=account.pk, day=clock.today()).used
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(count, range(200))) == list(range(1, 201))
