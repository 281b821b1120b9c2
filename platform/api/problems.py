"""Every error of the API in one shape, RFC 9457: what, why, and what to do."""

from __future__ import annotations

import logging
import re

import msgspec
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from kit.errors import Refusal

log = logging.getLogger(__name__)

TITLES = {
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Refused",
    422: "Invalid",
    429: "Too many requests",
    500: "Our error",
    503: "Not available",
}
TO_DO = {
    401: "Send the headers timestamp, hash and uuid: the hash is base64 of HMAC-SHA1 with your shared key over"
    " timestamp and account UUID; or sign the whole request by RFC 9421, or send a bearer key in the header"
    " Authorization",
    403: "Use a key that is made for this",
    404: "Check the address and the ICCID",
    405: "Use a method of the Allow header",
    409: "Look at the line or the request before sending it again",
    422: "Correct the value and send it again",
    429: "Wait as many seconds as Retry-After says",
    500: "Try again later; if it stays so, tell us the time of the request",
    503: "Try again after as many seconds as Retry-After says",
}
RETRY_SECONDS = 5


class Unauthenticated(Refusal):
    """Nobody we know sent this, or not now."""

    status = 401


class PlainHttp(Refusal):
    """The call came unencrypted: whoever was on its way has read it."""

    status = 403


class WrongVerb(Refusal):
    """The path exists, with other methods."""

    status = 405

    def __init__(self, allowed: list[str]) -> None:
        super().__init__("This call has another method")
        self.allowed = allowed


class TooMany(Refusal):
    """The day's requests are used up."""

    status = 429


class TooFast(Refusal):
    """The bearer key has made its requests of this second."""

    status = 429


class Problem(msgspec.Struct):
    """What went wrong (title), why (detail), and what to do."""

    type: str
    title: str
    status: int
    detail: str
    what_to_do: str


def problem(status: int, kind: str, message: str) -> HttpResponse:
    """A sentence `why; what to do` is taken apart; one without the second half gets its status' own."""
    why, _, to_do = message.partition("; ")
    body = Problem(f"urn:problem:{kind}", TITLES[status], status, _sentence(why), _sentence(to_do or TO_DO[status]))
    answer = HttpResponse(msgspec.json.encode(body), status=status, content_type="application/problem+json")
    answer["Cache-Control"] = "no-store"
    if status == 401:
        answer["WWW-Authenticate"] = "Bearer"
    if status == 503:
        answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def of_refusal(refusal: Refusal) -> HttpResponse:
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", type(refusal).__name__).lower()
    answer = problem(refusal.status, kind, refusal.message)
    if isinstance(refusal, WrongVerb):
        answer["Allow"] = ", ".join(refusal.allowed)
    if isinstance(refusal, TooFast):
        answer["Retry-After"], answer["RateLimit"] = "1", '"burst";r=0;t=1'
    return answer


def of_failure(error: Exception) -> HttpResponse:
    """Our own failure: what it was is for our log alone."""
    if isinstance(error, OperationalError | InterfaceError):
        log.error("The API has no database: %s", error)
        return problem(503, "not-available", "The service cannot answer now")
    log.exception("The API failed", exc_info=error)
    return problem(500, "our-error", "The request failed through an error of ours and may have changed nothing")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
