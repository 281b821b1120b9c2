"""Which sweeps are worth a bell: one statement asks for all of them whether they would find something.

A sweep that finds nothing costs a bell, a worker's way to it and its questions, every few seconds and for each kind of
work: most of what an idle installation spent. What is due is rung for at the same moments as before.
"""

from __future__ import annotations

import logging
import time
from functools import cache

from django.db import Error, connection
from kit import clock
from kit.sql import prepared

from accounts.queries.waiting import WORK as OF_ACCOUNTS
from automation.queries.waiting import WORK as OF_AUTOMATION
from billing.queries.waiting import WORK as OF_BILLING
from lines.queries.waiting import WORK as OF_LINES

log = logging.getLogger(__name__)

FRESH = 0.1  # seconds that an answer is good for the sweeps whose turn it is
LONGEST_SILENCE = 60.0  # seconds: then a sweep is rung for whatever was said, and does its own tidying up
APART = 5.0  # seconds more for each further one, so that they do not all come at once and take each other's slot

WORK = {**OF_ACCOUNTS, **OF_BILLING, **OF_LINES, **OF_AUTOMATION}
SILENCE = {task: LONGEST_SILENCE + APART * number for number, task in enumerate(WORK)}


class Waiting:
    """Asks for one who rings; what it does not know is always worth a bell."""

    def __init__(self) -> None:
        self._found: frozenset[str] = frozenset()
        self._asked = self._opened = float("-inf")
        self._rang: dict[str, float] = {}

    def is_worth(self, task: str) -> bool:
        """Whether this task has something to do, or was not rung for in a minute or two."""
        if task not in WORK:
            return True
        now = time.monotonic()
        is_worth = now - self._rang.get(task, float("-inf")) >= SILENCE[task] or task in self._answer(now)
        if is_worth:
            self._rang[task] = now
        return is_worth

    def _answer(self, now: float) -> frozenset[str]:
        if now - self._asked > FRESH:
            if now - self._opened > LONGEST_SILENCE:  # plans are of tables as they were
                connection.close()
                self._opened = now
            self._found = _found()
            self._asked = time.monotonic()
        return self._found


def _found() -> frozenset[str]:
    """The tasks that have work; all where the database does not say."""
    try:
        [row] = prepared(_statement(), {"now": clock.now()})
    except Error as error:
        connection.close()
        log.warning("what is due is not known, every bell is rung: %s", " ".join(str(error).split())[:200])
        return frozenset(WORK)
    return frozenset(task for task, is_so in zip(WORK, row, strict=True) if is_so)


@cache
def _statement() -> str:
    parts = (sql.replace("%(now)s", "%(now)s::timestamptz") for sql in WORK.values())
    return "SELECT " + ", ".join(f"({part})" for part in parts)
