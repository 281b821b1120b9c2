"""Each queue's share of a worker: who hangs, hangs in their own share and starves nobody else.

A worker's slots are dealt to the queues that it serves. A task whose queue has all of its slots taken is dropped: it is
a bell, and what is due is a row that the next bell finds.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from celery import Task
from kit import tracing

from config.limits import limited

log = logging.getLogger(__name__)

# In the order in which slots that are left over are dealt.
QUEUES = ("driving", "reading", "jobs", "money", "mail", "webhooks", "devices", "exports")

LONGEST_TASK = 300.0  # seconds, where no other limit is set

_folder: Path | None = None  # where slots are locked; None: not in a worker
_dealt: dict[str, int] = {}


def deal(slots: int, queues: Sequence[str]) -> dict[str, int]:
    """How many of a worker's slots each queue has: the same, and one more for the first ones where some are left."""
    each, left = divmod(slots, len(queues))
    return {queue: max(1, each + (number < left)) for number, queue in enumerate(queues)}


def begin(slots: int, consumed: Sequence[str]) -> None:
    """Deals a worker's slots to the queues that it serves, before it forks."""
    global _folder
    queues = [queue for queue in QUEUES if queue in consumed] or [*consumed]
    _dealt.clear()
    _dealt.update(deal(slots, queues))
    if slots < len(queues):
        log.warning("%d slots for %d queues: start the worker with --concurrency %d", slots, len(queues), len(queues))
    _folder = Path(tempfile.mkdtemp(prefix="linekeeper-shares-"))
    atexit.register(_leave, _folder, os.getpid())


def _leave(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # a child that forked from us leaves it alone
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def slot(queue: str) -> Iterator[bool]:
    """One of the queue's slots, free again when its holder ends in whatever way; False when all are taken."""
    if _folder is None:
        yield True
        return
    handle = _free(_folder, queue)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def _free(folder: Path, queue: str) -> int | None:
    for number in range(_dealt.get(queue, 1)):
        handle = os.open(folder / f"{queue}.{number}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
        else:
            return handle
    return None


class SharedTask(Task):  # type: ignore[misc]
    """A task that is done in its queue's share of the worker."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        queue = (self.request.delivery_info or {}).get("routing_key") or ""
        with slot(queue) as is_free:
            if is_free:
                limit = self.time_limit or self.app.conf.task_time_limit or LONGEST_TASK
                with tracing.span(self.name, queue=queue), limited(self.name, limit):
                    return super().__call__(*given, **named)
        log.debug("%s: all slots of %s are taken", self.name, queue)
        return None
