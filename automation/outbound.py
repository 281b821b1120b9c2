"""Calls to addresses that customers name: only public ones, checked after the name is resolved, on the very address
that is connected to. No redirect is followed, no proxy is used, and nothing but the answer's head is read."""

from __future__ import annotations

import base64
import hmac
import ipaddress
import secrets
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import cache
from typing import Any

import certifi
import httpcore
from kit.retry_after import seconds_to_wait

SECONDS = 10.0  # for all of it: connecting, sending, and the answer's head
RESOLVERS = 32  # names that are asked for at once; a system's own patience with a silent server is a minute
LONGEST_WAIT = 6 * 3600.0  # seconds of Retry-After that are believed
PREFIX = "whsec_"
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Undeliverable(Exception):
    """It was not taken: in words, with the answer's status where there was one."""

    def __init__(self, reason: str, status: int | None = None, wait: float | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.wait = wait  # seconds for which the receiver asked to be left alone


class NotPublic(Exception):
    """The name leads to an address that is not public."""


# IANA's registries of special-purpose addresses. Python's own `is_global` differs between its versions.
SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
UNICAST = ipaddress.ip_network("2000::/3")  # of IPv6 nothing else is given out


def is_public(address: str) -> bool:
    """Whether everybody may be sent there: no private, local, reserved or multicast address, in any disguise."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else None)
        if inner is not None:
            return is_public(str(inner))
        if ip not in UNICAST:
            return False
    return not any(ip in network for network in SPECIAL)


class _Timed(httpcore.NetworkStream):
    """A stream whose every wait ends with the call's: a byte now and then keeps nobody."""

    def __init__(self, inner: httpcore.NetworkStream, end: float) -> None:
        self._inner, self._end = inner, end

    def _left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._inner.read(max_bytes, timeout=self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._inner.write(buffer, timeout=self._left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Timed(self._inner.start_tls(ssl_context, server_hostname, timeout=self._left()), self._end)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class PublicOnly(httpcore.NetworkBackend):
    """Resolves a name once, refuses it where any of its addresses is not public, connects to what it has checked."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self._inner = httpcore.SyncBackend()
        self._allow_private = allow_private
        self._end = time.monotonic() + SECONDS

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        found = self._resolved(host, port)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._allow_private and not all(is_public(address) for address in addresses):
            raise NotPublic(f"{host} leads to an address that is not public")
        return _Timed(self._connected(addresses, port, local_address, socket_options), self._end)

    def _connected(
        self,
        addresses: list[str],
        port: int,
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.NetworkStream:
        """To the first address that answers; each gets its part of the time that is left."""
        failed: Exception = httpcore.ConnectError("there is no address")
        for at, address in enumerate(addresses):
            left = self._end - time.monotonic()
            if left <= 0:
                break
            try:
                return self._inner.connect_tcp(
                    address,
                    port,
                    timeout=left / (len(addresses) - at),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    def _resolved(self, host: str, port: int) -> Sequence[tuple[Any, ...]]:
        """Within the call's time: a name server that is silent keeps nobody."""
        asked = _resolvers().submit(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        try:
            return asked.result(timeout=self._end - time.monotonic())
        except FutureTimeout as silence:
            raise httpcore.ConnectTimeout from silence
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} is not known") from error


@cache
def _resolvers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=RESOLVERS, thread_name_prefix="resolver")


def new_secret() -> str:
    """As receivers' libraries take it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def sign(secret: str, *, message_id: str, timestamp: int, body: str) -> str:
    """Standard Webhooks, version 1: base64 of HMAC-SHA256 over id, timestamp and body."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.{body}".encode(), "sha256")
    return "v1," + base64.b64encode(digest).decode("ascii")


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent to where."""

    url: str
    id: str
    body: str
    secrets: Sequence[str]  # each signs: a receiver has one of them while it is turned over


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


def deliver(message: Message, *, timestamp: int, allow_private: bool = False) -> int:
    """Sends it once and answers the status, which is 2xx. Raises Undeliverable."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Linekeeper-Webhooks/1",
        "webhook-id": message.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            sign(one, message_id=message.id, timestamp=timestamp, body=message.body) for one in message.secrets
        ),
    }
    backend = PublicOnly(allow_private=allow_private)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_certificates(), network_backend=backend) as pool,
            pool.stream(
                "POST",
                message.url,
                headers=list(headers.items()),
                content=message.body.encode(),
            ) as answer,
        ):
            status: int = answer.status
            wait = _asked_to_wait(status, answer.headers)
    except NotPublic as refused:
        raise Undeliverable(str(refused)) from refused
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
        raise Undeliverable(_words(error)) from error
    if not 200 <= status < 300:
        said = "a redirect, which is not followed" if 300 <= status < 400 else "no success"
        raise Undeliverable(f"The answer was {status}: {said}", status, wait)
    return status


def _asked_to_wait(status: int, headers: Sequence[tuple[bytes, bytes]]) -> float | None:
    if status not in (429, 503):
        return None
    named = {name.lower(): value.decode("latin-1") for name, value in headers}
    return seconds_to_wait(named.get(b"retry-after", ""), date=named.get(b"date", ""), most=LONGEST_WAIT)


def _words(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return f"No answer within {SECONDS:.0f} seconds"
    return str(error) or type(error).__name__
