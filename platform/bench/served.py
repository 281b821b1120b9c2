"""The API's calls over the production web server, each beside a bare Django view that answers the same bytes."""

from __future__ import annotations

import base64
import hmac
import itertools
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from console import roles
from django.db import connection
from embedded import addresses, programs
from kit import clock, crypto
from kit.errors import Refusal
from psycopg.conninfo import make_conninfo

from accounts.keys import MOST_KEYS, make_key
from accounts.models import Account, ApiCredential
from accounts.policy import MOST_PER_SECOND, OPERATOR, Scope
from bench import ANSWERS
from bench.fleet import Fleet
from lines.models import Line

AS_OWNER = ("LINEKEEPER_AS_OWNER", "DATABASE_OWNER_URL")  # what the web server is not
STARTS_WITHIN = 60  # seconds


class WebServerGone(Refusal):
    """The web server did not start, or answered what it should not."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a second of all clients together; `of_bare` is the median of the rounds' ratios."""

    what: str
    a_second: float
    bare: float
    of_bare: float


Request = Callable[[], bytes]  # the bytes of the next one: no two writes are the same


def rates(fleet: Fleet, *, rounds: int, clients: int, seconds: float) -> list[Rate]:
    roles.apply()  # the template of the database knows its owner alone
    calls = list(_calls(fleet))
    connection.close()
    with TemporaryDirectory() as folder, _web(folder) as port:
        found = []
        for number, (what, request) in enumerate(calls):
            status, content = Client(port).ask(request())
            if status != 200:
                raise WebServerGone(f"{what}: {status} {content[:300]!r}")
            (Path(folder) / str(number)).write_bytes(content)
            found.append(_rate(what, request, _get(f"/bare/{number}"), port, rounds, clients, seconds))
        return found


def _calls(fleet: Fleet) -> Iterator[tuple[str, Request]]:
    account = Account.objects.get(pk=fleet.big.pk)
    Account.objects.filter(pk=account.pk).update(is_professional=True)
    shared = crypto.new_hex()
    user = ApiCredential.objects.create(
        account=account, user_uuid=crypto.new_hex(), shared_key=crypto.encrypt(shared)
    ).user_uuid
    keys = itertools.cycle(list(_bearer_keys(account)))
    iccid = Line.objects.filter(payer=account).order_by("iccid").values_list("iccid", flat=True)[0]
    base, notes = f"/api/{account.uuid.hex}", itertools.count()

    def signed() -> str:
        now = str(int(clock.now().timestamp()))
        hashed = base64.b64encode(hmac.digest(shared.encode(), (now + account.uuid.hex).encode(), "sha1")).decode()
        return f"timestamp: {now}\r\nhash: {hashed}\r\nuuid: {user}\r\n"

    def write() -> bytes:
        body = f'{{"notes": "{next(notes)}"}}'
        head = f"PUT {base}/sim_card/{iccid}/notes HTTP/1.1\r\nHost: localhost\r\n{signed()}"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

    def read(where: str) -> Request:
        return lambda: _get(f"{base}/{where}", signed())()

    yield "25 lines", read("iot_sim_cards")
    yield "25 lines, by bearer keys", lambda: next(keys)
    yield "25 lines, by status", read("iot_sim_cards?status_id=1")
    yield "one line in full", read(f"sim_card/{iccid}")
    yield "balance", read("current_balance")
    yield "a write (notes of a line)", write


def _bearer_keys(account: Account) -> Iterator[bytes]:
    """A read with each of as many keys as all clients together need: a key has its limit of calls in a second."""
    for number in range(MOST_KEYS):
        _, key = make_key(
            account=account, name=f"bench {number}", scopes=[Scope.READ_LINES], days=7,
            per_second=MOST_PER_SECOND, by=OPERATOR,
        )  # fmt: skip
        yield _get(f"/api/{account.uuid.hex}/iot_sim_cards", f"Authorization: Bearer {key}\r\n")()


def _get(path: str, headers: str = "") -> Request:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()
    return lambda: request


def _rate(
    what: str, request: Request, bare: Request, port: int, rounds: int, clients: int, seconds: float
) -> Rate:  # fmt: skip
    mine, floor = list[float](), list[float]()
    for turn in range(1 + rounds):  # the first warms up
        for asked, kept in ((request, mine), (bare, floor)):
            kept.append(_together(port, asked, clients, seconds if turn else min(1, seconds)))
    ratio = statistics.median(ours / theirs for ours, theirs in zip(mine[1:], floor[1:], strict=True))
    return Rate(what, statistics.median(mine[1:]), statistics.median(floor[1:]), ratio)


def _together(port: int, request: Request, clients: int, seconds: float) -> float:
    counts, failures = [0] * clients, list[BaseException]()
    ends = time.monotonic() + seconds

    def run(number: int) -> None:
        client = Client(port)
        try:
            while time.monotonic() < ends:
                status, content = client.ask(request())
                if status != 200:
                    raise WebServerGone(f"{status} {content[:300]!r}")
                counts[number] += 1
        except BaseException as failure:  # noqa: BLE001 - raised again where it is seen
            failures.append(failure)
        finally:
            client.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(counts) / seconds


class Client:
    """One connection that stays, with as little work of its own as Python can do."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and the content."""
        self._socket.sendall(request)
        found = bytearray()
        while (end := found.find(b"\r\n\r\n")) < 0:
            found += self._more()
        head = bytes(found[:end]).lower()
        _, _, after = head.partition(b"content-length:")
        length = int(after.split(b"\r\n", 1)[0])
        while len(found) < end + 4 + length:
            found += self._more()
        return int(head.split(b" ", 2)[1]), bytes(found[end + 4 :])

    def _more(self) -> bytes:
        part = self._socket.recv(65536)
        if not part:
            raise WebServerGone("The web server closed the connection")
        return part

    def close(self) -> None:
        self._socket.close()


@contextmanager
def _web(folder: str) -> Iterator[int]:
    """The web server of docker-compose.yml on a free port of 127.0.0.1, over Django's present database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    address = make_conninfo(addresses.database_url(), dbname=connection.settings_dict["NAME"])
    kept = {name: value for name, value in os.environ.items() if name not in AS_OWNER}
    environment = kept | {"DATABASE_URL": address, ANSWERS: folder, "PROMETHEUS_MULTIPROC_DIR": folder}
    program = programs.WEB.replace("config.wsgi", "bench.web")
    with (Path(folder) / "web.log").open("wb") as log:
        web = subprocess.Popen(
            [sys.executable, "-m", *program.split(), "--host", "127.0.0.1", "--port", str(port)],
            cwd=addresses.REPOSITORY, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    until = time.monotonic() + STARTS_WITHIN
    try:
        while programs.answers(port, "/readyz") >= 500:
            if web.poll() is not None or time.monotonic() > until:
                raise WebServerGone((Path(folder) / "web.log").read_text()[-2000:])
            time.sleep(0.1)
        yield port
    finally:
        web.terminate()
        web.wait()
