"""A pooler before PostgreSQL in transaction mode, as strict as one can be: each transaction gets the session that has
waited longest, so that whatever one leaves in it is somebody else's at once."""

from __future__ import annotations

import asyncio
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

REFUSED = (80877103, 80877104)  # TLS and GSSAPI
READY, TERMINATE, SYNCED = b"Z", b"X", (b"Q", b"S", b"F")


@dataclass(eq=False)
class Server:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeting: bytes  # what it tells of its settings
    client: Client | None = None
    is_gone: bool = False


@dataclass(eq=False)
class Client:
    writer: asyncio.StreamWriter
    server: Server | None = None
    awaited: int = 0  # answers that end with ReadyForQuery
    is_open: bool = False  # messages without their Sync


class Pooler:
    """Clients connect to 127.0.0.1:`port`; `sessions` serve all of them."""

    def __init__(self, socket: str, *, sessions: int) -> None:
        self._socket, self._sessions = socket, sessions
        self._idle: dict[bytes, asyncio.Queue[Server]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.transactions = 0

    async def run(self, ready: threading.Event, end: asyncio.Event) -> None:
        listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await end.wait()
        listening.close()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            startup = await self._startup(reader, writer)
            if startup is None:
                return
            idle = await self._pool(startup)
            server = await idle.get()
            greeting = server.greeting
            idle.put_nowait(server)
            key = b"K" + struct.pack("!i", 12) + os.urandom(8)  # of nobody: there is nothing to cancel
            writer.write(b"R" + struct.pack("!ii", 8, 0) + greeting + key + READY + struct.pack("!i", 5) + b"I")
            while (message := await _message(reader))[:1] != TERMINATE:
                while client.server is None or client.server.is_gone:
                    client.server = await idle.get()
                    client.server.client = client
                    self.transactions += not client.server.is_gone
                client.awaited += message[:1] in SYNCED
                client.is_open = message[:1] not in SYNCED
                client.server.writer.write(message)
                await client.server.writer.drain()
        if client.server is not None:  # gone in the middle of something
            client.server.writer.close()
        writer.close()

    async def _startup(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
        while True:
            (length,) = struct.unpack("!i", await reader.readexactly(4))
            body = await reader.readexactly(length - 4)
            (code,) = struct.unpack("!i", body[:4])
            if code not in REFUSED:
                return body if code >> 16 == 3 else None
            writer.write(b"N")

    async def _pool(self, startup: bytes) -> asyncio.Queue[Server]:
        """Of one user and database."""
        words = startup[4:].split(b"\0")
        given = dict(zip(words[::2], words[1::2], strict=False))
        who = b"user\0" + given[b"user"] + b"\0database\0" + given[b"database"] + b"\0\0"
        if who not in self._idle:
            self._idle[who] = asyncio.Queue()
            for _ in range(self._sessions):
                await self._add(who)
        return self._idle[who]

    async def _add(self, who: bytes) -> None:
        server = await self._connect(who)
        self._idle[who].put_nowait(server)
        self._tasks.add(asyncio.get_running_loop().create_task(self._answer(server, who)))

    async def _connect(self, who: bytes) -> Server:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        body = struct.pack("!i", 3 << 16) + who
        writer.write(struct.pack("!i", len(body) + 4) + body)
        greeting = b""
        while (message := await _message(reader))[:1] != READY:
            if message[:1] == b"E":
                raise ConnectionError(message[5:])
            greeting += message if message[:1] == b"S" else b""
        return Server(reader, writer, greeting)

    async def _answer(self, server: Server, who: bytes) -> None:
        """Hands on what the server says; after a transaction it is anybody's. One that has ended is replaced."""
        idle = self._idle[who]
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                message = await _message(server.reader)
                client = server.client
                if client is None:
                    continue
                client.awaited -= message[:1] == READY
                is_through = message[:1] == READY and message[5:] == b"I" and not client.awaited and not client.is_open
                if is_through:
                    server.client = client.server = None
                    idle.put_nowait(server)
                client.writer.write(message)
        server.is_gone = True
        if server.client is not None:
            server.client.writer.close()
        await self._add(who)


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return head + await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)


@contextmanager
def pooler(socket: str, *, sessions: int) -> Iterator[Pooler]:
    """While this lasts, in a thread of its own."""
    found, ready = Pooler(socket, sessions=sessions), threading.Event()
    loop, ends = asyncio.new_event_loop(), list[asyncio.Event]()

    async def run() -> None:
        ends.append(asyncio.Event())
        await found.run(ready, ends[0])

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield found
    finally:
        loop.call_soon_threadsafe(ends[0].set)
        thread.join(10)
        loop.close()
