"""The stand-in for the length of a test: in a thread, on a free port of loopback, with its control calls as methods."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from .events import signature
from .server import application
from .state import Json, State


class Running:
    """Where it is, and what a test tells it."""

    key = "sk_test_linekeeper_demo"
    secret = "whsec_linekeeper_demo"  # noqa: S105 - the demo's public example

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def control(self, verb: str, path: str, data: object = None) -> Any:
        return self._http.request(verb, f"/_proxy/{path}", json=data).raise_for_status().json()

    def call(self, verb: str, path: str, data: Json | None = None, **headers: str) -> httpx.Response:
        """An API call as with curl."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"params": data} if verb == "GET" else {"data": data}
        return self._http.request(verb, path, headers={"Authorization": f"Bearer {self.key}"} | named, **sent)  # type: ignore[arg-type]

    def fail_next(self, *faults: str) -> None:
        """`down`: not carried out, 503. `lost`: carried out, and the answer is lost. `broken`, `broken-after`:
        500, before or after it is carried out, and the same again for the same key."""
        self.control("POST", "faults", {"next": list(faults)})

    def events(self, kind: str = "") -> list[Json]:
        found: list[Json] = self.control("GET", "events")["events"]
        return [event for event in found if event["type"].startswith(kind)]

    def signed(self, event: Json, *, at: int | None = None, secret: str = "") -> tuple[str, str]:
        """An event's body and its signature header."""
        body = json.dumps(event)
        return body, signature(body, secret or self.secret, at)

    def fill_in(self, session_url: str, number: str, *, year: int = 2031, follow: bool = True) -> str:
        """What a person does on the hosted page; the address that they are sent back to."""
        form = {
            "number": number, "expiry": f"12/{year % 100}", "cvc": "123", "name": "Ada Byron", "line1": "1 Quay",
            "city": "Rotterdam", "state": "", "postal_code": "3011", "country": "NL",
        }  # fmt: skip
        answer = self._http.post(session_url, data=form)
        while follow and answer.is_redirect and answer.headers["location"].startswith(self.url):
            answer = self._http.post(answer.headers["location"], data={"outcome": "complete"})
        return answer.headers.get("location", "") if answer.is_redirect else ""

    def confirm(self, url: str, *, succeed: bool = True) -> str:
        """What a person does on the bank's page; the address that they are sent back to."""
        answer = self._http.post(url, data={"outcome": "complete" if succeed else "fail"})
        return str(answer.headers["location"])


@contextmanager
def running() -> Iterator[Running]:
    """One with no memory; it delivers no webhooks: a test takes its events and delivers them as it likes."""
    config = uvicorn.Config(application(State()), host="127.0.0.1", port=0, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the stand-in for Stripe does not start")
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    found = Running(f"http://127.0.0.1:{port}")
    try:
        yield found
    finally:
        found.close()
        server.should_exit = True
        thread.join(10)
