"""Nothing that a client sends is ignored: a name that a call does not have is refused by that name, whatever it is."""

from __future__ import annotations

import time
from typing import Any

import pytest
from api.asked import OF_EVERY_LIST
from api.openapi import document
from api.routes import ENDPOINTS
from kit.endpoints import Endpoint

from accounts.models import Account
from lines.models import Job, Line, SmsMessage
from lines.policy import JobState, Wanted
from tests.api.keepgo_client import KeepgoClient
from tests.fleets import Fleet, state

OBSERVED = {
    ("GET", ""), ("GET", "iot_sim_cards"), ("GET", "sim_card_filter_data"),
    ("POST", "sim_card/{iccid}/activation_ready"), ("POST", "sim_card/{iccid}/deactivate"),
    ("PUT", "sim_card/{iccid}/deactivation_date"), ("GET", "sim_card/{iccid}/sessions"),
    ("GET", "sim_card/{iccid}/daily_statistics"), ("GET", "sim_card/{iccid}/destination_log"),
    ("GET", "sim_card/{iccid}/usage_summary"), ("GET", "sim_card/{iccid}/bill_cycle_list"), ("GET", "accounts"),
    ("GET", "current_balance"), ("GET", "balance_history"), ("GET", "balance_payments"), ("GET", "balance_usages"),
    ("GET", "prices"),
}  # fmt: skip
SENT = {  # by the observed table, beside pages
    "iot_sim_cards": {"status_id": "1", "common_filter": "note"},
    "sim_card/{iccid}/sessions": {"billing_cycle": "2026-11"},
    "sim_card/{iccid}/daily_statistics": {},
}


def path_of(one: Endpoint, iccid: str) -> str:
    return one.path.format(**{name: iccid if name == "iccid" else "0" * 32 for name in one.values})


@pytest.fixture
def line(fleet: Fleet, account: Account) -> Line:
    return fleet.line(account)


@pytest.mark.parametrize("one", ENDPOINTS, ids=lambda one: one.name)
def test_an_unknown_name_is_refused_by_its_name_at_every_call(client: KeepgoClient, line: Line, one: Endpoint) -> None:
    path, before = path_of(one, line.iccid), Job.objects.count()
    for verb in one.verbs:
        ways: list[tuple[str, Any]] = [(f"{path}?statuss=3", None)]
        ways += [(path, {"statuss": 3})] if verb != "GET" else []
        for address, body in ways:
            answer = client.write(verb, address, body) if verb != "GET" else client.get(address)
            assert (answer.status_code, answer.json()["type"]) == (422, "/api/problems/invalid"), (verb, address)
            assert "statuss is unknown" in answer.json()["detail"]
    assert Job.objects.count() == before
    assert state(line).wanted == Wanted.ACTIVE


@pytest.mark.parametrize("one", ENDPOINTS, ids=lambda one: one.name)
def test_calls_of_ours_take_no_body_on_a_get_and_no_value_twice(
    client: KeepgoClient, line: Line, one: Endpoint
) -> None:
    if one.writes:
        return
    path = path_of(one, line.iccid)
    answer = client.write("GET", path, {"status_id": 3})
    assert (answer.status_code == 422) is not one.is_observed or answer.status_code == 404
    assert client.write("GET", path, {}).status_code in (200, 404)
    twice = client.get(f"{path}?per_page=1&per_page=2")
    assert twice.status_code == 422


def test_the_observed_calls_are_those_of_the_table_and_take_what_its_clients_send(
    client: KeepgoClient, line: Line
) -> None:
    assert {(one.verbs[0], one.path) for one in ENDPOINTS if one.is_observed} == OBSERVED
    for one in ENDPOINTS:
        path = path_of(one, line.iccid)
        if one.is_observed and not one.writes:
            assert client.get(path, page=1, per_page=25, **SENT.get(one.path, {})).status_code == 200, path
            assert client.get(path, offset=0).status_code == 200, path
        elif one.is_observed and one.asked is None:
            assert client.post(path, {}).status_code == 200, path
            assert client.post(path, b"").status_code in (200, 409), path
    assert {"page", "per_page", "offset"} == OF_EVERY_LIST


