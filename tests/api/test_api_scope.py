"""What is not yours does not exist: not by another account, not by a sub-account, not in any body."""

from __future__ import annotations

import re

import msgspec
import pytest
from api.routes import ENDPOINTS, PATTERNS
from kit.endpoints import Endpoint

from accounts.models import Account, ApiDay, Event
from accounts.policy import Right
from lines.commands.wishes import edit_notes
from lines.models import Line
from lines.policy import Wanted
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet, state
from tests.responses import ClientResponse

CANARY = "canary7531"
OF_LINES = [one for one in ENDPOINTS if "iccid" in one.values and one.side != "test"]
LISTS = [one for one in ENDPOINTS if not one.values and not one.writes and one.name != "test_account"]
NOBODYS = dict.fromkeys(PATTERNS, "0" * 32)  # a value for each name in a path


def ask(client: KeepgoClient, one: Endpoint, iccid: str = "0" * 19) -> ClientResponse:
    path = one.path.format(**NOBODYS | {"iccid": iccid})
    body = None if one.body is None else msgspec.to_builtins(one.body)
    return client.write(one.verbs[0], path, body) if one.writes else client.get(path)


def call(client: KeepgoClient, one: Endpoint, iccid: str = "0" * 19) -> tuple[int, bytes]:
    answer = ask(client, one, iccid)
    return answer.status_code, re.sub(b'"request_id":"[^"]*"', b"", answer.content)


@pytest.fixture
def theirs(fleet: Fleet, account: Account) -> Line:
    """Another account's line, its words marked."""
    other = fleet.account()
    Account.objects.filter(pk=other.pk).update(name=f"Other {CANARY}")
    line = fleet.line(other)
    return edit_notes(line=line, notes=CANARY, by=other.memberships.get().user.actor)


@pytest.mark.parametrize("one", OF_LINES, ids=lambda one: one.name)
def test_anothers_line_and_none_are_one_answer(one: Endpoint, client: KeepgoClient, fleet: Fleet, theirs: Line) -> None:
    in_stock = fleet.line(None)
    answers = {call(client, one, iccid) for iccid in (theirs.iccid, in_stock.iccid, "8900000000000000000")}
    assert len(answers) == 1
    status, body = answers.pop()
    assert status == 404
    assert CANARY.encode() not in body
    theirs.refresh_from_db()
    assert (theirs.notes, theirs.deactivation_date, state(theirs).wanted) == (CANARY, None, Wanted.ACTIVE)


@pytest.mark.parametrize("one", LISTS, ids=lambda one: one.name)
def test_lists_never_have_what_is_anothers(one: Endpoint, client: KeepgoClient, theirs: Line) -> None:
    status, body = call(client, one)
    assert status == 200
    assert CANARY.encode() not in body
    assert theirs.iccid.encode() not in body
    assert CANARY.encode() not in client.get("iot_sim_cards", common_filter=CANARY).content


def test_a_subaccount_sees_its_own_lines_and_no_money(fleet: Fleet, account: Account) -> None:
    sub, sister = fleet.account(parent=account), fleet.account(parent=account)
    own, sisters, parents = fleet.line(sub), fleet.line(sister), fleet.line(account)
    client = client_of(sub)
    assert [card["iccid"] for card in client.get("iot_sim_cards").json()["data"]] == [own.iccid]
    for line in (sisters, parents):
        assert client.get(f"sim_card/{line.iccid}/usage_summary").status_code == 404
        assert client.post(f"sim_card/{line.iccid}/activation_ready").status_code == 404
    root = client.get("").json()
    assert (root["name"], root["current_balance"], root["minimum_balance"]) == (sub.name, None, None)
    assert client.get("sim_card_filter_data").json()["rate_plans"] == []
    assert client.get(f"sim_card/{own.iccid}/usage_summary").json()["data"][0]["cost"] is None
    for path in ("current_balance", "balance_history", "balance_payments", "balance_usages", "prices", "coverage"):
        assert client.get(path).status_code == 404
    for path in ("deactivate", "deactivation_date"):
        assert client.post(f"sim_card/{own.iccid}/{path}", {"deactivation_date": "2090-01-01"}).status_code == 404
    assert state(own).wanted == Wanted.ACTIVE
    assert client.put(f"sim_card/{own.iccid}/notes", {"notes": "ours"}).status_code == 200
    assert client.post(f"sim_card/{own.iccid}/activation_ready").status_code == 200


def test_a_parent_sees_and_changes_its_subaccounts_lines(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(fleet.account(parent=account))
    (card,) = client.get("iot_sim_cards").json()["data"]
    assert line.account is not None
    assert card["account_name"] == line.account.name
    assert client.post(f"sim_card/{line.iccid}/deactivate").status_code == 200


def test_every_call_asks_for_a_right() -> None:
    assert {Right(one.right) for one in ENDPOINTS} <= set(Right)
    assert {one.name for one in ENDPOINTS if one.right == Right.SEE_MONEY} == {
        "current_balance", "balance_history", "balance_payments", "balance_usages", "prices", "rate_plans", "coverage",
        "subaccount_balance",
    }  # fmt: skip
    assert all((one.body is not None) is (one.writes and one.asked is not None) for one in ENDPOINTS)


@pytest.mark.parametrize("one", ENDPOINTS, ids=lambda one: one.name)
def test_a_basic_account_changes_nothing_that_is_real(one: Endpoint, fleet: Fleet) -> None:
    account = fleet.account()
    line = edit_notes(line=fleet.line(account), notes=CANARY, by=account.memberships.get().user.actor)
    before, client = Event.objects.filter(account=account).count(), client_of(account)
    answer = ask(client, one, line.iccid)
    assert answer.status_code < 500
    assert one.side == "live" or answer.status_code != 200 or answer["X-Sample-Data"] == "true"
    assert CANARY.encode() not in answer.content
    theirs = Event.objects.filter(account=account).exclude(verb__startswith="test_account.")
    assert theirs.count() == before
    assert (state(line).wanted, Line.objects.get(pk=line.pk).notes) == (Wanted.ACTIVE, CANARY)
    assert not ApiDay.objects.filter(account=account).exists()


def test_a_test_account_has_a_last_page_and_rejects_what_a_live_one_rejects(fleet: Fleet) -> None:
    client = client_of(fleet.account())
    assert client.get("iot_sim_cards", page=2).json()["data"] == []
    assert client.get("iot_sim_cards", per_page=1001).status_code == 422
    assert client.get("nothing").status_code == 404
    sub = client_of(fleet.account(parent=Account.objects.get(uuid=client.account_uuid)))
    assert sub.get("prices").status_code == 404


def test_real_answers_are_not_marked(client: KeepgoClient) -> None:
    assert "X-Sample-Data" not in client.get("")
