"""The hot path: a page of readings becomes day usage, counters, charges and balance in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from kit.money import ZERO
from kit.sql import array, prepared

from billing.commands import Charge, charge_usage, lock_wallets
from lines import policy
from lines.carriers.base import Reading, Switch
from lines.commands.identity import Told, hold_locked, keep_identity
from lines.commands.inbox import note_marks
from lines.models import Carrier
from lines.policy import Wanted


@dataclass(slots=True)
class Applied:
    """What a page did: lines we know and do not know, bytes moved, USD charged, and to whom."""

    readings: int = 0
    unknown: int = 0
    strangers: list[Reading] = field(default_factory=list)  # the unknown ones themselves
    bytes_moved: int = 0
    charged: Decimal = ZERO
    payer_ids: set[int] = field(default_factory=set)
    to_drive: int = 0  # lines whose carrier's state is not what we want, newly found

    def add(self, other: Applied) -> None:
        self.readings += other.readings
        self.unknown += other.unknown
        self.strangers += other.strangers
        self.bytes_moved += other.bytes_moved
        self.charged += other.charged
        self.payer_ids |= other.payer_ids
        self.to_drive += other.to_drive


FIND = """
SELECT id, iccid, payer_id, imei, msisdn FROM lines_line
 WHERE carrier_id = %s AND iccid = ANY(%s::text[]) ORDER BY id
