"""What the database's wall between accounts costs a read: each with it and without, in turns, in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client, override_settings
from kit import clock, kept, walls

from bench import calls, pages
from bench.fleet import NOW, Fleet

IN_A_ROW = 5  # calls, each way, as a server's session answers them
WARM = 3  # calls of each kind that do not count: plans, caches, first imports


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of the processor, of this process and its session's together; a quarter of the calls took less.
    What else the machine does only ever adds to a call, so the lower quartile says more than a median."""

    what: str
    without: float
    behind: float

    @property
    def more(self) -> float:
        """The part by which a read behind the wall costs more."""
        return self.behind / self.without - 1


class Sessions:
    """One session of the database for each way: a plan that is kept is made anew whenever another role uses it."""

    def __init__(self) -> None:
        self._raw: dict[bool, Any] = {}
        self._behind: bool | None = None

    @contextmanager
    def use(self, *, behind: bool) -> Iterator[int]:
        """Give the process id of the server's session."""
        connection.ensure_connection()
        before, was_up = connection.connection, walls._is_up
        if behind not in self._raw:
            connection.connection = None
            connection.ensure_connection()
            self._raw[behind] = connection.connection
            # without the wall PostgreSQL would plan the API's statements anew at each call, and the wall looked cheap
            connection.connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.connection, walls._is_up = self._raw[behind], behind
        connection.close_at = None  # it would end with its minute (CONN_MAX_AGE)
        try:
            yield self._raw[behind].info.backend_pid
        finally:
            connection.connection, walls._is_up = before, was_up

    def close(self) -> None:
        for raw in self._raw.values():
            raw.close()


@override_settings(**pages.PLAIN | {"ALLOWED_HOSTS": ["testserver", "localhost"]})
def costs(fleet: Fleet, rounds: int, only: str = "") -> list[Cost]:
    """Of every read whose name has `only` in it."""
    sessions = Sessions()
    try:
        with clock.frozen(NOW):
            return [_cost(what, read, sessions, rounds) for what, read in _reads(fleet) if only in what]
    finally:
        sessions.close()


def _reads(fleet: Fleet) -> Iterator[tuple[str, Callable[[], object]]]:
    api = calls.Caller(fleet)
    for what, query in (("", ""), (", by status", "status_id=1"), (", by a frequent word", "common_filter=tracker")):
        yield f"API: 25 lines{what}", partial(api.read, query)
    owner = Client()
    owner.force_login(fleet.owner.user)
    for what, path in pages.console(fleet):
        yield what, partial(_open, owner, path)


def _open(person: Client, path: str) -> None:
    kept.forget()
    pages.check(path, person.get(path).status_code)


def _cost(what: str, read: Callable[[], object], sessions: Sessions, rounds: int) -> Cost:
    took: dict[bool, list[int]] = {False: [], True: []}
    for turn in range(WARM + rounds):
        for behind in (True, False) if turn % 2 else (False, True):
            with sessions.use(behind=behind) as session:
                spent = _spent(read, session)
            if turn >= WARM:
                took[behind].append(spent)
    return Cost(what, *(statistics.quantiles(took[behind])[0] / 1e6 for behind in (False, True)))


def _spent(read: Callable[[], object], session: int) -> int:
    """Nanoseconds of the processor."""
    read()  # whoever had the processor before has left it cold
    before = time.process_time_ns() + _of_server(session)
    for _ in range(IN_A_ROW):
        read()
    return (time.process_time_ns() + _of_server(session) - before) // IN_A_ROW


def _of_server(session: int) -> int:
    """What the kernel counts of a process that waits: to the nanosecond, and on this machine alone."""
    return int(Path(f"/proc/{session}/schedstat").read_text().split()[0])
