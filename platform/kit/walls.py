"""The second wall between accounts: while a page of one is made, the database hands out rows of its family alone.

A forgotten filter then finds nothing of others. What is read so is read as another role (console/roles.py makes it and
says which rows are whose); workers, the back office and every write see all, as their commands need.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from django.db import DatabaseError, OperationalError, connection
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

log = logging.getLogger(__name__)

TENANT = "linekeeper_tenant"
ACCOUNT, PAYER = "linekeeper.account", "linekeeper.payer"  # PostgreSQL's settings that the policies ask
_is_up: bool | None = None  # whether this process may become that role


@contextlib.contextmanager
def around(account_id: int, payer_id: int) -> Iterator[None]:
    """While this lasts: rows of this account and its sub-accounts; of who pays for it what it must know."""
    with _within((account_id, payer_id)):
        yield


@contextlib.contextmanager
def lifted() -> Iterator[None]:
    """While this lasts: every account's rows, for what a person may see in several."""
    with _within(None):
        yield


@contextlib.contextmanager
def _within(wall: tuple[int, int] | None) -> Iterator[None]:
    before: tuple[int, int] | None = getattr(connection, "wall", None)
    if wall == before or not _may_be_tenant():
        yield
        return
    _stand(wall)
    try:
        yield
    finally:
        _stand(before)


def _stand(wall: tuple[int, int] | None) -> None:
    """One message to the server and no plan: what is said at both ends of each read must cost next to nothing."""
    words = "RESET ROLE"
    if wall is not None:
        words = f"SET {ACCOUNT} = {wall[0]:d}; SET {PAYER} = {wall[1]:d}; SET ROLE {TENANT}"
    try:
        connection.ensure_connection()
        with connection.wrap_database_errors:
            _say(connection.connection.pgconn, words)
        connection.wall = wall  # type: ignore[attr-defined]
        connection.health_check_done = True  # type: ignore[attr-defined]  # it answers: no SELECT 1 is needed
    except DatabaseError:
        connection.wall = None  # type: ignore[attr-defined]
        if connection.in_atomic_block:
            raise
        connection.close()  # whoever uses it next must not be who this one was
        if wall is not None:
            raise


def _say(session: PGconn, words: str) -> None:
    """Without psycopg's cursor, which costs more than the statement does. Raises OperationalError."""
    result = session.exec_(words.encode())
    if result.status != ExecStatus.COMMAND_OK:
        raise OperationalError(result.error_message.decode(errors="replace"))


def _may_be_tenant() -> bool:
    """Asked once: an installation whose owner has not run `migrate` with this version has no such role yet."""
    global _is_up
    if _is_up is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = %s", [TENANT])
            row = cursor.fetchone()
        _is_up = bool(row and row[0])
        if not _is_up:
            log.error("The database has no role %s for us: run manage.py migrate as who owns its tables", TENANT)
    return _is_up
