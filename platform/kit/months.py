"""Tables that are kept by month: parts made ahead, and dropped whole. The parts are made and dropped by functions of
who owns the tables, make_NAME_month and drop_NAME_part, as the application may only change rows."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection, transaction

log = logging.getLogger(__name__)

AHEAD = 3
PATIENCE = "2s"  # for the table's lock, which everybody waits behind


def month_after(day: dt.date, months: int) -> dt.date:
    """The first of the month so many months after that of `day`."""
    number = day.year * 12 + day.month - 1 + months
    return dt.date(number // 12, number % 12 + 1, 1)


def make_months(name: str, *, today: dt.date) -> int:
    """Makes this month's part and the next ones; says how many. What waits for its month elsewhere moves into it."""
    wanted = [month_after(today, ahead) for ahead in range(AHEAD + 1)]
    return sum(bool(_alone(f"SELECT make_{name}_month(%s)", month)) for month in wanted)


Part = tuple[dt.datetime | None, dt.datetime]  # since, until


def drop_parts(name: str, *, before: dt.datetime, first: Callable[[Part], None] | None = None) -> int:
    """Drops each part that ended by then and that nobody needs; says how many rows went, as the last count was.
    `first`: what is done before with a part that nobody needs."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name, until FROM {name}_parts() WHERE until <= %s ORDER BY until", [before])
        parts = cursor.fetchall()
    gone, since = 0, None
    for part, until in parts:
        if first is not None and not _alone(f"SELECT is_{name}_part_needed(%s, %s)", part, before):
            first((since, until))
        dropped = _alone(f"SELECT drop_{name}_part(%s, %s)", part, before)
        gone, since = gone + int(dropped or 0), until
    return gone


def _alone(sql: str, *values: Any) -> Any:
    """One statement in a transaction of its own, that waits for its lock only so long: the next sweep tries again."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            cursor.execute(sql, list(values))
            return cursor.fetchone()[0]
    except DatabaseError:
        log.exception("a month could not be made or dropped; the next sweep tries again")
        return None
