"""Which processes live from a data folder."""

import contextlib
import time
from pathlib import Path

import psutil


def servers(folder: Path, name: str) -> list[psutil.Process]:
    """Return the servers of this name that name the folder on their command line."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == name and any(str(folder) in part for part in process.info["cmdline"] or [])
    ]


def running_from(folder: Path) -> list[psutil.Process]:
    """Return every process that has the folder on its command line or as LINEKEEPER_DATA, but ourselves."""
    return [
        process for process in psutil.process_iter() if process.pid != psutil.Process().pid and _is_of(process, folder)
    ]


def _is_of(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        named = any(str(folder) in part for part in process.cmdline())
        return named or process.environ().get("LINEKEEPER_DATA") == str(folder)
    return False


def wait_for_the_end(folder: Path, seconds: float = 60) -> None:
    """Return when nothing runs from the folder any more; fail when something stays."""
    deadline = time.monotonic() + seconds
    while running_from(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert running_from(folder) == []
