"""API Docs in the console: every call in words, tried as the person who is logged in, and as a program makes it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from django.http import Http404, HttpResponse, QueryDict
from django.views.decorators.http import require_GET, require_http_methods
from kit.endpoints import IN_QUERY, Endpoint, File
from kit.htmx import page

from accounts.doors import MemberRequest, confirmed_first, needs
from accounts.policy import RIGHTS_OF_SCOPE, Right
from accounts.queries import Caller
from api import sides
from api.calling import JSON, Call, answer
from api.examples import KEY, Example, signed_curl, signed_python
from api.openapi import document
from api.problems import TITLES
from api.reference import Field, fields_of, parameters_of
from api.routes import BY_NAME, ENDPOINTS
from api.values import own_body, own_path

SHOWN_HEADERS = ("RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "X-Sample-Data", "Allow")
PROVED = (Right.MANAGE_KEYS, Right.MANAGE_WEBHOOKS)  # as on their own pages: an open browser is not enough
LONGEST_SHOWN = 20_000  # characters of an answer
described = functools.cache(document)


@require_GET
@needs(Right.SEE_MONEY)
def docs(request: MemberRequest) -> HttpResponse:
    """How to call, and every call there is."""
    url, uuid = _base(request), request.account.uuid.hex
    context = {
        "groups": _groups(),
        "base": url,
        "first": Example("GET", url),
        "key_variable": KEY,
        "signed_curl": signed_curl(url, uuid),
        "signed_python": signed_python(url, uuid),
    }
    return page(request, "api/docs.html", context)


@require_http_methods(["GET", "POST"])
@needs(Right.SEE_MONEY)
def call(request: MemberRequest, name: str) -> HttpResponse:
    """One call; a POST makes it, as this person in this account."""
    one = BY_NAME.get(name)
    if one is None:
        raise Http404
    caller = Caller(request.account, request.membership.user.actor, request.membership.rights)
    served = sides.served(caller, may_make=False)
    is_test = caller.is_for_test or caller.account.is_test
    given = request.POST if request.method == "POST" else QueryDict()
    values = {value: given.get(f"path.{value}", "").strip() or own_path(value, served) for value in one.values}
    operation = described()["paths"][f"/{one.path}"][one.verbs[0].lower()]
    asked = [field for field in parameters_of(operation) if field.name not in IN_QUERY]  # an object has no one value
    query = {field.name: given.get(f"query.{field.name}", "") for field in asked}
    sample = None if one.body is None else own_body(_plain(one.body), served)
    body = given.get("body", "") if "body" in given else _pretty(sample)
    needs_tick = one.writes and not is_test
    is_asked = request.method == "POST" and (not needs_tick or "sure" in given)
    if is_asked and one.right in PROVED and (away := confirmed_first(request, back=request.path)):
        return away
    context = _described(one, operation) | {
        "groups": _groups(),
        "one": one,
        "url": _base(request) + one.path,
        "values": values.items(),
        "parameters": [(field, query[field.name]) for field in asked],
        "body": body,
        "needs_tick": needs_tick,
        "is_unsure": request.method == "POST" and not is_asked,
        "is_test": is_test,
        "example": _example(one, _base(request), values, query, body),
        "answer": _made(request, caller, one, values, query, body) if is_asked else None,
    }
    return page(request, "api/call.html", context, part="tried")


def _made(
    request: MemberRequest, caller: Caller, one: Endpoint, values: dict[str, str], query: dict[str, str], body: str
) -> dict[str, Any]:
    """The call as any client's, counted and all; and its answer to look at."""
    found = answer(
        caller,
        Call(
            verb=one.verbs[0],
            path=one.path.format(**values),
            base=_base(request),
            query=query,
            body=lambda: body.encode() if one.asked else b"",
        ),
    )
    text = _text(found)
    return {
        "status": found.status_code,
        "word": "OK" if found.status_code == 200 else TITLES[found.status_code],
        "headers": [(name, found[name]) for name in SHOWN_HEADERS if name in found],
        "text": text[:LONGEST_SHOWN],
        "is_cut": len(text) > LONGEST_SHOWN,
    }


def _text(found: HttpResponse) -> str:
    """What there is to look at: of a file its beginning."""
    if "json" in found["Content-Type"]:
        return json.dumps(json.loads(found.content), indent=2, ensure_ascii=False)
    beginning = next(iter(found.streaming_content), b"") if found.streaming else found.content  # type: ignore[attr-defined]
    return beginning[: LONGEST_SHOWN + 1].decode(errors="ignore")


def _described(one: Endpoint, operation: dict[str, Any]) -> dict[str, Any]:
    components = described()["components"]["schemas"]
    found = next(iter(operation["responses"]["200"]["content"].values()))
    asked: list[Field] = []
    if one.writes and one.asked is not None:
        asked = list(fields_of(operation["requestBody"]["content"]["application/json"]["schema"], components))
    return {
        "asked": asked,
        "answered": list(fields_of(found["schema"], components)),
        "sample": found["example"] if isinstance(found["example"], str) else _pretty(found["example"]),
        "scopes": [scope for scope, granted in RIGHTS_OF_SCOPE.items() if one.right in granted],
        "statuses": [(int(status), TITLES[int(status)]) for status in operation["responses"] if int(status) in TITLES],
    }


def _example(one: Endpoint, base: str, values: dict[str, str], query: dict[str, str], body: str) -> Example:
    """With what stands in the form, where it can be read."""
    asked = urlencode({name: value for name, value in query.items() if value})
    path = one.path.format(**{name: quote(value, safe="") for name, value in values.items()})
    url = base + path + (f"?{asked}" if asked else "")
    try:
        content = json.loads(body) if one.asked and one.writes else None
    except ValueError:
        content = _plain(one.body)
    return Example(one.verbs[0], url, content, is_file=one.answer is File)


def _groups() -> Iterator[tuple[str, list[Endpoint]]]:
    groups: dict[str, list[Endpoint]] = {}
    for one in ENDPOINTS:
        groups.setdefault(one.group, []).append(one)
    return iter(groups.items())


def _base(request: MemberRequest) -> str:
    return request.build_absolute_uri(f"/api/{request.account.uuid.hex}/")


def _plain(found: Any) -> Any:
    return json.loads(JSON.encode(found))


def _pretty(found: Any) -> str:
    return "" if found is None else json.dumps(_plain(found), indent=2, ensure_ascii=False)
