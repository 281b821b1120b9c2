"""What a call is asked: its query or its body, read whole. A name that the call does not have is refused by name."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import msgspec.inspect
from django.http import QueryDict
from kit import uuids
from kit.endpoints import IN_QUERY, Endpoint, Input, Nothing
from kit.errors import Invalid
from kit.money import BadAmount, parse, plain

MONEY = "money"  # of every GET: how its answer writes numbers
OF_EVERY_LIST = frozenset(
    {"page", "per_page", "offset"}
)  # what Keepgo's clients send with calls that have no pages, too
WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)  # msgspec would take 1e1 for 10
UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.*)`)?", re.DOTALL)
PATTERN = re.compile(r"Expected `str` matching regex '.*'( - at `\$\.?([a-z_]*).*)?", re.DOTALL)
AT = re.compile(r" - at `\$\.?([\w.\[\]]+)`")
LONGEST_NAME = 60  # of what is said again


def of(endpoint: Endpoint, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """What the endpoint's function takes as `asked`, or nothing. Raises Invalid."""
    if endpoint.writes:
        _by_query(endpoint, query, Nothing)
        given = _by_body(endpoint, body)
    else:
        if body.strip() not in (b"", b"{}") and not endpoint.is_observed:
            raise Invalid("A GET has no body; say in its query what is asked")
        given = _by_query(endpoint, query, endpoint.asked or Nothing)
    return {} if endpoint.asked is None else {"asked": given}


def _by_query(endpoint: Endpoint, query: Mapping[str, str], asked: type[Input]) -> Input:
    """An empty value is none."""
    known = set(asked.__struct_fields__) - IN_QUERY.keys()
    objects = {name: before for name, before in IN_QUERY.items() if name in asked.__struct_fields__}
    ignored = OF_EVERY_LIST if endpoint.is_observed and not endpoint.writes else frozenset()
    taken = tuple(objects.values())
    if unknown := next(
        (name for name in query if name not in known | ignored | {MONEY} and not _is_in(name, taken)), None
    ):
        names = sorted(known) + [f"{before}NAME" for before in taken]
        raise Invalid(_unknown("query", unknown, names), field=_plain(unknown))
    if isinstance(query, QueryDict) and (
        twice := next((name for name, values in query.lists() if len(values) > 1), None)
    ):
        twice = _plain(twice)
        raise Invalid(f"The query cannot be used: {twice} is there more than once; send it once", field=twice)
    given: dict[str, Any] = {name: _read(name, value) for name, value in query.items() if value and name in known}
    for name, before in objects.items():
        given[name] = {key.removeprefix(before): query[key] for key in query if _is_in(key, (before,)) and query[key]}
    if any("\x00" in f"{name}{value}" for name, value in query.items()):
        raise Invalid("A value has a NUL character; leave it out")
    numbers = _fields_of(asked, msgspec.inspect.IntType)
    if wrong := next((name for name in given if name in numbers and not WHOLE.fullmatch(given[name])), None):
        raise Invalid(f"The query cannot be used: {wrong} is a whole number, written in digits", field=wrong)
    try:
        return msgspec.convert(given, asked, strict=False)
    except msgspec.ValidationError as error:
        raise _refused("query", error, asked) from None


def _by_body(endpoint: Endpoint, body: bytes) -> Input:
    asked = endpoint.asked or Nothing
    try:
        given = msgspec.json.decode(_amounts_read(asked, body or b"{}"), type=asked)
    except msgspec.MsgspecError as error:
        raise _refused("body", error, asked) from None
    except (UnicodeDecodeError, RecursionError):
        raise Invalid("The body cannot be used: it is no JSON in UTF-8") from None
    if b"\\u0000" in body:
        raise Invalid("A value has a NUL character; leave it out")
    return given


def _is_in(name: str, before: tuple[str, ...]) -> bool:
    """Whether a name of a query is one of an object's."""
    return name.startswith(before) and name not in before


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


def _amounts_read(asked: type[Input], body: bytes) -> bytes:
    """The body with its amounts as the one grammar reads them, where they are texts: 1e1 is none. Raises Invalid."""
    amounts = _fields_of(asked, msgspec.inspect.DecimalType)
    if not amounts or not isinstance(given := msgspec.json.decode(body), dict):
        return body
    told = {}
    for name in amounts:
        if isinstance(text := given.get(name), str):
            try:
                told[name] = plain(parse(text))
            except BadAmount as bad:
                raise Invalid(f"The body cannot be used: {name}: {bad}", field=name) from None
    return msgspec.json.encode(given | told) if told else body


def _read(name: str, value: str) -> str:
    return uuids.plain(value) if name.endswith("uuid") else value


def _refused(where: str, error: msgspec.MsgspecError, asked: type[Input]) -> Invalid:
    if unknown := UNKNOWN.fullmatch(str(error)):
        return Invalid(_in_words(where, error, asked), field=_plain(f"{unknown[2] or ''}.{unknown[1]}".lstrip(".")))
    at = AT.search(str(error))
    return Invalid(_in_words(where, error, asked), field=_plain(at[1]) if at else None)


def _in_words(where: str, error: msgspec.MsgspecError, asked: type[Input]) -> str:
    """What is wrong, for a person: a pattern says nothing to them, and the field's description does."""
    if unknown := UNKNOWN.fullmatch(str(error)):
        inside = unknown[2] or ""
        name = f"{inside}.{unknown[1]}" if inside else unknown[1]
        return _unknown(where, name, _names_in(asked, inside))
    said, found = str(error), PATTERN.fullmatch(str(error))
    if found is not None:
        name = found[2] or ""
        about = _described(asked).get(name, "")
        said = f"{name or 'a value'} is not written as it must be{f' ({about})' if about else ''}"
    return f"The {where} cannot be used: {said}"


def _unknown(where: str, name: str, known: list[str]) -> str:
    to_do = f"leave it out, or use one of {', '.join(known)}" if known else "leave it out"
    return f"The {where} cannot be used: {_plain(name)} is unknown here; {to_do}"


def _plain(name: str) -> str:
    """A name that somebody sent, in a sentence."""
    return re.sub(r"[^\w.\[\]-]", "?", name)[:LONGEST_NAME]


def _names_in(asked: type[Input], inside: str) -> list[str]:
    """The names that the object at this place of a body has."""
    at: msgspec.inspect.Type = msgspec.inspect.type_info(asked)
    for part in filter(None, re.sub(r"\[[^]]*\]", "", inside).split(".")):
        fields = at.fields if isinstance(at, msgspec.inspect.StructType) else ()
        kinds = [kind for field in fields if field.encode_name == part for kind in _bare(field.type)]
        at = next((kind for kind in kinds if isinstance(kind, msgspec.inspect.StructType)), at)
    return [field.encode_name for field in at.fields] if isinstance(at, msgspec.inspect.StructType) else []


def _described(asked: type[Input]) -> dict[str, str]:
    """Each field's description."""
    info = msgspec.inspect.type_info(asked)
    said = {}
    for field in info.fields if isinstance(info, msgspec.inspect.StructType) else ():
        kinds = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
        for kind in kinds:
            if isinstance(kind, msgspec.inspect.Metadata) and kind.extra_json_schema:
                said[field.encode_name] = str(kind.extra_json_schema.get("description", ""))
    return said
