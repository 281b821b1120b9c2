"""Backups of the whole database: written whole or not at all, proved by restoring them, put back beside what was there.

The database is all that there is to back up, but the secrets: ENCRYPTION_KEYS and SECRET_KEY are kept elsewhere, or
nothing encrypted in it can be read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from embedded import postgres
from kit import clock
from kit.errors import Refusal
from psycopg import sql

from accounts.audit import prove
from console.roles import make_roles
from lines.books import check_books

JOBS = "2"  # processes that restore side by side
OPTIONS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}


class BadBackup(Refusal):
    """A backup cannot be made, is damaged, or does not hold what it should."""


class InUse(Refusal):
    """Others are connected to the database that is to be replaced."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands beside a dump. `migrations`: the last one of each app; `rows`: of a few tables, to compare."""

    at: str
    database: str
    server: str
    bytes: int
    sha256: str
    migrations: dict[str, str]
    rows: dict[str, int]


COUNTED = ("accounts_account", "accounts_event", "billing_entry", "lines_line", "lines_lineday")


def write(folder: Path) -> tuple[Path, Manifest]:
    """Dumps the database into a file of its own, with a manifest beside it. Raises BadBackup."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    at = clock.now()
    path = folder / f"linekeeper-{at:%Y%m%dT%H%M%SZ}.dump"
    draft = path.with_suffix(".part")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)  # nobody else's: everything of everybody is in it
        with transaction.atomic(), connection.cursor() as cursor:  # what is counted is what is dumped
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot = str(cursor.fetchone()[0])
            rows, migrations = _rows(), _migrations()
            run("pg_dump", "--format=custom", "--no-owner", "--snapshot", snapshot, "--file", str(draft))
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        manifest = Manifest(
            at.isoformat(timespec="seconds"),
            connection.settings_dict["NAME"],
            server_version(),
            draft.stat().st_size,
            _digest(draft),
            migrations,
            rows,
        )
        _manifest_of(path).write_text(json.dumps(asdict(manifest), indent=1) + "\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path, manifest


def read(path: Path) -> Manifest:
    """The manifest of a dump that is whole. Raises BadBackup."""
    try:
        manifest = Manifest(**json.loads(_manifest_of(path).read_text()))
        size = path.stat().st_size
    except (OSError, ValueError, TypeError) as error:
        raise BadBackup(f"{path} is no backup, or {_manifest_of(path).name} is missing: {error}") from None
    if size != manifest.bytes or _digest(path) != manifest.sha256:
        raise BadBackup(f"{path} is damaged: it is not the file that was written")
    return manifest


def verify(path: Path) -> dict[str, Any]:
    """Restores a dump into a database of its own, proves its books and its audit there, and drops it.

    Raises BadBackup where anything is not as it should be.
    """
    manifest = read(path)
    name = f"{connection.settings_dict['NAME']}_verify_{os.getpid()}"
    with _scratch(name, path), _on(name):
        rows, books, audit = _rows(), check_books(), prove()
        migrations = _migrations()
    wrong = [check["name"] for check in books["checks"] if not check["ok"]]
    if (migrations, rows) != (manifest.migrations, manifest.rows):
        raise BadBackup(f"{path} does not hold what its manifest says")
    if wrong or audit.broken:  # events that no worker had sealed yet are whole all the same
        raise BadBackup(f"{path} can be restored, and {', '.join(wrong) or 'the audit'} is wrong in it")
    return {"backup": str(path), "at": manifest.at, "rows": rows, "books": True, "audit": True}


def restore(path: Path, *, while_running: bool = False) -> dict[str, Any]:
    """Puts a dump in the place of the database, which stays beside it under another name. Raises BadBackup, InUse.

    Nothing is replaced before the dump is restored whole. `while_running`: ends the sessions of others.
    """
    manifest = read(path)
    name = connection.settings_dict["NAME"]
    kept, fresh = f"{name}_before_{clock.now():%Y%m%d_%H%M%S}", f"{name}_restoring"
    if not while_running:
        refuse_others()
    with _scratch(fresh, path, keep=True):
        connection.close()
        with _admin() as admin:
            _end_sessions(admin, name)
            with admin.transaction():
                _rename(admin, name, kept)
                _rename(admin, fresh, name)
    return {"restored": str(path), "at": manifest.at, "database": name, "kept": kept}


def refuse_others() -> None:
    """Raises InUse while anybody else is connected to the database."""
    name = connection.settings_dict["NAME"]
    with _admin() as admin:
        others = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> ALL(%s)", [name, _own_pids()]
        ).fetchone()
    if others and others[0]:
        raise InUse(f"{others[0]} sessions use {name}: stop web server, workers and beat first")


def _manifest_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _migrations() -> dict[str, str]:
    return dict(sorted(MigrationRecorder(connection).applied_migrations()))


def _rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        counts = {}
        for table in COUNTED:
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts[table] = int(cursor.fetchone()[0])
    return counts


def server_version() -> str:
    """The server's version, as it says itself."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0])


def _environment(database: str | None = None) -> dict[str, str]:
    """How libpq finds the database: by the environment, so that no password stands on a command line."""
    given = connection.settings_dict
    named = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
    found = {ours: str(given[theirs]) for ours, theirs in named.items() if given.get(theirs)}
    found |= {OPTIONS[name]: str(value) for name, value in given.get("OPTIONS", {}).items() if name in OPTIONS}
    return {**found, "PGDATABASE": database or str(given["NAME"])}


def run(name: str, *arguments: str, database: str | None = None) -> None:
    """Runs one of PostgreSQL's programs on the database. Raises BadBackup with what it said."""
    server = int(server_version().partition(".")[0])
    found = postgres.run_client(name, *arguments, variables=_environment(database), server=server)
    if found.returncode:
        said = " ".join(found.stderr.split())[:500]
        raise BadBackup(f"{Path(name).name} failed: {said}")


@contextlib.contextmanager
def _admin() -> Iterator[psycopg.Connection[Any]]:
    """A session at the server's own database, from which others can be made and renamed."""
    given = connection.get_connection_params()
    known = {key: given[key] for key in ("host", "port", "user", "password", *OPTIONS) if given.get(key)}
    with psycopg.connect(**known, dbname="postgres", autocommit=True) as admin:
        yield admin


def _own_pids() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return [int(cursor.fetchone()[0])]


@contextlib.contextmanager
def _scratch(name: str, path: Path, *, keep: bool = False) -> Iterator[None]:
    """The dump, restored into a database of this name; dropped afterwards, or where that fails."""
    with _admin() as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    done = False
    make_roles()  # a dump names them
    try:
        restore = ("--no-owner", "--exit-on-error", "--jobs", JOBS, "--dbname", name)
        run("pg_restore", *restore, str(path), database=name)
        yield
        done = True
    finally:
        if not (keep and done):
            with _admin() as admin:
                admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def _on(name: str) -> Iterator[None]:
    """While this lasts, this process works on another database."""
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def _end_sessions(admin: psycopg.Connection[Any], name: str) -> None:
    admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])


def _rename(admin: psycopg.Connection[Any], before: str, after: str) -> None:
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(before), sql.Identifier(after)))
