"""Django's own, beside processes that work: it waits for no lock for long, and tries again what it did not get.

Who waits for a table holds up everybody who comes after, and a request that holds one of two tables while a migration
holds the other and wants both waits for ever: PostgreSQL ends one of them. So a migration takes all its tables first,
gives way where it does not get them at once, and waits for none afterwards (docs/decisions, 0210).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from django.core.management.commands import migrate
from django.db import OperationalError, connection
from django.db.migrations import Migration, RunSQL
from django.db.migrations.operations.base import Operation
from django.db.models import Field

ONE_LOCK = "500ms"
ALL_LOCKS = "700ms"  # shorter than PostgreSQL's deadlock_timeout of a second
TRIES = 120
PAUSE = 1.0  # seconds
NOT_NOW = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.QueryCanceled)


class Command(migrate.Command):
    def handle(self, *given: Any, **options: Any) -> None:
        """Each migration is whole or not done: what was done is not done again."""
        for left in reversed(range(TRIES)):
            try:
                super().handle(*given, **options)
                break
            except OperationalError as error:
                if not left or not isinstance(error.__cause__, NOT_NOW):
                    raise
                self.stderr.write(f"A table is in use; again in {PAUSE:.0f} s: {str(error).splitlines()[0]}")
                connection.close()
                time.sleep(PAUSE)

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        """One that is no transaction, such as of an index beside those who write, waits: half of it would be left."""
        if action in ("apply_start", "unapply_start") and migration is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [ONE_LOCK if migration.atomic else "0"])
            tables = named(migration, set(connection.introspection.table_names()))
            if action == "apply_start" and migration.atomic and tables:
                migration.operations.insert(0, taking(tables))  # type: ignore[attr-defined]
        super().migration_progress_callback(action, migration, fake)


def named(migration: Migration, there: set[str]) -> list[str]:
    """The tables that a migration may change, of those that are there: rather one too many."""
    found: set[str] = set()
    for operation in migration.operations:
        for word in _words(operation):
            name = word.lower().replace(".", "_")
            found |= {name, f"{migration.app_label}_{name}"} & there
    return sorted(found)


def _words(part: object) -> Iterator[str]:
    if isinstance(part, Operation | Field):
        yield from _words(part.deconstruct()[1:])
    elif isinstance(part, str):
        yield from re.findall(r"[\w.]+", part)
    elif isinstance(part, dict):
        yield from _words(list(part.values()))
    elif isinstance(part, list | tuple):
        for one in part:
            yield from _words(one)


def taking(tables: list[str]) -> RunSQL:
    names = ", ".join(connection.ops.quote_name(table) for table in tables)
    return RunSQL(
        [
            f"SET LOCAL statement_timeout = '{ALL_LOCKS}'",
            f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE",
            "SET LOCAL statement_timeout = 0",
        ],
        RunSQL.noop,
    )
