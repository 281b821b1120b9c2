"""Sessions are kept by month: months are made ahead and dropped whole, and walls hold for their parts."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from kit.months import drop_parts, make_months
from kit.retention import forget

from lines.commands.retention import KINDS
from lines.models import Line, Sighting
from tests.fleets import Fleet, at
from tests.lines.test_retention import sighted

SESSIONS = next(kind for kind in KINDS if kind.name == "sessions")


def seen(line: Line, when: str, **more: Any) -> Sighting:
    """A session that began then. No table is changed while a check of its rows waits for the end of a transaction,
    which is a test's."""
    row = sighted(line, at(when), **more)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return row


def parts() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM sighting_parts()")
        return {name.removeprefix("lines_sighting_"): until for name, until in cursor.fetchall()}


def part_of(row: Sighting) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM lines_sighting WHERE id = %s", [row.pk])
        return str(cursor.fetchone()[0].removeprefix("lines_sighting_"))


def test_months_are_made_ahead_and_what_waited_moves_into_its_own(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    early, late = seen(line, "2026-11-20T08:00"), seen(line, "2031-12-20T08:00")
    assert (part_of(early), part_of(late)) == ("before", "default")
    assert make_months("sighting", today=dt.date(2031, 12, 20)) == 4
    assert {"before", "default", "y2031m12", "y2032m01", "y2032m02", "y2032m03"} <= set(parts())
    assert (part_of(early), part_of(late)) == ("before", "y2031m12")
    assert make_months("sighting", today=dt.date(2031, 12, 20)) == 0
    assert make_months("sighting", today=dt.date(2026, 1, 20)) == 0  # the table as it was has those
    assert Sighting.objects.count() == 2
    late.refresh_from_db()
    late.delete()
    assert list(Sighting.objects.all()) == [early]


def test_an_old_month_goes_whole_and_one_that_is_needed_stays(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    make_months("sighting", today=dt.date(2031, 1, 20))
    seen(line, "2031-01-20T08:00")
    open_still = seen(line, "2031-02-20T08:00", ended_at=None)
    seen(line, "2031-02-21T08:00")
    newer = seen(line, "2031-03-20T08:00")
    with CaptureQueriesContext(connection) as asked:
        assert forget(SESSIONS, today=dt.date(2032, 4, 2)) >= 1
    assert "y2031m01" not in parts()
    assert {"y2031m02", "y2031m03"} <= set(parts())  # something in it goes on; it is not old
    assert {one.pk for one in Sighting.objects.all()} == {open_still.pk, newer.pk}  # by slices
    assert any("drop_sighting_part" in one["sql"] for one in asked.captured_queries)
    assert forget(SESSIONS, today=dt.date(2032, 4, 2)) == 0


def test_a_month_that_is_archived_is_written_before_it_goes(fleet: Fleet, settings: Any, tmp_path: Path) -> None:
    settings.RETENTION_ARCHIVED, settings.RETENTION_ARCHIVE = "sessions", str(tmp_path)
    make_months("sighting", today=dt.date(2031, 1, 20))
    seen(fleet.line(fleet.account()), "2031-01-20T08:00")
    assert forget(SESSIONS, today=dt.date(2032, 3, 2)) == 1
    assert "y2031m01" not in parts()
    (kept,) = tmp_path.glob("sessions-2031-01.jsonl.gz")
    assert b"2031-01-20" in gzip.decompress(kept.read_bytes())


def test_no_part_that_is_none_or_not_old_is_dropped(fleet: Fleet) -> None:
    seen(fleet.line(fleet.account()), "2031-01-20T08:00")
    make_months("sighting", today=dt.date(2031, 1, 20))
    with connection.cursor() as cursor:
        for part in ("lines_line", "lines_sighting", "lines_sighting_default", "lines_sighting_y2031m02"):
            cursor.execute("SELECT drop_sighting_part(%s, '2031-02-01T00:00Z')", [part])
            assert cursor.fetchone()[0] is None
    drop_parts("sighting", before=at("2031-01-01T00:00"))  # of today's months, where a test before made them
    assert drop_parts("sighting", before=at("2031-01-31T00:00")) == 0


@pytest.mark.parametrize("part", ["lines_sighting_before", "lines_sighting_default", "lines_sighting_y2031m01"])
def test_nobody_goes_past_the_wall_to_a_part(fleet: Fleet, part: str) -> None:
    seen(fleet.line(fleet.account()), "2031-01-20T08:00")
    make_months("sighting", today=dt.date(2031, 1, 20))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.grantee FROM pg_class c, aclexplode(c.relacl) a"
            " WHERE c.oid = %s::regclass AND a.grantee <> c.relowner",
            [part],
        )
        assert cursor.fetchall() == []
        cursor.execute("SELECT polname FROM pg_policy WHERE polrelid = 'lines_sighting'::regclass ORDER BY 1")
        assert ("family",) in cursor.fetchall()
        cursor.execute("SELECT relrowsecurity FROM pg_class WHERE oid = 'lines_sighting'::regclass")
        assert cursor.fetchone()[0]


def test_its_keys_to_lines_and_accounts_hold(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    row = seen(line, "2031-01-20T08:00")
    update = "UPDATE lines_sighting SET line_id = 0 WHERE id = %s; SET CONSTRAINTS ALL IMMEDIATE"
    with pytest.raises(IntegrityError, match="foreign key"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(update.replace("%s", str(row.pk)))
