"""How a call is made: who signs it, what is sent again, and what an error says. Nothing but the standard library."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

PIECE = 1 << 20  # bytes of a file that are read at a time
TRIES = 4
AGAIN = frozenset({429, 500, 502, 503, 504})
LONGEST_WAIT = 60.0  # seconds of Retry-After that are waited for; more is the caller's to decide


class ApiError(Exception):
    """The API refused, or could not answer. `problem` is what it said (RFC 9457), empty where it said nothing."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, problem
        self.code: str = str(problem.get("code", ""))
        self.request_id: str = str(problem.get("request_id", ""))
        words = " ".join(str(problem.get(name, "")) for name in ("detail", "what_to_do")).strip()
        super().__init__(f"{status} {self.code}: {words or 'no answer'}")


def quoted(value: str) -> str:
    return quote(value, safe="")


def _plain(query: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each name with its value; of an object each of its own, such as field.Depot."""
    for name, value in query.items():
        yield from value.items() if isinstance(value, Mapping) else ((name, value),)


class Transport:
    """An account at an address, called with a bearer key. A write has an Idempotency-Key, so that it may be sent again
    and is done once."""

    def __init__(
        self, url: str, account: str, key: str, *, timeout: float = 30, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._base = f"{url.rstrip('/')}/api/{account}/"
        self._key, self._timeout, self._sleep = key, timeout, sleep

    def call(
        self,
        verb: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """What the API answers; numbers with a point are Decimal. Raises ApiError."""
        given = dict(_plain({name: value for name, value in (query or {}).items() if value is not None}))
        address = self._base + path + (f"?{urlencode(given)}" if given else "")
        return self._ask(verb, address, body, idempotency_key)

    def pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Any]:
        """Every row of a list, page by page."""
        page = self.call("GET", path, query={"per_page": 1000, **{k: v for k, v in query.items() if v is not None}})
        while True:
            yield from page["data"]
            following = page["links"]["next"]
            if not following:
                return
            page = self._ask("GET", self._ours(following), None, None)

    def download(self, path: str) -> Iterator[bytes]:
        """A file, a piece at a time: usage_exports/{uuid}/file. Raises ApiError."""
        headers = {"Authorization": f"Bearer {self._key}"}
        request = urllib.request.Request(self._base + path, headers=headers)  # noqa: S310 - the address is ours
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                while piece := answer.read(PIECE):
                    yield piece
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, _problem(error.read())) from None

    def _ours(self, address: str) -> str:
        """A link that leads elsewhere is not followed: it would be told the key."""
        there, here = urlsplit(address), urlsplit(self._base)
        if (there.scheme, there.netloc) != (here.scheme, here.netloc):
            raise ApiError(0, {"detail": f"The link leads to {there.netloc}, which is not {here.netloc}"})
        return address

    def _ask(self, verb: str, address: str, body: Any, key: str | None) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        data = None
        if verb != "GET":
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key or uuid.uuid4().hex}
            data = json.dumps(body if body is not None else {}, default=str).encode()
        for number in range(1, TRIES + 1):
            try:
                request = urllib.request.Request(address, data, headers, method=verb)  # noqa: S310 - the address is ours
                with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                    return json.loads(answer.read(), parse_float=Decimal)
            except urllib.error.HTTPError as error:
                found = ApiError(error.code, _problem(error.read()))
                wait = _seconds(error.headers.get("Retry-After"), number)
                if error.code not in AGAIN or wait > LONGEST_WAIT:
                    raise found from None
            except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
                found, wait = ApiError(0, {"detail": f"No answer: {error}"}), _seconds(None, number)
            if number == TRIES:
                raise found
            self._sleep(wait)
        raise AssertionError("not reached")


def _problem(text: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(asked: str | None, number: int) -> float:
    return float(asked) if asked and asked.isdecimal() else float(2 ** (number - 1))
