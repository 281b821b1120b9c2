"""The API's door: who calls, and what of an HTTP request is the call."""

from __future__ import annotations

import functools

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from kit import uuids
from kit.errors import Invalid, Refusal

from api import problems
from api.authentication import authenticate
from api.calling import Call, answer


@csrf_exempt
def door(request: HttpRequest, account_uuid: str, path: str = "") -> HttpResponse:
    """Answers one call; nothing gets out of here but JSON, and files."""

    @functools.cache
    def sent() -> bytes:
        return body_of(request)

    def body() -> bytes:
        return uuids.plain_in_body(sent())

    try:
        encrypted(request)
        caller, signed_at = authenticate(request, account_uuid, sent)
    except Refusal as refusal:
        return problems.of_refusal(refusal)
    except Exception as error:  # noqa: BLE001 - the last door: a client gets a problem, never a trace
        return problems.of_failure(error)
    call = Call(
        verb="GET" if request.method == "HEAD" else request.method or "",
        path=path,
        base=request.build_absolute_uri(f"/api/{account_uuid}/"),
        query=request.GET,
        body=body,
        key=request.headers.get("Idempotency-Key"),
        signed_at=signed_at,
        money=request.headers.get("Money", ""),
        seen=request.headers.get("If-None-Match", ""),
    )
    found = answer(caller, call)
    return _head(found) if request.method == "HEAD" else found


def _head(found: HttpResponse) -> HttpResponse:
    """The same without what it says."""
    if not found.streaming:
        found["Content-Length"], found.content = str(len(found.content)), b""
        return found
    return HttpResponse(status=found.status_code, headers=dict(found.items()))


def encrypted(request: HttpRequest) -> None:
    """A call by plain HTTP is refused and not redirected: a client that goes on by itself never learns that its hash
    went in the open. Raises PlainHttp."""
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise problems.PlainHttp("The API is called over HTTPS only; send it to https://, and rotate a key sent so")


def body_of(request: HttpRequest) -> bytes:
    try:
        return _chunked(request) if "Transfer-Encoding" in request.headers else request.body
    except RequestDataTooBig:
        raise Invalid(f"The body has over {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes; send less") from None
    except UnreadablePostError:
        raise Invalid("The body ended before its length; send it again") from None


def _chunked(request: HttpRequest) -> bytes:
    """A body without a length, which Django takes for an empty one. Raises Invalid, RequestDataTooBig."""
    if not request.META.get("wsgi.input_terminated"):
        raise Invalid("The body has no length; send it with a Content-Length")
    most: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body: bytes = request.META["wsgi.input"].read(most + 1)
    if len(body) > most:
        raise RequestDataTooBig
    return body
