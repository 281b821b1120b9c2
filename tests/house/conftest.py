"""Folders and ports of their own for what these tests start."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def own_data(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder of its own, in which everything is embedded whatever URLs the suite was given.

    Not under tmp_path: pytest closes its folder to other users again whenever it starts, and PostgreSQL runs as one
    where we are root.
    """
    above = Path(tempfile.mkdtemp(prefix="linekeeper-test-"))
    folder = above / "data"
    monkeypatch.setenv("LINEKEEPER_DATA", str(folder))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings.local")
    for name in ("DATABASE_URL", "REDIS_URL", "MAKELEVEL", "LINEKEEPER_NOW"):
        monkeypatch.delenv(name, raising=False)
    yield folder
    shutil.rmtree(above)


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
