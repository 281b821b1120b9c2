"""The statements of the hot path. What APPLY decides is said in Python in `lines.counting`; a test compares them."""

from __future__ import annotations

from lines import counting, policy
from lines.commands.told_sql import DRIVEN, GRACE, LOWER, NEWS, SEEN, SUMS, TOLD, TOLD_CYCLE, WRAPS, followed
from lines.policy import Hold

FIND = """
SELECT id, iccid, payer_id, imei, msisdn, carrier_iccid FROM lines_line
 WHERE carrier_id = %s AND iccid = ANY(%s::text[]) ORDER BY id
"""
LOCK = (
    "SELECT sms_mark, cycle IS NULL FROM lines_linestate WHERE line_id = ANY(%s::bigint[]) ORDER BY line_id FOR UPDATE"
)

# Which case a reading is, decided under the locks on the lines' states:
#   stock     nobody's line, or told of before it was its payer's: only its state is kept
#   first     its baseline: nothing is charged
#   stale     a counter without a time, asked for before the last one that was applied
#   same      the cycle that is open: the highest counter counts
#   opens     a new cycle: the counter began at 0
#   older     a finished cycle: what it moved late
# and of a carrier that gives no time, near a boundary (counting.which_cycle):
#   lags      the old cycle's still, as far as can be known; noted in lines_boundaryuse, in case it was the new one's
#   retold    72 hours after: the counter is the new cycle's whole, and so is what was charged since the boundary
#   restarts  the baseline was the old cycle's, whose counter began anew after it
JUDGED = f"""{TOLD}, found AS (
    SELECT r.*, l.payer_id, l.account_id, l.plan_id, l.held_since, l.added_at,
           coalesce(l.plan_since, l.added_at) AS plan_since,
           st.cycle AS open_cycle, st.counter AS open_counter, st.baseline, st.read_at, st.since_cycle,
           r.running::timestamp AT TIME ZONE 'UTC' AS boundary,
           coalesce(st.shown_lower, CASE WHEN %(wraps_at)s::bigint IS NULL THEN st.counter
                                         ELSE st.counter %% %(wraps_at)s END) AS shown, st.baseline_at,
           {TOLD_CYCLE}
      FROM reading r
      JOIN lines_line l ON l.id = r.line_id
      JOIN lines_linestate st ON st.line_id = r.line_id
), named AS MATERIALIZED (
    SELECT *,
           CASE WHEN payer_id IS NULL OR (NOT %(final)s AND at < added_at) OR (%(final)s AND open_cycle IS NULL)
                THEN 'stock'
                WHEN open_cycle IS NULL THEN 'first'
                WHEN told_cycle = open_cycle THEN 'same'
                WHEN told_cycle > open_cycle THEN 'opens'
                WHEN told_cycle < open_cycle THEN 'older'
                WHEN at < read_at THEN 'stale'
                WHEN running < open_cycle THEN 'same'
                WHEN running = open_cycle
                THEN CASE WHEN at < boundary + {GRACE} AND told * 2 < shown AND baseline_at >= boundary
                          THEN 'restarts' ELSE 'same' END
                WHEN at < boundary + {GRACE}
                THEN CASE WHEN told * 2 < shown OR open_counter = 0 THEN 'opens' ELSE 'lags' END
                WHEN read_at >= boundary THEN 'retold'
                ELSE 'opens' END AS judgement
      FROM found
), placed AS (
    SELECT *,
           CASE WHEN judgement IN ('same', 'lags') THEN open_cycle
                ELSE coalesce(told_cycle, running) END AS at_cycle,
           CASE WHEN judgement IN ('same', 'lags', 'retold') THEN open_counter
                WHEN judgement IN ('opens', 'restarts') THEN 0 END AS prior
      FROM named
), counted AS MATERIALIZED (
    SELECT p.*, past.id AS past_id, past.read_at AS past_read_at, coalesce(p.prior, past.counter) AS before,
           held.id AS held_id, held.asked_at AS held_asked_at, held.earlier_at AS held_earlier_at,
           held.counter AS held_counter, held.bytes AS held_bytes, held.reading_id AS held_by,
           CASE WHEN {WRAPS} AND p.judgement <> 'retold' THEN {followed(prior="coalesce(p.prior, past.counter, 0)")}
                ELSE p.told END AS counter
      FROM placed p
      LEFT JOIN lines_linecycle past ON p.judgement = 'older' AND past.line_id = p.line_id
                                    AND past.cycle = p.at_cycle AND past.payer_id = p.payer_id
                                    AND (past.read_at >= p.added_at  -- not of an earlier time that it was its payer's
                                         OR (past.read_at IS NULL AND past.cycle >= p.since_cycle))
      LEFT JOIN lines_heldmovement held
             ON held.state = '{Hold.HELD}' AND held.line_id = p.line_id
            AND held.payer_id = p.payer_id AND held.asked_at >= p.added_at  -- what another one's line moved is no word
            AND held.cycle = CASE p.judgement WHEN 'retold' THEN p.open_cycle ELSE p.at_cycle END
            AND held.asked_at < p.at AND p.judgement IN ('same', 'lags', 'retold', 'restarts', 'older')
), agreed AS (
    -- A second reading decides about a movement that is held: it agrees, or takes it back.
    SELECT *, coalesce(counter >= held_counter, false) AS agrees,
           CASE WHEN counter >= held_counter THEN greatest(held_counter - before, 0) ELSE 0 END AS released,
           CASE WHEN judgement = 'retold' THEN greatest(counter - before, 0)
                ELSE greatest(counter - CASE WHEN counter >= held_counter THEN greatest(held_counter, before)
                                             ELSE before END, 0) END AS fresh
      FROM counted
), moved AS (
    SELECT a.*,
           CASE WHEN judgement = 'retold' AND is_held THEN 'lags' ELSE judgement END AS judged,
           CASE WHEN is_held THEN 0 ELSE coalesce(fresh, 0) END AS moved,
           CASE WHEN is_held THEN fresh ELSE 0 END AS doubted,
           CASE WHEN judgement = 'older' OR %(final)s THEN coalesce(past_read_at, CASE WHEN past_id IS NULL
                                                                                   THEN read_at END)
                ELSE read_at END AS earlier
      FROM (SELECT *, coalesce(fresh > {counting.PLAUSIBLE}
                   AND fresh > {counting.TIMES_LARGEST_DAY} * coalesce((
                       SELECT max(used) FROM (SELECT sum(d.used) AS used FROM lines_lineday d
                                               WHERE d.line_id = agreed.line_id AND d.payer_id = agreed.payer_id
                                                 AND d.day >= agreed.today - 30 AND d.day < agreed.today
                                               GROUP BY d.day) AS of_a_day), 0)
                   AND NOT (judgement = 'retold' AND agrees), false) AS is_held
              FROM agreed) a
)"""

