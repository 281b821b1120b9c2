"""A worker of threads cannot end a task that hangs: it ends itself instead, and is started again.

Nothing is lost: a lease ends with its holder's session, and what is due is a row.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0  # seconds
EXIT_CODE = 70

_ends: dict[int, tuple[float, str]] = {}  # by thread: until when its task may work (time.monotonic), and its name


@contextlib.contextmanager
def limited(name: str, seconds: float) -> Iterator[None]:
    """A task of this thread, for so long at the most."""
    thread = threading.get_ident()
    _ends[thread] = time.monotonic() + seconds, name
    try:
        yield
    finally:
        _ends.pop(thread, None)


def overdue(now: float) -> list[str]:
    """The tasks that should have ended."""
    return sorted(name for end, name in list(_ends.values()) if end < now)


def watch(leave: Callable[[int], object] = os._exit) -> threading.Thread:
    """Looks at this process' tasks for as long as it lives."""

    def look() -> None:
        while not (late := overdue(time.monotonic())):
            time.sleep(LOOK_EVERY)
        log.critical("%s should have ended long ago: this worker ends, and is started again", ", ".join(late))
        leave(EXIT_CODE)

    thread = threading.Thread(target=look, name="limits", daemon=True)
    thread.start()
    return thread
