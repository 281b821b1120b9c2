"""The statements that count bundles: which are due, and what is beyond one, from rows that are booked.

What they decide is said in Python in `lines.policy.bundles`.
"""

from __future__ import annotations

from lines.counting import cycle_sql, next_cycle_sql
from lines.policy import MEGABYTE
from lines.rules import granted_sql, overage_sql

# Bundles of which something else is there than when they were counted: what their days used, how many rows they have,
# or, in a cycle that runs or has ended lately, which lines were on. A day's cost is no part of it: overage is among it.
DUE = f"""
WITH price AS MATERIALIZED (
    SELECT p.id, p.plan_id, p.is_pooled, rp.carrier_id
      FROM lines_price p JOIN lines_rateplan rp ON rp.id = p.plan_id WHERE p.included_mb IS NOT NULL
), sums AS (
    SELECT h.payer_id, h.day, h.price_id, sum(h.days) AS days, sum(h.used) AS used
      FROM lines_holderday h
     WHERE h.day >= %(since)s AND (%(payer)s::bigint IS NULL OR h.payer_id = %(payer)s)
       AND h.price_id = ANY (ARRAY(SELECT id FROM price))
     GROUP BY 1, 2, 3
), cycles AS (
    SELECT s.payer_id, p.plan_id, p.is_pooled, {cycle_sql("s.day", "c")} AS cycle,
           {next_cycle_sql("s.day", "c")} AS until,
           md5(string_agg(concat_ws(':', s.day, s.price_id, s.days, s.used), ',' ORDER BY s.day, s.price_id)) AS said
      FROM sums s JOIN price p ON p.id = s.price_id JOIN lines_carrier c ON c.id = p.carrier_id
     GROUP BY 1, 2, 3, 4, 5
), now AS (
    SELECT y.payer_id, y.plan_id, y.is_pooled, y.cycle, y.until, md5(concat_ws('/', y.said, o.said)) AS digest
      FROM cycles y
      LEFT JOIN LATERAL (
        SELECT count(*) || ':' || coalesce(max(o.id), 0) AS said FROM lines_onspan o
         WHERE o.payer_id = y.payer_id AND o.plan_id = y.plan_id
           AND (o.ended_at IS NULL OR o.ended_at >= y.cycle::timestamp AT TIME ZONE 'UTC')
           AND o.started_at < y.until::timestamp AT TIME ZONE 'UTC') o ON y.until > %(today)s::date - 35
)
SELECT n.payer_id, n.plan_id, n.is_pooled, n.cycle, n.until, n.digest
  FROM now n
  LEFT JOIN lines_bundle b ON b.payer_id = n.payer_id AND b.plan_id = n.plan_id AND b.cycle = n.cycle
                          AND b.is_pooled = n.is_pooled
 WHERE n.cycle >= %(since)s AND b.seen IS DISTINCT FROM n.digest
 ORDER BY 1, 2, 4, 3
"""

# A plan's prices that include data, in order; `is_last` is the one that a month's included data is shown by.
PRICE = f"""price AS (
    SELECT id, per_mb_beyond, included_mb::bigint * {MEGABYTE} AS included,
           row_number() OVER (ORDER BY valid_from NULLS FIRST) AS place,
           row_number() OVER (ORDER BY valid_from < %(until)s::timestamp AT TIME ZONE 'UTC' OR valid_from IS NULL,
                                       valid_from NULLS FIRST)
             = count(*) OVER () AS is_last
      FROM lines_price
     WHERE plan_id = %(plan)s AND included_mb IS NOT NULL AND is_pooled = %(pooled)s
)"""

# A line is there from the first day of the cycle on which it was on, or moved. Which lines of a pool moved and were
# never on is only looked for (`deep`) where it decides something.
THERE = """moved AS (
    SELECT d.line_id, d.day, d.price_id, d.account_id, d.used
      FROM lines_lineday d JOIN price p ON p.id = d.price_id
     WHERE %(deep)s AND d.payer_id = %(payer)s AND d.day >= %(cycle)s AND d.day < %(until)s AND d.used > 0
), there AS (
    SELECT line_id, min(day) AS day FROM (
        SELECT line_id, day FROM moved
         UNION ALL
        SELECT line_id, greatest((started_at AT TIME ZONE 'UTC')::date, %(cycle)s::date) FROM lines_onspan
         WHERE payer_id = %(payer)s AND plan_id = %(plan)s
           AND started_at < %(until)s::timestamp AT TIME ZONE 'UTC'
           AND (ended_at IS NULL OR ended_at >= %(cycle)s::timestamp AT TIME ZONE 'UTC')
           AND (ended_at IS NULL OR ended_at > %(cycle)s::timestamp AT TIME ZONE 'UTC' OR ended_at = started_at)
     ) days GROUP BY line_id
)"""

# What was used by day and price, and what is included at each price: of each line, or (key 0) of all together.
OWN = f"""used AS (
    SELECT line_id AS key, day, price_id, account_id, used FROM moved
), included AS (
    SELECT t.line_id AS key, p.id AS price_id, p.is_last,
           {granted_sql("p.included", "t.day", "%(cycle)s::date")} AS included
      FROM there t CROSS JOIN price p
)"""
POOL = f"""used AS (
    SELECT 0::bigint AS key, h.day, h.price_id, %(payer)s::bigint AS account_id, sum(h.used)::bigint AS used
      FROM lines_holderday h JOIN price p ON p.id = h.price_id
     WHERE h.payer_id = %(payer)s AND h.day >= %(cycle)s AND h.day < %(until)s
     GROUP BY h.day, h.price_id HAVING sum(h.used) > 0
), included AS (
    SELECT 0::bigint AS key, p.id AS price_id, p.is_last,
           (SELECT coalesce(sum(t.lines * {granted_sql("p.included", "t.day", "%(cycle)s::date")}), 0)::bigint
              FROM (SELECT day, count(*) AS lines FROM there GROUP BY day) t) AS included
      FROM price p
)"""

