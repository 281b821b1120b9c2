"""What a line's carrier reported, as it was kept: for whoever has the line now, since they have it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.models import Membership
from lines.models import HeldMovement, Line

ROWS = 300  # on a page; the file has all of the day


@dataclass(frozen=True, slots=True)
class Told:
    """One reading: when it was asked for, the counter in bytes, its cycle and time where the carrier gave them."""

    asked_at: dt.datetime
    counter: int
    cycle: dt.date | None
    seen: dt.datetime | None
    is_final: bool


# A page of readings is looked into only where its range of lines has the line.
OF_DAY = """
SELECT coalesce(r.asked[p.n], r.asked_at), r.counters[p.n], r.cycles[p.n], r.seen[p.n], r.are_finals
  FROM lines_reading r, LATERAL (SELECT array_position(r.line_ids, %(line)s::bigint) AS n) p
 WHERE r.carrier_id = %(carrier)s AND r.asked_at >= %(since)s AND r.asked_at < %(until)s
   AND r.first_line <= %(line)s AND r.last_line >= %(line)s AND p.n IS NOT NULL
 ORDER BY r.asked_at DESC, r.id DESC LIMIT %(limit)s
"""


def held_since(member: Membership, line: Line) -> dt.datetime:
    """Since when the line is this account's: what was reported before is not its to know."""
    if member.account.is_subaccount and line.held_since is not None:
        return max(line.added_at, line.held_since)
    return line.added_at


def readings_of(member: Membership, line: Line, day: dt.date, *, limit: int | None = None) -> Iterator[Told]:
    """The readings of a UTC day, newest first."""
    since = dt.datetime.combine(day, dt.time(), dt.UTC)
    values: dict[str, Any] = {
        "line": line.pk,
        "carrier": line.carrier_id,
        "since": max(since, held_since(member, line)),
        "until": since + dt.timedelta(days=1),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(OF_DAY, values)
        for row in cursor.fetchall():
            yield Told(*row)


def held_of(member: Membership, line: Line) -> list[HeldMovement]:
    """Movements of the line that were too large to be charged at once, newest first."""
    rows = HeldMovement.objects.filter(line=line, payer=line.payer, asked_at__gte=held_since(member, line))
    return list(rows.order_by("-pk")[:20])
