"""The daily line fee: once for each line and day on which it was wanted active and its carrier confirmed it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from billing.commands import Charge, charge_usage, lock_wallets
from lines.carriers.base import Switch
from lines.models import Price
from lines.policy import Wanted

BATCH = 5_000

# Days since the last fee are caught up while the line has been on without a break: since its carrier has said so and
# since it was wanted, whichever came later.
DUE = f"""
    SELECT st.line_id, l.payer_id FROM lines_linestate st
      JOIN lines_line l ON l.id = st.line_id
     WHERE l.plan_id = ANY(%(plans)s) AND l.payer_id IS NOT NULL AND st.line_id > %(after)s
       AND st.wanted = {Wanted.ACTIVE:d} AND st.reported = {Switch.ON:d} AND NOT st.blocked
       AND (st.fee_day IS NULL OR st.fee_day < %(today)s)
     ORDER BY st.line_id LIMIT %(limit)s
"""

CHARGE_FEES = f"""
WITH price AS (
    SELECT id, plan_id, per_mb, per_day, coalesce(valid_from, '-infinity') AS valid_from,
           coalesce(lead(valid_from) OVER (PARTITION BY plan_id ORDER BY valid_from NULLS FIRST), 'infinity') AS until
      FROM lines_price WHERE plan_id = ANY(%(plans)s)
), fee AS (
    SELECT st.line_id, l.payer_id, l.account_id, d::date AS day, p.id AS price_id, p.per_day,
           (date_trunc('month', d) + (c.cycle_day - 1) * interval '1 day'
             - CASE WHEN extract(day FROM d) < c.cycle_day THEN interval '1 month' ELSE interval '0' END)::date AS cycle
      FROM lines_linestate st
      JOIN lines_line l ON l.id = st.line_id
      JOIN lines_carrier c ON c.id = l.carrier_id
     CROSS JOIN generate_series(
            greatest(st.fee_day + 1,
                     least((greatest(st.reported_at, st.wanted_at) AT TIME ZONE 'UTC')::date, %(today)s))::timestamp,
            %(today)s::timestamp, '1 day') AS d
      JOIN price p ON p.plan_id = l.plan_id  -- the one in force at the end of the day
                  AND p.valid_from < d AT TIME ZONE 'UTC' + interval '1 day'
                  AND p.until >= d AT TIME ZONE 'UTC' + interval '1 day'
     WHERE st.line_id = ANY(%(lines)s) AND l.payer_id = ANY(%(payers)s)
       AND st.wanted = {Wanted.ACTIVE:d} AND st.reported = {Switch.ON:d} AND NOT st.blocked
       AND (st.fee_day IS NULL OR st.fee_day < %(today)s)
), day_rows AS (
    INSERT INTO lines_lineday AS ld (line_id, day, payer_id, price_id, account_id, cycle, used, cost, fee)
    SELECT line_id, day, payer_id, price_id, account_id, cycle, 0, 0, per_day FROM fee WHERE per_day > 0
    ON CONFLICT (line_id, day, payer_id, price_id) DO UPDATE SET fee = excluded.fee
), holder_days AS (
    INSERT INTO lines_holderday AS h (payer_id, day, account_id, price_id, days, used, cost)
    SELECT payer_id, day, coalesce(d.account_id, fee.account_id), price_id, count(*) - count(d.id), 0,
           sum(per_day - coalesce(d.fee, 0))
      FROM fee LEFT JOIN lines_lineday d USING (line_id, day, payer_id, price_id)
     WHERE per_day > 0 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (payer_id, day, account_id, price_id)
    DO UPDATE SET days = h.days + excluded.days, cost = h.cost + excluded.cost
), marks AS (
    UPDATE lines_linestate st SET fee_day = %(today)s FROM fee WHERE st.line_id = fee.line_id
)
SELECT payer_id, day, sum(per_day) FROM fee WHERE per_day > 0 GROUP BY payer_id, day
"""


def charge_fees(*, today: dt.date) -> int:
    """Charges every line fee that is due up to today; says for how many days of lines. Harmless twice."""
    plans = _with_fees()
    charged, after = 0, 0
    while plans:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(DUE, {"plans": plans, "after": after, "today": today, "limit": BATCH})
            due = cursor.fetchall()
            if not due:
                break
            line_ids, payer_ids = [row[0] for row in due], sorted({row[1] for row in due})
            after = line_ids[-1]
            lock_wallets(account_ids=payer_ids)
            cursor.execute(
                "SELECT 1 FROM lines_linestate WHERE line_id = ANY(%s) ORDER BY line_id FOR UPDATE", [line_ids]
            )
            charged += _charge(plans, line_ids, payer_ids, today)
    return charged


ON_BY_THEN = """
SELECT st.line_id, l.payer_id FROM lines_linestate st JOIN lines_line l ON l.id = st.line_id
 WHERE st.line_id = ANY(%s) AND (greatest(st.reported_at, st.wanted_at) AT TIME ZONE 'UTC')::date <= %s
"""
BEGIN_AFTER = "UPDATE lines_linestate SET fee_day = greatest(fee_day, %s) WHERE line_id = ANY(%s)"


def leave_plans(*, line_ids: Sequence[int], today: dt.date) -> None:
    """Charges what these lines owe at their plans for the days before today: from here on another plan may have the
    fees. Wallets and states must be locked."""
    yesterday = today - dt.timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute(ON_BY_THEN, [list(line_ids), yesterday])
        owing = cursor.fetchall()
        _charge(_with_fees(), [line for line, _ in owing], sorted({payer for _, payer in owing}), yesterday)
        cursor.execute(BEGIN_AFTER, [yesterday, list(line_ids)])


def _with_fees() -> list[int]:
    return list(Price.objects.filter(per_day__gt=0).values_list("plan_id", flat=True).distinct())


def _charge(plans: Sequence[int], line_ids: Sequence[int], payer_ids: Sequence[int], today: dt.date) -> int:
    given: dict[str, Any] = {"plans": list(plans), "lines": list(line_ids), "payers": list(payer_ids), "today": today}
    with connection.cursor() as cursor:
        cursor.execute(CHARGE_FEES, given)
        charges = [Charge(payer, day, amount) for payer, day, amount in cursor.fetchall()]
    charge_usage(charges=charges)
    return len(charges)