# One rounding of all that is beyond since the cycle began, for each day's end: a day costs the difference.
OWED = f"""run AS (
    SELECT u.*, coalesce(i.included, 0) AS included, p.per_mb_beyond,
           (sum(u.used) OVER (PARTITION BY u.key ORDER BY u.day, p.place))::bigint AS through
      FROM used u JOIN price p ON p.id = u.price_id
      LEFT JOIN included i ON i.key = u.key AND i.price_id = u.price_id
), owed AS (
    SELECT key, day, price_id, account_id,
           through - included - greatest(0, through - used - included) AS beyond,
           {overage_sql("through", "included", "per_mb_beyond")}
           - {overage_sql("(through - used)", "included", "per_mb_beyond")} AS cost
      FROM run WHERE through > included
), total AS (
    SELECT i.key, i.included, coalesce(u.used, 0) AS used
      FROM included i LEFT JOIN (SELECT key, sum(used)::bigint AS used FROM used GROUP BY key) u ON u.key = i.key
     WHERE i.is_last
)"""

BOOK = """before AS (
    SELECT id, coalesce(line_id, 0) AS key, day, price_id, account_id, cost FROM lines_overage
     WHERE payer_id = %(payer)s AND plan_id = %(plan)s AND day >= %(cycle)s AND day < %(until)s
       AND (line_id IS NULL) = %(pooled)s
), gone AS (
    DELETE FROM lines_overage o USING before b
     WHERE o.id = b.id AND NOT EXISTS (SELECT FROM owed w
                                        WHERE w.key = b.key AND w.day = b.day AND w.price_id = b.price_id)
), kept AS (
    INSERT INTO lines_overage (payer_id, plan_id, cycle, line_id, day, price_id, account_id, used, cost)
    SELECT %(payer)s, %(plan)s, %(cycle)s, nullif(key, 0), day, price_id, account_id, beyond, cost FROM owed
     ORDER BY day, price_id, key
    ON CONFLICT (payer_id, day, price_id, line_id)
    DO UPDATE SET account_id = excluded.account_id, used = excluded.used, cost = excluded.cost
), more AS (
    SELECT day, account_id, price_id, sum(cost) AS cost FROM (
        SELECT day, account_id, price_id, cost FROM owed
         UNION ALL
        SELECT day, account_id, price_id, -cost FROM before) rows_after_and_before
     GROUP BY 1, 2, 3 HAVING sum(cost) <> 0
), holder_days AS (
    INSERT INTO lines_holderday AS h (payer_id, day, account_id, price_id, days, used, cost)
    SELECT %(payer)s, day, account_id, price_id, 0, 0, cost FROM more ORDER BY day, account_id, price_id
    ON CONFLICT (payer_id, day, account_id, price_id) DO UPDATE SET cost = h.cost + excluded.cost
), told AS (
    INSERT INTO lines_bundletold AS t (line_id, payer_id, plan_id, cycle, level)
    SELECT key, %(payer)s, %(plan)s, %(cycle)s, CASE WHEN used >= included THEN 100 ELSE 80 END
      FROM total WHERE %(tells)s AND key > 0 AND used * 5 >= included * 4 ORDER BY key
    ON CONFLICT (line_id, payer_id, plan_id, cycle)
    DO UPDATE SET level = excluded.level WHERE t.level < excluded.level
    RETURNING line_id, level
)
SELECT (SELECT count(*) FROM there), coalesce(sum(used), 0)::bigint, coalesce(sum(included), 0)::bigint,
       (SELECT coalesce(sum(beyond), 0)::bigint FROM owed), (SELECT coalesce(sum(cost), 0) FROM owed),
       ARRAY(SELECT day FROM (SELECT day, sum(cost) AS cost FROM more GROUP BY day) d ORDER BY day),
       ARRAY(SELECT cost FROM (SELECT day, sum(cost) AS cost FROM more GROUP BY day) d ORDER BY day),
       ARRAY(SELECT key FROM (SELECT key, day, price_id, cost FROM owed
                               EXCEPT SELECT key, day, price_id, cost FROM before) c WHERE key > 0),
       ARRAY(SELECT line_id FROM told ORDER BY line_id), ARRAY(SELECT level FROM told ORDER BY line_id)
  FROM total
"""

COUNT_OWN = f"WITH {PRICE}, {THERE}, {OWN}, {OWED}, {BOOK}"
COUNT_POOL = f"WITH {PRICE}, {THERE}, {POOL}, {OWED}, {BOOK}"
# What a pool used and has, at least, and whether that is enough at each price that it was used at: nothing is booked.
LOOK = f"""WITH {PRICE}, {THERE}, {POOL}, {OWED}
SELECT (SELECT count(*) FROM there), used, included, NOT EXISTS (SELECT FROM run WHERE through > included) FROM total
"""
