"""One call answered: how often, what is asked, the endpoint, and one shape for every answer."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from kit import clock, walls
from kit.endpoints import Ack, Endpoint, File, linked
from kit.errors import Forbidden, Invalid, NotFound, Refusal
from kit.paging import Page

from accounts import calls
from accounts.policy import RIGHTS_OF_SCOPE, Right, Role, rights
from accounts.queries import Caller
from api import asked, limits, problems, routes, sides, version
from automation.commands.sandbox import settle_or_log
from lines.queries.sandbox import ahead_of

LONGEST_KEY = 255
JSON = msgspec.json.Encoder(decimal_format="number")
TEXTS = msgspec.json.Encoder(decimal_format="string")  # exact, for clients whose numbers are binary


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of the API, by HTTP or from the console."""

    verb: str
    path: str
    base: str  # the absolute address that paths are below
    query: Mapping[str, str]
    body: Callable[[], bytes]  # raises Invalid
    key: str | None = None  # Idempotency-Key; None: it has none
    signed_at: int | None = None  # Unix seconds; None: by a bearer key or in the console
    money: str = ""  # `string`: numbers with a point are texts; empty or `number`: they are numbers
    seen: str = ""  # If-None-Match: the answers that the client has


def answer(caller: Caller, call: Call) -> HttpResponse:
    """Counts the call and answers it, whatever happens."""
    limit, served = None, caller
    try:
        served = sides.served(caller, may_make=True)
        limit = limits.count(served)
        if limit.is_over:
            raise problems.TooMany(f"The account's {limit.allowed} requests of this day (UTC) are used")
        found = _answer(caller, served, call)
    except Refusal as refusal:
        found = problems.of_refusal(refusal)
    except Exception as error:  # noqa: BLE001 - the last door: a client gets a problem, never a trace
        found = problems.of_failure(error)
    if limit is not None:
        limit.write_on(found)
    if sides.is_marked(call.verb, call.path, caller, served):
        found[sides.MARK] = "true"
    return _as_seen(call, found)


def _as_seen(call: Call, found: HttpResponse) -> HttpResponse:
    """An answer that the client has already is not sent again; of HEAD nothing but the headers is."""
    found["Cache-Control"] = "no-store"
    if found.streaming:
        return found
    if call.verb == "GET" and found.status_code == 200:
        tag = f'"{hashlib.sha256(found.content).hexdigest()[:32]}"'
        found["ETag"], found["Cache-Control"] = tag, "private, no-cache"
        if call.seen == "*" or tag in re.findall(r'"[^"]*"', call.seen):
            found.status_code, found.content = 304, b""
            del found["Content-Type"]
    return found


def _answer(caller: Caller, served: Caller, call: Call) -> HttpResponse:
    endpoint, values = routes.find(call.verb, call.path)
    _let_in(served, Right(endpoint.right))
    body = call.body()
    given = asked.of(endpoint, call.query, body)
    _encoder(call)
    caller = sides.of(endpoint, caller, served)
    if caller.account.is_test:
        found = _in_test(caller, call, endpoint, values, given, body)
    else:
        found = _answered(caller, call, endpoint, values, given, body)
    version.write_on(found, endpoint)
    return found


def _in_test(
    caller: Caller, call: Call, endpoint: Endpoint, values: dict[str, str], given: dict[str, Any], body: bytes
) -> HttpResponse:
    """By the test account's clock; what a write leads to is done before it is answered, as far as it can be."""
    with clock.ahead(ahead_of(caller.account)):
        found = _answered(caller, call, endpoint, values, given, body)
    if endpoint.writes:
        settle_or_log(account=caller.account)
    return found


def _answered(
    caller: Caller, call: Call, endpoint: Endpoint, values: dict[str, str], given: dict[str, Any], body: bytes
) -> HttpResponse:
    if endpoint.writes:
        return _write(caller, call, endpoint, values, given, body)
    account = caller.account
    with walls.around(account.pk, account.parent_id or account.pk):
        return _json(caller, call, values, endpoint.run(caller, **values, **given))


def _let_in(caller: Caller, right: Right) -> None:
    if caller.may(right):
        return
    account = caller.account
    if right in rights(Role.OWNER, is_subaccount=account.is_subaccount, is_test=account.is_test):
        scopes = " or ".join(scope for scope, granted in RIGHTS_OF_SCOPE.items() if right in granted)
        to_do = f"use one with the scope {scopes}" if scopes else "sign the request: no bearer key is for it"
        raise Forbidden(f"The key is not for this call; {to_do}")
    if account.is_test and right in rights(Role.OWNER, is_subaccount=account.is_subaccount):
        raise Forbidden("A test account has no such call; make it with a live key")
    raise NotFound("There is no such call for a sub-account; the account that it belongs to has it")


