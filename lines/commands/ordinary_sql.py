"""The statement of nearly every page: no line's first reading, no cycle that opens or ends, nothing held.

It does what `reading_sql.APPLY` would do, in half as many steps, and counts the lines for which that is not so.
"""

from __future__ import annotations

from lines import counting
from lines.commands.reading_sql import CHARGED, SOLD
from lines.commands.told_sql import DRIVEN, GRACE, LOWER, NEWS, SEEN, SUMS, TOLD, TOLD_CYCLE, WRAPS, followed
from lines.policy import Hold

# stock, stale and same as APPLY has them; all else is for APPLY.
JUDGED = f"""{TOLD}, found AS (
    SELECT r.*, l.payer_id, l.account_id, l.plan_id, l.held_since, l.added_at,
           coalesce(l.plan_since, l.added_at) AS plan_since,
           st.cycle AS at_cycle, st.counter AS before, st.read_at AS earlier,
           r.running::timestamp AT TIME ZONE 'UTC' AS boundary,
           {TOLD_CYCLE}
      FROM reading r
      JOIN lines_line l ON l.id = r.line_id
      JOIN lines_linestate st ON st.line_id = r.line_id
), judged AS (
    SELECT *,
           CASE WHEN payer_id IS NULL OR at < added_at THEN 'stock'
                WHEN at_cycle IS NULL THEN 'other'
                WHEN told_cycle = at_cycle THEN 'same'
                WHEN told_cycle IS NOT NULL THEN 'other'
                WHEN at < earlier THEN 'stale'
                WHEN running < at_cycle OR running = at_cycle AND at >= boundary + {GRACE} THEN 'same'
                ELSE 'other' END AS judged,
           CASE WHEN {WRAPS} THEN {followed(prior="before")} ELSE told END AS counter
      FROM found
    OFFSET 0  -- keeps the planner from doing all of it again for each column below
), moved AS MATERIALIZED (
    SELECT j.*, CASE WHEN judged = 'same' THEN greatest(j.counter - before, 0) ELSE 0 END AS moved,
           judged = 'other' OR held.id IS NOT NULL
           OR judged = 'same' AND j.counter - before > {counting.PLAUSIBLE}
              AND j.counter - before > {counting.TIMES_LARGEST_DAY} * coalesce((
                  SELECT max(used) FROM (SELECT sum(d.used) AS used FROM lines_lineday d
                                          WHERE d.line_id = j.line_id AND d.payer_id = j.payer_id
                                            AND d.day >= j.today - 30 AND d.day < j.today
                                          GROUP BY d.day) AS of_a_day), 0) AS is_odd
      FROM judged j
      LEFT JOIN lines_heldmovement held
             ON judged = 'same' AND held.state = '{Hold.HELD}' AND held.line_id = j.line_id
            AND held.payer_id = j.payer_id AND held.cycle = j.at_cycle AND held.asked_at >= j.added_at
            AND held.asked_at < j.at
), piece AS (
    SELECT line_id, payer_id, account_id, held_since, plan_id, plan_since, added_at, running, before_running, boundary,
           told_cycle, at_cycle AS cycle, at, earlier, moved AS used, NULL::bigint AS known_by
      FROM moved WHERE moved > 0
)"""

SUMMED = """, summed AS (
    SELECT line_id, payer_id, account_id, held_since, day, price_id, per_mb, cycle, used FROM sold
)"""

STATE = f""", changed AS (
    INSERT INTO lines_changedlines (read_at, line_ids)
    SELECT %(at)s, array_agg(line_id) FROM moved WHERE moved > 0 HAVING count(*) > 0
), state AS (
    UPDATE lines_linestate st SET
           day_bytes = CASE WHEN st.day >= m.today THEN st.day_bytes ELSE 0 END
                     + CASE WHEN m.at_cycle >= m.running AND m.today = greatest(st.day, m.today)
                            THEN m.moved ELSE 0 END,
           {SEEN}
      FROM moved m, kept WHERE st.line_id = m.line_id{DRIVEN}""".format(
    counts="judged = 'same'",
    counter="CASE WHEN judged = 'same' THEN greatest(st.counter, m.counter) ELSE st.counter END",
    has_moved="m.moved > 0",
    lower=LOWER,
    news=NEWS,
)

# The last column counts the lines that this is wrong for: with one, all of it must be undone.
APPLY_ORDINARY = "".join((
    JUDGED, SOLD, SUMMED, CHARGED, STATE, SUMS, "NULL, (SELECT count(*) FROM moved WHERE is_odd)",
))  # fmt: skip
