"""One call answered: how often, what is asked, the endpoint, and one shape for every answer."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import msgspec.inspect
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from kit import walls
from kit.endpoints import Ack, Endpoint, linked
from kit.errors import Forbidden, Invalid, NotFound, Refusal
from kit.money import BadAmount, parse, plain
from kit.paging import Page, Paging, listed

from accounts import calls
from accounts.policy import RIGHTS_OF_SCOPE, Right, Role, rights
from accounts.queries import Caller
from api import limits, problems, routes
from lines.api.asked import ICCID

LONGEST_KEY = 255
JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of the API, by HTTP or from the console."""

    verb: str
    path: str
    base: str  # the absolute address that paths are below
    query: Mapping[str, str]
    body: Callable[[], bytes]  # raises Invalid
    key: str = ""  # Idempotency-Key
    signed_at: int | None = None  # Unix seconds; None: by a bearer key or in the console


def answer(caller: Caller, call: Call) -> HttpResponse:
    """Counts the call and answers it, whatever happens."""
    limit = None
    try:
        limit = limits.count(caller)
        if limit.is_over:
            raise problems.TooMany(f"The account's {limit.allowed} requests of this day (UTC) are used")
        found = _answer(caller, call)
    except Refusal as refusal:
        found = problems.of_refusal(refusal)
    except Exception as error:  # noqa: BLE001 - the last door: a client gets a problem, never a trace
        found = problems.of_failure(error)
    if limit is not None:
        limit.write_on(found)
    found["Cache-Control"] = "no-store"
    return found


def _answer(caller: Caller, call: Call) -> HttpResponse:
    endpoint, values = routes.find(call.verb, call.path)
    _let_in(caller, Right(endpoint.right))
    if endpoint.writes:
        body = call.body()
        given = asked_by_body(endpoint, body)
        if caller.is_professional:
            return _write(caller, call, endpoint, values, given, body)
    else:
        given = asked_by_query(endpoint, call.query)
    if not caller.is_professional:
        return _sample(caller, call, endpoint, values, given)
    account = caller.account
    with walls.around(account.pk, account.parent_id or account.pk):
        return _json(caller, call, values, endpoint.run(caller, **values, **given))


def _let_in(caller: Caller, right: Right) -> None:
    if caller.may(right):
        return
    if right in rights(Role.OWNER, is_subaccount=caller.account.is_subaccount):
        scopes = " or ".join(scope for scope, granted in RIGHTS_OF_SCOPE.items() if right in granted)
        to_do = f"use one with the scope {scopes}" if scopes else "sign the request: no bearer key is for it"
        raise Forbidden(f"The key is not for this call; {to_do}")
    raise NotFound("There is no such call for a sub-account; the account that it belongs to has it")


def asked_by_query(endpoint: Endpoint, query: Mapping[str, str]) -> dict[str, Any]:
    """An empty value is none; unknown names are left alone, as a client may send more than we know."""
    if endpoint.asked is None:
        return {}
    given = {name: value for name, value in query.items() if value}
    if any("\x00" in value for value in given.values()):
        raise Invalid("A value has a NUL character; leave it out")
    numbers = _fields_of(endpoint.asked, msgspec.inspect.IntType)
    if wrong := next((name for name in given if name in numbers and not WHOLE.fullmatch(given[name])), None):
        raise Invalid(f"The query cannot be used: {wrong} is a whole number, written in digits")
    try:
        return {"asked": msgspec.convert(given, endpoint.asked, strict=False)}
    except msgspec.ValidationError as error:
        raise Invalid(f"The query cannot be used: {_in_words(error, endpoint)}") from None


WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)  # msgspec would take 1e1 for 10


@functools.cache
def _fields_of(asked: type[msgspec.Struct], kind: type[msgspec.inspect.Type]) -> frozenset[str]:
    """The names of the fields of this kind, or of none."""
    found = set()
    info = msgspec.inspect.type_info(asked)
    for field in info.fields if isinstance(info, msgspec.inspect.StructType) else ():
        if kind in map(type, _bare(field.type)):
            found.add(field.encode_name)
    return frozenset(found)


def _bare(of: msgspec.inspect.Type) -> list[msgspec.inspect.Type]:
    """The types that a value may have, without what is said about them."""
    if isinstance(of, msgspec.inspect.Metadata):
        return _bare(of.type)
    return [bare for one in of.types for bare in _bare(one)] if isinstance(of, msgspec.inspect.UnionType) else [of]


def _amounts_read(endpoint: Endpoint, body: bytes) -> bytes:
    """The body with its amounts as the one grammar reads them, where they are texts: 1e1 is none. Raises Invalid."""
    amounts = _fields_of(endpoint.asked, msgspec.inspect.DecimalType) if endpoint.asked else ()
    if not amounts or not isinstance(given := msgspec.json.decode(body), dict):
        return body
    told = {}
    for name in amounts:
        if isinstance(text := given.get(name), str):
            try:
                told[name] = plain(parse(text))
            except BadAmount as bad:
                raise Invalid(f"The body cannot be used: {name}: {bad}") from None
    return msgspec.json.encode(given | told) if told else body


