"""HTTP to one host over kept connections, each exchange within its deadline (docs/decisions, 0211).

The standard library's client on a socket of ours: time-outs elsewhere are for each operation, and a server that sends
a byte a second would never reach them. Here every operation on the network asks the call's deadline how much time is
left. Only the resolver of names is not ours to cut short; its own time-outs (resolv.conf) come on top.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPMessage
from typing import Any, Protocol

import httpx

from .deadline import Deadline

KEPT = 5.0  # seconds that an idle connection is used again after
PIECE = 65_536  # bytes
START = 65_536  # bytes of an answer that is too long, kept to be looked at


class Lost(Exception):
    """There is no answer. `was_sent`: the request may have arrived. `is_late`: the deadline has passed."""

    def __init__(self, error: BaseException | str, *, was_sent: bool) -> None:
        super().__init__(str(error) or type(error).__name__)
        self.was_sent = was_sent
        self.is_late = isinstance(error, TimeoutError)


class TooLarge(Exception):
    """The answer is longer than any that we would read; `start` is what came of it."""

    def __init__(self, start: bytes) -> None:
        super().__init__()
        self.start = start


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    headers: HTTPMessage
    body: bytes


class Exchange(Protocol):
    """The way to one host."""

    def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Answer:
        """Sends a request and reads its answer. Raises Lost and TooLarge."""

    def close(self) -> None: ...


class HttpExchange:
    """Kept connections to a host; safe to use from several threads."""

    def __init__(self, host: str, port: int, *, tls: bool, largest: int) -> None:
        """`largest`: bytes of an answer that are read."""
        self._host, self._port, self._tls, self._largest = host, port, tls, largest
        self._idle: list[tuple[_Connection, float]] = []  # the last used at the end, and since when
        self._is_closed = False

    def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Answer:
        if deadline.left() <= 0:
            raise Lost(TimeoutError("the deadline has passed"), was_sent=False)
        connection = self._idle_one()
        try:
            if connection is None:
                connection = _Connection(self._host, self._port, _tls() if self._tls else None)
                connection.meet(deadline)
            connection.deadline = deadline
        except (OSError, UnicodeError) as error:
            raise Lost(error, was_sent=False) from error
        try:
            connection.request(method, target, body, dict(headers))
            with connection.getresponse() as response:
                answer = Answer(response.status, response.headers, self._read(response))
        except (OSError, ValueError, http.client.HTTPException, zlib.error) as error:
            connection.close()
            raise Lost(error, was_sent=True) from error
        except BaseException:
            connection.close()
            raise
        self._keep(connection, response)
        return answer

    def close(self) -> None:
        self._is_closed = True
        while self._idle:
            self._idle.pop()[0].close()

    def _idle_one(self) -> _Connection | None:
        """The one that was used last; those that are too old or were ended by the other side are closed."""
        while True:
            try:
                connection, since = self._idle.pop()
            except IndexError:
                return None
            if time.monotonic() - since < KEPT and not connection.has_news():
                return connection
            connection.close()

    def _keep(self, connection: _Connection, response: http.client.HTTPResponse) -> None:
        if response.will_close or self._is_closed:
            connection.close()
        else:
            self._idle.append((connection, time.monotonic()))

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        """The body to its end, unpacked. Raises TooLarge and HTTPException."""
        packed = response.headers.get("Content-Encoding", "identity").strip().lower()
        unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS) if packed in ("gzip", "x-gzip") else None
        if unpacking is None and packed not in ("", "identity"):
            raise http.client.HTTPException(f"it is packed as {packed[:20]}")
        body, is_empty = bytearray(), True
        while piece := response.read(PIECE):
            is_empty = False
            body += unpacking.decompress(piece, self._largest + 1) if unpacking else piece
            if len(body) > self._largest or (unpacking and unpacking.unconsumed_tail):
                raise TooLarge(bytes(body[:START]))
        if response.length or (unpacking and not unpacking.eof and not is_empty):
            raise http.client.IncompleteRead(b"", response.length)
        return bytes(body)


class _Connection(http.client.HTTPConnection):
    """One connection; `deadline` is that of the call that uses it."""

    auto_open = 0  # a connection that has ended is not made anew behind our back
    deadline: Deadline

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self.default_port = 443 if tls else 80  # what the Host header leaves out
        super().__init__(host, port)
        self._context = tls

    def meet(self, deadline: Deadline) -> None:
        """Connects, by TLS where it is asked for. Raises OSError."""
        sock = _connected(self.host, self.port, deadline)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                sock.settimeout(_left(deadline))
                sock = self._context.wrap_socket(sock, server_hostname=self.host)
        except BaseException:
            sock.close()
            raise
        self.sock = _Socket(sock, self)

    def has_news(self) -> bool:
        """Whether an idle connection has something to say: that it has ended."""
        poll = select.poll()
        try:
            poll.register(self.sock.fileno(), select.POLLIN)
        except (OSError, ValueError):
            return True
        return bool(poll.poll(0))


class _Socket:
    """What the standard library's client needs of a socket, each operation within the connection's deadline."""

    def __init__(self, sock: socket.socket, connection: _Connection) -> None:
        self._sock, self._connection = sock, connection
        self.close, self.fileno = sock.close, sock.fileno

    def sendall(self, data: bytes) -> None:
        self.set_timeout()
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self, self._sock.makefile("rb", buffering=0)))

    def set_timeout(self) -> None:
        self._sock.settimeout(_left(self._connection.deadline))


class _Incoming(io.RawIOBase):
    """What comes in on a socket, which stays open as long as this does."""

    def __init__(self, sock: _Socket, raw: io.RawIOBase) -> None:
        self._socket, self._raw = sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.set_timeout()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _left(deadline: Deadline) -> float:
    """The time for one operation. Raises TimeoutError when there is none."""
    left = deadline.left()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def _connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Within the deadline, shared by all addresses of a name (the standard library gives each its own)."""
    addresses = _addresses(host, port)
    failure: OSError = OSError(f"{host} has no address")
    for number, address in enumerate(addresses):
        try:
            return socket.create_connection((address, port), timeout=_left(deadline) / (len(addresses) - number))
        except OSError as error:
            failure = error
    raise failure


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def _tls() -> ssl.SSLContext:
    """The usual authorities, or SSL_CERT_FILE's; made once, for loading them takes a while."""
    return httpx.create_ssl_context()
