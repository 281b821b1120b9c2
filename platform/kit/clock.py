"""The application's clock: the only place that asks what time it is.

`LINEKEEPER_NOW=2026-12-01T00:00:05Z` freezes it for a command or a server; production settings refuse that.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterator
from contextvars import ContextVar

from django.utils.dateparse import parse_date

UTC = dt.UTC
VARIABLE = "LINEKEEPER_NOW"


class BadFrozenTime(ValueError):
    """LINEKEEPER_NOW is not a time with a zone."""


def parse(text: str) -> dt.datetime:
    """An ISO 8601 time with a zone, as UTC. Raises BadFrozenTime."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadFrozenTime(f"{VARIABLE} must be a time with a zone such as 2026-12-01T00:00:05Z, not {text!r}")
    return moment.astimezone(UTC)


def is_frozen() -> bool:
    return bool(os.environ.get(VARIABLE))


@contextlib.contextmanager
def frozen(moment: dt.datetime) -> Iterator[None]:
    """This process' clock stands at `moment` inside the block."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = moment.isoformat()
    try:
        yield
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def now() -> dt.datetime:
    """The current time, UTC, or the frozen one."""
    frozen = os.environ.get(VARIABLE)
    return parse(frozen) if frozen else dt.datetime.now(UTC)


# In which zone moments are written for whoever is being answered; UTC until they choose another.
zone: ContextVar[dt.tzinfo] = ContextVar("zone", default=UTC)


def today() -> dt.date:
    """The current day, UTC."""
    return now().date()


def day_from(text: str) -> dt.date | None:
    """The day that an address names, such as 2026-11-20; None where it names none, or one that is not of our time."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day is not None and 2000 <= day.year < 3000 else None
