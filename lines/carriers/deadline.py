"""One deadline for a whole call.

httpx's time-outs are for each operation: a server that sends a byte a second would never reach them. Here every
operation on the network asks the call's deadline how much time is left. Only the resolver of names is not ours to cut
short; its own time-outs (resolv.conf) come on top.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import httpcore
import httpx

from .base import CallKind, Gate


class Deadline:
    """When a call must be over, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, negative when it has passed."""
        return self._end - time.monotonic()

    def wait_at(self, gate: Gate, kind: CallKind) -> None:
        """Passes the gate. Waiting for our own budget is not the carrier's time, so the deadline moves along."""
        with self.stands_still():
            gate.enter(kind)

    @contextmanager
    def stands_still(self) -> Iterator[None]:
        """What is waited for here is not the carrier's time."""
        since = time.monotonic()
        yield
        self._end += time.monotonic() - since

    @contextmanager
    def holds(self) -> Iterator[None]:
        """While this lasts, the network operations of this thread end at the deadline."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def _left(given: float | None, failure: type[httpcore.TimeoutException]) -> float | None:
    """The time for one operation. Raises `failure` when there is none."""
    deadline = _current.get()
    if deadline is None:
        return given
    left = deadline.left()
    if left <= 0:
        raise failure("the deadline has passed")
    return left


class _Stream(httpcore.NetworkStream):
    """A connection whose every operation ends at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    """Connects within the deadline, shared by all addresses of a name (the standard library gives each its own)."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _addresses(host, port)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for number, address in enumerate(addresses):
            left = _left(timeout, httpcore.ConnectTimeout)
            share = left and left / (len(addresses) - number)
            try:
                return _Stream(super().connect_tcp(address, port, share, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def _tls() -> ssl.SSLContext:
    """The usual authorities, or SSL_CERT_FILE's; made once, for loading them takes a while."""
    return httpx.create_ssl_context()


class DeadlineTransport(httpx.HTTPTransport):
    """httpx over kept-alive connections that obey the deadline in force."""

    def __init__(self, connections: int = 100) -> None:
        super().__init__(verify=_tls())
        # httpx has no parameter for the network backend; its transport is a thin wrapper of this pool.
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=_Backend(),
        )
