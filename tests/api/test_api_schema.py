"""The OpenAPI document, and that whatever is asked, the answer is one of those that it promises."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from api.openapi import document
from api.problems import Problem
from api.routes import ENDPOINTS, PATTERNS
from embedded.addresses import REPOSITORY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit import clock
from kit.endpoints import Endpoint, File

from accounts.models import Account, ApiDay
from tests.api.keepgo_client import KeepgoClient
from tests.fleets import MB, Fleet
from tests.profiles import examples

DOCUMENT = document("http://testserver/")
OPERATIONS = [
    (path, verb, operation)
    for path, item in DOCUMENT["paths"].items()
    for verb, operation in item.items()
    if verb != "parameters"
]


def refs(found: Any) -> set[str]:
    if isinstance(found, dict):
        own = {found["$ref"]} if "$ref" in found else set()
        return own.union(*(refs(value) for value in found.values()))
    return set().union(*(refs(value) for value in found)) if isinstance(found, list) else set()


def test_it_is_served_to_everybody(client: KeepgoClient) -> None:
    answer = client.http.get("/api/openapi.json")
    assert (answer.status_code, answer.json()) == (200, json.loads(json.dumps(DOCUMENT)))


def test_the_file_that_clients_are_made_from_is_in_step() -> None:
    kept = json.loads((REPOSITORY / "clients" / "openapi.json").read_text())
    assert kept == json.loads(json.dumps(document(), default=float)), "run scripts/openapi"


def test_it_is_openapi_3_1_and_whole() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    for ref in refs(DOCUMENT):
        at = DOCUMENT
        for part in ref.removeprefix("#/").split("/"):
            at = at[part]
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names)) == sum(len(one.verbs) for one in ENDPOINTS)
    assert all(re.fullmatch("[a-zA-Z0-9._-]+", name) for name in DOCUMENT["components"]["schemas"])
    assert {path for path, _, _ in OPERATIONS} == {f"/{one.path}" for one in ENDPOINTS}
    for path, item in DOCUMENT["paths"].items():
        assert [one["name"] for one in item["parameters"]] == re.findall(r"{(\w+)}", path)
    assert set(DOCUMENT["components"]["securitySchemes"]) == {
        "timestamp",
        "hash",
        "uuid",
        "Signature-Input",
        "Signature",
        "bearer",
    }
    for _, verb, operation in OPERATIONS:
        assert operation["summary"]
        assert set(operation["responses"]) >= {"200", "401", "404", "405", "422", "429", "500", "503"}
        assert ("409" in operation["responses"]) is (verb != "get")


@pytest.mark.parametrize("one", ENDPOINTS, ids=lambda one: one.name)
def test_the_example_is_of_the_type(one: Endpoint) -> None:
    operation = DOCUMENT["paths"][f"/{one.path}"][one.verbs[0].lower()]
    content = operation["responses"]["200"]["content"]
    if one.answer is File:
        example = content["application/x-ndjson"]["example"]
        assert [msgspec.json.decode(row) for row in example.splitlines()]
        return
    example = content["application/json"]["example"]
    found = msgspec.to_builtins(msgspec.json.decode(json.dumps(example), type=one.answer))
    assert bool(found) == bool(example)


def test_money_and_megabytes_are_numbers() -> None:
    money = DOCUMENT["components"]["schemas"]["CurrentBalance"]["properties"]["current_balance"]
    assert money["type"] == "number"


# What a stranger to the types sends: nearly right values, and anything at all.
NEARLY = st.sampled_from(
    ["", "0", "1", "2", "4", "25", "-1", "1001", str(2**31), str(2**70), "2026-11", "2026-02-30", "2026-11-01", "null",
     "true", "1.5", "1e3", "WyIxIixmYWxzZSwxXQ", "WyIyMDI2LTExLTAxOjEiLGZhbHNlLDFd", "' OR 1=1", "%", "_", "\\", "a:*"]
)  # fmt: skip
VALUES = st.one_of(NEARLY, st.text(max_size=30))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), NEARLY, st.text(max_size=30)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
ICCIDS = st.one_of(
    st.just("own"), st.from_regex("[0-9]{19,20}", fullmatch=True), st.text("0123456789abc/.-", max_size=21)
)
UUIDS = st.one_of(st.from_regex("[0-9a-f]{32}", fullmatch=True), st.text("0123456789abcdef-", max_size=36))


@st.composite
def requests(draw: st.DrawFn) -> tuple[Endpoint, str, str, dict[str, str], Any]:
    """A call, its verb or (seldom) another, its path, a query and a body."""
    one = draw(st.sampled_from(ENDPOINTS))
    verb = draw(st.sampled_from([*one.verbs * 5, "GET", "POST", "PUT", "DELETE"]))
    path = one.path.replace("{iccid}", draw(ICCIDS))
    for name in PATTERNS:
        path = path.replace(f"{{{name}}}", draw(UUIDS))
    names = list(one.asked.__struct_fields__) if one.asked else []
    names_asked = st.sampled_from([*names, "other"])
    query = draw(st.dictionaries(names_asked, VALUES, max_size=3))
    return one, verb, path, query, draw(st.one_of(JSON, st.dictionaries(names_asked, JSON, max_size=3)))


@given(asked=requests())
@settings(
    max_examples=60 if examples() <= 100 else examples(),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_answer_is_one_that_the_document_promises(
    client: KeepgoClient, account: Account, used_iccid: str, asked: tuple[Endpoint, str, str, dict[str, str], Any]
) -> None:
    one, verb, path, query, body = asked
    path = path.replace("own", used_iccid)
    ApiDay.objects.update(used=0)
    given = json.dumps(body).encode()
    answer = client.get(path, **query) if verb == "GET" else client.write(verb, path, given)
    if answer.status_code == 200 and verb in one.verbs and path == one.path.replace("{iccid}", used_iccid):
        assert answer["Content-Type"] == "application/json"
        msgspec.json.decode(answer.content, type=one.answer)
    elif answer.status_code != 200:
        of_tests = (403,) if one.side == "test" else ()  # what only a test account has, asked by a live one
        assert answer.status_code in (404, 405, 409, 422, *of_tests), answer.content
        assert answer["Content-Type"] == "application/problem+json"
        msgspec.json.decode(answer.content, type=Problem)


@pytest.fixture
def used_iccid(fleet: Fleet, account: Account) -> str:
    line = fleet.line(account)
    fleet.read(line, f"{clock.today()} 00:00:00", 0)
    fleet.read(line, f"{clock.today()} 00:00:01", 3 * MB)
    return line.iccid
