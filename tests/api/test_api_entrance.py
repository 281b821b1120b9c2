"""What a call of the API does not pay for: the pages' middlewares, who calls looked up anew, a commit each."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from kit import clock, kept

from accounts import calls, keys
from accounts.models import Account, ApiCredential, ApiDay
from accounts.policy import OPERATOR, Scope
from accounts.queries import keys as known
from tests.api.keepgo_client import KeepgoClient
from tests.api.test_api_keys import Bearer


@pytest.fixture
def believed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that believes what it knows for a minute."""
    settings.API_KEPT_SECONDS = 60.0
    for one in (known._signers, known._bearers):
        monkeypatch.setattr(one, "_seconds", 60.0)
    monkeypatch.setattr(calls, "_days", {})


@pytest.mark.usefixtures("believed")
def test_who_calls_is_looked_up_once_and_a_wrong_hash_is_refused_all_the_same(
    client: KeepgoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked_again(*_: object) -> None:
        raise AssertionError

    assert client.get("").status_code == 200
    monkeypatch.setattr(known, "prepared", asked_again)
    assert client.get("").status_code == 200
    assert KeepgoClient(client.account_uuid, client.user_uuid, "0" * 32).get("").status_code == 401


@pytest.mark.usefixtures("believed")
def test_a_revoked_credential_ends_when_it_is_believed_no_longer(client: KeepgoClient) -> None:
    assert client.get("").status_code == 200
    ApiCredential.objects.update(revoked_at=clock.now())
    assert client.get("").status_code == 200
    kept.forget()
    assert client.get("").status_code == 401


def test_what_is_known_is_believed_for_less_than_five_seconds() -> None:
    from config.settings import base

    assert 0 < base.API_KEPT_SECONDS < 5


@pytest.mark.usefixtures("believed")
def test_a_bearer_key_ends_at_its_time_however_well_it_is_known(account: Account) -> None:
    _, key = keys.make_key(account=account, name="soon", scopes=[Scope.READ_LINES], days=7, by=OPERATOR)
    client = Bearer(account, key)
    assert client.call("GET", "").status_code == 200
    with clock.frozen(clock.now() + dt.timedelta(days=8)):
        assert client.call("GET", "").status_code == 401


@pytest.mark.usefixtures("believed")
def test_calls_are_written_down_together_and_none_is_lost(account: Account) -> None:
    day = clock.today()
    assert [calls.count_request(account_id=account.pk, day=day).used for _ in range(5)] == [1, 2, 3, 4, 5]
    assert ApiDay.objects.get().used == 1
    calls._days[account.pk, day].written_at = float("-inf")
    assert calls.count_request(account_id=account.pk, day=day).used == 6
    assert ApiDay.objects.get().used == 6


@pytest.mark.usefixtures("believed")
def test_calls_that_could_not_be_written_down_are_written_later(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(calls, "prepared", fail)
        with pytest.raises(RuntimeError):
            calls.count_request(account_id=account.pk, day=clock.today())
    calls._days[account.pk, clock.today()].written_at = float("-inf")
    assert calls.count_request(account_id=account.pk, day=clock.today()).used == 2


@pytest.mark.usefixtures("believed")
def test_an_account_that_is_gone_stops_nobody_elses_count(account: Account) -> None:
    day, gone = clock.today(), Account.objects.create(name="gone")
    for one in (gone, gone):
        calls.count_request(account_id=one.pk, day=day)
    ApiDay.objects.filter(account=gone).delete()
    gone.delete()
    for row in calls._days.values():
        row.written_at = float("-inf")
    assert calls.count_request(account_id=account.pk, day=day).used == 1
    assert not ApiDay.objects.filter(account_id=gone.pk).exists()


@pytest.mark.usefixtures("believed")
def test_a_fast_keys_calls_of_a_second_are_no_more_than_it_has(account: Account) -> None:
    row, _ = keys.make_key(account=account, name="fast", scopes=[Scope.READ_LINES], days=7, per_second=25, by=OPERATOR)
    with clock.frozen(clock.now()):
        assert sum(keys.one_more(row) for _ in range(60)) == 25


def test_a_call_meets_no_middleware_of_pages(client: KeepgoClient) -> None:
    answer = client.get("")
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Length"] == str(len(answer.content))
    assert not answer.cookies
    assert "Vary" not in answer
