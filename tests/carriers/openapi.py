"""A carrier's document as OpenAPI 3.1, made of our facts of it, for programs that others wrote."""

from __future__ import annotations

from typing import Any

from tests.carriers.documented import calls_of, closed

NO_CONTENT = "204"  # has no body, whatever a document says of it


def openapi_of(kind: str) -> dict[str, Any]:
    """The calls that the adapter uses. What signs one is security: OpenAPI ignores parameters of such names."""
    paths: dict[str, dict[str, Any]] = {}
    signs = set[str]()
    for name, call in calls_of(kind).items():
        verb, _, path = name.partition(" ")
        if call:
            signs |= set(call["signed"])
            paths.setdefault(path, {})[verb.lower()] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {"title": kind, "version": "1"},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "securitySchemes": {header: {"type": "apiKey", "in": "header", "name": header} for header in signs}
        },
    }


def _operation(call: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "parameters": [
            {"in": where, "name": name, "required": one["required"] or where == "path", "schema": one["schema"]}
            for key, one in call["parameters"].items()
            for where, name in [key.split(" ", 1)]
            if name not in call["signed"]
        ],
        "security": [{header: [] for header in call["signed"]}] if call["signed"] else [],
        "responses": {status: _answer(status, schema) for status, schema in call["answers"].items()},
    }
    if "body" in call:
        media = "application/x-www-form-urlencoded" if call.get("form") else "application/json"
        found["requestBody"] = {"required": True, "content": {media: {"schema": closed(call["body"])}}}
    return found


def _answer(status: str, schema: dict[str, Any]) -> dict[str, Any]:
    if status == NO_CONTENT or not schema:
        return {"description": "empty"}
    return {"description": "as documented", "content": {"application/json": {"schema": schema}}}
