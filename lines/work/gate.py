"""The gate before every call to a carrier: a budget that all workers share, and a breaker for each kind of call."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import threading
import time
from collections import defaultdict
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from kit import clock
from kit.sql import prepared

from lines.carriers.base import CallKind, CarrierFailure, Unreachable
from lines.models import Carrier
from lines.policy.budget import MINUTE, free_in, most_of_all, most_of_kind
from lines.work.spending import is_switching_off

log = logging.getLogger(__name__)

THRESHOLD = 5  # failures in a row that open a breaker
PROBE = 30.0  # seconds that the one call has which tries whether the carrier is back
LONGEST_OPEN = 300.0  # seconds
TELLS_EVERY = 60.0  # seconds between two successes that are written down
SHARED_WAIT = 60.0  # seconds of "not now" that hold every kind; what is longer holds on for the kind that was told so

# Switching lines is the last to stop and the first to be tried again.
THRESHOLDS = {CallKind.SWITCHING: 2 * THRESHOLD}
LONGEST = {CallKind.SWITCHING: 60.0}

# Times and days are the database's: they space real calls, whatever a host's clock says. Slots are handed out a tenth
# of a second apart at 10 calls a second, so no second ever has more. An open breaker lets one probe through when its
# time is over: of two that come at once the second finds it open again.
RESERVE = """
WITH kind AS (
  SELECT failures FROM lines_breaker
   WHERE carrier_id = %(carrier)s::bigint AND kind = %(kind)s::text
     AND (open_until IS NULL OR open_until <= clock_timestamp())
     AND (paused_until IS NULL OR paused_until <= clock_timestamp())
), used AS (
  SELECT coalesce(max(calls), 0) AS calls FROM lines_callsofday
   WHERE carrier_id = %(carrier)s::bigint AND kind = %(kind)s::text AND day = {today}
), probe AS (
  UPDATE lines_breaker SET open_until = clock_timestamp() + %(probe)s::interval
   WHERE carrier_id = %(carrier)s::bigint AND kind = %(kind)s::text AND failures >= %(threshold)s::int
     AND open_until <= clock_timestamp() AND (paused_until IS NULL OR paused_until <= clock_timestamp())
  RETURNING 1
)
, spent AS (
  UPDATE lines_carrierhealth h
     SET next_call_at = greatest(next_call_at, clock_timestamp()) + %(slots)s::int * %(spacing)s::interval,
         calls_today = CASE WHEN day = {today} THEN calls_today ELSE 0 END + %(slots)s::int,
         day = {today},
         minute_calls = CASE WHEN %(per_minute)s::int IS NULL THEN minute_calls ELSE ARRAY(
           SELECT coalesce(minute_calls[1 + greatest(minute_at - {slot} + n, -1)::int], 0)
                  + CASE n WHEN 0 THEN %(slots)s::int ELSE 0 END
             FROM generate_series(0, %(minute)s::int - 1) AS n ORDER BY n) END,
         minute_at = CASE WHEN %(per_minute)s::int IS NULL THEN minute_at ELSE {slot} END
    FROM kind, used
   WHERE carrier_id = %(carrier)s::bigint
     AND (next_call_at IS NULL OR next_call_at <= clock_timestamp() + %(patience)s::interval)
     AND (kind.failures < %(threshold)s::int OR EXISTS (SELECT FROM probe))
     AND (%(per_minute)s::int IS NULL OR %(slots)s::int + coalesce((
           SELECT sum(u.calls) FROM unnest(minute_calls) WITH ORDINALITY AS u (calls, n)
            WHERE {slot} - (minute_at - u.n + 1) < %(minute)s::int), 0) <= %(per_minute)s::int)
     AND (%(per_day)s::int IS NULL OR used.calls + %(slots)s::int <= %(of_kind)s::int
          AND (day IS DISTINCT FROM {today} OR calls_today + %(slots)s::int <= %(per_day)s::int))
  RETURNING extract(epoch FROM next_call_at - %(slots)s::int * %(spacing)s::interval - clock_timestamp()) AS wait,
            kind.failures > 0 AS failing
), counted AS (
  INSERT INTO lines_callsofday AS c (carrier_id, day, kind, calls)
  SELECT %(carrier)s::bigint, {today}, %(kind)s::text, %(slots)s::int FROM spent WHERE %(per_day)s::int IS NOT NULL
  ON CONFLICT (carrier_id, day, kind) DO UPDATE SET calls = c.calls + excluded.calls
)
SELECT wait, failing FROM spent
""".format(
    today="coalesce(%(today)s::date, (clock_timestamp() AT TIME ZONE 'UTC')::date)",
    slot="floor(extract(epoch FROM greatest(next_call_at, clock_timestamp())))::bigint",
)

FAILED = """
UPDATE lines_breaker
   SET failures = CASE WHEN %(clears)s THEN 0 ELSE failures + %(counts)s END,
       last_failure_at = clock_timestamp(), last_failure = %(failure)s,
       paused_until = CASE WHEN %(pause)s::float IS NULL THEN paused_until
         ELSE greatest(paused_until, clock_timestamp() + %(pause)s::float * interval '1 second') END,
       open_until = CASE WHEN NOT %(clears)s AND failures + %(counts)s >= %(threshold)s THEN clock_timestamp()
         + least(%(longest)s, 5 * 2 ^ least(failures + %(counts)s - %(threshold)s, 10)) * interval '1 second' END
 WHERE carrier_id = %(carrier)s AND kind = %(kind)s
