"""Every error of the API in one shape, RFC 9457: what, why, and what to do."""

from __future__ import annotations

import logging
import re
from typing import Annotated

import msgspec
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from kit import logs
from kit.errors import Refusal

from api import version

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
    500: "Try again later; if it stays so, tell us its request_id",
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

    type: Annotated[str, msgspec.Meta(description="Address of a page about the code, on this host")]
    title: str
    status: int
    detail: str
    what_to_do: str
    code: Annotated[str, msgspec.Meta(description="For programs: stays the same")]
    field: Annotated[str | None, msgspec.Meta(description="The member or query name that is meant, where it is one")]
    request_id: Annotated[str, msgspec.Meta(description="As in our log and in X-Request-ID: name it when you ask us")]


def problem(status: int, code: str, message: str, field: str | None = None) -> HttpResponse:
    """A sentence `why; what to do` is taken apart; one without the second half gets its status' own."""
    why, _, to_do = message.partition("; ")
    body = Problem(
        type=f"/api/problems/{code}",
        title=TITLES[status],
        status=status,
        detail=_sentence(why),
        what_to_do=_sentence(to_do or TO_DO[status]),
        code=code,
        field=field,
        request_id=logs.ids().get("request", ""),
    )
    answer = HttpResponse(msgspec.json.encode(body), status=status, content_type="application/problem+json")
    answer["Cache-Control"] = "no-store"
    version.write_on(answer)
    if status == 401:
        answer["WWW-Authenticate"] = "Bearer"
    if status == 503:
        answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def code_of(refusal: type[Refusal]) -> str:
    """insufficient-balance, of InsufficientBalance."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", refusal.__name__).lower()


def of_refusal(refusal: Refusal) -> HttpResponse:
    answer = problem(refusal.status, code_of(type(refusal)), refusal.message, refusal.field)
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
