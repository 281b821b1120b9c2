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
from simulator.dialects import emnify, hologram, keepgo, kore, onence, onomondo, simbase2, soracom, supersim

from lines.carriers import CLIENTS, open_client
from lines.carriers.base import CallKind, CarrierClient, CarrierFailure, Gate
from lines.carriers.rest import RestClient
from lines.carriers.wire import Wire
from tests.carriers.documented import DOCUMENTED, Checked

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
    with running(process=True, simbase=600, iotportal=40, others=40, clock=NOW, quiet=True) as served:
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
    login: str = "Nobody"  # how the path of a login begins
    answers_change: bool = True  # a change is answered by something, which can be cut in half
    plan: str = "def-usd.us-1"  # one that the SIM is not on
    has_words: bool = True  # a state is a word; otherwise it is a yes or no


KNOWN = {
    "simbase": Known(
        secrets={"api_key": Running.api_key}, wrong={"api_key": "wrong-key-12345"}, on="enabled", off="disabled"
    ),
    "iotportal": Known(
        secrets={"client_id": Running.client_id, "secret_key": Running.secret_key},
        wrong={"secret_key": "wrong-key-12345"},
        on="ACTIVATED",
        off="DEACTIVATED",
        login="Login",
    ),
    "onence": Known(
        secrets={"username": onence.USER, "password": onence.PASSWORD},
        wrong={"password": "wrong-key-12345"},
        on="Enabled",
        off="Disabled",
        login="oauth",
        answers_change=False,
    ),
    "emnify": Known(
        secrets={"application_token": emnify.TOKEN},
        wrong={"application_token": "wrong-key-12345"},
        on="Activated",
        off="Suspended",
        login="api/v1/authenticate",
        answers_change=False,
    ),
    "hologram": Known(
        secrets={"api_key": hologram.KEY}, wrong={"api_key": "wrong-key-12345"}, on="LIVE", off="PAUSED-USER", plan="74"
    ),
    "onomondo": Known(
        secrets={"api_key": onomondo.KEY},
        wrong={"api_key": "wrong-key-12345"},
        on="activated",
        off="deactivated",
        has_words=False,
    ),
    "soracom": Known(
        secrets={"auth_key_id": soracom.KEY_ID, "auth_key": soracom.KEY},
        wrong={"auth_key": "wrong-key-12345"},
        on="active",
        off="inactive",
        login="auth",
    ),
    "keepgo": Known(
        secrets={"account_uuid": keepgo.ACCOUNT, "user_uuid": keepgo.USER, "shared_key": keepgo.KEY},
        wrong={"shared_key": "wrong-key-12345"},
        on="Activated",
        off="Deactivated",
    ),
    "supersim": Known(
        secrets={"account_sid": supersim.ACCOUNT, "auth_token": supersim.TOKEN},
        wrong={"auth_token": "wrong-key-12345"},
        on="active",
        off="inactive",
    ),
    "kore": Known(
        secrets={"client_id": kore.CLIENT_ID, "client_secret": kore.CLIENT_SECRET},
        wrong={"client_secret": "wrong-key-12345"},
        on="active",
        off="inactive",
        login="api-services",
    ),
    "simbase2": Known(
        secrets={"api_key": simbase2.KEY},
        wrong={"api_key": "wrong-key-12345"},
        on="enabled",
        off="disabled",
        answers_change=False,
    ),
}


@dataclass
class Carrier:
    """A carrier in the simulator, our client for it, and the gate in front."""

    kind: str
    simulator: Running
    gate: CountingGate = field(default_factory=CountingGate)
    checked: list[Checked] = field(default_factory=list)
    is_odd: bool = False  # from here on answers are not as they should be

    def __post_init__(self) -> None:
        self.known = KNOWN[self.kind]
        self.client = self.open(gate=self.gate)
        self.iccid = self.simulator.iccids(self.kind, 1)[0]

    def open_with(self, other: dict[str, str]) -> CarrierClient:
        """Another client, with other credentials."""
        return self.open(secrets=other)

    def open(
        self, *, gate: Gate | None = None, timeout: float = 5.0, url: str = "", secrets: dict[str, str] | None = None
    ) -> CarrierClient:
        """Another client, with other credentials if given."""
        url = url or self.simulator.url_of(self.kind)
        client = open_client(
            self.kind, url=url, secrets=self.known.secrets | (secrets or {}), gate=gate, timeout=timeout
        )
        if self.kind in DOCUMENTED:
            assert isinstance(client, RestClient)
            self.check(client.wire)
        return client

    def check(self, wire: Wire) -> None:
        """From now on each call on this wire is held against the carrier's document, and each answer."""
        way = Checked(wire._exchange, self.kind, wire._before)
        way.strict = not self.is_odd
        wire._exchange = way
        self.checked.append(way)

    def turns_odd(self) -> None:
        """Answers are no longer held against the document."""
        self.is_odd = True
        for way in self.checked:
            way.strict = False

    def says(self, word: str) -> None:
        """The network gives the SIM a state that no document may know."""
        self.turns_odd()
        self.simulator.event("status", iccid=self.iccid, status=word, open=False)

    def calls(self, name: str | None = None) -> int:
        """How many calls the carrier received."""
        return len(self.simulator.calls(carrier=self.kind, name=name))

    def fault(self, kind: str, **scope: Any) -> None:
        """A fault in the next answer to anything but a login."""
        self.turns_odd()
        self.simulator.fault(kind, **{"carrier": self.kind, "path": f"^/(?!{self.known.login})", "count": 1, **scope})

    def fault_at_change(self, kind: str, **scope: Any) -> None:
        """A fault in the next answer to a call that changes something, not to what is asked before it."""
        self.fault(kind, **{"path": f"^/(?!{self.known.login}).*#(POST|PUT|PATCH)$", **scope})

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


@pytest.fixture(params=[kind for kind, client in sorted(CLIENTS.items()) if client.abilities.sends_sms])
def texting(request: pytest.FixtureRequest, simulator: Running) -> Iterator[Carrier]:
    """Each of our carriers in turn that sends messages."""
    yield from carrier_of(request.param, simulator)


@pytest.fixture(params=[kind for kind, client in sorted(CLIENTS.items()) if client.abilities.lists_stock])
def stocked(request: pytest.FixtureRequest, simulator: Running) -> Iterator[Carrier]:
    """Each of our carriers in turn that lists its SIMs without their usage."""
    yield from carrier_of(request.param, simulator)


@pytest.fixture(
    params=[
        kind
        for kind, client in sorted(CLIENTS.items())
        if client.abilities.lists_stock and client.abilities.tells_cycle
    ]
)
def dated(request: pytest.FixtureRequest, simulator: Running) -> Iterator[Carrier]:
    """Each of those whose figures have a month."""
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
        self.play: Callable[[BaseHTTPRequestHandler], object] = self.answering(b"{}")
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