# What is told of a line stands in each of its rows: to join them to the lines again would cost the square of a page.
OF_LINE = """m.line_id, m.payer_id, m.account_id, m.held_since, m.plan_id, m.plan_since, m.added_at, m.running,
           m.before_running, m.judged, m.boundary, m.told_cycle"""

# What is charged: movements, and what follows from a boundary that is told anew.
PIECES = f""", uses AS (
    SELECT b.line_id, b.day, b.old_day, b.price_id, b.old_price_id, b.used, m.running,
           greatest(least(b.used, m.told - (sum(b.used) OVER of_line - b.used)), 0) AS part
      FROM moved m JOIN lines_boundaryuse b ON b.line_id = m.line_id AND b.day >= m.running
     WHERE m.judged = 'retold'
    WINDOW of_line AS (PARTITION BY b.line_id ORDER BY b.id)
), retold AS (
    SELECT m.line_id, m.told, coalesce(sum(u.used), 0) AS undone, coalesce(sum(u.part), 0) AS done,
           least(m.moved, m.told - coalesce(sum(u.part), 0)) AS newly
      FROM moved m LEFT JOIN uses u ON u.line_id = m.line_id
     WHERE m.judged = 'retold' GROUP BY m.line_id, m.told, m.moved
), piece AS (
    SELECT {OF_LINE}, CASE judged WHEN 'lags' THEN open_cycle ELSE at_cycle END AS cycle, at, earlier, moved AS used,
           NULL::bigint AS known_by
      FROM moved m WHERE moved > 0 AND judged <> 'retold'
     UNION ALL
    SELECT {OF_LINE}, CASE judged WHEN 'lags' THEN open_cycle ELSE at_cycle END, held_asked_at, held_earlier_at,
           released, held_by
      FROM moved m WHERE released > 0 AND judged <> 'retold'
     UNION ALL
    SELECT {OF_LINE}, running, at, earlier, newly, NULL
      FROM retold r JOIN moved m ON m.line_id = r.line_id WHERE newly > 0
     UNION ALL
    SELECT {OF_LINE}, running, boundary, boundary, r.told - done - newly, NULL
      FROM retold r JOIN moved m ON m.line_id = r.line_id WHERE r.told > done + newly
     UNION ALL  -- what is held has its price already: of the day on which it is charged if it is
    SELECT {OF_LINE}, CASE judged WHEN 'lags' THEN open_cycle ELSE at_cycle END, at, earlier, 0, NULL
      FROM moved m WHERE doubted > 0
)"""

