"""The OpenAPI 3.1 document, made from the endpoints and their types."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from kit.endpoints import IN_QUERY, Endpoint, File
from kit.paging import Page, Paging, listed

from accounts.policy import RIGHTS_OF_SCOPE, Right
from api.calling import JSON, LONGEST_KEY
from api.problems import TITLES, Problem
from api.routes import ENDPOINTS, PATTERNS
from api.version import VERSION
from automation.api.events import SAMPLE
from automation.kinds import KINDS, Kind
from lines.policy.fields import LONGEST_NAME

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
    " and test keys are answered in the test account, marked `X-Sample-Data: true`."
)
WHOLE, TEXT = {"type": "integer"}, {"type": "string"}
HEADERS_OUT: dict[str, Any] = {
    "X-Request-ID": {"description": "The request, as in our log", "schema": TEXT},
    "API-Version": {"description": "MAJOR.MINOR.PATCH; /api/changes says what each brought", "schema": TEXT},
    "ETag": {"description": "Of this very answer, for If-None-Match", "schema": TEXT},
    "RateLimit-Limit": {"description": "Requests of this day (UTC)", "schema": WHOLE},
    "RateLimit-Remaining": {"description": "Of these, still left", "schema": WHOLE},
    "RateLimit-Reset": {"description": "Seconds until the next day", "schema": WHOLE},
    "X-Sample-Data": {
        "description": "true: of a test account, as all is for test keys and Basic accounts",
        "schema": TEXT,
    },
    "Deprecation": {"description": "Since when the call is to go (RFC 9745)", "schema": TEXT},
    "Sunset": {"description": "When it goes (RFC 8594)", "schema": TEXT},
    "Retry-After": {"description": "Seconds to wait", "schema": WHOLE},
}
OF_ALL = [name for name in HEADERS_OUT if name not in ("ETag", "Retry-After")]
MONEY_IN_QUERY: dict[str, Any] = {
    "name": "money",
    "in": "query",
    "required": False,
    "description": "string: numbers with a point are written as texts, so that no client rounds them. A write says so"
    " with the header Money: string.",
    "schema": {"type": "string", "enum": ["number", "string"], "default": "number"},
}
IF_NONE_MATCH: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the answer that you have: 304 where it is still the same.",
    "schema": {"type": "string", "maxLength": 1000},
}
IN_PATH = {
    "iccid": "The line's ICCID",
    "job": "The job's UUID",
    "account": "The sub-account's UUID",
    "rule": "The rule's UUID",
    "webhook": "The webhook's UUID",
    "message": "The message's UUID",
    "order": "The order's UUID",
    "cap": "The cap's UUID",
    "field": "The custom field's UUID",
    "usage_export": "The usage export's UUID",
    "api_key": "The key's id",
}
OURS = "A client of the Keepgo IoT REST API works here with another host. "  # a white label's customers know no Keepgo


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The document, for everybody."""
    is_ours = getattr(request, "brand", None) is None
    return HttpResponse(encoded(request.build_absolute_uri("/"), is_ours=is_ours), content_type="application/json")


@functools.lru_cache(maxsize=16)  # a host is one of a few
def encoded(host: str, *, is_ours: bool = True) -> bytes:
    return JSON.encode(document(host, is_ours=is_ours))


def document(host: str = "https://linekeeper.example/", *, is_ours: bool = True) -> dict[str, Any]:
    """What the code says of itself; on a white label's domain without a word of whose it is."""
    asking = [one for one in ENDPOINTS if one.asked]
    types = [*(str if one.answer is File else one.answer for one in ENDPOINTS), *(one.asked for one in asking), Problem]
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    answers = {one.name: schema for one, schema in zip(ENDPOINTS, schemas, strict=False)}
    asked = {one.name: schema for one, schema in zip(asking, schemas[len(ENDPOINTS) :], strict=False)}
    paths: dict[str, Any] = {}
    for one in ENDPOINTS:
        operations = paths.setdefault(f"/{one.path}", {"parameters": [_in_path(name) for name in one.values]})
        for verb in one.verbs:
            operations[verb.lower()] = _operation(one, verb, answers[one.name], asked.get(one.name, {}), components)
    for one in asking:
        if not one.writes:  # its members are parameters
            components.pop(asked[one.name]["$ref"].rsplit("/", 1)[-1], None)
    found = {
        "openapi": "3.1.0",
        "info": {
            "title": "Connectivity API",
            "version": VERSION,
            "description": (OURS if is_ours else "") + PREAMBLE,
            "contact": {"name": "Your provider", "url": host},
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": f"{host}api/{{account_uuid}}",
                "description": "This installation",
                "variables": {"account_uuid": {"default": "0" * 32, "description": "Your account's UUID"}},
            }
        ],
        "tags": [{"name": name, "description": text} for name, text in _groups().items()],
        "security": [{name: [] for name in HEADERS}, {name: [] for name in SIGNED}, {"bearer": []}],
        "paths": paths,
        "webhooks": {kind.type: {"post": _webhook(kind)} for kind in KINDS},
        "components": {
            "schemas": components,
            "responses": {_named(status): _problem(status, title) for status, title in TITLES.items()},
            "headers": HEADERS_OUT,
            "parameters": {"Money": MONEY_IN_QUERY, "IfNoneMatch": IF_NONE_MATCH, "IdempotencyKey": _idempotency_key()},
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": name, "description": text}
                for name, text in (HEADERS | SIGNED).items()
            }
            | {"bearer": {"type": "http", "scheme": "bearer", "description": "A key of the page API Credentials."}},
        },
    }
    _describe_moments(components)
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
        "description": _description(one),
        "parameters": [],
        "responses": {
            "200": {
                "description": "Done" if one.writes else "Found",
                "headers": _headers(*OF_ALL, *([] if one.writes else ["ETag"])),
                "content": _file(one.sample) if isinstance(one.sample, File) else _content(answer, sample),
            },
            **{str(status): {"$ref": f"#/components/responses/{_named(status)}"} for status in statuses},
        },
    }
    if one.leaving is not None:
        operation["deprecated"] = True
    if one.writes:
        operation["parameters"].append(_shared("IdempotencyKey"))
        if one.asked is not None:
            content = {"application/json": {"schema": asked, "example": _plain(one.body)}}
            operation["requestBody"] = {"required": True, "content": content}
    elif one.asked is not None:
        operation["parameters"] += _in_query(components[asked["$ref"].rsplit("/", 1)[-1]])
    if not one.writes:
        operation["parameters"] += [_shared("Money"), _shared("IfNoneMatch")]
        operation["responses"]["304"] = {"description": "As If-None-Match has it", "headers": _headers(*OF_ALL, "ETag")}
    return operation


