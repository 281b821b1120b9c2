"""What a payer's lines cost: by line of a day or a month, for statements and explanations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from kit.kept import Kept

from lines.queries.fleet import LARGE


@dataclass(frozen=True, slots=True)
class LineCost:
    """A line's bytes, what they cost and the day's fee, USD; `holder` is the account that held it, `beyond` the bytes
    that its own bundle had no room for."""

    iccid: str
    plan: str
    holder: str
    used: int
    cost: Decimal
    fee: Decimal
    country: str = ""  # whose zone has a price of its own; empty: at the plan's default price
    zone: str | None = None
    beyond: int = 0

    @property
    def total(self) -> Decimal:
        return self.cost + self.fee


# The costliest are found among numbers, and only they get their names. Lines have one row a day unless a price changed
# on it: then there is nothing to add up, and a hundred thousand rows are only looked through.
OF_DAY = """
    WITH top AS (
        SELECT d.line_id, pr.plan_id, pr.country, pr.zone_id, d.account_id, {sums}
          FROM lines_lineday d
          JOIN lines_price pr ON pr.id = d.price_id
          LEFT JOIN lines_overage o ON o.line_id = d.line_id AND o.day = d.day AND o.payer_id = d.payer_id
                                   AND o.price_id = d.price_id
         WHERE d.payer_id = %(payer)s AND d.day = %(day)s {grouped}
         ORDER BY {total} DESC, d.line_id LIMIT %(limit)s
    )
    SELECT l.iccid, p.name, a.name, top.used, top.cost, top.fee, top.country, z.name, top.beyond
      FROM top
      JOIN lines_line l ON l.id = top.line_id
      JOIN lines_rateplan p ON p.id = top.plan_id
      JOIN accounts_account a ON a.id = top.account_id
      LEFT JOIN lines_zone z ON z.id = top.zone_id
     ORDER BY top.cost + top.fee DESC, l.iccid
"""
ONE_ROW_A_LINE = OF_DAY.format(
    sums="d.used, d.cost + coalesce(o.cost, 0) AS cost, d.fee, coalesce(o.used, 0) AS beyond",
    grouped="",
    total="d.cost + coalesce(o.cost, 0) + d.fee",
)
SUMMED = OF_DAY.format(
    sums="sum(d.used) AS used, sum(d.cost + coalesce(o.cost, 0)) AS cost, sum(d.fee) AS fee,"
    " sum(coalesce(o.used, 0))::bigint AS beyond",
    grouped="GROUP BY d.line_id, pr.plan_id, pr.country, pr.zone_id, d.account_id",
    total="sum(d.cost + coalesce(o.cost, 0) + d.fee)",
)


_large: Kept[tuple[list[LineCost], int]] = Kept(seconds=30, most=100, worth=lambda found: found[1] >= LARGE)


def costs_of_day(payer_id: int, day: dt.date, *, limit: int) -> tuple[list[LineCost], int]:
    """The costliest lines of a payer's day, and how many had usage or a fee on it; of very many, a moment ago."""
    return _large.get((payer_id, day, limit), lambda: _costs_of_day(payer_id, day, limit))


def _costs_of_day(payer_id: int, day: dt.date, limit: int) -> tuple[list[LineCost], int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT line_id), count(*) FROM lines_lineday WHERE payer_id = %s AND day = %s",
            [payer_id, day],
        )
        lines, rows = cursor.fetchone()
        query = ONE_ROW_A_LINE if lines == rows else SUMMED
        cursor.execute(query, {"payer": payer_id, "day": day, "limit": limit})
        return [LineCost(*row) for row in cursor.fetchall()], int(lines)


OF_MONTH = """
    SELECT d.day, l.iccid, p.name, a.name, d.used, d.cost + coalesce(o.cost, 0), d.fee, l.notes, pr.country,
           coalesce(z.name, '')
      FROM lines_lineday d
      LEFT JOIN lines_overage o ON o.line_id = d.line_id AND o.day = d.day AND o.payer_id = d.payer_id
                               AND o.price_id = d.price_id
      JOIN lines_line l ON l.id = d.line_id
      JOIN lines_price pr ON pr.id = d.price_id
      JOIN lines_rateplan p ON p.id = pr.plan_id
      JOIN accounts_account a ON a.id = d.account_id
      LEFT JOIN lines_zone z ON z.id = pr.zone_id
     WHERE d.payer_id = %(payer)s AND d.day >= %(start)s AND d.day < %(end)s
     ORDER BY d.day, d.line_id, pr.country
"""
# What is beyond a pool is no line's: the account's, on the plan.
POOLS = """
    SELECT o.day, p.name, o.used, o.cost FROM lines_overage o JOIN lines_rateplan p ON p.id = o.plan_id
     WHERE o.payer_id = %(payer)s AND o.line_id IS NULL AND o.day >= %(start)s AND o.day < %(end)s
     ORDER BY o.day, p.name, o.price_id
"""
SMS_OF_MONTH = """
    SELECT e.day, l.iccid, l.notes, a.name, -e.amount
      FROM billing_entry e
      JOIN lines_smsmessage m ON m.id = substr(e.key, 5)::bigint  -- its key is sms:<id>
      JOIN lines_line l ON l.id = m.line_id
      JOIN accounts_account a ON a.id = m.account_id
     WHERE e.account_id = %(payer)s AND e.kind = 'sms' AND e.day >= %(start)s AND e.day < %(end)s
     ORDER BY e.id
"""
BATCH = 5_000


def count_costs(payer_id: int, start: dt.date, end: dt.date) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM lines_lineday WHERE payer_id = %s AND day >= %s AND day < %s", [payer_id, start, end]
        )
        return int(cursor.fetchone()[0])


def costs_between(payer_id: int, start: dt.date, end: dt.date) -> Iterator[list[tuple[Any, ...]]]:
    """Each line and day of a payer in batches, by a cursor on the server: a million rows in the memory of one batch."""
    return _batches(OF_MONTH, payer_id, start, end)


def pools_between(payer_id: int, start: dt.date, end: dt.date) -> list[tuple[dt.date, str, int, Decimal]]:
    """Each day on which a payer's lines used more than their pool: plan, bytes beyond it, USD. The last day is out."""
    with connection.cursor() as cursor:
        cursor.execute(POOLS, {"payer": payer_id, "start": start, "end": end})
        return [(day, plan, used, cost) for day, plan, used, cost in cursor.fetchall()]


def sms_between(payer_id: int, start: dt.date, end: dt.date) -> Iterator[list[tuple[Any, ...]]]:
    """Each message that a payer was charged for, in batches too."""
    return _batches(SMS_OF_MONTH, payer_id, start, end)


def _batches(query: str, payer_id: int, start: dt.date, end: dt.date) -> Iterator[list[tuple[Any, ...]]]:
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(query, {"payer": payer_id, "start": start, "end": end})
        while rows := cursor.fetchmany(BATCH):
            yield rows
