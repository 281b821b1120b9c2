"""Beat that needs no broker: while none answers, what is due is done here, slower, one thing of a queue at a time."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry, SchedulingError
from django.db import close_old_connections, connections

log = logging.getLogger(__name__)

KNOCK_EVERY = 5.0  # seconds between two tries whether the broker is back
LEAST_PAUSE = 10.0  # seconds between two rounds of one task that is done here
GRACE = 20.0  # seconds that what is being done has at the end


class SweepingScheduler(PersistentScheduler):  # type: ignore[misc]
    """Rings as beat does. A bell that cannot be rung is done in a thread of its queue, so that one that hangs delays
    its own kind only."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._running: dict[str, Future[None]] = {}
        self._began: dict[str, float] = {}
        self._away_since: float | None = None
        self._knocked = 0.0
        super().__init__(*given, **named)

    producer = None  # each bell takes one of the app's: none is waited for

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:  # noqa: ARG002 - Celery's interface
        if self._away_since is not None and time.monotonic() - self._knocked < KNOCK_EVERY:
            self._do_here(entry)
            return
        self._knocked = time.monotonic()
        try:
            self.apply_async(entry, advance=False)
        except SchedulingError as error:
            if self._away_since is None:
                self._away_since = time.monotonic()
                log.error("the broker does not answer; work goes on here, slower: %s", _line(error))
            self._do_here(entry)
        else:
            if self._away_since is not None:
                log.warning("the broker is back after %.0f s", time.monotonic() - self._away_since)
                self._away_since = None

    def _do_here(self, entry: ScheduleEntry) -> None:
        """Unless it is being done or was a moment ago."""
        now, running = time.monotonic(), self._running.get(entry.name)
        if (running and not running.done()) or now - self._began.get(entry.name, -LEAST_PAUSE) < LEAST_PAUSE:
            return
        task = self.app.tasks[entry.task]
        queue = self.app.amqp.router.route({}, entry.task)["queue"].name
        if queue not in self._threads:
            self._threads[queue] = ThreadPoolExecutor(1, thread_name_prefix=f"sweep-{queue}")
        self._began[entry.name] = now
        self._running[entry.name] = self._threads[queue].submit(_done, task)

    def close(self) -> None:
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)
        end = time.monotonic() + GRACE
        while time.monotonic() < end and not all(one.done() for one in self._running.values()):
            time.sleep(0.05)
        super().close()


def _done(task: Any) -> None:
    """One task as a worker would do it; who fails is logged and comes again."""
    close_old_connections()
    try:
        task.run()
    except Exception as error:  # noqa: BLE001 - one task that fails keeps nobody from theirs
        log.error("%s failed: %s", task.name, _line(error))
    finally:
        connections.close_all()


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
