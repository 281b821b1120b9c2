"""Pages of a list: by `offset`, by `page`, or by a cursor that stays fast however deep it is."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec
from django.db.models import Model, QuerySet

from kit.endpoints import IN_QUERY, Input
from kit.errors import Invalid

SIZE, LARGEST = 25, 1_000
FARTHEST = 2**31 - 1

Row = TypeVar("Row")
M = TypeVar("M", bound=Model)
Natural = Annotated[int, msgspec.Meta(ge=0, le=FARTHEST)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=FARTHEST)]


Offset = Annotated[Natural | None, msgspec.Meta(description="Rows to pass over")]
PageNumber = Annotated[Positive | None, msgspec.Meta(description="The page's number, from 1")]
CursorText = Annotated[str | None, msgspec.Meta(description="From a link of another page; fast at any depth")]
PerPage = Annotated[int, msgspec.Meta(ge=1, le=LARGEST, description="Rows on a page")]


class Paged(Protocol):
    """A question about a list that has pages: a Paging, or a struct with the same four beside its own."""

    offset: int | None
    page: int | None
    cursor: str | None
    per_page: int


class Paging(Input, kw_only=True):
    """Which page; at most one of offset, page and cursor."""

    offset: Offset = None
    page: PageNumber = None
    cursor: CursorText = None
    per_page: PerPage = SIZE


def _link(asked: Paged, **place: int | str) -> str:
    """The same question about another page, as a query."""
    given = {name: value for name, value in msgspec.to_builtins(asked).items() if value is not None}
    for name, before in IN_QUERY.items():
        given |= {f"{before}{one}": value for one, value in given.pop(name, {}).items()}
    for name in ("offset", "page", "cursor"):
        given.pop(name, None)
    return "?" + urlencode(given | place)


class Links(msgspec.Struct):
    """The addresses of the neighbours; none at an end."""

    next: str | None = None
    prev: str | None = None


class Page(msgspec.Struct, Generic[Row]):
    """A part of a list, and how long the whole is."""

    data: list[Row]
    total: int
    links: Links


Place = TypeVar("Place", bound=msgspec.Struct)


def written(place: msgspec.Struct) -> str:
    """A place in a list as a text for addresses."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode("ascii").rstrip("=")


def read(text: str, kind: type[Place]) -> Place:
    """What was written. Raises ValueError."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=kind)
    except (binascii.Error, msgspec.MsgspecError) as error:
        raise ValueError(text) from error


class Cursor(msgspec.Struct, array_like=True, frozen=True):
    """A place in a list: behind the row of this key, or before it; and how long the list was when it was first read."""

    key: str
    back: bool
    total: Natural

    def __str__(self) -> str:
        return written(self)

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Raises Invalid."""
        try:
            cursor = read(text, cls)
        except ValueError:
            raise Invalid("The cursor is not one of ours; take it from a page's links") from None
        if "\x00" in cursor.key:
            raise Invalid("The cursor is not one of ours; take it from a page's links")
        return cursor


class CursorTooOld(Invalid):
    """What changed behind this cursor is not known any more: what it would give has a gap."""


Fetch = Callable[[str | None, bool, int, int], list[Row]]


def keyed(asked: Paged, *, fetch: Fetch[Row], key: Callable[[Row], str], count: Callable[[], int]) -> Page[Row]:
    """A page of a long list.

    `fetch(key, back, offset, limit)` gives rows behind the key in the list's order, or, back, those before it in the
    opposite order. A cursor carries the total, and an end that is reached tells it, so that few pages count. Raises
    Invalid.
    """
    if sum(given is not None for given in (asked.offset, asked.page, asked.cursor)) > 1:
        raise Invalid("Give one of offset, page and cursor")
    cursor = None if asked.cursor is None else Cursor.read(asked.cursor)
    first = asked.offset or ((asked.page or 1) - 1) * asked.per_page
    if first > FARTHEST:
        raise Invalid(f"No list has more than {FARTHEST} rows; ask for an earlier page")
    back = cursor is not None and cursor.back
    rows = fetch(cursor.key if cursor else None, back, first, asked.per_page + 1)
    is_more, rows = len(rows) > asked.per_page, rows[: asked.per_page]
    total = cursor.total if cursor else first + len(rows)
    if cursor is None and (is_more or (first and not rows)):
        total = count()
    if asked.offset is not None or asked.page is not None:
        return Page(rows, total, _by_number(asked, first, is_more))
    if back:
        rows.reverse()
    links = Links()
    if rows and (is_more or back):
        links.next = _link(asked, cursor=str(Cursor(key(rows[-1]), False, total)))
    if rows and (is_more if back else cursor is not None):
        links.prev = _link(asked, cursor=str(Cursor(key(rows[0]), True, total)))
    return Page(rows, total, links)


def _by_number(asked: Paged, first: int, is_more: bool) -> Links:
    links = Links()
    if asked.page is not None:
        if is_more:
            links.next = _link(asked, page=asked.page + 1)
        if asked.page > 1:
            links.prev = _link(asked, page=asked.page - 1)
        return links
    if is_more:
        links.next = _link(asked, offset=first + asked.per_page)
    if first:
        links.prev = _link(asked, offset=max(0, first - asked.per_page))
    return links


def newest(asked: Paged, rows: QuerySet[M]) -> Page[M]:
    """A page of rows by their ids, the newest first. Raises Invalid."""

    def fetch(key: str | None, back: bool, offset: int, limit: int) -> list[M]:
        found = rows.order_by("pk" if back else "-pk")
        if key is not None:
            at = _number(key)
            found = found.filter(pk__gt=at) if back else found.filter(pk__lt=at)
        return list(found[offset : offset + limit])

    return keyed(asked, fetch=fetch, key=lambda row: str(row.pk), count=lambda: rows.order_by().count())


def _number(key: str) -> int:
    if not (key.isascii() and key.isdecimal()) or len(key) > 18:
        raise Invalid("The cursor is not one of ours; take it from a page's links")
    return int(key)


def listed(asked: Paged, rows: Sequence[Any]) -> Page[Any]:
    """A page of a short list that is here already; its cursor is a place by number."""
    places = list(enumerate(rows))

    def fetch(key: str | None, back: bool, offset: int, limit: int) -> list[tuple[int, Any]]:
        if key is None:
            return places[offset : offset + limit]
        at = _number(key)
        return places[:at][::-1][:limit] if back else places[at + 1 :][:limit]

    page = keyed(asked, fetch=fetch, key=lambda place: str(place[0]), count=lambda: len(places))
    return Page([row for _, row in page.data], page.total, page.links)
