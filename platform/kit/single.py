"""A statement that is a transaction of its own, in one message to the server with the wall that it is read behind.

What psycopg's cursor does around a statement costs a short read as much as the wall; this is libpq by `psycopg.pq`.
"""

from __future__ import annotations

import select
import weakref
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from kit import walls
from kit.pooled import is_pooled

# A text, the types of its parameters, and whether a wall stands around it: a plan that is used with one and without is
# made anew at each turn.
Plan = tuple[bytes, tuple[int, ...] | None, bool]
# A text, the types of its parameters, their values and formats.
Asked = tuple[bytes, tuple[int, ...] | None, Sequence[Any], Sequence[Any] | None]
_plans: weakref.WeakKeyDictionary[psycopg.Connection[Any], dict[Plan, bytes]] = weakref.WeakKeyDictionary()


def single(raw: psycopg.Connection[Any], text: bytes, given: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Runs a statement that the session plans once, and gives its rows; behind a pooler it is planned each time. The
    session is in no transaction.

    Raises psycopg.Error.
    """
    try:
        return _single(raw, text, given)
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.InvalidSqlStatementName):
        # a migration beside us has given a column another type, or somebody has forgotten all plans
        raw.execute("DEALLOCATE ALL")
        _plans.pop(raw, None)
        return _single(raw, text, given)


def _single(raw: psycopg.Connection[Any], text: bytes, given: Sequence[Any]) -> list[tuple[Any, ...]]:
    wall, session = walls.to_take_along(), raw.pgconn
    adapter = Transformer(raw)
    values = adapter.dump_sequence(given, [PyFormat.AUTO] * len(given))
    asked: list[Asked] = [(text, adapter.types, values, adapter.formats)]
    if wall:
        asked.insert(0, (walls.FOR_ONE, None, [b"%d" % wall[0], b"%d" % wall[1]], None))
    plans = [] if is_pooled() else [_planned(raw, (text, types, wall is not None)) for text, types, *_ in asked]
    session.enter_pipeline_mode()
    try:
        for number, (text, types, values, formats) in enumerate(asked):
            if plans:
                session.send_query_prepared(plans[number], values, formats)
            else:
                session.send_query_params(text, values, types, formats)
        session.pipeline_sync()
        result = _last(session)
    except BaseException:  # half a message is on its way: nothing else may be asked of this session
        raw.close()
        raise
    session.exit_pipeline_mode()
    adapter.set_pgresult(_sound(raw, result))
    return adapter.load_rows(0, result.ntuples, tuple)


def _planned(raw: psycopg.Connection[Any], plan: Plan) -> bytes:
    """The name of a statement that the session has prepared."""
    plans = _plans.setdefault(raw, {})
    if plan not in plans:
        name = b"single_%d" % len(plans)
        _sound(raw, raw.pgconn.prepare(name, plan[0], plan[1]))
        plans[plan] = name
    return plans[plan]


def _sound(raw: psycopg.Connection[Any], result: PGresult) -> PGresult:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise psycopg.errors.error_from_result(result, encoding=raw.info.encoding)
    return result


def _last(session: PGconn) -> PGresult:
    """The result of the message's last statement, or of the one that failed, when the server is through with it all."""
    waiting, found = select.poll(), list[PGresult]()
    waiting.register(session.socket, select.POLLIN)
    while session.flush():  # a statement longer than what the socket takes at once
        waiting.modify(session.socket, select.POLLIN | select.POLLOUT)
        waiting.poll()
        session.consume_input()
    waiting.modify(session.socket, select.POLLIN)
    while True:
        while not session.is_busy():
            result = session.get_result()
            if result is None:
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                return next((one for one in found if one.status == ExecStatus.FATAL_ERROR), found[-1])
            found.append(result)
        waiting.poll()
        session.consume_input()
