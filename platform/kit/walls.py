"""The second wall between accounts: while a page of one is made, the database hands out rows of its family alone.

A forgotten filter then finds nothing of others. What is read so is read as another role (console/roles.py makes it and
says which rows are whose); workers, the back office and every write see all, as their commands need.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn

from kit.pooled import is_pooled

log = logging.getLogger(__name__)

TENANT = "linekeeper_tenant"
ACCOUNT, PAYER = "linekeeper.account", "linekeeper.payer"  # PostgreSQL's settings that the policies ask
FOR_ONE = f"""SELECT set_config('{ACCOUNT}', $1, true), set_config('{PAYER}', $2, true),
                     set_config('role', '{TENANT}', true)""".encode()  # true: until the end of the transaction
Wall = tuple[int, int] | None  # an account and who pays for it; None: none
UNSURE = (0, 0)  # no account's
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


def to_take_along() -> Wall:
    """What a statement that goes past Django's cursors, in no transaction, says with itself (`FOR_ONE`): it goes up and
    down in the same message. None: no wall is asked for, or it stands."""
    wall: Wall = getattr(connection, "wall", None)
    if wall is None or _stands(connection.connection) == wall:
        stand()
        return None
    return wall


@contextlib.contextmanager
def _within(wall: Wall) -> Iterator[None]:
    before: Wall = getattr(connection, "wall", None)
    if wall == before or not _may_be_tenant():
        yield
        return
    connection.wall = wall  # type: ignore[attr-defined]
    try:
        with contextlib.nullcontext() if wall is None else connection.execute_wrapper(_stand_first):
            yield
    finally:
        connection.wall = before  # type: ignore[attr-defined]
        if before is None:  # what comes next may be anybody's, and asks for no wall
            stand()


def _stand_first(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    is_alone = is_pooled() and connection.wall is not None and not connection.in_atomic_block  # type: ignore[attr-defined]
    with transaction.atomic() if is_alone else contextlib.nullcontext():
        stand()
        return execute(sql, params, many, context)


def stand() -> None:
    """Makes the session who it is to be by now: the first statement of a read does, and a read of one (`for_one`) never
    waits for it. What is said inside a transaction may be taken back with it, so there it is said each time."""
    wall: Wall = getattr(connection, "wall", None)
    raw = connection.connection
    if _stands(raw) == wall:
        return
    if raw is not None and raw.info.transaction_status == TransactionStatus.INERROR:
        connection.stands = (raw, UNSURE)  # type: ignore[attr-defined]
        return  # of a transaction that failed nothing can be read; its end takes back what was said in it
    try:
        connection.ensure_connection()
        raw = connection.connection
        if is_pooled() and raw.autocommit:
            connection.stands = (raw, None)  # type: ignore[attr-defined]
            return  # nobody's session: each statement takes its wall along
        words = _words(raw, wall)
        with connection.wrap_database_errors:
            _say(raw.pgconn, words)
        is_sure = raw.info.transaction_status == TransactionStatus.IDLE
        connection.stands = (raw, wall if is_sure else UNSURE)  # type: ignore[attr-defined]
    except DatabaseError:
        connection.stands = (raw, UNSURE)  # type: ignore[attr-defined]
        if connection.in_atomic_block:
            raise
        connection.close()  # whoever uses it next must not be who this one was
        if wall is not None:
            raise


def _words(raw: psycopg.Connection[Any], wall: Wall) -> str:
    """For the session; behind a pooler for the transaction, which begins here where it is about to."""
    local = "LOCAL " if is_pooled() else ""
    begin = "BEGIN; " if local and raw.info.transaction_status == TransactionStatus.IDLE else ""
    if wall is None:
        return f"{begin}SET {local}ROLE none"
    return f"{begin}SET {local}{ACCOUNT} = {wall[0]:d}; SET {local}{PAYER} = {wall[1]:d}; SET {local}ROLE {TENANT}"


def _stands(raw: psycopg.Connection[Any] | None) -> Wall:
    """Who this session is, as far as we know: a new one is itself."""
    of, wall = getattr(connection, "stands", (None, None))
    return wall if of is raw else None


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
