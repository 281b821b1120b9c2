"""What the statements of the hot path have in common: how a page comes in, and what of it a line's state keeps."""

from __future__ import annotations

from lines import counting
from lines.carriers.base import Switch
from lines.policy import Wanted

GRACE = f"interval '{counting.GRACE.total_seconds():.0f} seconds'"

# What the page tells, line by line, kept as told.
TOLD = """
WITH reading AS (
    SELECT r.*, (r.at AT TIME ZONE 'UTC')::date AS today,
           CASE WHEN r.at < %(next)s THEN %(cycle)s ELSE (%(next)s AT TIME ZONE 'UTC')::date END AS running,
           CASE WHEN r.at < %(next)s THEN %(before)s ELSE %(cycle)s END AS before_running
      FROM (SELECT line_id, told, cycle, switch, word, blocked, sms, to_timestamp(seen) AS seen,
                   coalesce(to_timestamp(asked), %(at)s) AS at
              FROM unnest(%(lines)s::bigint[], %(counters)s::bigint[], %(cycles)s::date[], %(switches)s::smallint[],
                          %(words)s::text[], %(blocked)s::boolean[], %(sms)s::int[], %(seen)s::float8[],
                          %(asked)s::float8[])
                   AS u(line_id, told, cycle, switch, word, blocked, sms, seen, asked)) r
), kept AS (
    INSERT INTO lines_reading (asked_at, carrier_id, call, are_finals, has_finals, wraps_at, first_line, last_line,
                               line_ids, counters, cycles, seen, asked)
    VALUES (%(at)s, %(carrier)s, %(call)s, %(final)s, %(has_finals)s, %(wraps_at)s::bigint, %(first)s, %(last)s,
            %(lines)s::bigint[], %(counters)s::bigint[], %(cycles)s::date[],
            CASE WHEN %(seen)s::float8[] IS NOT NULL
                 THEN ARRAY(SELECT to_timestamp(s) FROM unnest(%(seen)s::float8[]) AS s) END,
            CASE WHEN %(asked)s::float8[] IS NOT NULL
                 THEN ARRAY(SELECT to_timestamp(s) FROM unnest(%(asked)s::float8[]) AS s) END)
    RETURNING id
)"""

# A carrier's clock ahead opens nothing.
TOLD_CYCLE = """CASE WHEN r.cycle <= r.running OR %(final)s THEN r.cycle
                WHEN r.cycle > r.running THEN r.running END AS told_cycle"""

WRAPS = "%(wraps_at)s::bigint IS NOT NULL"


def followed(*, prior: str) -> str:
    """What was told, followed over the wraps of the counter since `prior`."""
    return f"""told + CASE WHEN told - {prior} %% %(wraps_at)s < -%(wraps_at)s / 2
                THEN %(wraps_at)s ELSE 0 END
                + {prior} - {prior} %% %(wraps_at)s"""


# What is written into a line's state of any reading that is told; what counts and what moved says the statement.
SEEN = """reading_id = kept.id,
           read_at = CASE WHEN %(final)s THEN st.read_at ELSE greatest(st.read_at, m.at) END,
           day = greatest(st.day, m.today),
           counter = {counter},
           shown_lower = CASE WHEN NOT ({counts}) OR %(final)s THEN st.shown_lower
                              WHEN m.told IS DISTINCT FROM ({counter}) THEN m.told END,
           last_seen = greatest(st.last_seen, m.seen, CASE WHEN {has_moved} AND m.seen IS NULL THEN m.at END),
           sms_sent = CASE WHEN judged IN ('older', 'stale') THEN st.sms_sent ELSE coalesce(m.sms, st.sms_sent) END,
           lower_at = CASE WHEN {lower} THEN m.at ELSE st.lower_at END,
           lower_counter = CASE WHEN {lower} THEN m.told ELSE st.lower_counter END,
           reported = CASE WHEN {news} THEN m.switch ELSE st.reported END,
           reported_word = CASE WHEN {news} THEN m.word ELSE st.reported_word END,
           blocked = CASE WHEN {news} THEN m.blocked ELSE st.blocked END,
           reported_at = CASE WHEN {news} AND (st.reported_at IS NULL OR m.word <> st.reported_word) THEN m.at
                              ELSE st.reported_at END,
           confirmed_at = CASE WHEN {news} THEN m.at ELSE st.confirmed_at END"""

# A counter that went down inside its cycle. After the month a silent line's counter may read 0: that is a reset.
LOWER = """(judged IN ('same', 'lags') AND m.counter < st.counter AND m.at >= coalesce(st.read_at, m.at)
            AND NOT (m.counter = 0 AND m.at_cycle < m.running))"""

# A state that was asked for after the one we have.
NEWS = "(m.word IS NOT NULL AND m.at >= coalesce(st.confirmed_at, m.at))"

AGREED = f"""(s.wanted = {Wanted.ACTIVE:d}) = (s.reported = {Switch.ON:d})
           AND (s.wanted = {Wanted.ACTIVE:d} OR s.reported = {Switch.OFF:d})"""

# What follows from the state that a carrier told: nothing more to do for a line, or something.
DRIVEN = f"""
    RETURNING st.line_id, st.wanted, st.reported, m.payer_id, m.word
), settled AS (
    DELETE FROM lines_drive d USING state s
     WHERE d.line_id = s.line_id AND s.word IS NOT NULL AND d.leased_until IS NULL AND d.bulk_id IS NULL AND {AGREED}
), to_drive AS (
    INSERT INTO lines_drive (line_id, carrier_id, since, ask_first, attempts, last_error)
    SELECT line_id, %(carrier)s, %(at)s, false, 0, '' FROM state s
     WHERE s.word IS NOT NULL AND s.payer_id IS NOT NULL AND s.reported IS NOT NULL AND NOT ({AGREED})
    ON CONFLICT (line_id) DO NOTHING
    RETURNING line_id
)
"""

SUMS = """
SELECT payer_id, day, sum(cost - cost_before), sum(moved), NULL, NULL, NULL FROM priced GROUP BY payer_id, day
 UNION ALL
SELECT NULL, NULL, 0, 0, (SELECT count(*) FROM to_drive),"""
