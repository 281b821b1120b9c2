"""Bring the embedded database to this code's tables, once, whoever comes first."""

import hashlib
import sys
from pathlib import Path

from embedded import addresses, locks, postgres
from embedded.processes import locked


def apply_missing() -> None:
    """Run Django's migrate if this code has migrations that the database has not seen; a look at some files if not."""
    wanted = _fingerprint()
    if _stamp_text() == wanted:
        return
    with locked(locks.migrate()):
        if _stamp_text() == wanted:
            return
        _migrate()
        _stamp().write_text(wanted)


def _stamp() -> Path:
    return postgres.data_folder() / "migrated"  # inside, so that it goes when the database goes


def _stamp_text() -> str:
    try:
        return _stamp().read_text()
    except FileNotFoundError:
        return ""


def _fingerprint() -> str:
    """Return what decides the tables: our migrations by name, our settings, and the versions of others' packages."""
    repository = addresses.REPOSITORY
    migrations = [*repository.glob("*/migrations/0*.py"), *repository.glob("platform/*/migrations/0*.py")]
    names = sorted(str(path.relative_to(repository)) for path in migrations)
    digest = hashlib.sha256("\n".join(names).encode())
    for path in (repository / "requirements.lock", repository / "platform/config/settings/base.py"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _migrate() -> None:
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
    connections.close_all()