def test_a_misspelt_filter_touches_no_line(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    lines = fleet.lines(account, 3)
    for wrong, named in (
        ({"status": 3}, "filter.status is unknown"),
        ({"sub_account": "City Bikes", "status_id": 1}, "filter.sub_account is unknown"),
        ({}, "chooses nothing"), ({"common_filter": "  "}, "chooses nothing"), ({"all": False}, "chooses nothing"),
        ({"all": True, "status_id": 1}, "too much"),
    ):  # fmt: skip
        answer = client.post("jobs", {"action": "deactivate", "filter": wrong})
        assert answer.status_code == 422, wrong
        assert named in answer.json()["detail"]
    assert "status_id" in client.post("jobs", {"action": "keep", "filter": {"status": 3}}).json()["what_to_do"]
    assert not Job.objects.exists()
    assert {state(line).wanted for line in lines} == {Wanted.ACTIVE}
    whole = client.post("jobs", {"action": "deactivate", "filter": {"all": True}}).json()
    assert (whole["total"], whole["selection"]) == (3, "lines by filter: all")


def test_what_is_another_actions_is_refused_and_not_left_out(client: KeepgoClient, line: Line) -> None:
    for body in (
        {"action": "deactivate", "date": "2099-12-24"}, {"action": "sms", "text": "on", "date": "2099-12-24"},
        {"action": "tag", "tags": ["a"], "text": "on"},
    ):  # fmt: skip
        answer = client.post("jobs", body | {"iccids": [line.iccid]})
        assert answer.status_code == 422, body
        assert "date" in answer.json()["detail"] or "text" in answer.json()["detail"]
    assert not Job.objects.exists()


def test_another_number_of_lines_than_was_expected_is_no_job(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    fleet.lines(account, 3)
    asked = {"action": "deactivate", "filter": {"all": True}}
    refused = client.post("jobs", asked | {"expected_total": 2})
    assert (refused.status_code, refused.json()["type"]) == (409, "/api/problems/other-total")
    assert "3 lines are chosen and 2 expected" in refused.json()["detail"]
    assert not Job.objects.exists()
    assert client.post("jobs", asked | {"expected_total": 3}).json()["state"] == "running"


def test_a_dry_run_is_a_preview_that_begins_when_it_is_started(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    lines = [*fleet.lines(account, 2), fleet.line(account, active=False)]
    asked = {"action": "deactivate", "filter": {"all": True}, "dry_run": True}
    seen = client.post("jobs", asked).json()
    assert (seen["state"], seen["total"], seen["preview"]["will"], seen["preview"]["same"]) == ("previewed", 3, 2, 1)
    assert client.get(f"jobs/{seen['uuid']}").json()["preview"] == seen["preview"]
    assert [job["uuid"] for job in client.get("jobs").json()["data"]] == []
    assert [state(line).wanted for line in lines][:2] == [Wanted.ACTIVE, Wanted.ACTIVE]
    fleet.line(account)  # it came later, and was not looked at
    begun = client.post(f"jobs/{seen['uuid']}/start").json()
    assert (begun["state"], begun["total"], begun["preview"]) == ("running", 3, None)
    again = client.post(f"jobs/{seen['uuid']}/start", timestamp=int(time.time()) - 20)
    assert (again.status_code, again.json()["state"]) == (200, "running")  # twice is once
    assert Job.objects.get().state == JobState.RUNNING


def test_a_dry_run_says_what_it_costs_and_what_is_refused(client: KeepgoClient, line: Line) -> None:
    seen = client.post("jobs", {"action": "sms", "text": "on", "iccids": [line.iccid], "dry_run": True}).json()
    assert seen["preview"]["cost"] or seen["preview"]["refused"]
    assert not SmsMessage.objects.exists()


def test_a_key_that_came_empty_is_no_key(client: KeepgoClient, line: Line) -> None:
    """As a web server hands over what it cannot read: the same write sent again would be made again."""
    asked = {"action": "tag", "tags": ["a"], "iccids": [line.iccid]}
    for key in ("", " ", "é", "a" * 256, "a\x7f"):
        answer = client.post("jobs", asked, key=key)
        assert (answer.status_code, answer.json()["type"]) == (422, "/api/problems/invalid"), key
    assert not Job.objects.exists()
    assert client.post("jobs", asked, key="order-81").status_code == 200


def test_the_document_says_that_nothing_more_is_taken() -> None:
    found = document()
    schemas = found["components"]["schemas"]
    seen: set[str] = set()

    def walk(schema: Any) -> None:
        if isinstance(schema, list):
            for one in schema:
                walk(one)
        if not isinstance(schema, dict):
            return
        if ref := schema.get("$ref"):
            name = ref.rsplit("/", 1)[-1]
            if name not in seen:
                seen.add(name)
                assert schemas[name]["additionalProperties"] is False, name
                walk(schemas[name])
        walk(list(schema.values()))

    bodies = [of["requestBody"] for item in found["paths"].values() for of in item.values() if "requestBody" in of]
    walk(bodies)
    assert {"NewJob", "Filter", "RuleDraft", "Text"} <= seen
