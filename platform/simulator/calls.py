"""The calls that the carriers received: a log to read and counters."""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from .fleet import Carrier


class Call(msgspec.Struct):
    """One call to a carrier. `path` is what follows the carrier's prefix; times are ISO 8601."""

    number: int
    carrier: Carrier
    verb: str
    path: str
    query: str
    body: str
    at: str
    machine_at: str
    name: str
    iccid: str | None = None
    status: int | None = None
    faults: list[str] = []


class Asked(msgspec.Struct):
    """What a handler gets: the call, its raw parts, the instant to answer for, and what faults ask of it."""

    call: Call
    body: bytes
    headers: Mapping[str, str]
    parts: Mapping[str, str]
    now: int
    stale: int = 0
    overlap: int = 0

    @property
    def view(self) -> int:
        """The instant whose figures are to be shown."""
        return self.now - self.stale

    def query(self) -> dict[str, str]:
        """The query's parameters; a plus sign stays a plus, for the carrier has a coverage called Global+."""
        pairs = parse_qsl(self.call.query.replace("+", "%2B"), keep_blank_values=True)
        return dict(pairs)


class Calls:
    """The last calls, newest last, and how many there were of each."""

    def __init__(self, kept: int) -> None:
        self.log: deque[Call] = deque(maxlen=kept)
        self.counts: Counter[str] = Counter()
        self._number = 0

    def note(self, **fields: Any) -> Call:
        """Take a call down."""
        self._number += 1
        call = Call(number=self._number, **fields)
        self.log.append(call)
        self.counts[f"{call.carrier} {call.verb} {call.name}"] += 1
        return call

    def clear(self) -> None:
        """Forget them."""
        self.log.clear()
        self.counts.clear()
