"""The application's clock: the only place that asks what time it is. It is the database's, never this host's.

Each process asks the database now and then and counts on from there by the time since its machine was started, which
no administrator and no time server sets. Hosts that differ by an hour or a year agree about every day and every cent.

`LINEKEEPER_NOW=2026-12-01T00:00:05Z` freezes it for a command or a server; production settings refuse that.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.db import Error, connection
from django.utils.dateparse import parse_date

UTC = dt.UTC
VARIABLE = "LINEKEEPER_NOW"
ASKED_EVERY = 5.0  # seconds, where this thread has a connection to ask by
ASKED_AT_LEAST_EVERY = 60.0  # seconds: one is opened for it
TRIED_EVERY = 1.0  # seconds between two questions to a database that does not answer
_SINCE_START = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # counts while the machine sleeps, too


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


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the database's clock said, and how long this machine had run by then: seconds."""

    told: dt.datetime
    at: float


class _Kept:
    """This process' last reading of the database's clock, and when it was last tried for. Threads share it."""

    reading: _Reading | None = None
    tried: float = -TRIED_EVERY


# By how much the clock of whoever is being answered is ahead: a test account's, which its people turn.
_ahead: ContextVar[dt.timedelta] = ContextVar("ahead", default=dt.timedelta())


@contextlib.contextmanager
def ahead(by: dt.timedelta) -> Iterator[None]:
    """Inside the block the time is later by this, in this thread alone. Only what a test account has may be read or
    written in it."""
    before = _ahead.set(by)
    try:
        yield
    finally:
        _ahead.reset(before)


def now() -> dt.datetime:
    """The current time, UTC: `real`, or later by as much as a test account's clock was turned."""
    return real() + _ahead.get()


def real() -> dt.datetime:
    """The current time of the database, UTC, or the frozen one; what a test account's clock does not move.

    A database that does not answer is counted on from its last answer; one that never answered in this process gives
    nothing to count from, and there the host's clock must do: no money moves meanwhile.
    """
    frozen = os.environ.get(VARIABLE)
    if frozen:
        return parse(frozen)
    if not settings.CLOCK_IS_THE_DATABASE:
        return _host()
    running = _running()
    kept = _Kept.reading
    if _is_due(kept, running) and running - _Kept.tried >= TRIED_EVERY:
        _Kept.tried = running
        kept = _asked() or kept
        _Kept.reading, running = kept, _running()
    return _host() if kept is None else kept.told + dt.timedelta(seconds=running - kept.at)


def _is_due(kept: _Reading | None, running: float) -> bool:
    """A connection that is there is asked often; one is opened for the clock alone only where it must be."""
    if kept is None or running - kept.at >= ASKED_AT_LEAST_EVERY:
        return True
    return running - kept.at >= ASKED_EVERY and connection.connection is not None


def _asked() -> _Reading | None:
    """The middle of the question and its answer is when the database looked. A transaction that has failed already
    cannot be asked, and a connection that was opened for this alone is closed again."""
    was_open = connection.connection is not None
    if was_open and connection.in_atomic_block and connection.needs_rollback:
        return None
    before = _running()
    try:
        with connection.cursor() as cursor:
            before = _running()
            cursor.execute("SELECT clock_timestamp()")
            told: dt.datetime = cursor.fetchone()[0]
            after = _running()
    except Error:
        return None
    finally:
        if not was_open and not connection.in_atomic_block:
            connection.close()
    return _Reading(told.astimezone(UTC), (before + after) / 2)


def _running() -> float:
    return time.clock_gettime(_SINCE_START)


def _host() -> dt.datetime:
    return dt.datetime.now(UTC)


# In which zone moments are written for whoever is being answered; UTC until they choose another.
zone: ContextVar[dt.tzinfo] = ContextVar("zone", default=UTC)


def today() -> dt.date:
    """The current day, UTC."""
    return now().date()


def month() -> dt.date:
    """The first of the current month, UTC."""
    return today().replace(day=1)


def day_from(text: str) -> dt.date | None:
    """The day that an address names, such as 2026-11-20; None where it names none, or one that is not of our time."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day is not None and 2000 <= day.year < 3000 else None


def month_from(text: str) -> dt.date | None:
    """2026-11 as its first day."""
    return day_from(f"{text}-01") if re.fullmatch(r"[0-9]{4}-[0-9]{2}", text) else None
