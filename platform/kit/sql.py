"""SQL by hand: what the hot paths hand to the database."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import TransactionStatus


def array(values: Iterable[int | str | Decimal | dt.date | None]) -> str:
    """A PostgreSQL array's literal, to be cast: `%s::bigint[]`. A page is ten of these, and psycopg's own cost four
    times as much."""
    given = list(values)
    if set(map(type, given)) == {int}:
        return "{" + str(given)[1:-1] + "}"
    return "{" + ",".join([_ELEMENT.get(type(value), str)(value) for value in given]) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_ELEMENT: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "NULL",
    str: _quoted,
    dt.date: dt.date.isoformat,
    dt.datetime: dt.datetime.isoformat,
}


def prepared(
    sql: str, parameters: Sequence[Any] | Mapping[str, Any], *, session: BaseDatabaseWrapper | None = None
) -> list[tuple[Any, ...]]:
    """Runs a statement that each session plans once, and gives its rows; for the few whose planning costs as much as
    their work. Parameters travel beside the SQL, so each wants a cast where its type does not speak for itself."""
    wrapper: Any = session or connection
    wrapper.ensure_connection()
    raw: psycopg.Connection[Any] = wrapper.connection
    raw.prepare_threshold = sys.maxsize  # Django's None forbids it; only what asks for it is prepared
    with wrapper.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        try:
            cursor.execute(sql.encode(), parameters, prepare=True)
        except psycopg.errors.FeatureNotSupported:  # a migration beside us has given a column another type
            if raw.info.transaction_status != TransactionStatus.IDLE:
                raise  # the end of the transaction forgets all plans
            raw.execute("DEALLOCATE ALL")
            cursor.execute(sql.encode(), parameters, prepare=True)
        return cursor.fetchall() if cursor.description else []
