"""TLS for PostgreSQL's own programs, which come with us built without it: they speak to a socket of this process, which
speaks to the server encrypted, and checks its certificate as libpq would."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
import threading
from collections.abc import Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any

REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")  # PostgreSQL's SSLRequest
PIECE = 65536


@contextlib.contextmanager
def way(variables: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """libpq's variables, leading a program without TLS to the same server; as they are where none is asked for."""
    host = variables.get("PGHOST", "")
    if variables.get("PGSSLMODE") != "verify-full" or not host or host.startswith("/"):
        yield dict(variables)
        return
    context = ssl.create_default_context(cafile=variables.get("PGSSLROOTCERT"))
    at = variables.get("PGHOSTADDR") or host, int(variables.get("PGPORT") or 5432)
    with tempfile.TemporaryDirectory() as folder, _tunnel(Path(folder) / ".s.PGSQL.5432", at, host, context):
        plain = {name: value for name, value in variables.items() if not name.startswith(("PGSSL", "PGHOST"))}
        yield {**plain, "PGHOST": folder, "PGPORT": "5432", "PGSSLMODE": "disable"}


@contextlib.contextmanager
def _tunnel(socket: Path, at: tuple[str, int], name: str, context: ssl.SSLContext) -> Iterator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            theirs, ours = await asyncio.open_connection(*at)
            with contextlib.closing(ours):
                ours.write(REQUEST)
                if await theirs.readexactly(1) != b"S":
                    return  # it speaks in clear only: nothing is said to it
                await ours.start_tls(context, server_hostname=name)
                await _first_ended(_pass_on(reader, ours), _pass_on(theirs, writer))

    with served(asyncio.start_unix_server(serve, socket)):
        yield


@contextlib.contextmanager
def served(start: Coroutine[Any, Any, asyncio.Server]) -> Iterator[asyncio.Server]:
    """A server in a loop and a thread of its own; at the end it goes with what is still going on in it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="tls", daemon=True)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(start, loop).result()
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(_end(server), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # what the tasks closed says so once more


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()


async def _first_ended(*ways: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.ensure_future(one) for one in ways]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*done, *rest, return_exceptions=True)
