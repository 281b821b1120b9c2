"""The lock files under the data folder."""

import os
from pathlib import Path

from embedded import addresses


def users() -> Path:
    """Held shared by every process that uses the servers."""
    return _file("users")


def start() -> Path:
    """Held by the one process that starts a keeper."""
    return _file("start")


def keeper() -> Path:
    """Held by the keeper while it lives; its text is the keeper's process id and state."""
    return _file("keeper")


def migrate() -> Path:
    """Held by the one process that applies migrations."""
    return _file("migrate")


def static() -> Path:
    """Held by the one process that collects static files."""
    return _file("static")


def demo() -> Path:
    """Held by the demo; its text is the demo's process id and address."""
    return _file("demo")


def write_state(handle: int, state: str) -> None:
    """Write our process id and a state into an open lock file."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()} {state}\n".encode(), 0)


def read_state(path: Path) -> tuple[int, str]:
    """Return the process id and state in a lock file; (0, "") where there is none."""
    try:
        pid, _, state = path.read_text().strip().partition(" ")
    except FileNotFoundError:
        return 0, ""
    return (int(pid), state) if pid.isdigit() else (0, "")


def _file(name: str) -> Path:
    return addresses.data_dir() / "locks" / name