def _write(
    caller: Caller, call: Call, endpoint: Endpoint, values: dict[str, str], given: dict[str, Any], body: bytes
) -> HttpResponse:
    """One transaction: the key, the signature, the effect and the answer are all there, or none is.

    A call that waits for somebody else begins after it: until it has ended, its key is answered with UnderWay.
    """
    account_id, key = caller.account.pk, _key(call)
    with transaction.atomic():
        before = _accept(caller, call, endpoint, values, body, key)
        if before is not None:
            return _kept(before)
        if not endpoint.calls_out:
            found = _effect(caller, call, endpoint, values, given)
        else:
            found = problems.of_refusal(UnderWay("A request with this key has begun; its outcome is not known yet"))
        if key:
            calls.keep_answer(account_id=account_id, key=key, answer=calls.Answer(found.status_code, found.content))
    if endpoint.calls_out:
        found = _effect(caller, call, endpoint, values, given)
        if key:
            calls.keep_answer(account_id=account_id, key=key, answer=calls.Answer(found.status_code, found.content))
    return found


class UnderWay(Refusal):
    """The same request came before and has not ended, or ended without anybody hearing how."""

    status = 409


def _accept(
    caller: Caller, call: Call, endpoint: Endpoint, values: dict[str, str], body: bytes, key: str | None
) -> calls.Answer | None:
    """Takes the key, or gives the answer that it got before; lets a signed request through once."""
    path = f"{caller.account.uuid.hex}/{endpoint.path.format(**values)}"
    if key:
        same = calls.digest_of(call.verb, path, body)
        before = calls.take_key(account_id=caller.account.pk, key=key, digest=same)
        if before is not None:
            return before
    if call.signed_at is not None:
        signed_until = call.signed_at + settings.API_WINDOW_SECONDS + 1
        calls.accept_write(
            digest=calls.digest_of(str(call.signed_at), endpoint.name, path, _meaning(body)),
            good_until=dt.datetime.fromtimestamp(signed_until, dt.UTC),
        )
    return None


def _effect(
    caller: Caller, call: Call, endpoint: Endpoint, values: dict[str, str], given: dict[str, Any]
) -> HttpResponse:
    """What the write does and its answer, all or nothing; but for a call that waits for somebody else."""
    try:
        with nullcontext() if endpoint.calls_out else transaction.atomic():
            return _json(caller, call, values, endpoint.run(caller, **values, **given))
    except Refusal as refusal:
        if refusal.afterwards is not None:
            refusal.afterwards()
        return problems.of_refusal(refusal)


def _meaning(body: bytes) -> bytes:
    """The body as it is understood: a blank, another order of members or another verb of the same call makes no new
    request of one that was seen."""
    return msgspec.json.encode(msgspec.json.decode(body or b"{}"), order="deterministic")


def _key(call: Call) -> str | None:
    """A web server empties a header that it cannot read: without its key a write that is sent again would be made
    again. Raises Invalid."""
    key = call.key
    if key is not None and not (key.strip() and len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Invalid(f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters; nothing was done")
    return key


def _kept(before: calls.Answer) -> HttpResponse:
    kind = "application/json" if before.status == 200 else "application/problem+json"
    found = HttpResponse(before.body, status=before.status, content_type=kind)
    found["Idempotency-Replayed"] = "true"
    return found


def _file(found: File) -> HttpResponse:
    """A piece at a time; what is whole already, as any other answer."""
    if isinstance(found.pieces, tuple):
        answer = HttpResponse(b"".join(found.pieces), content_type=found.type)
    else:
        answer = cast(HttpResponse, StreamingHttpResponse(found.pieces, content_type=found.type))
    answer["Content-Disposition"] = f'attachment; filename="{found.name}"'
    answer["Content-Length"] = str(found.size)
    return answer


def _encoder(call: Call) -> msgspec.json.Encoder:
    """Raises Invalid."""
    if (asked_for := call.query.get(asked.MONEY) or call.money) not in ("", "number", "string"):
        raise Invalid("money is number or string", field=asked.MONEY)
    return TEXTS if asked_for == "string" else JSON


def _json(caller: Caller, call: Call, values: dict[str, str], found: Page[Any] | Ack | object) -> HttpResponse:
    def address(template: str, path: str) -> str | None:
        return call.base + path if caller.may(routes.right_to(template)) else None

    if isinstance(found, File):
        return _file(found)
    if isinstance(found, Page):
        here = call.base + call.path
        links = found.links
        links.next, links.prev = (link and here + link for link in (links.next, links.prev))
        found.data = linked(found.data, address, values)
    else:
        found = linked(found, address, values)
    return HttpResponse(_encoder(call).encode(found), content_type="application/json")
