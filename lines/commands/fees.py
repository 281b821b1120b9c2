"""Line fees: once for each line and day on which it was confirmed on, however short, whoever looked when.

A day's fee is the plan's fee a day, the day's part of its fee a month, and on the first day on which an account has the
line on, the activation fee.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any

from django.db import connection
from kit.sql import array
from kit.sweeps import apart

from billing.commands import Charge, charge_usage, lock_wallets
from lines.commands.changes import note_changed_lines
from lines.counting import cycle_sql
from lines.models import Price
from lines.policy import Wanted
from lines.rules import confirmed_on_sql, month_share_sql

log = logging.getLogger(__name__)

BATCH = 5_000

DUE = """
    SELECT id, payer_id FROM lines_onspan
     WHERE plan_id = ANY(%(plans)s) AND due_day <= %(today)s AND id > %(after)s
       AND (%(payer)s::bigint IS NULL OR payer_id = %(payer)s) ORDER BY id LIMIT %(limit)s
"""

# The fee of a day is that of the span that touches it first: its plan, at
# the price in force when the line was first on that day. A span that ends at 00:00 does not touch the day that begins
# then. A day from which somebody wants the line off is not due: it is off from its first moment, whenever that is done.
# Nor is the day on which a line came from Keepgo, which has charged it.
CHARGE_FEES = f"""
WITH price AS (
    SELECT id, plan_id, per_day, per_month, activation, coalesce(valid_from, '-infinity') AS valid_from,
           coalesce(lead(valid_from) OVER (PARTITION BY plan_id ORDER BY valid_from NULLS FIRST), 'infinity') AS until
      FROM lines_price WHERE plan_id = ANY(%(plans)s) AND country = ''
), span AS (
    SELECT s.*, CASE WHEN l.payer_id = s.payer_id THEN l.account_id ELSE s.payer_id END AS account_id,
           c.cycle_day, c.cycle_since, c.cycle_before,
           least(%(today)s, (s.ended_at AT TIME ZONE 'UTC')::date
                 - CASE WHEN s.ended_at > s.started_at AND (s.ended_at AT TIME ZONE 'UTC')::time = '00:00'
                        THEN 1 ELSE 0 END, l.deactivation_date - 1) AS last_day
      FROM lines_onspan s
      JOIN lines_line l ON l.id = s.line_id
      JOIN lines_carrier c ON c.id = l.carrier_id
     WHERE s.id = ANY(%(spans)s::bigint[]) AND s.due_day <= %(today)s
), fee AS (
    SELECT s.line_id, s.payer_id, s.account_id, d::date AS day, p.id AS price_id, owed.fee, c.cycle
      FROM span s
     CROSS JOIN generate_series(s.due_day::timestamp, s.last_day::timestamp, '1 day') AS d
     CROSS JOIN LATERAL (SELECT greatest(s.started_at, d AT TIME ZONE 'UTC') AS at) AS first
     CROSS JOIN LATERAL (SELECT {cycle_sql("d::date", "s")} AS cycle) AS c
      JOIN price p ON p.plan_id = s.plan_id AND p.valid_from <= first.at AND p.until > first.at
     CROSS JOIN LATERAL (
        SELECT p.per_day + {month_share_sql("p.per_month", "d::date", "c.cycle")}
               + CASE WHEN p.activation > 0 AND d::date = (s.started_at AT TIME ZONE 'UTC')::date
                           AND NOT EXISTS (SELECT FROM lines_onspan o
                                            WHERE o.line_id = s.line_id AND o.payer_id = s.payer_id
                                              AND (o.started_at, o.id) < (s.started_at, s.id))
                      THEN p.activation ELSE 0 END AS fee) AS owed
     WHERE owed.fee > 0
       AND NOT EXISTS (SELECT FROM lines_moveline m WHERE m.line_id = s.line_id AND m.day = d::date)
       AND NOT EXISTS (SELECT FROM lines_onspan o
                        WHERE o.line_id = s.line_id AND o.payer_id = s.payer_id
                          AND (o.started_at, o.id) < (s.started_at, s.id)
                          AND (o.ended_at > d AT TIME ZONE 'UTC'
                               OR (o.ended_at = o.started_at AND o.ended_at >= d AT TIME ZONE 'UTC')))
), day_rows AS (
    INSERT INTO lines_lineday AS ld (line_id, day, payer_id, price_id, account_id, cycle, used, cost, fee)
    SELECT line_id, day, payer_id, price_id, account_id, cycle, 0, 0, fee FROM fee
    ON CONFLICT (line_id, day, payer_id, price_id) DO UPDATE SET fee = excluded.fee
), holder_days AS (
    INSERT INTO lines_holderday AS h (payer_id, day, account_id, price_id, days, used, cost)
    SELECT payer_id, day, coalesce(d.account_id, fee.account_id), price_id, count(*) - count(d.id), 0,
           sum(fee.fee - coalesce(d.fee, 0))
      FROM fee LEFT JOIN lines_lineday d USING (line_id, day, payer_id, price_id)
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (payer_id, day, account_id, price_id)
    DO UPDATE SET days = h.days + excluded.days, cost = h.cost + excluded.cost
), marks AS (
    UPDATE lines_onspan o
       SET due_day = CASE WHEN o.ended_at IS NULL OR (o.ended_at AT TIME ZONE 'UTC')::date > %(today)s
                          THEN greatest(s.due_day, s.last_day + 1) END
      FROM span s WHERE o.id = s.id
)
SELECT payer_id, day, sum(fee), array_agg(line_id) FROM fee GROUP BY payer_id, day
"""


def charge_fees(*, today: dt.date, payer_id: int | None = None) -> int:
    """Charges every line fee that is due up to today, of one payer or of all; says for how many days of payers.
    Harmless twice."""
    plans = list(Price.objects.with_fees().values_list("plan_id", flat=True).distinct())
    charged, after = 0, 0
    while plans:
        with connection.cursor() as cursor:
            cursor.execute(DUE, {"plans": plans, "after": after, "today": today, "limit": BATCH, "payer": payer_id})
            due = cursor.fetchall()
            if not due:
                break
            after = due[-1][0]
        charged += sum(apart(due, lambda some: _charge(plans, some, today), _lost))
    return charged


def _charge(plans: Sequence[int], due: Sequence[tuple[int, int]], today: dt.date) -> int:
    """The fees of some spans, each with its payer, in the caller's transaction."""
    spans = array(span for span, _ in due)
    lock_wallets(account_ids=sorted({payer for _, payer in due}))
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM lines_onspan WHERE id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE", [spans])
        given: dict[str, Any] = {"plans": list(plans), "spans": spans, "today": today}
        cursor.execute(CHARGE_FEES, given)
        owed = cursor.fetchall()
    charges = [Charge(payer, day, amount) for payer, day, amount, _ in owed]
    charge_usage(charges=charges)
    note_changed_lines(line_ids={line for _, _, _, line_ids in owed for line in line_ids})
    return len(charges)


