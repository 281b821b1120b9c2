"""A simulator for the contract, and a carrier of our own making for what no decent carrier does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from simulator import Running, running

from lines.carriers import CLIENTS, open_client
from lines.carriers.base import CallKind, CarrierClient, CarrierFailure, Gate

NOW = "2026-11-20T12:00:00Z"


class CountingGate:
    """A gate that remembers who passed, and can be shut."""

    def __init__(self) -> None:
        self.entered = 0
        self.kinds: list[CallKind] = []
        self.results: list[CarrierFailure | None] = []
        self.shut: CarrierFailure | None = None
        self.kept: list[tuple[str, bytes]] = []

    def enter(self, kind: CallKind) -> None:
        self.kinds.append(kind)
        if self.shut:
            raise self.shut
        self.entered += 1

    def succeeded(self, kind: CallKind) -> None:
        self.results.append(None)

    def failed(self, kind: CallKind, failure: CarrierFailure) -> None:
        self.results.append(failure)

    def mended(self, route: str, body: bytes) -> None:
        self.kept.append((route, body))


@pytest.fixture(scope="session")
def simulators() -> Iterator[Running]:
    with running(process=True, simbase=600, iotportal=40, clock=NOW, quiet=True) as served:
        yield served


@pytest.fixture
def simulator(simulators: Running) -> Running:
    """The simulator as at its first start: every device is silent, the clock stands still."""
    simulators.reset()
    simulators.ask("DELETE", "/calls")
    return simulators


@dataclass(frozen=True)
class Known:
    """What the contract must be told of a carrier: our credentials in the simulator, and its words."""

    secrets: dict[str, str]
    wrong: dict[str, str]
    on: str
    off: str


KNOWN = {
    "simbase": Known(
        secrets={"api_key": Running.api_key}, wrong={"api_key": "wrong-key-12345"}, on="enabled", off="disabled"
    ),
    "iotportal": Known(
        secrets={"client_id": Running.client_id, "secret_key": Running.secret_key},
        wrong={"secret_key": "wrong-key-12345"},
        on="ACTIVATED",
        off="DEACTIVATED",
    ),
}


@dataclass
class Carrier:
    """A carrier in the simulator, our client for it, and the gate in front."""

    kind: str
    simulator: Running
    gate: CountingGate = field(default_factory=CountingGate)

    def __post_init__(self) -> None:
        self.known = KNOWN[self.kind]
        self.client = self.open(gate=self.gate)
        self.iccid = self.simulator.iccids(self.kind, 1)[0]

    def open(self, *, gate: Gate | None = None, timeout: float = 5.0, url: str = "", **other: str) -> CarrierClient:
        """Another client, with other credentials if given."""
        url = url or getattr(self.simulator, self.kind)
        return open_client(self.kind, url=url, secrets={**self.known.secrets, **other}, gate=gate, timeout=timeout)

    def calls(self, name: str | None = None) -> int:
        """How many calls the carrier received."""
        return len(self.simulator.calls(carrier=self.kind, name=name))

    def fault(self, kind: str, **scope: Any) -> None:
        """A fault in the next answer to anything but a login."""
        self.simulator.fault(kind, **{"carrier": self.kind, "path": "^/(?!Login)", "count": 1, **scope})

    def word(self) -> str:
        """What the simulator itself says of the SIM."""
        return str(self.simulator.ask("GET", f"/sims/{self.iccid}")["status"])


def carrier_of(kind: str, simulator: Running) -> Iterator[Carrier]:
    carrier = Carrier(kind, simulator)
    with closing(carrier.client):
        yield carrier


@pytest.fixture(params=sorted(CLIENTS))
def carrier(request: pytest.FixtureRequest, simulator: Running) -> Iterator[Carrier]:
    """Each of our carriers in turn."""
    yield from carrier_of(request.param, simulator)


@pytest.fixture
def simbase(simulator: Running) -> Iterator[Carrier]:
    yield from carrier_of("simbase", simulator)


@pytest.fixture
def iotportal(simulator: Running) -> Iterator[Carrier]:
    yield from carrier_of("iotportal", simulator)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        server = self.server
        assert isinstance(server, OddCarrier)
        server.received.append((self.command, self.path, dict(self.headers), body))
        try:
            server.play(self)
        except OSError:
            self.close_connection = True

    do_GET = do_PATCH = do_PUT = do_POST = answer

    def log_message(self, *_: object) -> None: ...


class OddCarrier(ThreadingHTTPServer):
    """A server that answers as `play` says, which gets the handler of the call."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, str, dict[str, str], bytes]] = []
        self.play: Callable[[BaseHTTPRequestHandler], None] = self.answering(b"{}")
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Clients leave in the middle here; that is what they are tested for."""

    def answering(self, body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
        """A plain answer; underscores in the names of headers are hyphens."""

        def play(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response_only(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        return play


@pytest.fixture
def odd() -> Iterator[OddCarrier]:
    with OddCarrier() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()
