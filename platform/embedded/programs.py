"""The product's own processes: the same command lines here, in the demo and in docker-compose.yml."""

import http.client
import os
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from embedded import addresses
from embedded.processes import Program

WEB = "granian --interface wsgi --workers 2 --blocking-threads 4 --respawn-failed-workers config.wsgi:application"
WORKER = "celery --app config worker --concurrency 8 --loglevel INFO"
BEAT = "celery --app config beat --loglevel INFO"

# On one machine a process more costs more than it brings: threads, each queue with its own.
WEB_HERE = "--workers 1 --blocking-threads 8"
WORKER_HERE = "--pool threads --without-gossip --without-mingle --without-heartbeat"


def web(port: int) -> Program:
    """Return the web server on 127.0.0.1."""
    arguments = [
        *WEB.split(),
        *WEB_HERE.split(),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers-kill-timeout",
        "3",
    ]
    return _program("web", arguments, lambda _pid: answers(port, path="/readyz") < 500)


def worker() -> Program:
    """Return the Celery worker."""
    return _program("worker", [*WORKER.split(), *WORKER_HERE.split()])


def beat() -> Program:
    """Return the one process that rings at fixed times."""
    return _program("beat", [*BEAT.split(), "--schedule", str(addresses.data_dir() / "beat.schedule"), "--pidfile="])


def simulator(listener: socket.socket, sims: int) -> Program:
    """Return the carriers' simulator on a socket that listens; its fleet and clock are kept in one file."""
    state = addresses.data_dir() / "simulator.sqlite"
    arguments = ["simulator", "--sims", str(sims), "--state", str(state), "--allow-edit"]
    return _standin("simulator", arguments, listener)


def stripe_proxy(listener: socket.socket, webhook: str, secret: str) -> Program:
    """Return the stand-in for Stripe on a socket that listens; what it knows is kept in a folder."""
    state = addresses.data_dir() / "stripe"
    arguments = ["stripe_proxy", "--state", str(state), "--webhook", webhook, "--secret", secret]
    return _standin("stripe", arguments, listener)


def answers(port: int, path: str = "/") -> int:
    """Return the HTTP status of a page on this port of 127.0.0.1; 999 for no answer. Over TLS where WEB_AUTHORITY
    names the file of who signed the web server's certificate."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    if authority := os.environ.get("WEB_AUTHORITY"):
        context = ssl.create_default_context(cafile=authority)
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 999
    finally:
        connection.close()


def _standin(name: str, module: list[str], listener: socket.socket) -> Program:
    port = listener.getsockname()[1]
    module = [*module, "--fd", str(listener.fileno())]
    return replace(_program(name, module, lambda _pid: answers(port) < 600), sockets=(listener.fileno(),))


def _program(name: str, module: list[str], is_ready: Callable[[int], bool] = lambda _pid: True) -> Program:
    log: Path = addresses.logs_dir() / f"{name}.log"
    return Program(name=name, arguments=[sys.executable, "-m", *module], log=log, is_ready=is_ready)
