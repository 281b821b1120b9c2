"""The API behind the web server of production: a short fuzz, and what a server does to headers that it cannot read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts import keys
from accounts.models import Account, ApiDay
from accounts.policy import OPERATOR, Scope
from lines.models import Job
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.api.test_api_schemathesis import calls_of
from tests.fleets import Fleet
from tests.profiles import examples
from tests.webserver import raw, web_server

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port() -> Iterator[int]:
    with web_server() as port:
        yield port


@pytest.fixture
def paid(transactional_db: None) -> tuple[Fleet, Account]:
    fleet = Fleet()
    account = fleet.account()
    account.is_professional = True
    account.save()
    return fleet, account


def write(client: KeepgoClient, path: str, body: object, headers: bytes, *, ago: int = 0) -> bytes:
    signed = client.headers(int(time.time()) - ago)
    lines = [f"{name}: {value}".encode() for name, value in signed.items()]
    content = json.dumps(body).encode()
    head = [f"POST /api/{client.account_uuid}/{path} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close"]
    head += [b"Content-Type: application/json", f"Content-Length: {len(content)}".encode(), *lines]
    return b"\r\n".join([*head, headers.rstrip(b"\r\n")]) + b"\r\n\r\n" + content


def test_a_key_that_the_server_cannot_read_makes_nothing_twice(paid: tuple[Fleet, Account], port: int) -> None:
    fleet, account = paid
    client, body = client_of(account), {"action": "tag", "tags": ["a"], "iccids": [fleet.line(account).iccid]}

    def sent(header: bytes, ago: int) -> tuple[int, bytes]:
        return raw(port, write(client, "jobs", body, header, ago=ago))

    for key in ("bestellung-ü".encode(), "bestellung-ü".encode("latin-1"), "заказ".encode(), b"", b"  "):
        for ago in (1, 2):
            status, said = sent(b"Idempotency-Key: " + key, ago)
            assert (status, json.loads(said)["type"]) == (422, "/api/problems/invalid"), key
    assert not Job.objects.exists()
    good = [sent(b"Idempotency-Key: order-81", ago) for ago in (3, 4)]
    assert [status for status, _ in good] == [200, 200]
    assert good[0][1] == good[1][1]
    assert Job.objects.count() == 1
    both = b"Idempotency-Key: order-82\r\nIdempotency-Key: order-83"
    twice = [sent(both, ago) for ago in (5, 6)]
    assert twice[0][1] == twice[1][1]
    assert Job.objects.count() <= 2


def test_no_answer_breaks_the_documents_promise_behind_the_web_server(paid: tuple[Fleet, Account], port: int) -> None:
    fleet, account = paid
    line, sub = fleet.line(account), fleet.account(parent=account)
    key = keys.make_key(account=account, name="fuzz", scopes=[*Scope], days=7, per_second=200, by=OPERATOR)[1]
    calls = calls_of(account, {"iccid": line.iccid, "account": sub.uuid.hex})
    headers = {"Authorization": f"Bearer {key}"}

    @given(case=st.one_of(calls))
    @settings(max_examples=max(60, examples() // 2), suppress_health_check=[*HealthCheck], deadline=None)
    def run(case: schemathesis.Case[Any]) -> None:
        ApiDay.objects.update(used=0)
        where = f"http://127.0.0.1:{port}/api/{account.uuid.hex}"
        answer = case.call(base_url=where, headers=headers, timeout=120)  # a busy machine is no broken promise
        case.validate_response(answer, checks=CHECKS, headers=headers)

    run()
