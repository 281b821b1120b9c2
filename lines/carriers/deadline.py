"""One deadline for a whole call: whoever waits asks it how much time is left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from .base import CallKind, Gate


class Deadline:
    """When a call must be over, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, negative when it has passed."""
        return self._end - time.monotonic()

    def wait_at(self, gate: Gate, kind: CallKind) -> None:
        """Passes the gate. Waiting for our own budget is not the carrier's time, so the deadline moves along."""
        with self.stands_still():
            gate.enter(kind)

    @contextmanager
    def stands_still(self) -> Iterator[None]:
        """What is waited for here is not the carrier's time."""
        since = time.monotonic()
        yield
        self._end += time.monotonic() - since