PLAN_AT = (
    "(SELECT lp.plan_id FROM lines_lineplan lp WHERE lp.line_id = {0}.line_id AND lp.since <= {1}"
    " ORDER BY lp.since DESC, lp.id DESC LIMIT 1)"
)

# Where a line was at a moment: the stay that had begun last, or the first one where none had (policy.zones.country_at);
# of a movement that was held, by what was known when it was.
COUNTRY_AT = (
    "(SELECT w.country FROM lines_linecountry w WHERE w.line_id = {0}.line_id AND w.payer_id = {0}.payer_id"
    " AND ({0}.known_by IS NULL OR w.after_reading < {0}.known_by)"
    " ORDER BY w.since <= {1} DESC, CASE WHEN w.since <= {1} THEN w.since END DESC, w.since, w.id DESC LIMIT 1)"
)
# A plan's default price, and those that stand beside it from the same moment on: of countries whose zones have one.
PRICES = """price AS (
    SELECT p.id, p.plan_id, p.country, p.per_mb, coalesce(p.valid_from, '-infinity') AS valid_from,
           coalesce(min(p.valid_from) OVER later, 'infinity') AS until, max(p.country) OVER beside <> '' AS has_zones
      FROM lines_price p JOIN lines_rateplan rp ON rp.id = p.plan_id
     WHERE rp.carrier_id = %(carrier)s
    WINDOW later AS (PARTITION BY p.plan_id ORDER BY p.valid_from NULLS FIRST
                     GROUPS BETWEEN 1 FOLLOWING AND 1 FOLLOWING),
           beside AS (PARTITION BY p.plan_id ORDER BY p.valid_from NULLS FIRST
                      GROUPS BETWEEN CURRENT ROW AND CURRENT ROW)
)"""

# `began` says whose plan and price, `there` which country's. Only of plans with zones is a country asked for.
SOLD = f""", dated AS (
    SELECT p.*,
           greatest(p.cycle, least((p.at AT TIME ZONE 'UTC')::date,
               CASE WHEN p.cycle >= p.running THEN 'infinity'
                    WHEN p.cycle >= p.before_running THEN p.running - 1
                    ELSE (p.cycle + interval '1 month' - interval '1 day')::date END)) AS day,
           p.earlier IS NULL OR p.at - p.earlier > interval '24 hours' AS is_far
      FROM piece p
), begun AS MATERIALIZED (
    SELECT *, CASE WHEN is_far THEN greatest(day::timestamp AT TIME ZONE 'UTC', added_at)
                   ELSE greatest(earlier, cycle::timestamp AT TIME ZONE 'UTC') END AS began,
           CASE WHEN is_far AND told_cycle IS NOT NULL THEN least(at, (day + 1)::timestamp AT TIME ZONE 'UTC')
                ELSE at END AS there,
           -- and if it was the new cycle's
           CASE WHEN is_far THEN greatest(date_trunc('day', at, 'UTC'), boundary, added_at)
                ELSE greatest(earlier, boundary) END AS began_anew
      FROM dated
), {PRICES}, based AS (
    SELECT b.*, p.id AS base_id, p.plan_id AS base_plan_id, p.per_mb AS base_per_mb, p.valid_from AS base_from,
           CASE WHEN p.has_zones THEN {COUNTRY_AT.format("b", "b.there")} END AS country
      FROM begun b
      JOIN price p ON p.country = '' AND p.plan_id = CASE WHEN b.began >= b.plan_since THEN b.plan_id
                                       ELSE coalesce({PLAN_AT.format("b", "b.began")}, b.plan_id) END
                  AND p.valid_from <= b.began AND p.until > b.began
), sold AS (
    SELECT b.*, coalesce(z.id, b.base_id) AS price_id, coalesce(z.per_mb, b.base_per_mb) AS per_mb
      FROM based b
      LEFT JOIN price z ON z.plan_id = b.base_plan_id AND z.valid_from = b.base_from AND z.country = b.country
)"""

