"""Logs: who asked and what for in each line, JSON where machines read them, and one line for a dead database."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import re
import uuid
from collections.abc import Iterator
from contextvars import ContextVar

# What is being done: a request, a task, a call to a carrier.
_doing: ContextVar[dict[str, str] | None] = ContextVar("doing", default=None)
_process: dict[str, str] = {}  # the same of a process that does one thing after another, with threads of its own

BRIEF = frozenset({"OperationalError", "InterfaceError", "ConnectionError", "TimeoutError"})  # need no trace
KEPT = ("carrier", "call", "kind", "status", "seconds")  # of `extra`
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def new_id(given: str = "") -> str:
    """An id for a request: the one that a proxy in front gave it, where that is one."""
    return given if _ID.fullmatch(given) else uuid.uuid4().hex[:16]


@contextlib.contextmanager
def doing(**ids: str) -> Iterator[None]:
    """While this lasts, every line of this thread's log has these ids."""
    token = _doing.set({**(_doing.get() or {}), **ids})
    try:
        yield
    finally:
        _doing.reset(token)


def begin(**ids: str) -> None:
    """The same until it is told otherwise: for a process that does one thing after another."""
    _process.clear()
    _process.update(ids)


def ids() -> dict[str, str]:
    """What is being done here and now."""
    return {**_process, **(_doing.get() or {})}


# What stands in an address and opens something: whoever reads a log must not have it.
_TOKEN = re.compile(r"(/accounts/(?:invitation|confirm-email|back-office|password/reset/key)/)[^/\s?\"']+")


# Controls, and what turns or hides text.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def masked(text: str) -> str:
    return _TOKEN.sub(r"\1***", text)


def _ids_of(record: logging.LogRecord) -> dict[str, str]:
    """With who asked and from where, also where Django logs a refused request once all is done."""
    return {**ids(), **getattr(getattr(record, "request", None), "asked_by", {})}


class LineFormatter(logging.Formatter):
    """For people: a line each, with the ids at its end; what a stranger wrote makes no second one."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        with _brief(record):
            line = masked(super().format(record))
        said = " ".join(f"{name}={value}" for name, value in _ids_of(record).items())
        return f"{line} [{said}]" if said and "\n" not in line else line


class JsonFormatter(logging.Formatter):
    """For machines: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        with _brief(record):
            said = {
                "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
                "level": record.levelname,
                "logger": record.name,
                "message": masked(record.getMessage()),
                **_ids_of(record),
                **{name: str(getattr(record, name)) for name in KEPT if hasattr(record, name)},
            }
            if record.exc_info:
                said["trace"] = masked(self.formatException(record.exc_info))
        return json.dumps(said, ensure_ascii=False)


@contextlib.contextmanager
def _brief(record: logging.LogRecord) -> Iterator[None]:
    """A server that does not answer is one line, not eighty of ours: the trace says nothing of it."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None or type(error).__name__ not in BRIEF:
        yield
        return
    kept = record.exc_info, record.exc_text, record.msg, record.args
    first = record.getMessage().splitlines()[:1]
    said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    record.msg, record.args, record.exc_info, record.exc_text = (
        f"{first[0][:200] if first else ''} ({said})",
        (),
        None,
        None,
    )
    try:
        yield
    finally:
        record.exc_info, record.exc_text, record.msg, record.args = kept
