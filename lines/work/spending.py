"""For what this thread calls a carrier now, where the kind of call does not say it: to switch lines off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_thread = threading.local()


@contextmanager
def switching(*, on: bool) -> Iterator[None]:
    """Calls within this block bring a line on or off; those that bring one off may use what is kept for them."""
    before = getattr(_thread, "off", False)
    _thread.off = not on
    try:
        yield
    finally:
        _thread.off = before


def is_switching_off() -> bool:
    return bool(getattr(_thread, "off", False))
