"""Data folders whose PostgreSQL has all tables from the start: to make one with its tables takes a quarter of a minute
of processor time, and a copy of one half a second. How a folder comes to be from nothing is tests/house/test_demo.py's.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from embedded import addresses, migrations, postgres, templates
from embedded.processes import locked

KEPT = addresses.REPOSITORY / ".local" / "preloaded"
NOT_OURS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "WAL_ARCHIVE", "LINEKEEPER_NOW", "MAKELEVEL")
MAKE = "from embedded import services; services.ensure_running(); raise SystemExit(not services.leave(wait=True))"


def preload(folder: Path) -> None:
    """Give a data folder, which must not have one yet, a PostgreSQL as this code's first command would make it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    copied = folder / "postgres"
    assert not copied.exists()
    subprocess.run(["cp", "-a", str(_made() / "postgres"), str(copied)], check=True)
    if postgres.server_user():
        postgres.let_pass(copied)


def _made() -> Path:
    """The folder to copy; the first of several processes makes it, and drops those of other migrations."""
    KEPT.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(KEPT / "making.lock"):
        wanted = KEPT / _digest()
        if not wanted.exists():
            for old in KEPT.glob("*/"):
                shutil.rmtree(old)
            draft = KEPT / "draft"
            kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
            own = {"LINEKEEPER_DATA": str(draft), "DJANGO_SETTINGS_MODULE": "config.settings.local"}
            subprocess.run([sys.executable, "-c", MAKE], cwd=addresses.REPOSITORY, env=kept | own, check=True)
            draft.rename(wanted)
    return wanted


def _digest() -> str:
    """Everything that decides the tables, and whether the first command takes them as they are."""
    found = hashlib.sha256(templates.digest().encode())
    for source in migrations.sources():
        found.update(source.encode() if isinstance(source, str) else source)
    return found.hexdigest()[:16]
