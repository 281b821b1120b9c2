"""The second books of caps: what each one was counted at, summed once more from the day rows of lines and from
messages, in a statement that shares nothing with the one that counts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection

from lines.recount.found import SHOWN

SUMS = """
SELECT c.uuid, c.kind, c.used, d.used AS booked_used, c.cost, d.cost + o.cost AS booked_cost, c.sms,
       m.sms AS booked_sms
  FROM (SELECT *, begins + CASE period WHEN 'day' THEN interval '1 day' ELSE interval '1 month' END AS ends
          FROM lines_cap WHERE begins IS NOT NULL AND NOT id = ANY(%(waiting)s::bigint[])) c
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(d.used), 0) AS used, coalesce(sum(d.cost) + sum(d.fee), 0) AS cost
      FROM lines_lineday d JOIN lines_price p ON p.id = d.price_id
     WHERE d.payer_id = c.account_id AND d.day >= c.begins AND d.day < c.ends
       AND CASE c.kind WHEN 'account' THEN true WHEN 'subaccount' THEN d.account_id = c.holder_id
                       WHEN 'plan' THEN p.plan_id = c.plan_id WHEN 'line' THEN d.line_id = c.line_id
                       ELSE d.line_id IN (SELECT line_id FROM lines_linetag WHERE tag_id = c.tag_id) END) d
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(o.cost), 0) AS cost FROM lines_overage o
     WHERE o.payer_id = c.account_id AND o.day >= c.begins AND o.day < c.ends
       AND CASE c.kind WHEN 'account' THEN true WHEN 'subaccount' THEN o.account_id = c.holder_id
                       WHEN 'plan' THEN o.plan_id = c.plan_id WHEN 'line' THEN o.line_id = c.line_id
                       ELSE o.line_id IN (SELECT line_id FROM lines_linetag WHERE tag_id = c.tag_id) END) o
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(s.price), 0) AS sms FROM lines_smsmessage s
     WHERE s.payer_id = c.account_id AND (s.accepted_at AT TIME ZONE 'UTC')::date >= c.begins
       AND (s.accepted_at AT TIME ZONE 'UTC')::date < c.ends
       AND CASE c.kind WHEN 'account' THEN true WHEN 'subaccount' THEN s.account_id = c.holder_id
                       WHEN 'line' THEN s.line_id = c.line_id
                       WHEN 'plan' THEN (SELECT count(*) FROM lines_lineplan a
                                          WHERE a.line_id = s.line_id AND a.plan_id = c.plan_id
                                            AND a.since <= s.accepted_at
                                            AND NOT EXISTS (SELECT FROM lines_lineplan b WHERE b.line_id = a.line_id
                                                               AND (b.since, b.id) > (a.since, a.id)
                                                               AND b.since <= s.accepted_at)) = 1
                       ELSE s.line_id IN (SELECT line_id FROM lines_linetag WHERE tag_id = c.tag_id) END) m
 WHERE (c.used, c.cost, c.sms) IS DISTINCT FROM (d.used, d.cost + o.cost, m.sms)
 ORDER BY c.id
"""


def recount_caps(*, waiting: Collection[int]) -> dict[str, Any]:
    """Caps as one more rule of the books; those of which something has changed since they were counted wait."""
    with connection.cursor() as cursor:
        cursor.execute(SUMS, {"waiting": list(waiting)})
        names = [column.name for column in cursor.description or []]
        rows = [dict(zip(names, map(str, row), strict=True)) for row in cursor.fetchall()]
    return {
        "name": "caps_are_the_sums_of_day_rows",
        "says": "what a cap was counted at is what its lines' day rows and messages of the period come to",
        "ok": not rows,
        "breaches": len(rows),
        "first": rows[:SHOWN],
        "waiting": len(waiting),
    }
