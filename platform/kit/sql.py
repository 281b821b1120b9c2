"""SQL by hand: what the hot paths hand to the database."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import psycopg
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from psycopg.pq import TransactionStatus

from kit import walls
from kit.pooled import is_pooled
from kit.single import single

R = TypeVar("R")


def array(values: Iterable[int | str | Decimal | dt.date | None]) -> str:
    """A PostgreSQL array's literal, to be cast: `%s::bigint[]`. A page is ten of these, and psycopg's own cost four
    times as much."""
    given: list[Any] = list(values)
    types = set(map(type, given))
    if types == {int}:
        return "{" + str(given)[1:-1] + "}"
    if types == {str}:
        text = '","'.join(given)
        if "\\" not in text and text.count('"') == 2 * len(given) - 2:  # nothing to quote in any of them
            return '{"' + text + '"}'
    if types == {dt.date}:  # a page has few different ones
        written = {day: day.isoformat() for day in set(given)}
        return "{" + ",".join([written[day] for day in given]) + "}"
    if len(types) == 1:
        return "{" + ",".join(map(_ELEMENT.get(types.pop(), str), given)) + "}"
    return "{" + ",".join([_ELEMENT.get(type(value), str)(value) for value in given]) + "}"


def seconds(moments: Iterable[dt.datetime | None]) -> str:
    """The literal of an array of seconds since 1970, for `to_timestamp` of each; exact to the microsecond.

    To write moments out as text is the dearest part of a page otherwise.
    """
    return "{" + ",".join(["NULL" if moment is None else repr(moment.timestamp()) for moment in moments]) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_ELEMENT: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "NULL",
    str: _quoted,
    dt.date: dt.date.isoformat,
    dt.datetime: dt.datetime.isoformat,
}


def streamed(rows: QuerySet[Any, R], *, size: int) -> Iterator[R]:
    """The rows, so many at a time from a cursor of the server. Behind a pooler it lives as long as a transaction."""
    with transaction.atomic() if is_pooled() else nullcontext():
        yield from rows.iterator(chunk_size=size)


_PLACE = re.compile(r"%(?:%|s|\((\w+)\)s)")


@cache
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """A statement with $1, $2 ... and the names that they stand for; none where it gives its parameters in order.
    psycopg keeps none that is longer than a page, and takes it apart again each time."""
    numbers: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        return f"${numbers.setdefault(found[1] or str(len(numbers)), len(numbers) + 1)}"

    text = _PLACE.sub(place, sql).encode()
    return text, () if "%s" in sql else tuple(numbers)


def prepared(
    sql: str, parameters: Sequence[Any] | Mapping[str, Any], *, session: BaseDatabaseWrapper | None = None
) -> list[tuple[Any, ...]]:
    """Runs a statement that each session plans once, and gives its rows; for the few whose planning costs as much as
    their work. Parameters travel beside the SQL, so each wants a cast where its type does not speak for itself."""
    wrapper: Any = session or connection
    wrapper.ensure_connection()
    raw: psycopg.Connection[Any] = wrapper.connection
    text, names = _numbered(sql)
    given = [parameters[name] for name in names] if isinstance(parameters, Mapping) else parameters
    with wrapper.wrap_database_errors:
        if session is None and raw.autocommit and raw.info.transaction_status == TransactionStatus.IDLE:
            return single(raw, text, given)
        if session is None:
            walls.stand()
        if not is_pooled():  # a plan would be some other client's
            raw.prepare_threshold = sys.maxsize  # Django's None forbids it; only what asks for it is prepared
        with psycopg.RawCursor(raw) as cursor:
            try:
                cursor.execute(text, given, prepare=not is_pooled())
            except psycopg.errors.FeatureNotSupported:  # a migration beside us has given a column another type
                if raw.info.transaction_status != TransactionStatus.IDLE:
                    raise  # the end of the transaction forgets all plans
                raw.execute("DEALLOCATE ALL")
                cursor.execute(text, given, prepare=True)
            return cursor.fetchall() if cursor.description else []
