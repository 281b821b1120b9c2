"""Starts the embedded servers, keeps them while anybody uses them, and stops them after the last user.

Every user holds a shared lock on one file, which the kernel gives back however the user ends. The keeper tries to
lock it alone: when it can, nobody is there. SIGTERM means: do not linger after the last user.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from embedded import addresses, locks, postgres, redis
from embedded.processes import CannotStart, open_lock, try_lock, unlock
from embedded.supervisor import Supervisor

LINGER_SECONDS = 2.0  # a cold start costs 0.15 s, so this only spares a row of commands from starts and stops
LOOK_SECONDS = 0.2


def main() -> int:
    """Leave the caller's session, start the servers, tell the caller on standard output, and keep them."""
    if os.fork():
        os._exit(0)
    os.setsid()
    hurry = _listen_for_hurry()
    own, users = open_lock(locks.keeper()), open_lock(locks.users())
    if not _become_the_only_one(own):
        _tell("another keeper of the embedded servers runs")
        return 1
    servers = Supervisor(stop_seconds=60, is_patient=True)
    try:
        locks.write_state(own, "starting")
        _start_over_leftovers(servers)
        _say_ready(servers, own)
        _tell("ready")
        _keep(servers, own, users, hurry)
    except (CannotStart, OSError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        _tell(str(error))
        return 1
    finally:
        locks.write_state(own, "stopping")
        servers.stop_all()
        locks.write_state(own, "stopped")
        unlock(own)  # before the users' lock: whoever waits for that one must not find a keeper
    return 0


def _start_over_leftovers(servers: Supervisor) -> None:
    """Once more where it did not work: a server of a keeper that was killed may have been about to start, or to end."""
    try:
        _start(servers)
    except CannotStart:
        servers.stop_all()
        time.sleep(1)
        _start(servers)


def _start(servers: Supervisor) -> None:
    """Start every server that no URL replaces, and wait until all answer."""
    if addresses.is_embedded_database():
        servers.start(postgres.program())
    if addresses.is_embedded_redis():
        servers.start(redis.program())
    servers.wait_until_ready(seconds=60)
    if addresses.is_embedded_database():
        postgres.make_role()


def _say_ready(servers: Supervisor, own: int) -> None:
    locks.write_state(own, " ".join(["ready", *(child.program.name for child in servers.children)]))


def _keep(servers: Supervisor, own: int, users: int, hurry: Callable[[], bool]) -> None:
    """Return when nobody has used the servers for a while, holding the users' lock alone so that nobody can join."""
    last_seen = time.monotonic()
    recovering = False
    while os.fstat(own).st_nlink:  # somebody deleted the data folder, and others may start in a new one
        if not try_lock(users):
            last_seen = time.monotonic()
        elif hurry() or time.monotonic() - last_seen > LINGER_SECONDS:
            return
        else:
            unlock(users)
        if ended := servers.restart_ended():
            print(f"{' and '.join(ended)} ended and was started again", file=sys.stderr, flush=True)
            locks.write_state(own, "starting")  # whoever joins now waits
            recovering = True
        if recovering and servers.are_ready():
            _say_ready(servers, own)
            recovering = False
        time.sleep(LOOK_SECONDS)


def _listen_for_hurry() -> Callable[[], bool]:
    """Take SIGTERM for "do not linger", and let the terminal's signals pass."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda signum, _frame: asked.append(signum))
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, lambda _signum, _frame: None)  # the servers would inherit SIG_IGN
    return lambda: bool(asked)


def _become_the_only_one(own: int) -> bool:
    """Take the keeper's lock; others hold it for an instant when they look whether a keeper lives."""
    for _ in range(100):
        if try_lock(own):
            return True
        time.sleep(0.01)
    return False


def _tell(line: str) -> None:
    """Say one line to the caller and close the way to it."""
    with contextlib.suppress(OSError):  # the caller may be gone
        os.write(1, line.encode() + b"\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    sys.exit(main())
