"""The gate before every call to a carrier: a call budget and a circuit breaker that all workers share, in one row."""

from __future__ import annotations

import datetime as dt
import threading
import time
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from kit import clock

from lines.carriers.base import CarrierFailure, Unreachable
from lines.models import Carrier

THRESHOLD = 5  # failures in a row that open the breaker
PROBE = 30.0  # seconds that the one call has which tries whether the carrier is back
LONGEST_OPEN = 300.0  # seconds
TELLS_EVERY = 60.0  # seconds between two successes that are written down

# Times are the database's real ones: they space real calls, whatever the application's clock says. Slots are handed
# out a tenth of a second apart at 10 calls a second, so no second ever has more. An open breaker lets one probe
# through when its time is over.
RESERVE = """
UPDATE lines_carrierhealth h
   SET next_call_at = greatest(next_call_at, clock_timestamp()) + %(slots)s * %(spacing)s,
       calls_today = CASE WHEN day = %(today)s THEN calls_today ELSE 0 END + %(slots)s,
       day = %(today)s,
       open_until = CASE WHEN failures >= %(threshold)s THEN clock_timestamp() + %(probe)s END
 WHERE carrier_id = %(carrier)s
   AND (open_until IS NULL OR open_until <= clock_timestamp())
   AND (%(per_day)s::int IS NULL OR day IS DISTINCT FROM %(today)s OR calls_today + %(slots)s <= %(per_day)s)
RETURNING extract(epoch FROM next_call_at - %(slots)s * %(spacing)s - clock_timestamp()), failures > 0
"""


class CallGate:
    """One worker's way through a carrier's gate; safe for its threads. Uses a database connection of its own,

    since a reservation must count whatever becomes of the work around it.
    """

    def __init__(self, carrier: Carrier, *, patience: float) -> None:
        """`patience`: how many seconds a call waits for its slot or for an open breaker before it is Unreachable."""
        self._carrier = carrier
        self._patience = patience
        self._lock = threading.Lock()
        self._connection: BaseDatabaseWrapper | None = None
        self._spacing = 1.05 / carrier.calls_per_second  # a network delays one call more than the next
        # Fast carriers reserve a twentieth of a second at once, so that the row is not the limit.
        self._batch = max(1, int(carrier.calls_per_second / 20))
        self._slots: list[float] = []
        self._held_until = 0.0  # by time.monotonic: "not now" holds those who wait for their slot already
        self._troubled = True  # unknown until the first success
        self._told = 0.0  # by time.monotonic: when the last success was written down

    def enter(self) -> None:
        give_up = time.monotonic() + self._patience
        while True:
            slot = self._next_slot(give_up)
            pause = slot - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            if time.monotonic() >= self._held_until:
                return

    def succeeded(self) -> None:
        with self._lock:
            if self._troubled or time.monotonic() - self._told > TELLS_EVERY:
                self._execute(
                    "UPDATE lines_carrierhealth SET failures = 0, open_until = NULL,"
                    " last_success_at = clock_timestamp()"
                    " WHERE carrier_id = %(carrier)s",
                    {},
                )
                self._troubled, self._told = False, time.monotonic()

    def failed(self, failure: CarrierFailure) -> None:
        wait = failure.retry_after if isinstance(failure, Unreachable) else None
        with self._lock:
            self._troubled = True
            self._slots.clear()
            self._held_until = max(self._held_until, time.monotonic() + (wait or 0.0))
            self._execute(
                "UPDATE lines_carrierhealth SET failures = failures + %(counts)s, last_failure_at = clock_timestamp(),"
                " last_failure = %(failure)s,"
                " next_call_at = CASE WHEN %(wait)s::float IS NULL THEN next_call_at"
                "   ELSE greatest(next_call_at, clock_timestamp() + %(wait)s::float * interval '1 second') END,"
                " open_until = CASE WHEN failures + %(counts)s >= %(threshold)s THEN clock_timestamp()"
                "   + least(%(longest)s, 5 * 2 ^ least(failures + %(counts)s - %(threshold)s, 10))"
                "   * interval '1 second' END"
                " WHERE carrier_id = %(carrier)s",
                {
                    "counts": 0 if wait is not None else 1,  # "not now" is an answer
                    "wait": wait,
                    "failure": str(failure)[:300],
                    "threshold": THRESHOLD,
                    "longest": LONGEST_OPEN,
                },
            )

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _next_slot(self, give_up: float) -> float:
        """The moment of this call, by time.monotonic. Raises Unreachable."""
        with self._lock:
            # A slot that was not used in its time is gone: later it would be one too many in its second.
            self._slots = [slot for slot in self._slots if slot > time.monotonic() - self._spacing]
            while not self._slots:
                row = self._execute(
                    RESERVE,
                    {
                        "slots": self._batch,
                        "spacing": dt.timedelta(seconds=self._spacing),
                        "today": clock.today(),
                        "threshold": THRESHOLD,
                        "probe": dt.timedelta(seconds=PROBE),
                        "per_day": self._carrier.calls_per_day,
                    },
                )
                if row is not None:
                    first = time.monotonic() + max(0.0, float(row[0]))
                    self._slots = [first + n * self._spacing for n in range(self._batch)]
                    self._troubled = self._troubled or bool(row[1])  # another worker's failures end with our success
                    break
                self._wait_or_give_up(give_up)
            slot = self._slots.pop(0)
            if slot > give_up:
                self._slots.clear()
                raise Unreachable(
                    f"{self._carrier.name} allows no call for another {slot - time.monotonic():.0f} s",
                    retry_after=slot - time.monotonic(),
                )
            return slot

    def _wait_or_give_up(self, give_up: float) -> None:
        """The gate is shut: by the day's budget, for good; by the breaker, until it is over."""
        row = self._execute(
            "SELECT extract(epoch FROM open_until - clock_timestamp()), last_failure FROM lines_carrierhealth"
            " WHERE carrier_id = %(carrier)s",
            {},
        )
        left = float(row[0]) if row and row[0] is not None else 0.0
        if left <= 0.0 and self._day_is_used_up():
            raise Unreachable(
                f"{self._carrier.name}: the day's {self._carrier.calls_per_day} calls are used up", retry_after=900.0
            )
        if time.monotonic() + left > give_up:
            raise Unreachable(
                f"{self._carrier.name} did not answer several times and is left alone for {left:.0f} s"
                f" ({row[1] if row else ''})",
                retry_after=left,
            )
        time.sleep(max(0.05, left))

    def _day_is_used_up(self) -> bool:
        row = self._execute(
            "SELECT day = %(today)s AND calls_today + %(slots)s > %(per_day)s::int FROM lines_carrierhealth"
            " WHERE carrier_id = %(carrier)s",
            {"today": clock.today(), "slots": self._batch, "per_day": self._carrier.calls_per_day},
        )
        return bool(row and row[0])

    def _execute(self, sql: str, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
        if self._connection is None:
            self._connection = connections.create_connection("default")
            self._connection.inc_thread_sharing()
        with self._connection.cursor() as cursor:
            cursor.execute(sql, {"carrier": self._carrier.pk, **parameters})
            return cursor.fetchone() if cursor.description else None
