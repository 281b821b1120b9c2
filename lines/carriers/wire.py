"""One call to a carrier over HTTP, and every way it can fail told apart. It knows no carrier."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPMessage
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec
from kit import logs, tracing
from kit.retry_after import seconds_to_wait

from .base import CallKind, CarrierFailure, Gate, Malformed, OpenGate, OutcomeUnknown, Refused, Unreachable
from .deadline import Deadline
from .exchange import Answer, Exchange, HttpExchange, Lost, TooLarge
from .fields import NoJson, Unreadable, watching_mends

T = TypeVar("T")
Heard = Callable[[HTTPMessage], None]  # is told the headers of an answer, where they say what the body does not

log = logging.getLogger(__name__)

LARGEST_ANSWER = 4 * 1024 * 1024  # bytes; a page of 250 SIMs is about 0.1 MiB
LONGEST_NAP = 2.0  # seconds of Retry-After that are slept here instead of being handed to the caller
LONGEST_WAIT = 900.0  # seconds of Retry-After that are believed: nothing that a carrier says stops it for longer
SHORTEST_SECRET = 6  # shorter ones are not looked for in texts: they would blank out half of them
_IN_A_PATH = "/:@!$&'()*+,;=~"  # what a path may have beside letters and digits


class Unauthorized(Refused):
    """401: the carrier does not take our credentials, or no longer."""


class Throttled(Unreachable):
    """429: too many calls; nothing was done."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a carrier. `acts`: it changes something there, so a lost answer leaves the outcome unknown.

    `of_one`: it is about one SIM, so an odd answer says nothing of the carrier. `is_secret`: its answer is never kept.
    """

    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    json: Mapping[str, Any] | Sequence[Any] | None = None
    form: Mapping[str, str] | None = None  # instead of `json`, where the carrier takes forms
    headers: Mapping[str, str] | None = None
    acts: bool = False
    kind: CallKind = CallKind.READING
    of_one: bool = True
    is_secret: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def route(self) -> str:
        """The call without whom it is about."""
        return f"{self.method} {_NAMED.sub('/…', self.path)}"


_NAMED = re.compile(r"/(?:[0-9]+|[0-9A-Fa-f]{6,22}|H[SC][0-9a-fA-F]{32})(?=/|$)")  # an ICCID, or an id of the carrier's


def open_exchange(url: httpx.URL) -> Exchange:
    """The network; tests put another one here. No proxy of the environment's: it would see the credentials."""
    is_safe = url.scheme == "https"
    port = url.port or (443 if is_safe else 80)
    return HttpExchange(url.raw_host.decode("ascii"), port, tls=is_safe, largest=LARGEST_ANSWER)


def required(carrier: str, names: Iterable[str], secrets: Mapping[str, str]) -> dict[str, str]:
    """The credentials by name, without blanks around them. Raises Refused when one is missing."""
    found = {name: secrets.get(name, "").strip() for name in sorted(names)}
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise Refused(f"{carrier} needs the secret {' and '.join(missing)}.")
    return found


def fits_a_header(value: str) -> bool:
    """Whether a credential can be sent as a header: visible ASCII only."""
    return re.fullmatch(r"[!-~]+", value) is not None


