"""The fleet's time: the machine's own, frozen, or running at another speed."""

import time
from collections.abc import Callable
from typing import Literal

import msgspec

Mode = Literal["real", "frozen", "running"]


class Clock(msgspec.Struct):
    """Simulated time = `base` + (machine time - `anchor`) * `speed`, so it needs no tick and survives a restart."""

    mode: Mode = "real"
    base: int = 0
    anchor: int = 0
    speed: float = 1.0


def machine_time() -> int:
    """Milliseconds since 1970 by the machine's clock."""
    return time.time_ns() // 1_000_000


def now(clock: Clock, machine: Callable[[], int] = machine_time) -> int:
    """The instant that the clock shows."""
    match clock.mode:
        case "real":
            return machine()
        case "frozen":
            return clock.base
        case "running":
            return clock.base + int((machine() - clock.anchor) * clock.speed)


def frozen(at: int) -> Clock:
    """A clock that stands still."""
    return Clock("frozen", at, 0, 0.0)


def running(at: int, speed: float, machine: Callable[[], int] = machine_time) -> Clock:
    """A clock that shows `at` now and goes on at `speed` seconds a second."""
    return Clock("running", at, machine(), speed)


def moved(clock: Clock, to: int) -> Clock:
    """The same kind of clock, showing `to`; the machine's own time becomes a running one at speed 1."""
    return frozen(to) if clock.mode == "frozen" else running(to, clock.speed)
