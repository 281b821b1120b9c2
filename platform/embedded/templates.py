"""An empty database with all tables, migrated once for each state of the migrations: tests work in copies of it."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo

from embedded import addresses
from embedded.processes import locked

PREFIX = "migrated_"


def migrated() -> str:
    """Return the template's name; the first of several processes makes it, and drops those of other migrations."""
    name = PREFIX + digest()
    addresses.data_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(addresses.data_dir() / "template.lock"), connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        there = {row[0] for row in cursor.fetchall()}
        for old in there - {name}:
            cursor.execute(f'DROP DATABASE "{old}"')
        if name not in there:
            draft = f"{PREFIX}draft"
            cursor.execute(f'CREATE DATABASE "{draft}"')
            _migrate(draft)
            cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
    return name


def digest() -> str:
    """Everything that decides the tables and who sees which of their rows."""
    names = ("platform/console/roles.py", "platform/kit/parts.py", "requirements.lock")
    others = (addresses.REPOSITORY / name for name in names)
    files = [*sorted(addresses.REPOSITORY.glob("*/migrations/*.py")), *others]
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()[:16]


def _migrate(database: str) -> None:
    settings = connection.settings_dict
    parts = {
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "host": settings["HOST"],
        "port": settings["PORT"],
    }
    url = make_conninfo(dbname=database, **{key: value for key, value in parts.items() if value})
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=Path(addresses.REPOSITORY), env={**os.environ, "DATABASE_URL": url}, check=True)
