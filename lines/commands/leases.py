"""Work that is rows: claimed by one worker at a time, free again when its time or its holder's session is over."""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import Error, connection
from kit import clock
from kit.pooled import is_pooled

from lines.models import Leased

log = logging.getLogger(__name__)

LEASE = dt.timedelta(seconds=150)  # longer than the calls that one claim leads to

HASTY_ATTEMPTS = 5  # work that killed its worker so often waits for its lease to run out

# A lease that nobody holds any more: none, run out, or its holder's database session is gone. A holder behind a pooler
# has no session of its own, and a number below 0: its leases run out.
FREE = (
    f"(leased_until IS NULL OR leased_until < clock_timestamp() OR attempts < {HASTY_ATTEMPTS}"
    " AND (leased_pid < 0) IS NOT TRUE AND NOT EXISTS"
    " (SELECT 1 FROM pg_stat_activity a WHERE a.pid = leased_pid AND a.backend_start = leased_session))"
)

AN_HOUR = dt.timedelta(hours=1)  # longer than any pause between two tries of what must not wait
NEVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def claim(
    *,
    model: type[Leased],
    limit: int,
    where: str = "true",
    parameters: Sequence[Any] = (),
    longest_wait: dt.timedelta | None = None,
) -> list[int]:
    """Takes up to `limit` due rows that nobody holds and counts the attempt; their keys, the longest due first.

    `longest_wait`: what is due later than that was put off by a clock that stood wrong, and is due now.

    The attempt is committed before the work, so work that kills its worker is known by its number.
    """
    now, me = clock.now(), holder()
    table, key = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH free AS (SELECT {key} AS key FROM {table} WHERE ({where}) "
            f"   AND (due_at IS NULL OR due_at <= %s OR due_at > %s) AND {FREE}"
            f"   ORDER BY due_at NULLS FIRST, {key} LIMIT %s FOR UPDATE SKIP LOCKED)"
            f" UPDATE {table} w SET attempts = attempts + 1,"
            "   leased_until = clock_timestamp() + %s * interval '1 second', leased_pid = %s,"
            "   leased_session = (SELECT backend_start FROM pg_stat_activity WHERE pid = %s)"
            f" FROM free WHERE w.{key} = free.key RETURNING w.{key}",
            [*parameters, now, now + longest_wait if longest_wait else NEVER, limit, LEASE.total_seconds(), me, me],
        )
        ids = sorted(row[0] for row in cursor.fetchall())
    if ids:
        _note(model, ids)
    return ids


@dataclass(slots=True)
class _Taken:
    """What a session took, and when it was to end before it did."""

    session: object
    close_at: float | None
    rows: dict[type[Leased], list[int]] = field(default_factory=dict)


class _Here(threading.local):
    taken: _Taken | None = None
    number: tuple[int, int] = 0, 0  # of this process; behind a pooler


_here = _Here()


def holder() -> int:
    """Who takes leases here: the process of our session, or a number of this thread alone."""
    connection.ensure_connection()
    if not is_pooled():
        return int(connection.connection.info.backend_pid)
    if _here.number[0] != os.getpid():
        _here.number = os.getpid(), -secrets.randbelow(2**31) - 1
    return _here.number[1]


def _note(model: type[Leased], ids: list[int]) -> None:
    """The session ends with the request or the command that took the lease, and so does the lease."""
    taken = _here.taken
    if taken is None or taken.session is not connection.connection:
        taken = _here.taken = _Taken(connection.connection, connection.close_at)
    taken.rows.setdefault(model, []).extend(ids)
    connection.close_at = time.monotonic()


def let_go() -> None:
    """At the end of a task: what it took and did not finish is as free as if its session had ended, which may live on.

    Making a session costs more than most tasks. Where this fails the session ends.
    """
    taken, _here.taken = _here.taken, None
    if taken is None or taken.session is not connection.connection:
        return
    try:
        me = holder()
        with connection.cursor() as cursor:
            for model, ids in taken.rows.items():
                cursor.execute(
                    f"UPDATE {model._meta.db_table} SET leased_until = NULL WHERE {model._meta.pk.column} = ANY(%s)"
                    f" AND leased_until IS NOT NULL AND attempts < {HASTY_ATTEMPTS} AND leased_pid = %s"
                    " AND leased_session IS NOT DISTINCT FROM"
                    " (SELECT backend_start FROM pg_stat_activity WHERE pid = %s)",
                    [ids, me, me],
                )
    except Error as error:
        log.warning("leases end with their session: %s", " ".join(str(error).split())[:200])
        return
    connection.close_at = taken.close_at


def is_held(*, model: type[Leased], where: str, parameters: Sequence[Any] = ()) -> bool:
    """Whether a living worker holds one of these rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM {model._meta.db_table} WHERE ({where}) AND NOT {FREE})", list(parameters)
        )
        return bool(cursor.fetchone()[0])
