"""The OpenAPI 3.1 document, made from the endpoints and their types."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from kit.endpoints import Endpoint
from kit.paging import Page, Paging, listed

from api.calling import JSON, LONGEST_KEY
from api.problems import TITLES, Problem
from api.routes import ENDPOINTS, PATTERNS

REF = "#/components/schemas/{name}"
HEADERS = {
    "timestamp": "Unix time in seconds, now.",
    "hash": "base64(HMAC-SHA1(key = shared key, message = timestamp + account UUID)).",
    "uuid": "The user UUID: 32 hex characters.",
}
SIGNED = {
    "Signature-Input": "RFC 9421: covers @method, @path, @query and, with a body, content-digest; created, nonce, keyid"
    " (the user UUID), alg (hmac-sha256).",
    "Signature": "RFC 9421: HMAC-SHA256 with the shared key as text.",
}
PREAMBLE = (
    "Times are `YYYY-MM-DD hh:mm:ss` in UTC, days `YYYY-MM-DD`, money is USD, a MB is 1,048,576 bytes. Basic accounts"
    " get samples, marked `X-Sample-Data: true`."
)
OURS = "A client of the Keepgo IoT REST API works here with another host. "  # a white label's customers know no Keepgo


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The document, for everybody."""
    is_ours = getattr(request, "brand", None) is None
    return HttpResponse(encoded(is_ours=is_ours), content_type="application/json")


@functools.cache
def encoded(*, is_ours: bool = True) -> bytes:
    return JSON.encode(document(is_ours=is_ours))


def document(*, is_ours: bool = True) -> dict[str, Any]:
    """What the code says of itself; on a white label's domain without a word of whose it is."""
    asking = [one for one in ENDPOINTS if one.asked]
    types = [*(one.answer for one in ENDPOINTS), *(one.asked for one in asking), Problem]
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    answers = {one.name: schema for one, schema in zip(ENDPOINTS, schemas, strict=False)}
    asked = {one.name: schema for one, schema in zip(asking, schemas[len(ENDPOINTS) :], strict=False)}
    paths: dict[str, Any] = {}
    for one in ENDPOINTS:
        operations = paths.setdefault(f"/{one.path}", {"parameters": [_in_path(name) for name in one.values]})
        for verb in one.verbs:
            operations[verb.lower()] = _operation(one, verb, answers[one.name], asked.get(one.name, {}), components)
    found = {
        "openapi": "3.1.0",
        "info": {"title": "Connectivity API", "version": "1", "description": (OURS if is_ours else "") + PREAMBLE},
        "servers": [{"url": "/api/{account_uuid}", "variables": {"account_uuid": {"default": "0" * 32}}}],
        "security": [{name: [] for name in HEADERS}, {name: [] for name in SIGNED}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {_named(status): _problem(title) for status, title in TITLES.items()},
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": name, "description": text}
                for name, text in (HEADERS | SIGNED).items()
            }
            | {"bearer": {"type": "http", "scheme": "bearer", "description": "A key of the page API Credentials."}},
        },
    }
    numbered: dict[str, Any] = _decimals_are_numbers(found)
    return numbered


def _operation(
    one: Endpoint, verb: str, answer: Any, asked: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    statuses = [401, 403, 404, 405, *([409] if one.writes else []), 422, 429, 500, 503]
    sample = listed(Paging(), one.sample) if getattr(one.answer, "__origin__", None) is Page else one.sample
    operation: dict[str, Any] = {
        "tags": [one.group],
        "operationId": one.name if verb == one.verbs[0] else f"{one.name}_by_{verb.lower()}",
        "summary": one.summary,
        "parameters": [],
        "responses": {
            "200": {
                "description": "Done" if one.writes else "Found",
                "content": {"application/json": {"schema": answer, "example": _plain(sample)}},
            },
            **{str(status): {"$ref": f"#/components/responses/{_named(status)}"} for status in statuses},
        },
    }
    if one.writes:
        operation["parameters"].append(_idempotency_key())
        if one.asked is not None:
            content = {"application/json": {"schema": asked, "example": _plain(one.body)}}
            operation["requestBody"] = {"required": True, "content": content}
    elif one.asked is not None:
        operation["parameters"] += _in_query(components[asked["$ref"].rsplit("/", 1)[-1]])
    return operation


def _plain(sample: Any) -> Any:
    """As a client reads it."""
    return msgspec.json.decode(JSON.encode(sample))


def _in_path(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^{PATTERNS[name]}$"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(schema: dict[str, Any]) -> Sequence[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": _not_null(of)}
        for name, of in schema["properties"].items()
    ]


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """As a query has it: a value that is not given is left out."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {name: value for name, value in {**schema, **kinds[0]}.items() if name != "anyOf" and value is not None}


def _idempotency_key() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key with the same request gets the same answer for 24 hours, and one effect.",
        "schema": {"type": "string", "maxLength": LONGEST_KEY, "pattern": "^[ -~]*$"},
    }


def _problem(title: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": REF.format(name=Problem.__name__)}}}
    return {"description": title, "content": content}


def _named(status: int) -> str:
    return TITLES[status].title().replace(" ", "")


def _decimals_are_numbers(found: Any) -> Any:
    """msgspec takes a Decimal for a text; we write it as a number."""
    if isinstance(found, dict):
        if found.get("format") == "decimal":
            return {**found, "type": "number"} | {"format": "decimal"}
        return {name: _decimals_are_numbers(value) for name, value in found.items()}
    return [_decimals_are_numbers(value) for value in found] if isinstance(found, list) else found
