"""Folders and ports of their own for what these tests start."""

import socket
from pathlib import Path

import pytest


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, in which everything is embedded whatever URLs the suite was given."""
    folder = tmp_path / "data"
    monkeypatch.setenv("LINEKEEPER_DATA", str(folder))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings.local")
    for name in ("DATABASE_URL", "REDIS_URL", "MAKELEVEL", "LINEKEEPER_NOW"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
