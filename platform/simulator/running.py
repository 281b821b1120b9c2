"""A simulator for the length of a test."""

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from .options import Options
from .server import application


class Running:
    """A simulator that answers: its base URLs, its keys, and its control API as methods."""

    api_key = Options.api_key
    client_id = "iotportal-demo-client"
    secret_key = "iotportal-demo-secret"  # noqa: S105 - the demo's public example

    def __init__(self, url: str, process: subprocess.Popen[bytes] | None = None) -> None:
        self.url = url
        self.simbase = f"{url}/simbase"
        self.iotportal = f"{url}/iotportal"
        self.process = process
        # Reading the machine's certificates costs more than a test; this client only ever speaks plain HTTP.
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = httpx.Client(base_url=f"{url}/_sim", trust_env=False, timeout=60, verify=bare)

    def url_of(self, carrier: str) -> str:
        """Where a carrier's API answers."""
        return f"{self.url}/{carrier}"

    def ask(self, verb: str, path: str, data: object = None, **query: Any) -> Any:
        """Any control call; raises on a refusal, with its text."""
        params = {name: value for name, value in query.items() if value is not None}
        response = self._client.request(verb, path, json=data, params=params)
        if response.is_error:
            raise RuntimeError(f"{verb} {path}: {response.status_code} {response.text}")
        return response.json()

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def set_clock(self, at: str, mode: str = "frozen", speed: float = 1) -> str:
        """Set the clock and return what it shows."""
        return str(self.ask("PUT", "/clock", {"at": at, "mode": mode, "speed": speed})["now"])

    def advance(self, **by: float | str) -> str:
        """Advance the clock by seconds, minutes, hours, days, or `to` an ISO time."""
        return str(self.ask("POST", "/clock/advance", by)["now"])

    def fleet(self, carrier: str | None = None, offset: int = 0, limit: int = 1000) -> list[dict[str, Any]]:
        """The SIMs: iccid, carrier, kind, status, imei."""
        found: list[dict[str, Any]] = self.ask("GET", "/fleet", carrier=carrier, offset=offset, limit=limit)["sims"]
        return found

    def iccids(self, carrier: str | None = None, limit: int = 1000) -> list[str]:
        """The first ICCIDs of a carrier."""
        return [sim["iccid"] for sim in self.fleet(carrier, 0, limit)]

    def add_bytes(self, iccid: str, number: int, **more: Any) -> None:
        """Exact usage, now, `at` an ISO time, or late into a finished `month`."""
        self.ask("POST", "/bytes", {"iccid": iccid, "bytes": number, **more})

    def month_bytes(self, iccid: str, month: str | None = None) -> int:
        """The true bytes of a month, by default of the running one."""
        found = self.ask("GET", "/truth", **{"iccid": iccid, "from": month, "to": month})["sims"][0]["months"]
        return int(found[month or max(found)]["bytes"])

    def event(self, name: str, **row: Any) -> Any:
        """POST /_sim/{name}: bytes, corrections, status, imei, quiet, lag, late-reset, sms."""
        return self.ask("POST", f"/{name}", row)

    def fault(self, kind: str, **scope: Any) -> int:
        """Put a fault in force and return its id."""
        return int(self.ask("POST", "/faults", {"kind": kind, **scope})["fault_id"])

    def calls(self, **query: Any) -> list[dict[str, Any]]:
        """The calls that the carriers received."""
        found: list[dict[str, Any]] = self.ask("GET", "/calls", **query)["calls"]
        return found

    def settings(self, **changes: Any) -> Any:
        """Change settings."""
        return self.ask("PATCH", "/settings", changes)

    def reset(self) -> None:
        """Everything as at the first start."""
        self.ask("POST", "/reset")


@contextmanager
def running(*, process: bool = False, port: int = 0, **options: Any) -> Iterator[Running]:
    """A simulator on a free port: in a thread, or with `process=True` as a process of its own that may be killed.

    Takes the fields of Options; unlike the command line, without a rate limit and without SMS delay unless asked.
    """
    chosen = Options(**{"rate": "off", "sms_delay": 0, **options})
    with _served_by_process(chosen, port) if process else _served_by_thread(chosen, port) as served:
        try:
            yield served
        finally:
            served.close()


@contextmanager
def _served_by_thread(options: Options, port: int) -> Iterator[Running]:
    config = uvicorn.Config(application(options.world()), log_level="error", access_log=False, lifespan="on")
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    # asyncio turns Nagle's delay off only for sockets that say TCP; without it each answer takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        # Connections wait in the queue from here on, so nobody has to poll for the server.
        listener.listen(128)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield Running(f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join(10)


@contextmanager
def _served_by_process(options: Options, port: int) -> Iterator[Running]:
    listener = socket.create_server(("127.0.0.1", port))
    command = [sys.executable, "-m", "simulator", "--fd", str(listener.fileno())]
    for field in fields(options):
        value = getattr(options, field.name)
        if value is not None and value is not False:
            name = f"--{field.name.replace('_', '-')}"
            command += [name] if value is True else [f"{name}={value}"]
    here = str(Path(__file__).resolve().parent.parent)
    paths = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    with listener:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": paths},
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        served = Running(url, process)
        _wait_for(served)
        yield served
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(served: Running, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            served.ask("GET", "/clock")
            return
        except httpx.TransportError:
            if time.monotonic() > end or (served.process and served.process.poll() is not None):
                raise
            time.sleep(0.02)
