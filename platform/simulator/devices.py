"""What devices send: whole bytes as a closed form of time, so nothing has to tick."""

from math import sin, tau
from typing import NamedTuple

from .instants import DAY, HOUR, MINUTE, SECOND


class Kind(NamedTuple):
    """A kind of device: share of the fleet in percent, milliseconds between records, bytes of one."""

    name: str
    share: int
    period: tuple[int, int]
    size: tuple[int, int]
    session: int
    tac: str
    hardware: str


KINDS = (
    Kind("tracker", 40, (3 * MINUTE, 10 * MINUTE), (900, 4_000), 12, "35693803", "Teltonika FMB920"),
    Kind("meter", 30, (HOUR, HOUR), (600, 3_000), 1, "35226409", "Quectel BG95-M3"),
    Kind("camera", 8, (4 * MINUTE, 6 * MINUTE), (150_000, 600_000), 36, "86475004", "Reolink Go Plus"),
    Kind("router", 10, (SECOND * 45, SECOND * 90), (8_000, 60_000), 480, "35842107", "Teltonika RUT241"),
    Kind("idle", 12, (40 * DAY, 70 * DAY), (200, 900), 1, "35381308", "Apple iPhone 7 Plus"),
)
_STEP = 0x9E3779B97F4A7C15
# Good weeks and bad days: waves of so many milliseconds that swing a record's size by so much of its base.
_WAVES = ((7 * DAY, 0.25), (2.6 * DAY, 0.2))
_BY_PERCENT = tuple(kind for kind in KINDS for _ in range(kind.share))


def kind_of(roll: int) -> Kind:
    """The kind that 64 random bits fall on."""
    return _BY_PERCENT[roll % 100]


class Pattern(NamedTuple):
    """How one device sends: record k is sent at first + k * period."""

    first: int
    period: int
    base: int
    salt: int
    session: int

    def records_before(self, instant: int) -> int:
        """How many records were sent before the instant, not counting one at it."""
        return 0 if instant <= self.first else (instant - 1 - self.first) // self.period + 1

    def bytes_of(self, records: int) -> int:
        """The bytes of the first so many records: never falls, and each record is 1 to 2 * base - 1 bytes."""
        if not records:
            return 0
        # A golden-ratio step scatters well enough, and this runs twice for each line of each page.
        scatter = ((self.salt + records) * _STEP >> 40) % (self.base // 2)
        return records * self.base + int(self.base * self._swing(records)) + scatter

    def _swing(self, records: int) -> float:
        """The waves' sum over the first so many records, in records."""
        swing = 0.0
        for length, height in _WAVES:
            turn = tau * self.period / length  # radians a record
            begin = tau * self.first / length + self.salt % 1571 / 1000  # much the same weekdays for all
            swing += height / turn * (sin(begin + turn * records) - sin(begin)) if turn < 1 else 0.0
        return swing

    def bytes_between(self, start: int, end: int) -> int:
        """The bytes sent at start <= time < end."""
        return self.bytes_of(self.records_before(end)) - self.bytes_of(self.records_before(start))

    def sessions_between(self, start: int, end: int) -> int:
        """The sessions opened at start <= time < end."""
        return -(-self.records_before(end) // self.session) + (-self.records_before(start) // self.session)

    def last_record(self, start: int, end: int) -> int | None:
        """The instant of the last record at start <= time < end."""
        count = self.records_before(end)
        at = self.first + (count - 1) * self.period
        return at if count and at >= start else None

    def last_session(self, start: int, end: int) -> tuple[int, int] | None:
        """Start and planned end of the last session opened at start <= time < end."""
        opened = -(-self.records_before(end) // self.session)
        at = self.first + (opened - 1) * self.session * self.period
        length = self.session * self.period * 9 // 10
        return (at, at + length) if opened and at >= start else None


def pattern_of(roll: int, kind: Kind, since: int) -> Pattern:
    """The pattern of a device that was switched on at `since`; `roll` is 64 random bits."""
    low, high = kind.period
    period = low + (roll >> 8) % ((high - low) // SECOND + 1) * SECOND
    small, large = kind.size
    base = small + (roll >> 24) % (large - small)
    return Pattern(since + (roll >> 44) % period, period, base, roll, kind.session)
