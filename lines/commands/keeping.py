"""Kept readings: months made ahead and dropped, and where counters stand so that a drop loses no proof."""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from kit import clock

from lines import counting
from lines.models import Carrier, LineState, Opening
from lines.policy.sandbox import KIND as SANDBOX

log = logging.getLogger(__name__)

MONTHS_AHEAD = 3
LEAST_MONTHS = 3  # that are kept in any case: what a statement needs that is still open, and a month to spare
PATIENCE = "2s"  # for the table's lock, which every page of readings waits behind

MONTHS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'lines_reading'::regclass AND c.relname ~ '^lines_reading_y[0-9]{4}m[0-9]{2}$' ORDER BY 1
"""


def make_months(*, today: dt.date) -> int:
    """Makes the partitions of this month and the next ones, and of months whose readings wait in the default one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT date_trunc('month', asked_at AT TIME ZONE 'UTC')::date FROM lines_reading_default"
        )
        waiting = [row[0] for row in cursor.fetchall()]
    wanted = {_month(today, ahead) for ahead in range(MONTHS_AHEAD + 1)} | set(waiting)
    return sum(_alone("SELECT make_reading_month(%s)", month) for month in sorted(wanted))


def drop_months(*, today: dt.date) -> int:
    """Drops whole months that nobody needs any more; says how many. A month goes when its lines' counters of a later
    moment are written down: bills from then on can still be computed again."""
    kept = max(LEAST_MONTHS, settings.READINGS_KEPT_MONTHS)
    first = _month(today, -kept)
    dropped = 0
    with connection.cursor() as cursor:
        cursor.execute(MONTHS)
        names = [row[0] for row in cursor.fetchall()]
    for name in names:
        month = dt.date(int(name[15:19]), int(name[20:22]), 1)
        if month >= first:
            break
        if _has_openings_after(_month(month, 1)):
            dropped += _alone("SELECT drop_reading_month(%s)", month)
    return dropped


def _alone(sql: str, *values: object) -> int:
    """One statement in a transaction of its own, that waits for its lock only so long: the next sweep tries again."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            cursor.execute(sql, list(values))  # type: ignore[arg-type]
            return int(cursor.fetchone()[0]) if cursor.description else 1
    except DatabaseError:
        log.exception("a month of readings could not be made or dropped; the next sweep tries again")
        return 0


def _has_openings_after(moment: dt.date) -> bool:
    since = dt.datetime.combine(moment, dt.time(), dt.UTC)
    return all(
        sample is None or Opening.objects.filter(line_id=sample, at__gte=since).exists()
        for sample in (_sample(carrier) for carrier in Carrier.objects.exclude(kind=SANDBOX))
    )


def _sample(carrier: Carrier) -> int | None:
    """A line of a carrier whose counter is known."""
    states = LineState.objects.filter(line__carrier=carrier, line__payer__isnull=False, cycle__isnull=False)
    return states.order_by("pk").values_list("pk", flat=True).first()


# In one statement: the counters of one moment. Of finished cycles and days only those to which something may be added.
STAND = """
INSERT INTO lines_opening (line_id, at, reading_id, payer_id, cycle, counter, baseline, used, is_open, read_at)
SELECT st.line_id, %(now)s, st.reading_id, l.payer_id, st.cycle, st.counter, st.baseline, st.counter - st.baseline,
       true, st.read_at
  FROM lines_linestate st JOIN lines_line l ON l.id = st.line_id
 WHERE l.carrier_id = %(carrier)s AND l.payer_id IS NOT NULL AND st.cycle IS NOT NULL
 UNION ALL
SELECT c.line_id, %(now)s, st.reading_id, c.payer_id, c.cycle, c.counter, 0, c.used, false, c.read_at
  FROM lines_linecycle c
  JOIN lines_line l ON l.id = c.line_id
  JOIN lines_linestate st ON st.line_id = c.line_id
 WHERE l.carrier_id = %(carrier)s AND c.cycle >= %(before)s AND st.cycle <> c.cycle AND l.payer_id = c.payer_id
   AND (c.read_at >= l.added_at OR (c.read_at IS NULL AND c.cycle >= st.since_cycle))
 UNION ALL  -- a line that nobody has read since it came, and that was somebody's: its bills are done
SELECT c.line_id, %(now)s, st.reading_id, c.payer_id, c.cycle, c.counter, 0, c.used, false, c.read_at
  FROM lines_line l
  JOIN lines_linestate st ON st.line_id = l.id
 CROSS JOIN LATERAL (SELECT * FROM lines_linecycle f WHERE f.line_id = l.id ORDER BY f.cycle DESC, f.id DESC LIMIT 1) c
 WHERE l.carrier_id = %(carrier)s AND st.cycle IS NULL
 ORDER BY 1;
INSERT INTO lines_openingday (line_id, at, day, payer_id, price_id, used)
SELECT d.line_id, %(now)s, d.day, d.payer_id, d.price_id, d.used
  FROM lines_lineday d JOIN lines_line l ON l.id = d.line_id
 WHERE l.carrier_id = %(carrier)s AND d.day >= %(since)s AND d.used > 0 ORDER BY 1, 3
"""


def stand_openings(*, now: dt.datetime) -> int:
    """Once a month, some days after a carrier's cycle began, where the counters of its lines stand. Harmless twice."""
    made = 0
    for carrier in Carrier.objects.filter(is_active=True):
        around = counting.cycles_around(now.date(), carrier.turns)
        begun = dt.datetime.combine(around.running, dt.time(), dt.UTC)
        sample = _sample(carrier)
        if sample is None or now < begun + counting.GRACE + dt.timedelta(days=1):
            continue  # until then nobody knows which cycle a counter is of
        if Opening.objects.filter(line_id=sample, at__gte=begun).exists():
            continue
        values = {"now": now, "carrier": carrier.pk, "before": around.before, "since": around.running - dt.timedelta(1)}
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ") if not _nested() else None
                cursor.execute(STAND, values)  # type: ignore[arg-type]
            made += 1
        except DatabaseError:
            log.exception("the counters of %s could not be written down; the next sweep tries again", carrier)
    return made


# The days of an opening go before it: the database lets each go only while a later opening of the line stands.
FORGET = """
WITH old AS (
    SELECT DISTINCT o.line_id, o.at FROM lines_opening o
     WHERE o.at < readings_kept_since()
       AND EXISTS (SELECT FROM lines_opening later WHERE later.line_id = o.line_id AND later.at > o.at)
     ORDER BY o.at, o.line_id LIMIT %(limit)s
), days AS (
    DELETE FROM lines_openingday d USING old WHERE d.line_id = old.line_id AND d.at = old.at
)
DELETE FROM lines_opening o USING old WHERE o.line_id = old.line_id AND o.at = old.at
"""
FORGOTTEN_AT_ONCE = 5_000


def forget_openings() -> int:
    """Openings from before the oldest month of readings that is kept, of which a later one of the line stands: nothing
    can be computed from them any more. Says how many rows went."""
    gone = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(FORGET, {"limit": FORGOTTEN_AT_ONCE})
            if not cursor.rowcount:
                return gone
            gone += cursor.rowcount


def _nested() -> bool:
    return bool(connection.savepoint_ids)


def _month(day: dt.date, ahead: int) -> dt.date:
    months = day.year * 12 + day.month - 1 + ahead
    return dt.date(months // 12, months % 12 + 1, 1)


def keep_readings() -> int:
    """All of it; says what was made, written down and dropped."""
    today = clock.today()
    done = make_months(today=today) + stand_openings(now=clock.now())
    if dropped := drop_months(today=today):
        done += dropped + forget_openings()
    return done