def _lost(due: tuple[int, int], error: Exception) -> None:
    log.error("The fee of the time on %s of account %s cannot be charged: %s", *due, error)


END = """
UPDATE lines_onspan s SET ended_at = greatest(s.started_at, %(at)s) FROM lines_line l
 WHERE s.line_id = ANY(%(lines)s::bigint[]) AND s.ended_at IS NULL AND l.id = s.line_id
   AND (s.payer_id, s.plan_id) IS DISTINCT FROM (l.payer_id, l.plan_id)
"""
BEGIN = f"""
INSERT INTO lines_onspan (line_id, payer_id, plan_id, started_at, due_day)
SELECT l.id, l.payer_id, l.plan_id, m.at, (m.at AT TIME ZONE 'UTC')::date
  FROM lines_line l JOIN lines_linestate st ON st.line_id = l.id
 CROSS JOIN LATERAL (
    SELECT greatest(%(at)s, max(o.started_at)) AS at FROM lines_onspan o WHERE o.line_id = l.id) AS m
 WHERE l.id = ANY(%(lines)s::bigint[]) AND l.payer_id IS NOT NULL
   AND st.wanted = {Wanted.ACTIVE:d} AND {confirmed_on_sql("st")}
   AND NOT EXISTS (SELECT FROM lines_onspan o WHERE o.line_id = l.id AND o.ended_at IS NULL)
 ORDER BY l.id
"""


def restart_spans(*, line_ids: Sequence[int], at: dt.datetime) -> None:
    """These lines have other plans or payers from now on: what they owe for being on is those'. Harmless twice.

    Call it after the change, in its transaction; the lines' states must be locked.
    """
    if not line_ids:
        return
    with connection.cursor() as cursor:
        given: dict[str, Any] = {"lines": array(line_ids), "at": at}
        cursor.execute(END, given)
        cursor.execute(BEGIN, given)
