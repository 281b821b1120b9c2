"""What a payer's sub-accounts hold and use, each in sums."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from kit.kept import Kept
from kit.money import ZERO

from lines.policy import Wanted
from lines.queries.fleet import LARGE


@dataclass(frozen=True, slots=True)
class Held:
    """An account's lines and how many are wanted on; what it used and cost since the first of the month, USD."""

    lines: int = 0
    active: int = 0
    read_at: dt.datetime | None = None
    used: int = 0
    cost: Decimal = ZERO


LINES = f"""
    SELECT l.account_id, count(*), count(*) FILTER (WHERE st.wanted = {Wanted.ACTIVE:d}), max(st.read_at)
      FROM lines_line l JOIN lines_linestate st ON st.line_id = l.id
     WHERE l.payer_id = %(payer)s AND (%(holder)s::bigint IS NULL OR l.account_id = %(holder)s)
     GROUP BY l.account_id
"""
USED = """
    SELECT account_id, sum(used), sum(cost)
      FROM lines_holderday
     WHERE payer_id = %(payer)s AND day >= %(start)s AND (%(holder)s::bigint IS NULL OR account_id = %(holder)s)
     GROUP BY account_id
"""


_large: Kept[dict[int, Held]] = Kept(
    seconds=30, most=100, worth=lambda found: sum(held.lines for held in found.values()) >= LARGE
)


def held_by(payer_id: int, *, today: dt.date, holder_id: int | None = None) -> dict[int, Held]:
    """By holder, the payer itself included; or of one holder. Very many lines are counted twice a minute at most."""
    values: dict[str, Any] = {"payer": payer_id, "holder": holder_id, "start": today.replace(day=1)}
    found = dict(_large.get((payer_id, holder_id), lambda: _lines_held(values)))
    with connection.cursor() as cursor:
        cursor.execute(USED, values)
        for account_id, used, cost in cursor.fetchall():
            about = found.get(account_id, Held())
            found[account_id] = Held(about.lines, about.active, about.read_at, int(used), cost)
    return found


def _lines_held(values: dict[str, Any]) -> dict[int, Held]:
    with connection.cursor() as cursor:
        cursor.execute(LINES, values)
        return {account_id: Held(*rest) for account_id, *rest in cursor.fetchall()}
