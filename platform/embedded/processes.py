"""Child processes that cannot outlive us, and file locks that the kernel gives back when their holder dies."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ctypes

PR_SET_PDEATHSIG = 1
LONGEST_LOG_BYTES = 10_000_000


class CannotStart(Exception):
    """Something of ours does not start; the text is one line for a person."""


@dataclass(frozen=True)
class Program:
    """One server: how it is started, known to be ready, and asked to stop."""

    name: str
    arguments: list[str]
    log: Path
    is_ready: Callable[[int], bool]  # given the process id that it was started as
    stop_signal: signal.Signals = signal.SIGTERM
    user: str | None = None
    sockets: tuple[int, ...] = ()  # ours, given to it under the same numbers


def end_with(parent: int, last_signal: signal.Signals) -> None:
    """Have the kernel send us this signal when our parent is gone (Linux only)."""
    libc = _libc()
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, int(last_signal))
        if os.getppid() != parent:  # it was gone before the line above
            os._exit(1)


@cache
def _libc() -> "ctypes.CDLL | None":
    if sys.platform != "linux":
        return None
    import ctypes  # only processes that start others pay for it

    return ctypes.CDLL(None)


def as_user(user: str | None) -> dict[str, Any]:
    """Return subprocess' arguments to run as this user, without our groups."""
    return {"user": user, "group": user, "extra_groups": []} if user else {}


def start(program: Program) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, its output in its log, its life bound to ours."""
    rotate(program.log)
    _libc()  # before the fork
    with program.log.open("ab") as log:
        return subprocess.Popen(
            program.arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
            pass_fds=program.sockets,
            preexec_fn=partial(end_with, os.getpid(), program.stop_signal),  # no threads here
            **as_user(program.user),
        )


def last_words(log: Path) -> str:
    """Return the last line of a log, empty where there is none."""
    return (log.read_text(errors="replace").strip().splitlines()[-1:] or [""])[0]


def rotate(log: Path) -> None:
    """Put a log that has grown long aside, over the one put aside before."""
    if log.exists() and log.stat().st_size > LONGEST_LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))


def wait_until_ready(program: Program, process: subprocess.Popen[bytes], *, seconds: float) -> None:
    """Return when the program answers; raise CannotStart, naming its log, when it ends or stays silent."""
    deadline = time.monotonic() + seconds
    while not program.is_ready(process.pid):
        if process.poll() is not None:
            raise CannotStart(f"{program.name} does not start: {last_words(program.log)} (see {program.log})")
        if time.monotonic() > deadline:
            raise CannotStart(f"{program.name} does not answer after {seconds:.0f} s; see {program.log}")
        time.sleep(0.01)


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a process ended, leaving its id taken until stop()."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def stop(process: subprocess.Popen[bytes], how: signal.Signals, *, seconds: float) -> None:
    """Ask a process to stop; kill its whole group when it does not, and what it leaves behind when it does."""
    if process.returncode is not None:
        return
    os.kill(process.pid, how)
    deadline = time.monotonic() + seconds
    while not has_ended(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the group is still ours
    process.wait()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; wait for it."""
    handle = open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def open_lock(path: Path) -> int:
    """Open a lock file, made where it is missing; the lock ends with the handle, however the process ends."""
    path.parents[1].mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def make_sockets(folder: Path, allowed: set[int]) -> None:
    """Make the folder of the unix sockets, which one of these users must own. Raises CannotStart."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in allowed:
        raise CannotStart(f"{folder} belongs to somebody else; remove it")


def try_lock(handle: int) -> bool:
    """Take an exclusive lock if nobody holds any."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(handle: int) -> None:
    """Give a lock back, keeping the handle."""
    fcntl.flock(handle, fcntl.LOCK_UN)


def end_leftovers(name: str, mark: str, how: signal.Signals) -> None:
    """Stop processes of this name with the mark on their command line, whose keeper is gone, and wait for their end."""
    import psutil  # seldom needed, and slow to import

    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        line = process.info["cmdline"] or []
        if process.info["name"] == name and any(mark in part for part in line):
            process.send_signal(how)
            found.append(process)
    deadline = time.monotonic() + 30
    while found := [process for process in found if runs(process.pid)]:
        if time.monotonic() > deadline:
            for process in found:
                process.kill()
            return
        time.sleep(0.02)


def runs(pid: int) -> bool:
    """Whether a process of this number does anything: one that has ended keeps its number until its parent asks."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