"""

TOLD = """
UPDATE lines_carrierhealth
   SET last_failure_at = clock_timestamp(), last_failure = %(failure)s,
       next_call_at = CASE WHEN %(wait)s::float IS NULL THEN next_call_at
         ELSE greatest(next_call_at, clock_timestamp() + %(wait)s::float * interval '1 second') END
 WHERE carrier_id = %(carrier)s
"""

# One row a call and day, with the last body: a carrier that always sends it so fills nothing up.
MENDED = """
INSERT INTO lines_setaside AS q (carrier_id, at, times, call, error, digest, body, is_mended, month)
VALUES (%(carrier)s, %(now)s, 1, %(call)s, 'Read, though it is no strict JSON', %(digest)s, %(body)s, true, %(month)s)
ON CONFLICT (carrier_id, call, digest, month) DO UPDATE SET times = q.times + 1, at = excluded.at, body = excluded.body
"""

WHY_SHUT = """
SELECT extract(epoch FROM greatest(b.open_until, b.paused_until) - clock_timestamp()), b.last_failure,
       coalesce(b.paused_until > clock_timestamp(), false),
       coalesce(h.day = coalesce(%(today)s, (clock_timestamp() AT TIME ZONE 'UTC')::date)
                AND h.calls_today + %(slots)s > %(per_day)s::int, false),
       coalesce((SELECT calls FROM lines_callsofday
                  WHERE carrier_id = %(carrier)s AND kind = %(kind)s
                    AND day = coalesce(%(today)s, (clock_timestamp() AT TIME ZONE 'UTC')::date)), 0)
         + %(slots)s > %(of_kind)s::int,
       extract(epoch FROM h.next_call_at - clock_timestamp()),
       h.minute_calls, floor(extract(epoch FROM greatest(h.next_call_at, clock_timestamp())))::bigint - h.minute_at
  FROM lines_carrierhealth h JOIN lines_breaker b ON b.carrier_id = h.carrier_id AND b.kind = %(kind)s
 WHERE h.carrier_id = %(carrier)s
