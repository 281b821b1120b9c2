"""Beat that needs no broker: while none answers, what is due is done here, slower, one thing of a queue at a time."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry, SchedulingError
from django.db import close_old_connections, connections
from redis import Redis, RedisError

from config.waiting import Waiting

log = logging.getLogger(__name__)

KNOCK_EVERY = 5.0  # seconds between two tries whether the broker is back
LEAST_PAUSE = 10.0  # seconds between two rounds of one task that is done here
MOST_BELLS = 50  # that wait in a queue
JUMP = 2.0  # seconds by which a host's clock moves otherwise than time does
PATIENCE = 2.0  # seconds that the broker has to answer
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
        self._offset: float | None = None
        self._waiting = Waiting()
        super().__init__(*given, **named)

    producer = None  # each bell takes one of the app's: none is waited for

    def schedules_equal(self, *_given: Any, **_named: Any) -> bool:
        """Celery compares all entries at each turn; ours do not change while beat runs."""
        return True

    def adjust(self, n: float | None, drift: float = 0.0) -> float | None:  # noqa: ARG002 - Celery's interface
        """Seconds to sleep. Celery's wakes 10 ms early and asks in circles until it is time."""
        return n

    def tick(self, *given: Any, **named: Any) -> Any:
        """A host's clock that jumps, ahead and back or once, costs one turn at the most: turns are counted anew."""
        offset = time.time() - time.monotonic()
        if self._offset is not None and abs(offset - self._offset) > JUMP:
            log.warning("this host's clock jumped by %.0f s", offset - self._offset)
            for entry in self.schedule.values():
                entry.last_run_at = entry.default_now()
            self._heap = None
        self._offset = offset
        return super().tick(*given, **named)

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:  # noqa: ARG002 - Celery's interface
        if not self._waiting.is_worth(entry.task):
            return
        if self._away_since is not None and time.monotonic() - self._knocked < KNOCK_EVERY:
            self._do_here(entry)
            return
        self._knocked = time.monotonic()
        try:
            if self._heard(entry):
                self.apply_async(entry, advance=False)
        except (SchedulingError, RedisError, OSError) as error:
            if self._away_since is None:
                self._away_since = time.monotonic()
                log.error("the broker does not answer; work goes on here, slower: %s", _line(error))
            self._do_here(entry)
        else:
            if self._away_since is not None:
                log.warning("the broker is back after %.0f s", time.monotonic() - self._away_since)
                self._away_since = None

    def _heard(self, entry: ScheduleEntry) -> bool:
        """Whether bells of its queue are answered. They have no time at which they expire: hosts' clocks differ, and a
        worker half a minute ahead would throw every one away. Where nobody answers, no more are hung up."""
        return int(self._broker.llen(self._queue(entry))) < MOST_BELLS

    @cached_property
    def _broker(self) -> Redis:
        url = str(self.app.conf.broker_url)
        url = url.replace("redis+socket://", "unix://").replace("?virtual_host=", "?db=")
        return Redis.from_url(url, socket_timeout=PATIENCE)

    def _queue(self, entry: ScheduleEntry) -> str:
        return str(self.app.amqp.router.route({}, entry.task)["queue"].name)

    def _do_here(self, entry: ScheduleEntry) -> None:
        """Unless it is being done or was a moment ago."""
        now, running = time.monotonic(), self._running.get(entry.name)
        if (running and not running.done()) or now - self._began.get(entry.name, -LEAST_PAUSE) < LEAST_PAUSE:
            return
        task = self.app.tasks[entry.task]
        queue = self._queue(entry)
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