CHANGES = f""", boundary_uses AS (
    INSERT INTO lines_boundaryuse AS u (line_id, day, old_day, price_id, old_price_id, used)
    SELECT s.line_id, greatest((s.at AT TIME ZONE 'UTC')::date, s.running), s.day, coalesce(z.id, p.id), s.price_id,
           sum(s.used)
      FROM sold s
      JOIN price p ON p.country = '' AND p.plan_id = CASE WHEN s.began_anew >= s.plan_since THEN s.plan_id
                                       ELSE coalesce({PLAN_AT.format("s", "s.began_anew")}, s.plan_id) END
                  AND p.valid_from <= s.began_anew AND p.until > s.began_anew
      LEFT JOIN price z ON p.has_zones AND z.plan_id = p.plan_id AND z.valid_from = p.valid_from
                       AND z.country = {COUNTRY_AT.format("s", "s.there")}
     WHERE s.judged = 'lags' AND s.used > 0 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (line_id, day, old_day, price_id, old_price_id) DO UPDATE SET used = u.used + excluded.used
), boundary_gone AS (
    DELETE FROM lines_boundaryuse u USING moved m
     WHERE u.line_id = m.line_id AND (m.judged IN ('opens', 'retold') OR m.judged = 'lags' AND u.day < m.running)
), change AS (
    SELECT line_id, day, price_id, per_mb, cycle, used FROM sold
     UNION ALL
    SELECT u.line_id, u.day, u.price_id, p.per_mb, u.running, u.part FROM uses u JOIN price p ON p.id = u.price_id
     UNION ALL
    SELECT u.line_id, coalesce(u.old_day, u.running - 1), u.old_price_id, p.per_mb, m.open_cycle, -u.used
      FROM uses u JOIN price p ON p.id = u.old_price_id JOIN moved m ON m.line_id = u.line_id
), summed AS (
    SELECT c.line_id, m.payer_id, m.account_id, m.held_since, day, price_id, per_mb, min(c.cycle) AS cycle,
           sum(used)::bigint AS used
      FROM change c JOIN moved m ON m.line_id = c.line_id
     WHERE used <> 0 GROUP BY 1, 2, 3, 4, 5, 6, 7
)"""