PATTERN = re.compile(r"Expected `str` matching regex '.*'( - at `\$\.?([a-z_]*).*)?", re.DOTALL)


def _in_words(error: msgspec.MsgspecError, endpoint: Endpoint) -> str:
    """What is wrong, for a person: a pattern says nothing to them, and the field's description does."""
    found = PATTERN.fullmatch(str(error))
    if found is None:
        return str(error)
    where = found[2] or ""
    about = _described(endpoint).get(where, "")
    return f"{where or 'a value'} is not written as it must be{f' ({about})' if about else ''}"


def _described(endpoint: Endpoint) -> dict[str, str]:
    """Each field's description."""
    info = msgspec.inspect.type_info(endpoint.asked) if endpoint.asked else None
    said = {}
    for field in info.fields if isinstance(info, msgspec.inspect.StructType) else ():
        kinds = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
        for kind in kinds:
            if isinstance(kind, msgspec.inspect.Metadata) and kind.extra_json_schema:
                said[field.encode_name] = str(kind.extra_json_schema.get("description", ""))
    return said


def asked_by_body(endpoint: Endpoint, body: bytes) -> dict[str, Any]:
    try:
        body = _amounts_read(endpoint, body or b"{}")
        given = msgspec.json.decode(body, type=endpoint.asked or dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Invalid(f"The body cannot be used: {_in_words(error, endpoint)}") from None
    except (UnicodeDecodeError, RecursionError):
        raise Invalid("The body cannot be used: it is no JSON in UTF-8") from None
    if endpoint.asked is None:
        return {}
    if b"\\u0000" in body:
        raise Invalid("A value has a NUL character; leave it out")
    return {"asked": given}


def _write(
    caller: Caller, call: Call, endpoint: Endpoint, values: dict[str, str], given: dict[str, Any], body: bytes
) -> HttpResponse:
    """One transaction: the key, the signature, the effect and the answer are all there, or none is."""
    account_id, key = caller.account.pk, _key(call)
    path = f"{caller.account.uuid.hex}/{call.path.removesuffix('/')}"
    with transaction.atomic():
        if key:
            same = calls.digest_of(call.verb, path, body)
            before = calls.take_key(account_id=account_id, key=key, digest=same)
            if before is not None:
                return _kept(before)
        if call.signed_at is not None:
            signed_until = call.signed_at + settings.API_WINDOW_SECONDS + 1
            calls.accept_write(
                digest=calls.digest_of(str(call.signed_at), endpoint.name, path, _meaning(body)),
                good_until=dt.datetime.fromtimestamp(signed_until, dt.UTC),
            )
        try:
            with transaction.atomic():
                found = _json(caller, call, values, endpoint.run(caller, **values, **given))
        except Refusal as refusal:
            found = problems.of_refusal(refusal)
            if refusal.afterwards is not None:
                refusal.afterwards()
        if key:
            kept = calls.Answer(found.status_code, found.content)
            calls.keep_answer(account_id=account_id, key=key, answer=kept)
        return found


def _meaning(body: bytes) -> bytes:
    """The body as it is understood: a blank, another order of members or another verb of the same call makes no new
    request of one that was seen."""
    return msgspec.json.encode(msgspec.json.decode(body or b"{}"), order="deterministic")


def _key(call: Call) -> str:
    if len(call.key) > LONGEST_KEY or not call.key.isascii() or not call.key.isprintable():
        raise Invalid(f"An Idempotency-Key has at most {LONGEST_KEY} printable ASCII characters")
    return call.key


def _kept(before: calls.Answer) -> HttpResponse:
    kind = "application/json" if before.status == 200 else "application/problem+json"
    found = HttpResponse(before.body, status=before.status, content_type=kind)
    found["Idempotency-Replayed"] = "true"
    return found


def _sample(
    caller: Caller, call: Call, endpoint: Endpoint, values: dict[str, str], given: dict[str, Any]
) -> HttpResponse:
    """What a Basic account gets: an example, marked as such; nothing is read and nothing changes."""
    sample, asked = endpoint.sample, given.get("asked")
    theirs = {name: ICCID if name == "iccid" else "0" * 32 for name in values}  # nothing of what is asked about
    found = _json(caller, call, theirs, listed(asked, sample) if isinstance(asked, Paging) else sample)
    found["X-Sample-Data"] = "true"
    return found


def _json(caller: Caller, call: Call, values: dict[str, str], found: Page[Any] | Ack | object) -> HttpResponse:
    def address(template: str, path: str) -> str | None:
        return call.base + path if caller.may(routes.right_to(template)) else None

    if isinstance(found, Page):
        here = call.base + call.path
        links = found.links
        links.next, links.prev = (link and here + link for link in (links.next, links.prev))
        found.data = linked(found.data, address, values)
    else:
        found = linked(found, address, values)
    return HttpResponse(JSON.encode(found), content_type="application/json")