def _content(answer: Any, sample: Any) -> dict[str, Any]:
    return {"application/json": {"schema": answer, "example": _plain(sample)}}


def _file(sample: File) -> dict[str, Any]:
    """Of whichever format it was asked in."""
    example = b"".join(sample.pieces).decode()
    return {
        File.TYPES["ndjson"]: {"schema": TEXT, "example": example},
        File.TYPES["csv"].partition(";")[0]: {"schema": TEXT},
    }


def _webhook(kind: Kind) -> dict[str, Any]:
    """What an address is sent of this kind, and what it answers."""
    about = {"account": "0" * 32, "by": "ann@example.com"} | kind.example
    example = msgspec.structs.replace(SAMPLE, type=kind.type, data=about)
    schema = {
        "allOf": [{"$ref": REF.format(name="HappenedEvent")}],
        "properties": {"type": {"type": "string", "enum": [kind.type]}},
    }
    return {
        "tags": ["Webhooks"],
        "operationId": f"hears_{kind.type.replace('.', '_')}",
        "summary": kind.words,
        "description": f"{kind.words}. For webhooks with the topic `{kind.topic}`; signed by Standard Webhooks.",
        "security": [],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": _plain(example)}},
        },
        "responses": {
            "200": {"description": "Taken, as any 2xx within ten seconds is"},
            "410": {"description": "Nothing more of it: given up at once"},
        },
    }


def _shared(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _groups() -> dict[str, str]:
    """What each group of calls is about: what its module says of itself."""
    modules = {one.group: sys.modules[one.run.__module__] for one in ENDPOINTS}
    return {name: (inspect.getdoc(module) or name).partition("\n")[0] for name, module in modules.items()}


def _description(one: Endpoint) -> str:
    scopes = [f"`{scope}`" for scope, granted in RIGHTS_OF_SCOPE.items() if Right(one.right) in granted]
    by_key = f", or a bearer key with {' or '.join(scopes)}" if scopes else "; no bearer key is for it"
    return f"{one.summary}. For a signed request{by_key}."


def _plain(sample: Any) -> Any:
    """As a client reads it."""
    return msgspec.json.decode(JSON.encode(sample))


def _in_path(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^{PATTERNS[name]}$"}
    return {"name": name, "in": "path", "required": True, "description": IN_PATH[name], "schema": schema}


def _in_query(schema: dict[str, Any]) -> Sequence[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": _not_null(of)}
        if name not in IN_QUERY
        else _by_names(name, of)
        for name, of in schema["properties"].items()
    ]


def _by_names(name: str, of: dict[str, Any]) -> dict[str, Any]:
    """An object whose members are parameters themselves: field.Depot=Berlin."""
    before = IN_QUERY[name]
    names = {"type": "string", "pattern": f"^{re.escape(before)}.", "maxLength": len(before) + LONGEST_NAME}
    schema = {key: value for key, value in of.items() if key not in ("propertyNames", "default")}
    said = f"{of.get('description', name)}. Each is a name of the query: {before}Depot=Berlin"
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": said,
        "style": "form",
        "explode": True,
        "schema": schema | {"propertyNames": names},
    }


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


def _problem(status: int, title: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": REF.format(name=Problem.__name__)}}}
    names = ["X-Request-ID", "API-Version", "X-Sample-Data", *(["Retry-After"] if status in (429, 503) else [])]
    return {"description": title, "headers": _headers(*names), "content": content}


def _named(status: int) -> str:
    return TITLES[status].title().replace(" ", "")


def _describe_moments(components: dict[str, Any]) -> None:
    """Moments are texts of one form, which no format of JSON Schema has."""
    for schema in components.values():
        for name, of in schema.get("properties", {}).items():
            if name == "at" or name.endswith("_at"):
                of.setdefault("description", "YYYY-MM-DD hh:mm:ss, UTC")


def _decimals_are_numbers(found: Any) -> Any:
    """msgspec takes a Decimal for a text; we write it as a number."""
    if isinstance(found, dict):
        if found.get("format") == "decimal":
            return {**found, "type": "number"} | {"format": "decimal"}
        return {name: _decimals_are_numbers(value) for name, value in found.items()}
    return [_decimals_are_numbers(value) for value in found] if isinstance(found, list) else found
