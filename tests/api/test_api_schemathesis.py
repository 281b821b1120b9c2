"""Schemathesis over the whole document: whatever it thinks of, no answer is a 5xx and each is as the document says.

A short run in the suite; `make fuzz` is the long one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from api.openapi import document
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit import clock
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts import keys
from accounts.models import Account, ApiDay
from accounts.policy import OPERATOR, Scope
from automation.commands.rules import Draft, add_rule
from automation.commands.webhooks import add_webhook
from automation.policy import Action as Does
from automation.policy import Trigger
from lines.commands.jobs import start_job
from lines.models import Line
from lines.policy import Action
from tests.fleets import MB, Fleet
from tests.profiles import examples

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def with_own(given: dict[str, Any], account: Account, own: dict[str, str]) -> dict[str, Any]:
    """The document at this account's address, the values in its paths often the account's own."""
    found = copy.deepcopy(given)
    found["servers"] = [{"url": f"/api/{account.uuid.hex}"}]
    found.pop("security")
    found["components"].pop("securitySchemes")
    for item in found["paths"].values():
        for one in item["parameters"]:
            if one["name"] in own:
                one["schema"] = {"anyOf": [{"type": "string", "enum": [own[one["name"]]]}, one["schema"]]}
    return found


def operations(said: dict[str, Any]) -> list[Any]:
    """Every operation of a document. Raises where one cannot be read."""
    read: list[Any] = list(schemathesis.openapi.from_dict(said).get_all_operations())
    return [found.ok() for found in read]


def calls_of(account: Account, own: dict[str, str]) -> list[st.SearchStrategy[schemathesis.Case[Any]]]:
    """Every call, and every one that reads once more with `money=string`: its document says number where it then writes
    a text, as no schema knows what was asked."""
    numbers, texts = with_own(document(), account, own), with_own(document(), account, own)
    numbers["components"]["parameters"]["Money"]["schema"]["enum"] = ["number"]
    texts["components"]["parameters"]["Money"] |= {"required": True, "schema": {"type": "string", "enum": ["string"]}}
    texts["components"]["schemas"] = decimals_are_texts(texts["components"]["schemas"])
    every = operations(numbers)
    again = operations(texts)
    reads = [found for found in again if found.method.upper() == "GET"]
    assert len(every) > len(reads) > 30
    return [found.as_strategy() for found in every + reads]


def decimals_are_texts(found: Any) -> Any:
    if isinstance(found, dict):
        plain = {name: decimals_are_texts(value) for name, value in found.items()}
        return plain | {"type": "string"} if found.get("format") == "decimal" else plain
    return [decimals_are_texts(value) for value in found] if isinstance(found, list) else found


@pytest.fixture
def one_connection() -> Iterator[None]:
    """As Django's own test client has it: the end of a request does not end the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_no_answer_breaks_the_documents_promise(fleet: Fleet, account: Account, one_connection: None) -> None:
    line, sub = fleet.line(account), fleet.account(parent=account)
    fleet.read(line, f"{clock.today()} 00:00:00", 0)
    fleet.read(line, f"{clock.today()} 00:00:01", 3 * MB)
    chosen = Line.objects.filter(pk=line.pk)
    job = start_job(
        account=account, lines=chosen, action=Action.TAG, parameters={"tags": ["a"]}, selection="one", by=OPERATOR
    )
    key = keys.make_key(account=account, name="fuzz", scopes=[*Scope], days=7, per_second=200, by=OPERATOR)[1]
    rule = add_rule(account=account, draft=Draft(name="a", trigger=Trigger.IMEI, action=Does.DEACTIVATE), by=OPERATOR)
    hook = add_webhook(account=account, url="https://hooks.example.com/a", topics=["rules"], by=OPERATOR)
    own = {"iccid": line.iccid, "job": job.uuid.hex, "account": sub.uuid.hex, "rule": rule.uuid.hex}
    own["webhook"] = hook.uuid.hex
    app, calls = WSGIHandler(), calls_of(account, own)

    @given(case=st.one_of(calls))
    @settings(max_examples=max(60, examples() // 2), suppress_health_check=[*HealthCheck], deadline=None)
    def run(case: schemathesis.Case[Any]) -> None:
        ApiDay.objects.update(used=0)
        headers = {"Authorization": f"Bearer {key}"}
        case.validate_response(case.call(app=app, headers=headers), checks=CHECKS, headers=headers)

    run()
