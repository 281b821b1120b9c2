"""The drill: a backup is written and proved, the database is lost, and comes back to the last row."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from console import backups
from django.core.management import CommandError, call_command
from django.db import connection
from embedded import postgres

from accounts.models import Account
from billing.models import Entry
from lines.carriers.base import Reading
from lines.commands.readings import apply_readings
from lines.models import Line, LineDay
from tests.fleets import MB, ON, Fleet, at

CYCLE = dt.date(2026, 11, 1)


@pytest.fixture
def held(transactional_db: None) -> Iterator[Line]:
    """A line that has used something; databases that the test leaves beside its own are dropped."""
    fleet = Fleet()
    line = fleet.line(fleet.account())
    for hour, counter in ((12, 1000), (13, 1000 + 5 * MB)):
        read_at = at(f"2026-11-20T{hour}:00")
        reading = Reading(line.iccid, counter, CYCLE, ON)
        apply_readings(carrier=line.carrier, readings=[reading], read_at=read_at, has_finals=True)
    yield line
    name = connection.settings_dict["NAME"]
    with backups._admin() as admin:
        for (other,) in databases(admin):
            if other != name and other.startswith(f"{name}_"):
                admin.execute(f'DROP DATABASE "{other}" WITH (FORCE)'.encode())


def databases(admin: psycopg.Connection[Any]) -> list[tuple[str]]:
    return admin.execute("SELECT datname FROM pg_database").fetchall()


def told(command: str, *given: str) -> dict[str, Any]:
    from io import StringIO

    out = StringIO()
    call_command(command, *given, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_what_was_backed_up_is_proved_and_comes_back_and_what_was_there_is_kept(held: Line, tmp_path: Path) -> None:
    written = told("backup", str(tmp_path))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".dump", ".json"]
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir() if path.suffix == ".dump"} == {0}  # ours alone
    assert written["rows"]["lines_line"] == 1
    proved = told("verify_backup", written["backup"])
    assert (proved["books"], proved["audit"], proved["rows"]) == (True, True, written["rows"])
    with backups._admin() as admin:
        assert not [name for (name,) in databases(admin) if "_verify_" in name]
    lost = Account.objects.count(), Entry.objects.count(), list(LineDay.objects.values_list("used", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; DELETE FROM billing_entry; DELETE FROM lines_lineday")
    again = told("restore", written["backup"], "--while-running")  # a thread of an earlier test may have one
    assert (
        Account.objects.count(),
        Entry.objects.count(),
        list(LineDay.objects.values_list("used", flat=True)),
    ) == lost
    with backups._admin() as admin:
        assert (again["kept"],) in databases(admin)
    reading = Reading(held.iccid, 1000 + 7 * MB, CYCLE, ON)  # the counters tell what came since
    apply_readings(carrier=held.carrier, readings=[reading], read_at=at("2026-11-20T15:00"), has_finals=True)
    assert sum(LineDay.objects.values_list("used", flat=True)) == 7 * MB
    assert told("verify_backup", told("backup", str(tmp_path / "next"))["backup"])["books"]


def test_a_damaged_backup_is_refused_and_replaces_nothing(held: Line, tmp_path: Path) -> None:
    path = Path(told("backup", str(tmp_path))["backup"])
    whole = path.read_bytes()
    for damaged in (whole[:-100], whole[:2000] + b"x" + whole[2001:]):
        path.write_bytes(damaged)
        for command in ("verify_backup", "restore"):
            with pytest.raises(CommandError, match="damaged"):
                call_command(command, str(path))
    path.write_bytes(whole)
    path.with_suffix(".json").unlink()
    with pytest.raises(CommandError, match="no backup"):
        call_command("restore", str(path))
    assert Line.objects.get() == held


def test_wrong_books_in_a_backup_are_found(held: Line, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; UPDATE billing_wallet SET posted = posted + 1")
        cursor.execute("SET session_replication_role = origin")
    path = told("backup", str(tmp_path))["backup"]
    with pytest.raises(CommandError, match="is wrong in it"):
        call_command("verify_backup", path)


def test_a_database_in_use_is_not_replaced_unless_one_says_so(held: Line, tmp_path: Path) -> None:
    path = told("backup", str(tmp_path))["backup"]
    given = {name: value for name, value in connection.get_connection_params().items() if name in ("host", "user")}
    other = psycopg.connect(**given, dbname=connection.settings_dict["NAME"])
    other.execute("SELECT 1")
    with pytest.raises(CommandError, match="stop web server, workers and beat"):
        call_command("restore", path)
    assert told("restore", path, "--while-running")["kept"]
    with pytest.raises(psycopg.OperationalError):
        other.execute("SELECT 1")
    other.close()
    assert Line.objects.get() == held


def test_a_client_that_is_older_than_a_given_server_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_dump refuses a server newer than itself: what stands first on the path may be that of another server."""
    found = tmp_path / "pg_dump"
    found.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)'\n")
    found.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert postgres.client("pg_dump", 15) == postgres.binary("pg_dump")  # the embedded server's own
    monkeypatch.setenv("DATABASE_URL", "postgresql://linekeeper@db.example/linekeeper")
    assert postgres.client("pg_dump", 15) == str(found)
    assert postgres.client("pg_dump", 18) != str(found)