CHARGED = f""", priced AS (
    -- Of a day before its present holder had the line that holder is not told.
    SELECT s.line_id, s.payer_id, s.day, s.cycle, s.used AS moved, s.price_id,
           d.account_id AS account_before, coalesce(d.fee, 0) AS fee,
           CASE WHEN s.day < (s.held_since AT TIME ZONE 'UTC')::date THEN coalesce(d.account_id, s.payer_id)
                ELSE s.account_id END AS account_id,
           coalesce(d.used, 0) + s.used AS used, coalesce(d.cost, 0) AS cost_before,
           round((coalesce(d.used, 0) + s.used) * s.per_mb * {policy.PER_BYTE}, 6) AS cost
      FROM summed s
      LEFT JOIN lines_lineday d ON d.line_id = s.line_id AND d.day = s.day
                               AND d.payer_id = s.payer_id AND d.price_id = s.price_id
), day_rows AS (
    INSERT INTO lines_lineday AS d (line_id, day, payer_id, price_id, account_id, cycle, used, cost, fee)
    SELECT line_id, day, payer_id, price_id, account_id, cycle, used, cost, 0 FROM priced
    ON CONFLICT (line_id, day, payer_id, price_id)
    DO UPDATE SET used = excluded.used, cost = excluded.cost, account_id = excluded.account_id
), holder_days AS (
    INSERT INTO lines_holderday AS h (payer_id, day, account_id, price_id, days, used, cost)
    SELECT payer_id, day, account_id, price_id, sum(days), sum(used), sum(cost) FROM (
        SELECT payer_id, day, account_id, price_id, 0 AS days, moved AS used, cost - cost_before AS cost FROM priced
         WHERE account_before = account_id
         UNION ALL
        SELECT payer_id, day, account_id, price_id, 1, used, cost + fee FROM priced
         WHERE account_before IS DISTINCT FROM account_id
         UNION ALL
        SELECT payer_id, day, account_before, price_id, -1, moved - used, -cost_before - fee FROM priced
         WHERE account_before <> account_id) AS rows_after_and_before
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (payer_id, day, account_id, price_id)
    DO UPDATE SET days = h.days + excluded.days, used = h.used + excluded.used, cost = h.cost + excluded.cost
)"""

CYCLES = """, finished AS (
    SELECT m.line_id, m.payer_id, m.plan_id, m.since_cycle, m.open_cycle AS cycle, m.read_at,
           m.open_counter - coalesce(r.undone, 0) AS counter,
           m.open_counter - m.baseline - coalesce(r.undone, 0) AS used
      FROM moved m LEFT JOIN retold r ON r.line_id = m.line_id WHERE m.judged IN ('opens', 'retold')
     UNION ALL  -- cycles of which the counter never spoke: only a final total can tell of them
    SELECT line_id, payer_id, plan_id, since_cycle, skipped::date, NULL, 0, 0
      FROM moved, generate_series(greatest(open_cycle + interval '1 month', since_cycle),
                                  at_cycle - interval '1 month', '1 month') AS skipped
     WHERE judged = 'opens' AND %(has_finals)s
), finished_rows AS (
    INSERT INTO lines_linecycle AS c (line_id, cycle, payer_id, plan_id, counter, used, read_at)
    SELECT line_id, cycle, payer_id, plan_id, counter, used, read_at FROM finished
    ON CONFLICT (line_id, cycle, payer_id)
    DO UPDATE SET counter = excluded.counter, used = c.used + excluded.used, read_at = excluded.read_at
), finals AS (
    INSERT INTO lines_finaltotal (line_id, carrier_id, cycle, due_at, attempts, last_error)
    SELECT line_id, %(carrier)s, cycle, (cycle + interval '1 month') AT TIME ZONE 'UTC' + %(finals_after)s, 0, ''
      FROM finished WHERE %(has_finals)s AND cycle >= since_cycle
    ON CONFLICT (line_id, cycle) DO NOTHING
), late_rows AS (
    UPDATE lines_linecycle c
       SET counter = greatest(c.counter, CASE WHEN m.is_held THEN m.before + m.released ELSE m.counter END),
           used = c.used + m.moved + m.released,
           read_at = CASE WHEN %(final)s THEN c.read_at ELSE greatest(c.read_at, m.at) END
      FROM moved m WHERE m.past_id = c.id
)"""

