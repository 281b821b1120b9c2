"""Which version of the product this is."""

from __future__ import annotations

import platform
import tomllib
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db.migrations.loader import MigrationLoader

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


@cache
def told() -> dict[str, object]:
    """Version, the revision it was built from (LINEKEEPER_REVISION, of the image), Python, and the newest migration of
    each app that this code knows."""
    leaves = MigrationLoader(None).graph.leaf_nodes()
    return {
        "version": tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"],
        "revision": settings.REVISION,
        "python": platform.python_version(),
        "migrations": dict(sorted(leaves)),
    }
