"""Moments and months in UTC. An instant is whole milliseconds since 1970; a month is year * 12 + (month - 1)."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def from_datetime(moment: datetime) -> int:
    """The instant of a datetime; one without a zone is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(milliseconds=1)


def to_datetime(instant: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return EPOCH + timedelta(milliseconds=instant)


def parse(text: str) -> int:
    """The instant of an ISO 8601 text; raises ValueError."""
    return from_datetime(datetime.fromisoformat(text))


def iso(instant: int) -> str:
    """2026-11-20T08:30:00.000Z"""
    return to_datetime(instant).isoformat("T", "milliseconds")[:-6] + "Z"


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).date().isoformat()


def simbase_time(instant: int) -> str:
    """2026-11-20 08:30:00, the zone unsaid."""
    day, rest = divmod(instant // SECOND, 86_400)
    return f"{_date(day)} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def iotportal_time(instant: int) -> str:
    """2026-11-20 08:30:00.000+0000"""
    return to_datetime(instant).isoformat(" ", "milliseconds")[:-6] + "+0000"


@lru_cache(maxsize=4096)
def _month_of_day(day: int, cycle_day: int) -> int:
    date = EPOCH + timedelta(days=day)
    return date.year * 12 + date.month - 1 - (date.day < cycle_day)


def month_of(instant: int, cycle_day: int = 1) -> int:
    """The month whose cycle holds the instant; a cycle is named after the month that it starts in."""
    return _month_of_day(instant // DAY, cycle_day)


@lru_cache(maxsize=4096)
def month_start(month: int, cycle_day: int = 1) -> int:
    """The first instant of a month's cycle."""
    return from_datetime(datetime(month // 12, month % 12 + 1, cycle_day, tzinfo=UTC))


def month_label(month: int) -> str:
    """2026-11"""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def parse_month(text: str) -> int:
    """The month of a text such as 2026-11; raises ValueError."""
    found = _MONTH.fullmatch(text)
    if not found or not 1970 <= int(found[1]) <= 9000:
        raise ValueError(f"not a month: {text!r}")
    return int(found[1]) * 12 + int(found[2]) - 1
