"""The web server of production in front of the test's own database: what Django's test client never does to a request
(headers that it empties or joins, bodies in pieces) is done here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from urllib.parse import quote, urlencode

from django.db import connection
from embedded.programs import WEB, answers

WELL_WITHIN = 120  # seconds for a start on a busy machine; it is polled


@contextmanager
def web_server(**environment: str) -> Iterator[int]:
    """Its port, on 127.0.0.1. What the test wrote must be committed (transactional_db)."""
    # What it says goes to a file: a pipe that nobody empties stops a server that has much to say.
    with tempfile.TemporaryFile("w+") as said, _serving(said, environment) as port:
        yield port


@contextmanager
def _serving(said: IO[str], environment: dict[str, str]) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    settings = {"DJANGO_SETTINGS_MODULE": "config.settings.test", "DATABASE_URL": _database_url()}
    command = [sys.executable, "-m", *WEB.replace("--workers 2", "--workers 1").split()]
    server = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port), "--workers-kill-timeout", "3"],
        env=os.environ | settings | environment,
        stdout=said,
        stderr=subprocess.STDOUT,
    )
    try:
        last = time.monotonic() + WELL_WITHIN
        while answers(port, "/api/openapi.json") >= 500:
            if server.poll() is not None or time.monotonic() > last:
                server.kill()
                server.wait()
                said.seek(0)
                raise AssertionError(f"The web server does not answer:\n{said.read()[-3000:]}")
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _database_url() -> str:
    """Of the database that this test is connected to."""
    at = connection.settings_dict
    named = {"host": at["HOST"], "port": at["PORT"], "password": at["PASSWORD"]}
    more = urlencode({name: value for name, value in named.items() if value}, quote_via=quote, safe="")
    return f"postgresql://{quote(at['USER'])}@/{quote(at['NAME'])}?{more}"


def raw(port: int, request: bytes) -> tuple[int, bytes]:
    """Status and body of what is sent byte for byte: a request that ends its connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as wire:
        wire.sendall(request)
        answer = b"".join(iter(lambda: wire.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body
