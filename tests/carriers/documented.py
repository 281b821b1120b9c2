"""Calls and answers held against a carrier's document: its paths, parameters, bodies and shapes, as facts of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from jsonschema import Draft202012Validator

from lines.carriers.deadline import Deadline
from lines.carriers.exchange import Answer, Exchange

FOLDER = Path(__file__).parent / "documents"
DOCUMENTED = sorted(path.stem for path in FOLDER.glob("*.json"))


@cache
def calls_of(kind: str) -> dict[str, dict[str, Any]]:
    """Every call of a document; those that the adapter does not use are empty."""
    calls: dict[str, dict[str, Any]] = json.loads((FOLDER / f"{kind}.json").read_text())["calls"]
    return calls


class NotDocumented(AssertionError):
    """A call is not as the carrier's document says."""


class Checked:
    """A way to a carrier on which every call is held against its document, and every answer while `strict`."""

    def __init__(self, inner: Exchange, kind: str, before: str) -> None:
        self.inner, self.kind, self.before = inner, kind, before
        self.strict = True
        self.seen: set[str] = set()
        self.statuses: list[int] = []

    def close(self) -> None:
        self.inner.close()

    def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Answer:
        path, _, query = target.removeprefix(self.before).partition("?")
        name, call, named = self.called(method, unquote(path))
        given = dict(parse_qsl(query, keep_blank_values=True))
        self.parameters(name, call, {"path": named, "query": given})
        missing = [header for header in call["signed"] if header not in headers]
        self.refuse(bool(missing), f"{name} lacks {missing}")
        self.body(name, call, headers, body)
        self.seen.add(name)
        answer = self.inner.ask(method, target, headers, body, deadline)
        self.statuses.append(answer.status)
        if self.strict and 200 <= answer.status < 300:
            self.answer(name, call, answer)
        return answer

    def called(self, method: str, path: str) -> tuple[str, dict[str, Any], dict[str, str]]:
        """The call of the document, those without a parameter first."""
        for name, call in sorted(calls_of(self.kind).items(), key=lambda one: one[0].count("{")):
            verb, _, template = name.partition(" ")
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
            if verb == method and (found := re.fullmatch(pattern, path)):
                self.refuse(not call, f"{name} is said not to be used")
                return name, call, found.groupdict()
        raise NotDocumented(f"{self.kind} has no {method} {path}")

    def parameters(self, name: str, call: dict[str, Any], given: dict[str, dict[str, str]]) -> None:
        known = {tuple(key.split(" ", 1)): found for key, found in call["parameters"].items()}
        for (where, key), found in known.items():
            if where in given and found["required"]:
                self.refuse(key not in given[where], f"{name} lacks {key}")
        for where, pairs in given.items():
            for key, value in pairs.items():
                self.refuse((where, key) not in known, f"{name} has no {where} parameter {key}")
                schema = known[where, key]["schema"]
                is_number = schema.get("type") in ("integer", "number") and value.isdecimal()
                self.fits(int(value) if is_number else value, schema, f"{name}, {key}")

    def body(self, name: str, call: dict[str, Any], headers: Mapping[str, str], body: bytes | None) -> None:
        if "body" not in call:
            self.refuse(body is not None, f"{name} takes no body")
            return
        self.refuse(body is None, f"{name} lacks its body")
        is_form = call.get("form", False)
        wanted = "application/x-www-form-urlencoded" if is_form else "application/json"
        self.refuse(headers.get("Content-Type") != wanted, f"{name} is not sent as {wanted}")
        given = dict(parse_qsl((body or b"").decode())) if is_form else json.loads(body or b"null")
        self.fits(given, closed(call["body"]), f"{name}, body")

    def answer(self, name: str, call: dict[str, Any], answer: Answer) -> None:
        self.refuse(str(answer.status) not in call["answers"], f"{name} is never answered with {answer.status}")
        if answer.body:
            self.fits(json.loads(answer.body), call["answers"][str(answer.status)], f"{name}, answer")

    def fits(self, value: object, schema: dict[str, Any], what: str) -> None:
        errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(value)]
        self.refuse(bool(errors), f"{what}: {errors[:3]}")

    def refuse(self, wrong: bool, why: str) -> None:
        if wrong:
            raise NotDocumented(why)


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a body in which no other members are taken than those that it names."""
    found = dict(schema)
    if "properties" in found:
        found["properties"] = {name: closed(inner) for name, inner in found["properties"].items()}
        found.setdefault("additionalProperties", False)
    if "items" in found:
        found["items"] = closed(found["items"])
    return found