class Wire:
    """The way to one carrier: its address, its gate, its kept-alive connections. Safe to use from several threads."""

    def __init__(
        self,
        carrier: str,
        *,
        url: str,
        gate: Gate | None,
        secrets: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.carrier = carrier
        base = _base(carrier, url)
        self._before = base.raw_path.decode("ascii").rstrip("/")  # what every path is put behind
        self._gate = gate or OpenGate()
        self._secrets = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
        said = {"User-Agent": "linekeeper", "Accept": "application/json", "Accept-Encoding": "gzip"}
        self._headers = {**said, **(headers or {})}
        self._exchange = open_exchange(base)

    def close(self) -> None:
        self._exchange.close()

    def hide(self, secret: str) -> None:
        """From now on this text appears in no message and no quarantined answer."""
        if len(secret) >= SHORTEST_SECRET:
            self._secrets = self._secrets | {secret}

    def call(self, call: Call, deadline: Deadline, decode: Callable[[bytes], T], heard: Heard | None = None) -> T:
        """Sends a call and reads its answer with `decode`, which raises Unreadable.

        A short wait that the carrier asks for with a 429 is slept here, once. Raises Unauthorized, Refused,
        Unreachable, Malformed (only where nothing is changed) or OutcomeUnknown (only where something is).
        """
        try:
            return self._once(call, deadline, decode, heard)
        except Throttled as busy:
            wait = busy.retry_after
            if wait is None or wait > LONGEST_NAP or wait >= deadline.left():
                raise
        time.sleep(wait)
        return self._once(call, deadline, decode, heard)

    def _once(self, call: Call, deadline: Deadline, decode: Callable[[bytes], T], heard: Heard | None) -> T:
        """One passage through the gate, which is told how it went. A refusal is an answer: the carrier is well."""
        deadline.wait_at(self._gate, call.kind)
        name = logs.new_id()
        with logs.doing(carrier_call=name), tracing.span(f"{self.carrier} {call.kind}", carrier_call=name):
            return self._told(call, deadline, decode, heard)

    def _told(self, call: Call, deadline: Deadline, decode: Callable[[bytes], T], heard: Heard | None) -> T:
        began = time.monotonic()
        try:
            result = self._answered(call, deadline, decode, heard)
        except Refused:
            self._gate.succeeded(call.kind)
            raise
        except CarrierFailure as failure:
            told = {"carrier": self.carrier, "call": str(call), "kind": str(call.kind)}
            log.warning("%s", failure, extra={**told, "seconds": f"{time.monotonic() - began:.3f}"})
            self._gate.failed(call.kind, failure)
            raise
        self._gate.succeeded(call.kind)
        return result

    def _answered(self, call: Call, deadline: Deadline, decode: Callable[[bytes], T], heard: Heard | None) -> T:
        try:
            answer = self._send(call, deadline)
        except Lost as error:
            raise self._lost(call, deadline, error) from error
        except TooLarge as error:
            raise self._unreadable(call, "it is too long", error.start) from error
        failure = self._failure(call, answer)
        if failure:
            raise failure
        if heard is not None:
            heard(answer.headers)
        try:
            with watching_mends() as mends:
                found = decode(answer.body)
            if mends and not call.is_secret:
                self._gate.mended(call.route, self._without_secrets(answer.body))
            return found
        except Unreadable as error:
            failure = self._unreadable(call, str(error), answer.body)
            failure.about_one = call.of_one and not isinstance(error, NoJson)
            raise failure from error

    def _send(self, call: Call, deadline: Deadline) -> Answer:
        target = self._before + quote(call.path, safe=_IN_A_PATH)
        if call.params:
            target += "?" + urlencode(call.params, quote_via=quote)
        headers = {**self._headers, **(call.headers or {})}
        body = None
        if call.json is not None:
            body, headers["Content-Type"] = msgspec.json.encode(call.json), "application/json"
        elif call.form is not None:
            body, headers["Content-Type"] = urlencode(call.form).encode(), "application/x-www-form-urlencoded"
        answer = self._exchange.ask(call.method, target, headers, body, deadline)
        log.debug("%s answered %s with %d", self.carrier, call, answer.status)
        return answer

    def _lost(self, call: Call, deadline: Deadline, error: Lost) -> CarrierFailure:
        """There is no answer. It is safe to call again only if the request cannot have arrived, or changes nothing."""
        if error.is_late:
            message = f"{self.carrier} did not answer {call} within {deadline.seconds:g} s"
        else:
            message = f"{self.carrier} cannot be reached for {call}: {self._clean(str(error))}"
        if call.acts and error.was_sent:
            return OutcomeUnknown(f"{message}; whether it acted is unknown.")
        return Unreachable(f"{message}.")

    def _unreadable(self, call: Call, why: str, body: bytes) -> CarrierFailure:
        message = f"{self.carrier} answered {call} with something else than its document says: {self._clean(why)}"
        if call.acts:
            return OutcomeUnknown(f"{message}; whether it acted is unknown.")
        return Malformed(f"{message}.", body=self._without_secrets(body))

    def _without_secrets(self, body: bytes) -> bytes:
        """An error page may show the request's headers."""
        for secret in self._secrets:
            body = body.replace(secret.encode(), b"***")
        return body

    def _failure(self, call: Call, answer: Answer) -> CarrierFailure | None:
        """What an HTTP status means. None: the call was answered."""
        status = answer.status
        if 200 <= status < 300:
            return None
        wait = _retry_after(answer.headers)
        said = self._said(answer)
        if status == 429:
            return Throttled(f"{self.carrier} takes no more calls for now{said} (429).", retry_after=wait)
        message = f"{self.carrier} refused {call}{said} ({status})."
        if status == 401:
            return Unauthorized(message)
        # 408 is the server's own time-out: it speaks of a fault, like 5xx, not of our request.
        if 400 <= status < 500 and status != 408:
            return Refused(message)
        message = f"{self.carrier} failed at {call}{said} ({status})"
        if call.acts:
            return OutcomeUnknown(f"{message}; whether it acted is unknown.")
        return Unreachable(f"{message}.", retry_after=wait)

    def _said(self, answer: Answer) -> str:
        """The carrier's own words for a message, short, after a colon; nothing for a page of HTML."""
        if 300 <= answer.status < 400:
            return f": it points to {self._clean(answer.headers.get('Location', 'nowhere'))}"
        try:
            text = _message(msgspec.json.decode(answer.body))
        except (ValueError, RecursionError):
            text = answer.body[:1000].decode("utf-8", "replace")
        text = self._clean(text)
        return f": {text}" if text and not text.startswith("<") else ""

    def _clean(self, text: str) -> str:
        """One short printable line without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        line = " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split()).rstrip(".")
        return line if len(line) <= 120 else f"{line[:119]}…"


def _base(carrier: str, url: str) -> httpx.URL:
    """The address that paths are put behind. Raises Refused."""
    try:
        parts = httpx.URL(url.strip())
    except httpx.InvalidURL:
        parts = httpx.URL("")
    if parts.scheme not in ("http", "https") or not parts.host:
        raise Refused(f"{carrier}'s address must be a URL such as https://api.example.com.")
    if parts.userinfo or parts.query or parts.fragment:
        raise Refused(f"{carrier}'s address must have no password, question mark or number sign in it.")
    return parts


def _message(data: object, depth: int = 3) -> str:
    """The sentence in an error's JSON, wherever it usually is."""
    if isinstance(data, str):
        return data
    if isinstance(data, dict) and depth:
        for key in ("message", "errorMessage", "error_description", "detail", "error", "errors"):
            if text := _message(data.get(key), depth - 1):
                return text
    if isinstance(data, list) and data and depth:
        return _message(data[0], depth - 1)
    return ""


def _retry_after(headers: HTTPMessage) -> float | None:
    return seconds_to_wait(headers.get("Retry-After", ""), date=headers.get("Date", ""), most=LONGEST_WAIT)
