"""Bring the embedded database to this code's tables, once, whoever comes first."""

import sys
from collections.abc import Iterator

from embedded import addresses, locks, postgres
from embedded.stamps import once


def apply_missing() -> None:
    """Run Django's migrate if this code has migrations that the database has not seen; a look at some files if not."""
    stamp = postgres.data_folder() / "migrated"  # inside, so that it goes when the database goes
    once(stamp, sources(), locks.migrate(), _migrate)


def sources() -> Iterator[str | bytes]:
    """Yield what decides the tables: our migrations' names, our settings, and the versions of others' packages."""
    repository = addresses.REPOSITORY
    for path in sorted(repository.glob("*/migrations/0*.py")):
        yield str(path.relative_to(repository))
    for name in ("requirements-dev.lock", "platform/config/settings/base.py", "platform/console/roles.py"):
        yield (repository / name).read_bytes()


def _migrate() -> None:
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    usual = dict(connections["default"].settings_dict)
    connections.close_all()
    connections["default"].settings_dict["USER"] = addresses.DATABASE
    try:
        call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
    finally:
        connections.close_all()
        connections["default"].settings_dict["USER"] = usual["USER"]
