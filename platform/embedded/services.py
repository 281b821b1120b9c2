"""Start or join the embedded PostgreSQL and Redis. They end after their last user, however that one ended."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from embedded import addresses, locks, migrations
from embedded.processes import CannotStart, locked, open_lock, try_lock

_joined: dict[Path, int] = {}


def ensure_running(*, migrate: bool = True) -> None:
    """Start or join what no URL replaces, for as long as this process lives; raise CannotStart with one line."""
    if not (addresses.is_embedded_database() or addresses.is_embedded_redis()):
        return
    try:
        _join()
    except OSError as error:
        raise CannotStart(f"cannot use {addresses.data_dir()}: {error}") from error
    if migrate and addresses.is_embedded_database():
        migrations.apply_missing()


def leave(*, wait: bool = False) -> bool:
    """Stop using the servers. With wait, see them stop, and tell False when others still use them."""
    handle = _joined.pop(addresses.data_dir(), None)
    if handle is None:
        return True
    os.close(handle)
    return _stopped() if wait else True


def is_running() -> bool:
    """Tell whether a keeper lives for this data folder."""
    handle = open_lock(locks.keeper())
    try:
        return not try_lock(handle)
    finally:
        os.close(handle)


REVIVE_SECONDS = 90.0


class Watch:
    """For a process that watches over others: the servers' keeper is started again where it has gone."""

    def __init__(self) -> None:
        self._failing_since: float | None = None

    def look(self) -> None:
        """Raise CannotStart where it has not come back for so long: one try may meet what the former left behind."""
        if is_running():
            self._failing_since = None
            return
        try:
            ensure_running(migrate=False)
        except CannotStart:
            now = time.monotonic()
            self._failing_since = self._failing_since or now
            if now - self._failing_since > REVIVE_SECONDS:
                raise


def _join() -> None:
    data = addresses.data_dir()
    if data not in _joined:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = open_lock(locks.users())
        fcntl.flock(handle, fcntl.LOCK_SH)  # waits while a keeper is stopping its servers
        _joined[data] = handle
    with locked(locks.start()):
        if not is_running():
            _start_keeper()
    _wait_for_keeper()


def _start_keeper() -> None:
    """Start the keeper and return when its servers answer."""
    addresses.logs_dir().mkdir(mode=0o700, exist_ok=True)
    log = addresses.logs_dir() / "keeper.log"
    environment = {**os.environ, "LINEKEEPER_DATA": str(addresses.data_dir())}
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "embedded.keeper"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd="/",
            env=environment,
        ) as starter,  # it leaves a child of its own and ends at once
    ):
        answer = starter.stdout.readline().decode().strip() if starter.stdout else ""
    if answer != "ready":
        raise CannotStart(answer or f"the embedded servers do not start; see {log}")


def _wait_for_keeper() -> None:
    """Wait while a server is started (again) by others; refuse a keeper that was started without what we need."""
    deadline = time.monotonic() + 60
    while not (serves := _served()):
        if time.monotonic() > deadline or not is_running():
            raise CannotStart(f"the embedded servers do not start; see {addresses.logs_dir() / 'keeper.log'}")
        time.sleep(0.05)
    needed = {"PostgreSQL": addresses.is_embedded_database(), "Redis": addresses.is_embedded_redis()}
    missing = [name for name, wanted in needed.items() if wanted and name not in serves]
    if missing:
        raise CannotStart(f"the embedded servers run without {missing[0]}, as URLs wanted it; end what uses them first")


def _served() -> list[str]:
    """Return the names of the servers that the keeper says are ready."""
    state, *names = locks.read_state(locks.keeper())[1].split() or [""]
    return names if state == "ready" else []


def _stopped() -> bool:
    """Ask the keeper not to linger and wait for its end; False when somebody else uses the servers."""
    pid, _ = locks.read_state(locks.keeper())
    if not pid or not is_running():
        return True
    os.kill(pid, signal.SIGTERM)
    users = open_lock(locks.users())
    try:
        seen = 0
        while is_running():
            if _served() and not try_lock(users):
                seen += 1
            if seen > 20:
                return False
            fcntl.flock(users, fcntl.LOCK_UN)
            time.sleep(0.05)
    finally:
        os.close(users)
    _wait_until_gone(pid)
    return True


def _wait_until_gone(pid: int) -> None:
    """Wait for the last moments of a process; not for somebody to take note of its end."""
    for _ in range(40):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