"""
LOCK = "SELECT sms_mark FROM lines_linestate WHERE line_id = ANY(%s::bigint[]) ORDER BY line_id FOR UPDATE"

# Which case a reading is, decided under the locks on the lines' states:
#   stock   nobody's line, or a final total from before it was ours: only its state is kept
#   first   its baseline: nothing is charged
#   stale   a counter without a time, asked for before the last one that was applied
#   same    the cycle that is open: the highest counter counts
#   opens   a new cycle: the counter began at 0
#   older   a finished cycle: what it moved late
# The plan's prices are spans of time; one is in force at the reading, or at the end of the day that is charged.
APPLY = f"""
WITH reading AS (
    SELECT * FROM unnest(%(lines)s::bigint[], %(counters)s::bigint[], %(cycles)s::date[], %(switches)s::smallint[],
                         %(words)s::text[], %(blocked)s::boolean[], %(sms)s::int[], %(seen)s::timestamptz[])
                  AS r(line_id, counter, cycle, switch, word, blocked, sms, seen)
), kept AS (
    INSERT INTO lines_reading (asked_at, carrier_id, call, are_finals, has_finals, wraps_at, first_line, last_line,
                               line_ids, counters, cycles, seen)
    VALUES (%(at)s, %(carrier)s, %(call)s, %(final)s, %(has_finals)s, %(wraps_at)s::bigint, %(first)s, %(last)s,
            %(lines)s::bigint[], %(counters)s::bigint[], %(cycles)s::date[], %(kept_seen)s::timestamptz[])
    RETURNING id
), found AS (
    SELECT r.*, l.payer_id, l.account_id, l.plan_id, l.held_since,
           st.cycle AS open_cycle, st.counter AS open_counter, st.baseline, st.read_at, st.since_cycle,
           CASE WHEN r.cycle IS NOT NULL THEN r.cycle
                WHEN st.cycle IS NULL THEN %(cycle)s
                WHEN st.cycle < %(cycle)s
                     AND (r.counter < coalesce(st.shown_lower, st.counter) OR st.counter = 0) THEN %(cycle)s
                ELSE st.cycle END AS at_cycle
      FROM reading r
      JOIN lines_line l ON l.id = r.line_id
      JOIN lines_linestate st ON st.line_id = r.line_id
), judged AS (
    SELECT *,
           CASE WHEN payer_id IS NULL OR (open_cycle IS NULL AND %(final)s) THEN 'stock'
                WHEN open_cycle IS NULL THEN 'first'
                WHEN cycle IS NULL AND %(at)s < read_at THEN 'stale'
                WHEN at_cycle = open_cycle THEN 'same'
                WHEN at_cycle > open_cycle THEN 'opens'
                ELSE 'older' END AS judgement,
           greatest(at_cycle, least(%(day)s, (at_cycle + interval '1 month' - interval '1 day')::date)) AS day
      FROM found
), moved AS (
    SELECT j.*, past.id AS past_id, coalesce(past.plan_id, j.plan_id) AS charged_plan_id,
           CASE judgement WHEN 'same' THEN greatest(j.counter - open_counter, 0)
                          WHEN 'opens' THEN j.counter
                          WHEN 'older' THEN greatest(j.counter - coalesce(past.counter, j.counter), 0)
                          ELSE 0 END AS moved
      FROM judged j
      LEFT JOIN lines_linecycle past ON judgement = 'older' AND past.line_id = j.line_id
                                    AND past.cycle = j.at_cycle AND past.payer_id = j.payer_id
), price AS (
    SELECT p.id, p.plan_id, p.per_mb, coalesce(p.valid_from, '-infinity') AS valid_from,
           coalesce(lead(p.valid_from) OVER (PARTITION BY p.plan_id ORDER BY p.valid_from NULLS FIRST),
                    'infinity') AS until
      FROM lines_price p JOIN lines_rateplan rp ON rp.id = p.plan_id
     WHERE rp.carrier_id = %(carrier)s
), priced AS (
    -- Of a day before its present holder had the line that holder is not told.
    SELECT m.line_id, m.payer_id, m.day, m.at_cycle, m.moved, p.id AS price_id,
           d.account_id AS account_before, coalesce(d.fee, 0) AS fee,
           CASE WHEN m.day < (m.held_since AT TIME ZONE 'UTC')::date THEN coalesce(d.account_id, m.payer_id)
                ELSE m.account_id END AS account_id,
           coalesce(d.used, 0) + m.moved AS used, coalesce(d.cost, 0) AS cost_before,
           round((coalesce(d.used, 0) + m.moved) * p.per_mb * {policy.PER_BYTE}, 6) AS cost
      FROM moved m
      JOIN price p ON p.plan_id = m.charged_plan_id
                  AND p.valid_from
                      <= least(%(at)s, (m.day + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond')
                  AND p.until > least(%(at)s, (m.day + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond')
      LEFT JOIN lines_lineday d ON d.line_id = m.line_id AND d.day = m.day
                               AND d.payer_id = m.payer_id AND d.price_id = p.id
     WHERE m.moved > 0
), day_rows AS (
    INSERT INTO lines_lineday AS d (line_id, day, payer_id, price_id, account_id, cycle, used, cost, fee)
    SELECT line_id, day, payer_id, price_id, account_id, at_cycle, used, cost, 0 FROM priced
    ON CONFLICT (line_id, day, payer_id, price_id)
    DO UPDATE SET used = excluded.used, cost = excluded.cost, account_id = excluded.account_id
), holder_days AS (
    INSERT INTO lines_holderday AS h (payer_id, day, account_id, price_id, days, used, cost)
    SELECT payer_id, day, account_id, price_id, sum(days), sum(used), sum(cost) FROM (
        SELECT payer_id, day, account_id, price_id, 1 AS days, used, cost + fee AS cost FROM priced
         UNION ALL
        SELECT payer_id, day, account_before, price_id, -1, moved - used, -cost_before - fee FROM priced
         WHERE account_before IS NOT NULL) AS rows_after_and_before
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (payer_id, day, account_id, price_id)
    DO UPDATE SET days = h.days + excluded.days, used = h.used + excluded.used, cost = h.cost + excluded.cost
), finished AS (
    SELECT line_id, payer_id, plan_id, since_cycle, open_cycle AS cycle, open_counter AS counter,
           open_counter - baseline AS used
      FROM moved WHERE judgement = 'opens'
     UNION ALL  -- cycles of which the counter never spoke: only a final total can tell of them
    SELECT line_id, payer_id, plan_id, since_cycle, skipped::date, 0, 0
      FROM moved, generate_series(greatest(open_cycle + interval '1 month', since_cycle),
                                  at_cycle - interval '1 month', '1 month') AS skipped
     WHERE judgement = 'opens' AND %(has_finals)s
), finished_rows AS (
    INSERT INTO lines_linecycle AS c (line_id, cycle, payer_id, plan_id, counter, used)
    SELECT line_id, cycle, payer_id, plan_id, counter, used FROM finished
    ON CONFLICT (line_id, cycle, payer_id) DO UPDATE SET counter = excluded.counter, used = c.used + excluded.used
), finals AS (
    INSERT INTO lines_finaltotal (line_id, carrier_id, cycle, attempts, last_error)
    SELECT line_id, %(carrier)s, cycle, 0, '' FROM finished WHERE %(has_finals)s AND cycle >= since_cycle
    ON CONFLICT (line_id, cycle) DO NOTHING
), late_rows AS (
    UPDATE lines_linecycle c SET counter = m.counter, used = c.used + m.moved
      FROM moved m WHERE m.past_id = c.id AND m.moved > 0
), changed AS (
    INSERT INTO lines_changedlines (read_at, line_ids)
    SELECT %(at)s, array_agg(line_id) FROM moved WHERE moved > 0 HAVING count(*) > 0
), state AS (
    UPDATE lines_linestate st SET
           cycle = CASE WHEN judgement IN ('first', 'opens') THEN at_cycle ELSE st.cycle END,
           counter = CASE judgement WHEN 'first' THEN m.counter WHEN 'opens' THEN m.counter
                                    WHEN 'same' THEN greatest(st.counter, m.counter) ELSE st.counter END,
           baseline = CASE judgement WHEN 'first' THEN m.counter WHEN 'opens' THEN 0 ELSE st.baseline END,
           since_cycle = CASE WHEN judgement = 'first' THEN %(cycle)s ELSE st.since_cycle END,
           shown_lower = CASE WHEN judgement IN ('first', 'opens') THEN NULL
                              WHEN judgement = 'same' AND NOT %(final)s
                              THEN CASE WHEN m.counter < st.counter THEN m.counter END ELSE st.shown_lower END,
           reading_id = kept.id,
           read_at = CASE WHEN %(final)s THEN st.read_at ELSE greatest(st.read_at, %(at)s) END,
           day = greatest(st.day, %(day)s),
           day_bytes = CASE WHEN st.day >= %(day)s THEN st.day_bytes ELSE 0 END
                     + CASE WHEN m.day = greatest(st.day, %(day)s) THEN m.moved ELSE 0 END,
           last_seen = greatest(st.last_seen, m.seen, CASE WHEN m.moved > 0 AND m.seen IS NULL THEN %(at)s END),
           sms_sent = CASE WHEN judgement IN ('older', 'stale') THEN st.sms_sent ELSE coalesce(m.sms, st.sms_sent) END,
           lower_at = CASE WHEN {{lower}} THEN %(at)s ELSE st.lower_at END,
           lower_counter = CASE WHEN {{lower}} THEN m.counter ELSE st.lower_counter END,
           reported = CASE WHEN {{news}} THEN m.switch ELSE st.reported END,
           reported_word = CASE WHEN {{news}} THEN m.word ELSE st.reported_word END,
           blocked = CASE WHEN {{news}} THEN m.blocked ELSE st.blocked END,
           reported_at = CASE WHEN {{news}} AND (st.reported_at IS NULL OR m.word <> st.reported_word) THEN %(at)s
                              ELSE st.reported_at END,
           confirmed_at = CASE WHEN {{news}} THEN %(at)s ELSE st.confirmed_at END
      FROM moved m, kept WHERE st.line_id = m.line_id
    RETURNING st.line_id, st.wanted, st.reported, m.payer_id, m.word
), settled AS (
    DELETE FROM lines_drive d USING state s
     WHERE d.line_id = s.line_id AND s.word IS NOT NULL AND d.leased_until IS NULL AND d.bulk_id IS NULL AND {{agreed}}
), to_drive AS (
    INSERT INTO lines_drive (line_id, carrier_id, since, ask_first, attempts, last_error)
    SELECT line_id, %(carrier)s, %(at)s, false, 0, '' FROM state s
     WHERE s.word IS NOT NULL AND s.payer_id IS NOT NULL AND s.reported IS NOT NULL AND NOT ({{agreed}})
    ON CONFLICT (line_id) DO NOTHING
    RETURNING line_id
)
SELECT payer_id, day, sum(cost - cost_before), sum(moved), (SELECT count(*) FROM to_drive)
  FROM priced GROUP BY payer_id, day
 UNION ALL
SELECT NULL, NULL, 0, 0, (SELECT count(*) FROM to_drive)
""".format(
    # A counter that went down inside its cycle. After the month a silent line's counter may read 0: that is a reset.
    lower="(judgement = 'same' AND m.counter < st.counter AND %(at)s >= coalesce(st.read_at, %(at)s)"
    " AND NOT (m.counter = 0 AND m.at_cycle < %(cycle)s))",
    # A state that was asked for after the one we have.
    news="(m.word IS NOT NULL AND %(at)s >= coalesce(st.confirmed_at, %(at)s))",
    agreed=f"(s.wanted = {Wanted.ACTIVE:d}) = (s.reported = {Switch.ON:d})"
    f" AND (s.wanted = {Wanted.ACTIVE:d} OR s.reported = {Switch.OFF:d})",
)


def apply_readings(
    *,
    carrier: Carrier,
    readings: Iterable[Reading],
    read_at: dt.datetime,
    has_finals: bool = False,
    are_finals: bool = False,
) -> Applied:
    """Applies one answer of a carrier, asked for at `read_at`: all of it or nothing, and twice the same as once.

    A line may stand in it several times. Lines that we do not have are counted and left alone. `has_finals`: the
    carrier gives final totals of months; `are_finals`: these readings are such totals.
    """
    applied = Applied()
    with transaction.atomic():
        for batch in _without_repeats(readings):
            applied.add(_apply(carrier, batch, read_at, has_finals=has_finals, are_finals=are_finals))
    return applied


def _without_repeats(readings: Iterable[Reading]) -> list[list[Reading]]:
    """The readings in as few batches as have each line once, in their order."""
    batches: list[dict[str, Reading]] = []
    for reading in readings:
        for batch in batches:
            if reading.iccid not in batch:
                batch[reading.iccid] = reading
                break
        else:
            batches.append({reading.iccid: reading})
    return [list(batch.values()) for batch in batches]


def _apply(
    carrier: Carrier, batch: Sequence[Reading], read_at: dt.datetime, *, has_finals: bool, are_finals: bool
) -> Applied:
    by_iccid = {reading.iccid: reading for reading in batch}
    rows = prepared(FIND, [carrier.pk, array(by_iccid)])
    known = [(row[0], by_iccid[row[1]]) for row in rows]
    if not known:
        return Applied(unknown=len(batch), strangers=list(batch))
    lock_wallets(account_ids={row[2] for row in rows if row[2] is not None})
    states = prepared(LOCK, [array(line_id for line_id, _ in known)])
    sums = prepared(APPLY, _parameters(carrier, known, read_at, has_finals=has_finals, are_finals=are_finals))
    told = [one for row in rows for one in _told(row[0], row[3], row[4], by_iccid[row[1]])]
    keep_identity(carrier=carrier, told=told)
    if sums[-1][4]:
        hold_locked(carrier=carrier, line_ids=[row[0] for row in rows], read_at=read_at)
    note_marks(
        carrier=carrier,
        marked=[
            (row[0], state[0], row[2] is not None, by_iccid[row[1]]) for row, state in zip(rows, states, strict=True)
        ],
    )
    charges = [Charge(payer, day, amount) for payer, day, amount, _, _ in sums if payer is not None]
    charge_usage(charges=charges)
    return Applied(
        readings=len(known),
        unknown=len(batch) - len(known),
        strangers=_strangers(batch, rows) if len(known) < len(batch) else [],
        bytes_moved=sum(int(moved) for _, _, _, moved, _ in sums),
        charged=sum((charge.amount for charge in charges), ZERO),
        payer_ids={charge.account_id for charge in charges},
        to_drive=sums[-1][4],
    )


def _strangers(batch: Sequence[Reading], rows: Sequence[tuple[Any, ...]]) -> list[Reading]:
    ours = {row[1] for row in rows}
    return [reading for reading in batch if reading.iccid not in ours]


def _told(line_id: int, imei: str, msisdn: str, reading: Reading) -> list[Told]:
    """The IMEI and MSISDN that a carrier gives with a reading, for a line where they have changed."""
    is_so = (reading.imei or imei, reading.msisdn or msisdn) == (imei, msisdn)
    return [] if is_so else [Told(line_id, reading.imei, reading.msisdn)]


def _parameters(
    carrier: Carrier,
    known: Sequence[tuple[int, Reading]],
    read_at: dt.datetime,
    *,
    has_finals: bool,
    are_finals: bool,
) -> dict[str, Any]:
    readings = [reading for _, reading in known]
    seen = array(reading.last_seen for reading in readings)
    statuses = [reading.status for reading in readings]
    day = read_at.astimezone(dt.UTC).date()
    return {
        "carrier": carrier.pk,
        "at": read_at,
        "day": day,
        "cycle": policy.cycle_start(day, carrier.cycle_day),
        "has_finals": has_finals,
        "wraps_at": None,
        "final": are_finals,
        "lines": array(line_id for line_id, _ in known),
        "counters": array(reading.counter for reading in readings),
        "cycles": array(reading.cycle for reading in readings),
        "switches": array(None if s is None or s.switch is None else int(s.switch) for s in statuses),
        "words": array(None if s is None else s.word[:40] for s in statuses),
        "blocked": array(s is not None and s.blocked for s in statuses),
        "sms": array(reading.sms_sent for reading in readings),
        "seen": seen,
        "kept_seen": seen if any(reading.last_seen for reading in readings) else None,
        "call": "final" if are_finals else "list" if readings[0].cycle else "line",
        "first": known[0][0],
        "last": known[-1][0],
    }
