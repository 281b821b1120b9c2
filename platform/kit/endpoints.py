"""Endpoints of the public API: a function of its caller, with its path, its types and a sample of its answer."""

from __future__ import annotations

import datetime as dt
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_type_hints

import msgspec

MEGABYTE, KILOBYTE = 1_048_576, 1_024  # bytes
PLACES = Decimal("0.000001")


class Input(msgspec.Struct, forbid_unknown_fields=True):
    """What a call is asked, and every object in it: a name that it does not have is refused, never ignored."""


# Members that are objects, as a query has them: a name for each of theirs, such as field.Depot=Berlin.
IN_QUERY = {"custom_fields": "field."}


class Nothing(Input):
    """Of a call that is asked nothing more than its path."""


class Ack(msgspec.Struct):
    """The change is accepted."""

    ack: Literal["success"] = "success"


@dataclass(frozen=True, slots=True)
class File:
    """An answer that is a file, sent as it comes."""

    TYPES: ClassVar[Mapping[str, str]] = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}

    name: str  # its end says which kind it is
    size: int  # bytes
    pieces: Iterable[bytes]  # a tuple: it is whole already

    @property
    def type(self) -> str:
        return self.TYPES[self.name.rpartition(".")[2]]


class Linked(msgspec.Struct, kw_only=True):
    """An object of an answer with the addresses of its others.

    `LINKS`: by name, the path of a GET below the account's address; `{name}` is a member of the object or a value of
    the path that was called. What the caller may not call is left out.
    """

    links: Annotated[dict[str, str], msgspec.Meta(description="Addresses of what belongs to it, by name")] = (
        msgspec.field(default_factory=dict)
    )
    LINKS: ClassVar[Mapping[str, str]] = {}

    def paths(self, values: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
        """Each link's name, template, and path; none where a value is missing."""
        for name, template, needed in _links_of(type(self)):
            found = {one: getattr(self, one, None) or values.get(one) for one in needed}
            if all(found.values()):
                yield name, template, template.format(**found)


@cache
def _links_of(kind: type[Linked]) -> list[tuple[str, str, list[str]]]:
    """Name, template, and the names of the template's values."""
    return [(name, template, re.findall(r"{(\w+)}", template)) for name, template in kind.LINKS.items()]


def linked(found: Any, address: Callable[[str, str], str | None], values: Mapping[str, str]) -> Any:
    """The same objects with their links: `address` says from a template and a path what the link is, if it is one."""
    if isinstance(found, list):
        return [linked(one, address, values) for one in found]
    if not isinstance(found, Linked):
        return found
    changed: dict[str, Any] = {
        name: linked(value, address, values)
        for name in found.__struct_fields__
        if isinstance(value := getattr(found, name), Linked)
    }
    changed["links"] = {
        name: where for name, template, path in found.paths(values) if (where := address(template, path))
    }
    return msgspec.structs.replace(found, **changed)


@dataclass(frozen=True, slots=True)
class Leaving:
    """When a call was said to go, and when it goes."""

    since: dt.datetime
    until: dt.datetime


Side = Literal["", "live", "test"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A call of the API.

    `run` takes the caller, then the path's values by name, then `asked`: the query of a GET, the body of a write.
    `is_observed`: Keepgo's clients make it, and may send with it what they send with every list. `side`: it is a call
    of live accounts alone, or of test accounts alone; empty: of both.
    """

    path: str  # below the account's, such as sim_card/{iccid}/deactivate
    verbs: tuple[str, ...]
    right: str  # what a caller needs; without it the call does not exist
    run: Callable[..., Any]
    asked: type[Input] | None
    answer: Any  # a type that msgspec knows
    sample: Any
    summary: str
    body: msgspec.Struct | None = None  # an example of what a write is asked
    is_observed: bool = False
    calls_out: bool = False  # a write that waits for somebody else: it runs in no transaction
    side: Side = ""
    leaving: Leaving | None = None

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def group(self) -> str:
        """What it is about: the name that its module gives itself."""
        return str(sys.modules[self.run.__module__].GROUP)

    @property
    def writes(self) -> bool:
        return "GET" not in self.verbs

    @property
    def values(self) -> list[str]:
        """The names of the values in the path."""
        return re.findall(r"{(\w+)}", self.path)


def endpoint(
    path: str,
    *verbs: str,
    right: str,
    sample: Any,
    body: msgspec.Struct | None = None,
    is_observed: bool = False,
    calls_out: bool = False,
    side: Side = "",
) -> Callable[[Callable[..., Any]], Endpoint]:
    """Makes a function an endpoint; what it is asked and answers is read from its annotations."""

    def made(run: Callable[..., Any]) -> Endpoint:
        hints = get_type_hints(run)
        asked, summary = hints.get("asked"), (inspect.getdoc(run) or "").strip()
        if asked is not None and not issubclass(asked, Input):
            raise TypeError(f"{asked.__name__} is asked by {path} and would ignore what it does not know")
        does, answer = verbs or ("GET",), hints["return"]
        return Endpoint(path, does, right, run, asked, answer, sample, summary, body, is_observed, calls_out, side)

    return made


def moment(at: dt.datetime | dt.date) -> str:
    """YYYY-MM-DD hh:mm:ss in UTC; a day is its first second."""
    if isinstance(at, dt.datetime):
        return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"
    return f"{at.isoformat()} 00:00:00"


def megabytes(used: int) -> Decimal:
    """Bytes in MB of 1,048,576, six places."""
    return (Decimal(used) / MEGABYTE).quantize(PLACES)


def kilobytes(used: int) -> Decimal:
    """Bytes in kB of 1,024, six places."""
    return (Decimal(used) / KILOBYTE).quantize(PLACES)
