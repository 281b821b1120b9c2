"""bench_months [--kind KIND] [--rows N]: how long a month of so many rows takes to go, at once and by slices, and how
long somebody waits who asks the table meanwhile."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection
from kit import clock
from kit.errors import Invalid
from kit.months import drop_parts, make_months, month_after
from kit.operator import OperatorCommand
from kit.retention import SLICE, Kind, before, forget

from bench.database import throwaway_database
from bench.fleet import foreign_keys_checked_at_the_end, seed
from lines.commands.retention import kinds

LINES = 20_000
SLICES = 5  # of which the mean is told
FILLED = {
    "job items": (
        """
INSERT INTO lines_job (uuid, account_id, action, parameters, by_kind, by_name, selection, key, state, stopped_by, total,
                       done, same, refused, failed, created_at, run_from, ended_at)
SELECT gen_random_uuid(), 1, 'tag', '{}', 'person', 'jane@acme.example', 'all', '', 'done', '', %(lines)s,
       %(lines)s, 0, 0, 0, %(month)s, 0, %(month)s FROM generate_series(1, %(rows)s / %(lines)s)
""",
        """
INSERT INTO lines_jobitem (job_id, line_id, state, verdict, note, before, month)
SELECT j.id, l.id, 1, '', 'Tagged', '', %(month)s FROM lines_job j, lines_line l
""",
    ),
    "messages": (
        """
INSERT INTO lines_smsmessage (line_id, carrier_id, account_id, payer_id, to_device, text, state, is_open, by, price,
                              created_at, at, ref, nth, word, ask_first, seen_by, attempts, last_error, month)
SELECT l.id, l.carrier_id, l.account_id, l.payer_id, false, 'position 48.1374 11.5755', 'received', false, '',
       0, %(month)s, %(month)s, 'm' || n, 0, 'received', false, '', 0, '', %(month)s
  FROM generate_series(1, %(rows)s / %(lines)s) n, lines_line l
""",
    ),
    "sessions": (
        """
INSERT INTO lines_sighting (line_id, account_id, payer_id, cycle, is_session, country, started_at, ended_at, seen_at,
                            network, radio, ip, sessions, used)
SELECT l.id, l.account_id, l.payer_id, %(month)s, true, 'DE', %(month)s, %(month)s, %(month)s, 'Telekom', '4G',
       '10.128.17.204', 1, 7000000 FROM generate_series(1, %(rows)s / %(lines)s) n, lines_line l
""",
    ),
    # Links are made without asking of each whether it is one: a sealer makes some thousands a second.
    "events": (
        "ALTER TABLE accounts_event DISABLE TRIGGER event_is_one_link_of_its_chain",
        """
INSERT INTO accounts_event (account_id, at, actor_kind, actor_name, verb, subject, detail, link, hash)
SELECT l.account_id, %(month)s::timestamptz + n * interval '1 second', 'person', 'jane@acme.example', 'line.activated',
       'line:' || l.iccid, '{"before": "DEACTIVATED", "after": "ACTIVE"}',
       row_number() OVER (PARTITION BY l.account_id ORDER BY n, l.id), sha256(l.iccid::bytea)
  FROM generate_series(1, %(rows)s / %(lines)s) n, lines_line l
""",
        "ALTER TABLE accounts_event ENABLE TRIGGER event_is_one_link_of_its_chain",
        "UPDATE automation_swept SET last_event = (SELECT max(id) FROM accounts_event)",
    ),
}


class Command(OperatorCommand):
    help = (
        "Measure how a month of a table goes, in a database of its own: a few slices by hand, then the month at once."
    )

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", default="job items", metavar="KIND", help=f"{', '.join(FILLED)} (job items)")
        parser.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="rows of that month (1000000)")

    def answer(self, **options: Any) -> dict[str, Any]:
        kind = next((one for one in kinds() if one.name == options["kind"]), None)
        if kind is None or kind.name not in FILLED or options["rows"] < 2 * SLICES * SLICE:
            raise Invalid(f"It takes one of {', '.join(FILLED)} and at least {2 * SLICES * SLICE:,} rows")
        with throwaway_database():
            seed(lines=LINES, accounts=10, big_lines=LINES // 5)
            rows, size, seconds = _fill(kind, options["rows"])
            slices, by_slices = (None, 0) if kind.is_whole else _by_slices(kind)
            with _somebody_asking(kind) as waits:
                began = time.perf_counter()
                drop_parts(kind.by_month, before=before(_later(kind), _kept(kind)))
                dropped = time.perf_counter() - began
            left = _count(kind)
        return {
            "kind": kind.name,
            "rows": rows,
            "megabytes": round(size / 1e6),
            "filled_seconds": round(seconds, 1),
            "rows_by_slices": by_slices,
            "slice_milliseconds": None if slices is None else round(slices * 1000, 1),
            "month_dropped_milliseconds": round(dropped * 1000, 1),
            "longest_wait_milliseconds": round(max(waits) * 1000, 1),
            "rows_left": left,
        }


def _month() -> dt.date:
    return month_after(clock.today(), 6)  # no part has it yet


def _later(kind: Kind) -> dt.date:
    return month_after(_month(), _kept(kind) + 2)


def _kept(kind: Kind) -> int:
    return kind.kept or kind.least


@contextmanager
def _somebody_asking(kind: Kind) -> Iterator[list[float]]:
    """Seconds of each question to the table, by another, one after the other."""
    waits, is_over = [0.0], threading.Event()

    def ask() -> None:
        with connection.cursor() as cursor:
            while not is_over.wait(0.001):
                began = time.perf_counter()
                cursor.execute(f"SELECT count(*) FROM (SELECT FROM {kind.table} LIMIT 1) AS one")
                waits.append(time.perf_counter() - began)
        connection.close()

    other = threading.Thread(target=ask)
    other.start()
    try:
        yield waits
    finally:
        is_over.set()
        other.join()


def _fill(kind: Kind, rows: int) -> tuple[int, int, float]:
    make_months(kind.by_month, today=_month())
    began = time.perf_counter()
    with foreign_keys_checked_at_the_end(), connection.cursor() as cursor:
        for statement in FILLED[kind.name]:
            cursor.execute(statement, {"lines": LINES, "rows": rows, "month": _month()})
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {kind.table}")
        cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [_part(kind)])
        return _count(kind), int(cursor.fetchone()[0]), time.perf_counter() - began


def _by_slices(kind: Kind) -> tuple[float, int]:
    """Seconds of a slice in the mean, and rows that went: the parts are kept meanwhile."""
    began, gone = time.perf_counter(), _count(kind)
    left = iter(range(SLICES))
    forget(_whole(kind), today=_later(kind), stop=lambda: next(left, None) is None)
    return (time.perf_counter() - began) / SLICES, gone - _count(kind)


def _whole(kind: Kind) -> Kind:
    """The kind as if its table had no months."""
    return Kind(kind.name, kind.table, kind.months, kind.age, kind.old, kind.least, kind.may_go)


def _count(kind: Kind) -> int:
    """Rows of the table in that month's part, or 0 where it is gone."""
    part = _part(kind)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [part])
        if cursor.fetchone()[0] is None:
            return 0
        cursor.execute(f"SELECT count(*) FROM {part}")
        return int(cursor.fetchone()[0])


def _part(kind: Kind) -> str:
    return f"{kind.table}_y{_month():%Y}m{_month():%m}"