"""


class CallGate:
    """One worker's way through a carrier's gate; safe for its threads. Uses a database connection of its own,

    since a reservation must count whatever becomes of the work around it. A connection that its server has ended is
    thrown away and made anew.
    """

    def __init__(self, carrier: Carrier, *, patience: float) -> None:
        """`patience`: how many seconds a call waits for its slot or for an open breaker before it is Unreachable."""
        self._carrier = carrier
        self._patience = patience
        self._lock = threading.Lock()
        self._connection: BaseDatabaseWrapper | None = None
        self._spacing = 1.05 / carrier.calls_per_second  # a network delays one call more than the next
        # Fast carriers reserve a twentieth of a second at once, so that the row is no limit, and for reading, which
        # takes seconds, a tenth; where the day's calls are counted a ten-thousandth at the most, which nobody misses.
        self._most = None if carrier.calls_per_day is None else carrier.calls_per_day // 10_000
        self._slots: dict[CallKind, list[float]] = defaultdict(list)
        self._halts = 0  # how often "not now" took the slots from those who waited for theirs
        self._troubled = set(CallKind)  # kinds whose breaker may have failures: unknown until the first success
        self._told: dict[CallKind, float] = {}  # by time.monotonic: when a success was written down

    def _batch(self, kind: CallKind) -> int:
        """How many calls of a kind are reserved at once."""
        slots = int(self._carrier.calls_per_second / (10 if kind is CallKind.READING else 20))
        if self._carrier.calls_per_minute is not None:
            return 1  # none of a minute's is reserved in vain
        return max(1, slots if self._most is None else min(slots, self._most))

    def enter(self, kind: CallKind) -> None:
        give_up = time.monotonic() + self._patience
        while True:
            slot, halts = self._next_slot(kind, give_up)
            pause = slot - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            if halts == self._halts:
                return

    def succeeded(self, kind: CallKind) -> None:
        """Never raises for the database: the answer that came is worth more than its being counted."""
        with self._lock:
            told = self._told.get(kind)
            if kind not in self._troubled and told is not None and time.monotonic() - told <= TELLS_EVERY:
                return
            if self._note(
                "UPDATE lines_breaker SET failures = 0, open_until = NULL"
                " WHERE carrier_id = %(carrier)s AND kind = %(kind)s AND (failures > 0 OR open_until IS NOT NULL)",
                {"kind": kind},
            ) and self._note(
                "UPDATE lines_carrierhealth SET last_success_at = clock_timestamp() WHERE carrier_id = %(carrier)s", {}
            ):
                self._troubled.discard(kind)
                self._told[kind] = time.monotonic()

    def failed(self, kind: CallKind, failure: CarrierFailure) -> None:
        """Never raises for the database."""
        wait = failure.retry_after if isinstance(failure, Unreachable) else None
        told = {"failure": str(failure)[:300]}
        with self._lock:
            self._troubled.add(kind)
            self._slots.clear()
            if wait is not None:
                self._halts += 1
            self._note(
                FAILED,
                {
                    **told,
                    "kind": kind,
                    "counts": 0 if wait is not None or failure.about_one else 1,  # "not now" is an answer
                    "clears": failure.about_one,
                    "pause": wait if wait is not None and wait > SHARED_WAIT else None,
                    "threshold": THRESHOLDS.get(kind, THRESHOLD),
                    "longest": LONGEST.get(kind, LONGEST_OPEN),
                },
            )
            self._note(TOLD, {**told, "wait": None if wait is None else min(wait, SHARED_WAIT)})

    def mended(self, route: str, body: bytes) -> None:
        """Never raises for the database."""
        now, call = clock.now(), f"mended: {route}"[:200]
        digest = hashlib.sha256(f"{now:%Y-%m-%d}".encode()).hexdigest()
        with self._lock:
            self._note(MENDED, {"now": now, "call": call, "digest": digest, "body": body, "month": clock.month()})

    def close(self) -> None:
        with self._lock:
            self._drop_connection()

    def _next_slot(self, kind: CallKind, give_up: float) -> tuple[float, int]:
        """The moment of this call, by time.monotonic, and the halts until then. Raises Unreachable."""
        with self._lock:
            # A slot that was not used in its time is gone: later it would be one too many in its second.
            slots = [slot for slot in self._slots[kind] if slot > time.monotonic() - self._spacing]
            while not slots:
                asked = self._asked(kind, give_up)
                row = self._execute(RESERVE, asked)
                if row is not None:
                    first = time.monotonic() + max(0.0, float(row[0]))
                    slots = [first + n * self._spacing for n in range(asked["slots"])]
                    if row[1]:
                        self._troubled.add(kind)  # another worker's failures end with our success
                    break
                self._wait_or_give_up(kind, give_up)
            slot = slots.pop(0)
            self._slots[kind] = slots
            if slot > give_up:
                self._slots.clear()
                raise Unreachable(
                    f"{self._carrier.name} allows no call for another {slot - time.monotonic():.0f} s",
                    retry_after=slot - time.monotonic(),
                )
            return slot, self._halts

    def _asked(self, kind: CallKind, give_up: float) -> dict[str, Any]:
        """Switching off may use all of a day's calls; everything else leaves some for it, and has its own share."""
        per_day = self._carrier.calls_per_day
        return {
            "kind": kind,
            "slots": self._batch(kind),
            "spacing": dt.timedelta(seconds=self._spacing),
            "today": clock.today() if clock.is_frozen() else None,
            "threshold": THRESHOLDS.get(kind, THRESHOLD),
            "probe": dt.timedelta(seconds=PROBE),
            "per_minute": self._carrier.calls_per_minute,
            "minute": MINUTE,
            "per_day": None if per_day is None else most_of_all(per_day, off=is_switching_off()),
            "of_kind": None if per_day is None else most_of_kind(kind, per_day),
            "patience": dt.timedelta(seconds=max(0.0, give_up - time.monotonic())),
        }

    def _wait_or_give_up(self, kind: CallKind, give_up: float) -> None:
        """The gate is shut: by the day's budget, for good; by the kind's breaker or pause, until it is over; or no slot
        comes early enough."""
        row = self._execute(WHY_SHUT, self._asked(kind, give_up))
        if row is None:  # the kind's first call at this carrier
            self._execute(
                "INSERT INTO lines_breaker (carrier_id, kind, failures, last_failure)"
                " SELECT id, %(kind)s, 0, '' FROM lines_carrier WHERE id = %(carrier)s ON CONFLICT DO NOTHING",
                {"kind": kind},
            )
            left = 0.0
        else:
            left = float(row[0]) if row[0] is not None else 0.0
            if left <= 0.0 and (row[3] or row[4]):
                for_what = "" if row[3] else f" for {kind}"
                kept = "" if is_switching_off() else "; what is left is kept to switch lines off"
                raise Unreachable(
                    f"{self._carrier.name}: the day's {self._carrier.calls_per_day} calls are used up{for_what}{kept}",
                    retry_after=900.0,
                )
            per_minute = self._carrier.calls_per_minute
            full = 0 if per_minute is None else free_in(row[6], age=int(row[7]), most=per_minute)
            slot_in = max(0.0, float(row[5] or 0.0)) + full
            if left <= 0.0 and time.monotonic() + slot_in > give_up:
                raise Unreachable(
                    f"{self._carrier.name} allows no call for another {slot_in:.0f} s", retry_after=slot_in
                )
            left = max(left, float(full))
        if time.monotonic() + left > give_up:
            why = row[1] if row else "it has no row"
            said = "asked to be left alone" if row and row[2] else "did not answer several times and is left alone"
            raise Unreachable(f"{self._carrier.name} {said} for {left:.0f} s at {kind} ({why})", retry_after=left)
        if left > 0.0 or row is not None:
            time.sleep(max(0.05, left))

    def _note(self, sql: str, parameters: dict[str, Any]) -> bool:
        """Writes down how a call went; whether that worked."""
        try:
            self._execute(sql, parameters)
        except DatabaseError as error:
            log.warning("how a call to %s went could not be written down: %s", self._carrier.name, _line(error))
            return False
        return True

    def _execute(self, sql: str, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
        """On our connection, or on a new one where the server has ended it: it may have restarted."""
        had_one = self._connection is not None
        try:
            return self._ask(sql, parameters)
        except (OperationalError, InterfaceError):
            self._drop_connection()
            if not had_one:
                raise
        try:
            return self._ask(sql, parameters)
        except (OperationalError, InterfaceError):
            self._drop_connection()
            raise

    def _ask(self, sql: str, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
        if self._connection is None:
            self._connection = connections.create_connection("default")
            self._connection.inc_thread_sharing()
        parameters = {"carrier": self._carrier.pk, **parameters}
        if sql is RESERVE:  # its planning would cost more than its work
            return next(iter(prepared(sql, parameters, session=self._connection)), None)
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchone() if cursor.description else None

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except DatabaseError:
                log.debug("a connection was gone already")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
