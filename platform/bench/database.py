"""A database of its own on the same server, made for one benchmark and dropped after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import OperationalError, connection
from embedded import addresses, templates
from kit.errors import Refusal

NAME = "linekeeper_bench"


class BenchmarkRunning(Refusal):
    """Somebody uses the benchmark's database."""


@contextmanager
def throwaway_database() -> Iterator[None]:
    """Django's connection leads to an empty, migrated database inside, and back to the real one after."""
    real = connection.settings_dict["NAME"]
    connection.close()
    _drop()  # what a killed benchmark left
    template = templates.migrated() if addresses.is_embedded_database() else None
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{NAME}"' + (f' TEMPLATE "{template}"' if template else ""))
    connection.settings_dict["NAME"] = NAME
    try:
        if not template:
            call_command("migrate", verbosity=0, interactive=False)
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = real
        _drop(" WITH (FORCE)")  # what we began may hear of its end a moment later, and a pooler never does


def _drop(how: str = "") -> None:
    """PostgreSQL drops no database that somebody is connected to: that keeps two benchmarks apart."""
    try:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{NAME}"{how}')
    except OperationalError as error:
        if "being accessed" not in str(error):
            raise
        raise BenchmarkRunning(f"Another benchmark is using the database {NAME}; wait until it has ended") from None
