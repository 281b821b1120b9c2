"""Errors have one shape: what, why, what to do; and never a trace."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.test import override_settings

from accounts.models import Account
from tests.api.keepgo_client import KeepgoClient
from tests.fleets import Fleet
from tests.responses import ClientResponse

SHAPE = {"type", "title", "status", "detail", "what_to_do", "code", "field", "request_id"}


def is_problem(answer: ClientResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert set(found) == SHAPE
    assert found["status"] == status
    assert all(found[name] for name in SHAPE - {"field"})
    assert found["detail"].endswith(".")
    assert found["what_to_do"].endswith(".")
    return found


def test_401_404_405_422(client: KeepgoClient) -> None:
    is_problem(client.http.get(f"/api/{client.account_uuid}/"), 401)
    is_problem(client.http.get("/api/"), 401)
    is_problem(client.http.get("/api/nothing/at/all"), 401)
    is_problem(client.get("no_such_call"), 404)
    is_problem(client.get("sim_card/12/usage_summary"), 404)
    refused = client.get("sim_card/8900000000000000000/deactivate")
    is_problem(refused, 405)
    assert refused["Allow"] == "POST"
    refused = client.write("DELETE", "sim_card/8900000000000000000/notes")
    assert (refused.status_code, refused["Allow"]) == (405, "PUT, POST")
    is_problem(client.get("iot_sim_cards", per_page="many"), 422)


def test_a_lines_end_behind_a_value_is_refused(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = f"sim_card/{fleet.line(account).iccid}"
    is_problem(client.get("iot_sim_cards", account_uuid=f"{account.uuid.hex}\n"), 422)
    is_problem(client.get(f"{line}/sessions", billing_cycle="2026-11\n"), 422)
    is_problem(client.put(f"{line}/account", {"account_uuid": f"{account.uuid.hex}\n"}), 422)
    is_problem(client.get("iot_sim_cards%0A"), 404)


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", b'"x"', b"notes=x", b"\xff", b'{"notes": null}', b'{"notes": "\\ud800"}', b"[" * 10**5],
)
def test_a_body_that_is_none(client: KeepgoClient, body: bytes) -> None:
    is_problem(client.put("sim_card/8900000000000000000/notes", body), 422)


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
@pytest.mark.parametrize(
    ("notes", "is_ended", "status"), [("van 7", True, 200), ("van 7", False, 422), ("x" * 200, True, 422)]
)
def test_a_body_in_chunks_is_read_and_not_taken_for_none(
    client: KeepgoClient, fleet: Fleet, account: Account, notes: str, is_ended: bool, status: int
) -> None:
    line = fleet.line(account)
    path = f"/api/{client.account_uuid}/sim_card/{line.iccid}/notes"
    server: dict[str, Any] = {
        "wsgi.input": BytesIO(json.dumps({"notes": notes}).encode()),
        "wsgi.input_terminated": is_ended,
    }
    answer = client.http.put(path, headers=client.headers() | {"Transfer-Encoding": "chunked"}, **server)
    assert answer.status_code == status
    line.refresh_from_db()
    assert (line.notes == notes) == (status == 200)


def test_a_body_may_be_empty_where_nothing_is_asked(client: KeepgoClient) -> None:
    for number, body in enumerate((b"", b"{}", b" {} ")):  # the same line twice would be a replay
        is_problem(client.post(f"sim_card/890000000000000000{number}/deactivate", body), 404)
    for body in (b"[", b'{"whatever": 1}'):
        is_problem(client.post("sim_card/8900000000000000000/deactivate", body), 422)


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
def test_a_body_that_is_too_long(client: KeepgoClient) -> None:
    is_problem(client.put("sim_card/8900000000000000000/notes", {"notes": "x" * 200}), 422)


@pytest.mark.parametrize(
    ("error", "status"),
    [(OperationalError("canary"), 503), (InterfaceError("canary"), 503), (RuntimeError("canary"), 500)],
)
def test_our_failures_say_nothing_of_themselves(
    client: KeepgoClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("accounts.calls.count_request", fail)
    answer = client.get("")
    is_problem(answer, status)
    assert b"canary" not in answer.content
    assert b"Traceback" not in answer.content
    assert ("Retry-After" in answer) is (status == 503)


def test_nothing_is_kept_by_caches(client: KeepgoClient) -> None:
    assert client.get("")["Cache-Control"] == "private, no-cache"
    assert client.get("nothing")["Cache-Control"] == client.post("nothing")["Cache-Control"] == "no-store"
    assert not client.get("").cookies
