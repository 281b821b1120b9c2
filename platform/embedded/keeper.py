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
from types import FrameType

from embedded import addresses, locks, postgres, redis
from embedded.processes import (
    CannotStart,
    Program,
    has_ended,
    open_lock,
    start,
    stop,
    try_lock,
    unlock,
    wait_until_ready,
)

LINGER_SECONDS = 2.0  # a cold start costs 0.15 s, so this only spares a row of commands from starts and stops
LOOK_SECONDS = 0.2
MOST_RESTARTS = 3
RESTART_WINDOW_SECONDS = 60.0


class Keeper:
    """The servers of one data folder."""

    def __init__(self) -> None:
        self.running: dict[str, tuple[Program, subprocess.Popen[bytes]]] = {}
        self.restarts: list[float] = []
        self.hurry = False

    def start_all(self) -> None:
        """Start every server that no URL replaces, and wait until all answer."""
        chosen = [(addresses.is_embedded_database(), postgres.program), (addresses.is_embedded_redis(), redis.program)]
        for program in [make() for wanted, make in chosen if wanted]:
            self.running[program.name] = program, start(program)
        for program, process in self.running.values():
            wait_until_ready(program, process, seconds=60)

    def keep(self, users: int) -> None:
        """Return, holding the users' lock alone, when nobody has used the servers for a while."""
        last_seen = time.monotonic()
        while True:
            if try_lock(users):
                if self.hurry or time.monotonic() - last_seen > LINGER_SECONDS:
                    return
                unlock(users)
            else:
                last_seen = time.monotonic()
            self.restart_dead()
            time.sleep(LOOK_SECONDS)

    def restart_dead(self) -> None:
        """Start a server again that ended by itself; give up after a few times in a row."""
        for name, (program, process) in self.running.items():
            if not has_ended(process):
                continue
            now = time.monotonic()
            self.restarts = [then for then in self.restarts if now - then < RESTART_WINDOW_SECONDS] + [now]
            if len(self.restarts) > MOST_RESTARTS:
                raise CannotStart(f"{name} keeps ending; see {program.log}")
            stop(process, program.stop_signal, seconds=0)
            print(f"{name} ended with {process.returncode}; starting it again", file=sys.stderr, flush=True)
            self.running[name] = program, start(program)

    def stop_all(self) -> None:
        """Stop the servers; PostgreSQL writes its checkpoint first."""
        for program, process in self.running.values():
            stop(process, program.stop_signal, seconds=60)

    def stop_soon(self, _signum: int, _frame: FrameType | None) -> None:
        """Do not linger after the last user."""
        self.hurry = True


def main() -> int:
    """Leave the caller's session, start the servers, tell the caller on standard output, and keep them."""
    if os.fork():
        os._exit(0)
    os.setsid()
    keeper = Keeper()
    signal.signal(signal.SIGTERM, keeper.stop_soon)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, lambda _signum, _frame: None)  # SIG_IGN would be inherited by the servers
    own, users = open_lock(locks.keeper()), open_lock(locks.users())
    if not _become_the_only_one(own):
        _tell("another keeper runs")
        return 1
    try:
        locks.write_state(own, "starting")
        keeper.start_all()
        locks.write_state(own, "ready")
        _tell("ready")
        keeper.keep(users)
    except (CannotStart, OSError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        _tell(str(error))
        return 1
    finally:
        keeper.stop_all()
        locks.write_state(own, "stopped")
        unlock(own)  # before the users' lock: whoever waits for that one must not find a keeper
    return 0


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
