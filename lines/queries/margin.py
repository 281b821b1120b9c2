"""What lines bring in, what their carriers take, and what is left: for the back office."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from kit.months import month_after

from lines.policy import PER_BYTE

BY = {
    "account": ("a.name", "JOIN accounts_account a ON a.id = u.payer_id"),
    "plan": ("rp.name", "JOIN lines_price p ON p.id = u.price_id JOIN lines_rateplan rp ON rp.id = p.plan_id"),
    "line": ("l.iccid", "JOIN lines_line l ON l.id = u.line_id"),
}

# Sums by the finest key that is asked for come first; names are joined to what is left of them. The carrier's day price
# counts for each day on which a line used data or was charged a fee. A message counts at the price of its line's plan.
MARGIN = """
WITH u AS (
    SELECT d.payer_id, d.price_id, {line} AS line_id, sum({cost}) AS income, 0::numeric AS messages,
           sum(d.used)::numeric AS used, sum({days})::numeric AS days
      FROM {rows} d
     WHERE d.day >= %(start)s AND d.day < %(end)s AND (%(payer)s::bigint IS NULL OR d.payer_id = %(payer)s)
       AND d.payer_id <> ALL ({play})
     GROUP BY 1, 2, 3
    UNION ALL
    SELECT m.payer_id, pr.id, {sms_line}, sum(m.price), count(*), 0, 0
      FROM lines_smsmessage m
      JOIN lines_line ml ON ml.id = m.line_id
      JOIN LATERAL (
          SELECT id FROM lines_price
           WHERE plan_id = ml.plan_id AND country = '' AND (valid_from IS NULL OR valid_from <= m.accepted_at)
           ORDER BY valid_from DESC NULLS LAST LIMIT 1
      ) pr ON true
     WHERE m.accepted_at >= %(start)s AND m.accepted_at < %(end)s
       AND (%(payer)s::bigint IS NULL OR m.payer_id = %(payer)s) AND m.payer_id <> ALL ({play})
     GROUP BY 1, 2, 3
)
SELECT {name} AS name, sum(u.income) AS income,
       sum(u.used * c.cost_per_mb * {per_byte} + u.days * c.cost_per_day + u.messages * c.cost_per_sms) AS cost,
       bool_and(c.cost_per_mb IS NOT NULL) AS is_whole
  FROM u JOIN lines_price c ON c.id = u.price_id {join}
 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Earned:
    """What something brought in and what it cost. USD."""

    name: str
    income: Decimal
    cost: Decimal

    @property
    def left(self) -> Decimal:
        return self.income - self.cost

    @property
    def percent(self) -> Decimal | None:
        return self.left / self.income * 100 if self.income else None


@dataclass(frozen=True, slots=True)
class Margin(Earned):
    """`is_whole` is False where the carrier's cost of a part is not known: that part counts as free."""

    is_whole: bool


def margins(*, by: str, month: dt.date, payer_id: int | None = None, limit: int = 200) -> list[Margin]:
    """A month's margins by account, plan or line, those that bring most first. By line: of one account."""
    name, join = BY[by]
    end = month_after(month, 1)
    is_line = by == "line"
    rows, days, cost = ("lines_lineday", "1", "d.cost + d.fee") if is_line else ("lines_holderday", "d.days", "d.cost")
    sql = MARGIN.format(
        line="d.line_id" if is_line else "NULL::bigint",
        sms_line="m.line_id" if is_line else "NULL::bigint",
        rows=rows,
        days=days,
        cost=cost,
        name=name,
        join=join,
        per_byte=PER_BYTE,
        play="ARRAY(SELECT id FROM accounts_account WHERE is_test)",
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {"start": month, "end": end, "payer": payer_id, "limit": limit})
        return [Margin(found, income, cost or Decimal(0), whole) for found, income, cost, whole in cursor.fetchall()]
