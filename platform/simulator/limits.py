"""Rate limits: a sliding second of machine time, and a UTC day of the fleet's clock."""

from collections import deque

from .history import Rate
from .instants import DAY, SECOND


class Limit:
    """Counts the calls to one carrier; forgotten at a restart."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque()
        self._day = -1
        self._today = 0

    def wait(self, rate: Rate, machine: int, now: int) -> int | None:
        """Seconds to wait when the call is one too many, else None, and the call is counted."""
        if rate.second is not None:
            while self._recent and self._recent[0] <= machine - SECOND:
                self._recent.popleft()
            if len(self._recent) >= rate.second:
                return 1
        if now // DAY != self._day:
            self._day, self._today = now // DAY, 0
        if rate.day is not None and self._today >= rate.day:
            return max(1, -(-(DAY - now % DAY) // SECOND))
        if rate.second is not None:
            self._recent.append(machine)
        self._today += 1
        return None

    def clear(self) -> None:
        """Forget the calls so far."""
        self._recent.clear()
        self._day, self._today = -1, 0


def parse_rate(text: str) -> Rate:
    """A rate: `off`, `demo` (10/s), `document` (10/s and 5000/day), `low` (2/s, 100/day), or such as `10/s,900/day`."""
    named = {"off": Rate(), "demo": Rate(10), "document": Rate(10, 5000), "low": Rate(2, 100)}
    if text in named:
        return named[text]
    rate = Rate()
    for part in text.split(","):
        number, _, unit = part.strip().partition("/")
        if not number.isdecimal() or unit not in ("s", "day"):
            raise ValueError(f"not a rate: {text!r}")
        if unit == "s":
            rate.second = int(number)
        else:
            rate.day = int(number)
    return rate
