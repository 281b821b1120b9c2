"""Idempotency-Key: the same write again is the same answer and one effect, however many come at once."""

from __future__ import annotations

import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from kit import clock

from accounts import calls
from accounts.models import Account, Event, IdempotentAnswer, SignedWrite
from lines.models import Line
from lines.policy import Wanted
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet, state


@pytest.fixture
def line(fleet: Fleet, account: Account) -> Line:
    return fleet.line(account)


def edits(line: Line) -> int:
    return Event.objects.filter(subject=f"line:{line.iccid}", verb="line.notes_edited").count()


def test_the_same_request_gets_the_same_answer_and_no_second_effect(client: KeepgoClient, line: Line) -> None:
    path = f"sim_card/{line.iccid}/deactivate"
    first = client.post(path, key="k1")
    client.post(f"sim_card/{line.iccid}/activation_ready")
    again = client.post(path, key="k1", timestamp=int(time.time()) - 5)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (200, b'{"ack":"success"}')
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert state(line).wanted == Wanted.ACTIVE


def test_the_very_same_bytes_with_their_key_are_answered_again_and_not_done(client: KeepgoClient, line: Line) -> None:
    now, path = int(time.time()), f"sim_card/{line.iccid}/notes"
    for _ in range(2):
        assert client.put(path, {"notes": "a"}, key="k", timestamp=now).status_code == 200
    assert client.put(path, {"notes": "a"}, timestamp=now).status_code == 409
    assert edits(line) == 1


def test_a_refusal_is_kept_as_well(client: KeepgoClient, line: Line) -> None:
    path = "sim_card/8900000000000000000/deactivate"
    first, again = client.post(path, key="k"), client.post(path, key="k", timestamp=int(time.time()) - 1)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.status_code == 404
    assert again["Content-Type"] == "application/problem+json"


def test_another_body_path_or_verb_under_the_same_key_is_409(client: KeepgoClient, line: Line) -> None:
    path = f"sim_card/{line.iccid}/notes"
    assert client.put(path, {"notes": "a"}, key="k").status_code == 200
    for other in (
        client.put(path, {"notes": "b"}, key="k"),
        client.post(path, {"notes": "a"}, key="k"),
        client.post(f"sim_card/{line.iccid}/deactivate", key="k"),
    ):
        assert (other.status_code, other.json()["type"]) == (409, "/api/problems/other-request")
    line.refresh_from_db()
    assert line.notes == "a"


def test_what_was_invalid_takes_no_key(client: KeepgoClient, line: Line) -> None:
    path = f"sim_card/{line.iccid}/notes"
    assert client.put(path, {"notes": 1}, key="k").status_code == 422
    assert client.put(path, {"notes": "a"}, key="k").status_code == 200


def test_keys_are_an_accounts_own(client: KeepgoClient, line: Line, fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    own = fleet.line(sub)
    assert client.put(f"sim_card/{line.iccid}/notes", {"notes": "a"}, key="k").status_code == 200
    assert client_of(sub).put(f"sim_card/{own.iccid}/notes", {"notes": "b"}, key="k").status_code == 200


def test_a_key_is_free_again_after_a_day(client: KeepgoClient, line: Line) -> None:
    path = f"sim_card/{line.iccid}/notes"
    assert client.put(path, {"notes": "a"}, key="k").status_code == 200
    IdempotentAnswer.objects.update(created_at=clock.now() - dt.timedelta(hours=23, minutes=59))
    assert calls.sweep() == 0
    assert client.put(path, {"notes": "b"}, key="k").status_code == 409
    IdempotentAnswer.objects.update(created_at=clock.now() - dt.timedelta(hours=24))
    assert client.put(path, {"notes": "b"}, key="k").status_code == 200
    IdempotentAnswer.objects.update(created_at=clock.now() - dt.timedelta(hours=25))
    assert calls.sweep() == 1


@pytest.mark.parametrize("key", ["x" * 256, "tab\there", "ä"])
def test_an_odd_key_is_refused(client: KeepgoClient, line: Line, key: str) -> None:
    assert client.put(f"sim_card/{line.iccid}/notes", {"notes": "a"}, key=key).status_code == 422


def test_our_failure_leaves_no_row_so_that_the_write_may_come_again(
    client: KeepgoClient, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, path = int(time.time()), f"sim_card/{line.iccid}/notes"
    with monkeypatch.context() as broken:
        broken.setattr("accounts.calls.keep_answer", lambda **_: 1 / 0)
        assert client.put(path, {"notes": "a"}, key="k", timestamp=now).status_code == 500
    assert (SignedWrite.objects.count(), IdempotentAnswer.objects.count(), edits(line)) == (0, 0, 0)
    assert client.put(path, {"notes": "a"}, key="k", timestamp=now).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", ["one key", None])
def test_fifty_at_once_make_one_effect(key: str | None) -> None:
    fleet = Fleet()
    account = fleet.account()
    Account.objects.filter(pk=account.pk).update(is_professional=True)
    line = fleet.line(account)
    before, now = client_of(account), int(time.time())

    def write(_: int) -> tuple[int, bytes]:
        try:
            one = KeepgoClient(before.account_uuid, before.user_uuid, before.shared_key)
            answer = one.put(f"sim_card/{line.iccid}/notes", {"notes": "once"}, key=key, timestamp=now)
            return answer.status_code, answer.content
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(write, range(50)))
    if key:
        assert set(answers) == {(200, b'{"ack":"success"}')}
    else:
        assert sorted(status for status, _ in answers) == [200] + [409] * 49
    assert edits(line) == 1
