"""The API's door: who calls, how often, what is asked; then one endpoint, and one shape for every answer."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from kit.endpoints import Ack, Endpoint
from kit.errors import Invalid, NotFound, Refusal
from kit.paging import Page, Paging, listed

from accounts import calls
from accounts.policy import Right
from accounts.queries import Caller
from api import limits, problems, routes
from api.authentication import authenticate

LONGEST_KEY = 255
JSON = msgspec.json.Encoder(decimal_format="number")


@csrf_exempt
def door(request: HttpRequest, account_uuid: str, path: str = "") -> HttpResponse:
    """Answers one call; nothing gets out of here but JSON."""
    limit = None
    try:
        caller = authenticate(request, account_uuid)
        limit = limits.count(caller)
        if limit.is_over:
            raise problems.TooMany(f"The account's {limit.allowed} requests of this day (UTC) are used")
        answer = _answer(request, caller, path)
    except Refusal as refusal:
        answer = problems.of_refusal(refusal)
    except Exception as error:  # noqa: BLE001 - the last door: a client gets a problem, never a trace
        answer = problems.of_failure(error)
    if limit is not None:
        limit.write_on(answer)
    answer["Cache-Control"] = "no-store"
    return answer


def _answer(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    endpoint, values = routes.find(request.method or "", path)
    if not caller.may(Right(endpoint.right)):
        raise NotFound("There is no such call for a sub-account; the account that it belongs to has it")
    if endpoint.writes:
        body = _body(request)
        given = _asked_by_body(endpoint, body)
        if caller.is_professional:
            return _write(request, caller, endpoint, values | given, body)
    else:
        given = _asked_by_query(endpoint, request)
    if not caller.is_professional:
        return _sample(request, endpoint, given)
    return _json(request, endpoint.run(caller, **values, **given))


def _asked_by_query(endpoint: Endpoint, request: HttpRequest) -> dict[str, Any]:
    """An empty value is none; unknown names are left alone, as a client may send more than we know."""
    if endpoint.asked is None:
        return {}
    query = {name: value for name, value in request.GET.items() if value}
    if any("\x00" in value for value in query.values()):
        raise Invalid("A value has a NUL character; leave it out")
    try:
        return {"asked": msgspec.convert(query, endpoint.asked, strict=False)}
    except msgspec.ValidationError as error:
        raise Invalid(f"The query cannot be used: {error}") from None


def _body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig:
        raise Invalid(f"The body has over {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes; send less") from None
    except UnreadablePostError:
        raise Invalid("The body ended before its length; send it again") from None


def _asked_by_body(endpoint: Endpoint, body: bytes) -> dict[str, Any]:
    try:
        given = msgspec.json.decode(body or b"{}", type=endpoint.asked or dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Invalid(f"The body cannot be used: {error}") from None
    except (UnicodeDecodeError, RecursionError):
        raise Invalid("The body cannot be used: it is no JSON in UTF-8") from None
    if endpoint.asked is None:
        return {}
    if b"\\u0000" in body:
        raise Invalid("A value has a NUL character; leave it out")
    return {"asked": given}


def _write(
    request: HttpRequest, caller: Caller, endpoint: Endpoint, values: dict[str, Any], body: bytes
) -> HttpResponse:
    """One transaction: the key, the signature, the effect and the answer are all there, or none is."""
    account_id, key = caller.account.pk, _key(request)
    verb, path = request.method or "", request.path.removesuffix("/")
    with transaction.atomic():
        if key:
            same = calls.digest_of(verb, path, body)
            before = calls.take_key(account_id=account_id, key=key, digest=same)
            if before is not None:
                return _kept(before)
        timestamp = request.headers["timestamp"]
        signed_until = dt.timedelta(seconds=int(timestamp) + settings.API_WINDOW_SECONDS + 1)
        calls.accept_write(
            digest=calls.digest_of(str(int(timestamp)), verb, path, body),
            good_until=dt.datetime.fromtimestamp(signed_until.total_seconds(), dt.UTC),
        )
        try:
            with transaction.atomic():
                answer = _json(request, endpoint.run(caller, **values))
        except Refusal as refusal:
            answer = problems.of_refusal(refusal)
        if key:
            kept = calls.Answer(answer.status_code, answer.content)
            calls.keep_answer(account_id=account_id, key=key, answer=kept)
        return answer


def _key(request: HttpRequest) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > LONGEST_KEY or not key.isascii() or not (key.isprintable()):
        raise Invalid(f"An Idempotency-Key has at most {LONGEST_KEY} printable ASCII characters")
    return key


def _kept(before: calls.Answer) -> HttpResponse:
    kind = "application/json" if before.status == 200 else "application/problem+json"
    answer = HttpResponse(before.body, status=before.status, content_type=kind)
    answer["Idempotency-Replayed"] = "true"
    return answer


def _sample(request: HttpRequest, endpoint: Endpoint, given: dict[str, Any]) -> HttpResponse:
    """What a Basic account gets: an example, marked as such; nothing is read and nothing changes."""
    found, asked = endpoint.sample, given.get("asked")
    answer = _json(request, listed(asked, found) if isinstance(asked, Paging) else found)
    answer["X-Sample-Data"] = "true"
    return answer


def _json(request: HttpRequest, found: Page[Any] | Ack | object) -> HttpResponse:
    if isinstance(found, Page):
        here = request.build_absolute_uri(request.path)
        links = found.links
        links.next, links.prev = (link and here + link for link in (links.next, links.prev))
    return HttpResponse(JSON.encode(found), content_type="application/json")