HELD = f""", decided AS (
    UPDATE lines_heldmovement h
       SET state = CASE WHEN m.agrees THEN '{Hold.CHARGED}' ELSE '{Hold.TAKEN_BACK}' END, decided_at = m.at,
           decided_by = '', decided_reading_id = kept.id
      FROM moved m, kept WHERE h.id = m.held_id
    RETURNING h.id
), held_rows AS (
    INSERT INTO lines_heldmovement (line_id, payer_id, reading_id, asked_at, earlier_at, cycle, day, price_id, bytes,
                                    counter_before, counter, state, decided_by)
    SELECT m.line_id, m.payer_id, kept.id, m.at, m.earlier, s.cycle, s.day, s.price_id, m.doubted,
           m.counter - m.doubted, m.counter, '{Hold.HELD}', ''
      FROM moved m JOIN sold s ON s.line_id = m.line_id AND s.used = 0, kept
     WHERE m.is_held AND NOT EXISTS (SELECT FROM lines_heldmovement h
                                      WHERE h.line_id = m.line_id AND h.cycle = s.cycle AND h.state = '{Hold.HELD}'
                                        AND h.payer_id = m.payer_id AND h.asked_at >= m.added_at
                                        AND h.id IS DISTINCT FROM m.held_id)
    RETURNING line_id
)"""

# `m.doubted` and what a second reading takes back stand in this day's bytes and beside the cycle's: rules see them.
STATE = f""", changed AS (
    INSERT INTO lines_changedlines (read_at, line_ids)
    SELECT %(at)s, array_agg(line_id) FROM moved WHERE moved + doubted + released > 0 OR judged = 'retold'
    HAVING count(*) > 0
), state AS (
    UPDATE lines_linestate st SET
           cycle = CASE WHEN judged IN ('first', 'opens', 'retold') THEN at_cycle ELSE st.cycle END,
           baseline = CASE judged WHEN 'first' THEN m.told WHEN 'opens' THEN 0 WHEN 'retold' THEN 0
                                  WHEN 'restarts' THEN st.baseline - st.counter ELSE st.baseline END,
           baseline_at = CASE judged WHEN 'first' THEN m.at WHEN 'restarts' THEN NULL ELSE st.baseline_at END,
           since_cycle = CASE WHEN judged = 'first' THEN m.running ELSE st.since_cycle END,
           held_bytes = CASE WHEN judged IN ('first', 'opens', 'retold', 'restarts') THEN m.doubted
                             WHEN {{counts}} AND (m.held_id IS NOT NULL OR m.doubted > 0) THEN m.doubted
                             ELSE st.held_bytes END,
           boundary_bytes = CASE WHEN judged IN ('first', 'opens', 'retold') THEN 0
                                 WHEN judged = 'lags' THEN m.moved + m.released
                                      + CASE WHEN st.read_at >= m.boundary THEN st.boundary_bytes ELSE 0 END
                                 ELSE st.boundary_bytes END,
           day_bytes = greatest(0, CASE WHEN st.day >= m.today THEN st.day_bytes ELSE 0 END
                     + CASE WHEN (judged IN ('lags', 'retold') OR at_cycle >= m.running)
                                 AND m.today = greatest(st.day, m.today)
                            THEN m.moved + m.doubted ELSE 0 END
                     - CASE WHEN judged = 'retold' AND m.agrees THEN m.held_bytes ELSE 0 END
                     - CASE WHEN m.held_id IS NOT NULL AND NOT m.agrees
                                 AND (m.held_asked_at AT TIME ZONE 'UTC')::date = greatest(st.day, m.today)
                            THEN m.held_bytes ELSE 0 END),
           {SEEN}
      FROM moved m, kept WHERE st.line_id = m.line_id{DRIVEN}""".format(
    counts="judged IN ('first', 'same', 'lags', 'opens', 'retold', 'restarts')",
    counter="CASE WHEN judged = 'first' THEN m.told"
    " WHEN judged IN ('same', 'lags')"
    " THEN greatest(st.counter + m.released, CASE WHEN NOT m.is_held THEN m.counter END)"
    " WHEN judged IN ('opens', 'retold', 'restarts') THEN CASE WHEN m.is_held THEN m.released ELSE m.counter END"
    " ELSE st.counter END",
    has_moved="m.moved + m.doubted > 0",
    lower=LOWER,
    news=NEWS,
)

# Anything that a reading can be.
APPLY = "".join((
    JUDGED, PIECES, SOLD, CHANGES, CHARGED, CYCLES, HELD, STATE, SUMS,
    "(SELECT kept.id FROM kept WHERE EXISTS (SELECT FROM held_rows) OR EXISTS (SELECT FROM decided)), 0",
))  # fmt: skip
