"""The API's rows of `manage.py bench`: lists and a write, each beside a bare Django view of the same bytes."""

from __future__ import annotations

import base64
import hmac
import io
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from kit import clock, crypto

from accounts.models import Account, ApiCredential
from bench.fleet import Fleet
from bench.report import Row
from lines.models import Line

CALLS = 50  # in a round

_bytes = b""


def _bare(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - a view
    return HttpResponse(_bytes, content_type="application/json")


urlpatterns = [path("bare", _bare), path("", include("config.urls"))]


@override_settings(ROOT_URLCONF="bench.calls")
def rows(fleet: Fleet, rounds: int) -> list[Row]:
    """Requests a second through the whole of Django, one after another in this process, without a server."""
    global _bytes
    client = Caller(fleet)
    found = []
    for what, ask in (
        (f"API: 25 of {fleet.big_lines:,} lines", client.read),
        (f"API: the same among {fleet.big_lines:,}, by status", client.read_active),
        ("API: a write (notes of a line)", client.write),
    ):
        _bytes = ask()  # warm, too
        mine, bare = [], []
        for _ in range(rounds):
            mine.append(_rate(ask))
            bare.append(_rate(client.bare))
        rate, floor = statistics.median(mine), statistics.median(bare)
        found.append(Row(what, rate, "a second", rate / floor, "a bare view of the same bytes"))
    return found


def _rate(ask: Callable[[], bytes]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        ask()
    return CALLS / (time.perf_counter() - began)


class Caller:
    """Signs as Keepgo's clients do, and calls the application as a web server would."""

    def __init__(self, fleet: Fleet) -> None:
        Account.objects.filter(pk=fleet.big.pk).update(is_professional=True)
        key = crypto.new_hex()
        row = ApiCredential.objects.create(
            account=fleet.big, user_uuid=crypto.new_hex(), shared_key=crypto.encrypt(key)
        )
        self.account, self.user, self.key = fleet.big.uuid.hex, row.user_uuid, key.encode()
        self.iccid = Line.objects.filter(payer=fleet.big).order_by("iccid").values_list("iccid", flat=True)[0]
        self.app, self.numbers = WSGIHandler(), itertools.count()

    def read(self, query: str = "") -> bytes:
        return self._call("GET", f"/api/{self.account}/iot_sim_cards", query=query)

    def read_active(self) -> bytes:
        return self.read("status_id=1")

    def write(self) -> bytes:
        notes = f'{{"notes": "{next(self.numbers)}"}}'
        return self._call("PUT", f"/api/{self.account}/sim_card/{self.iccid}/notes", body=notes.encode())

    def bare(self) -> bytes:
        return self._call("GET", "/bare")

    def _call(self, verb: str, where: str, *, query: str = "", body: bytes = b"") -> bytes:
        stamp = str(int(clock.now().timestamp()))
        signed = base64.b64encode(hmac.digest(self.key, (stamp + self.account).encode(), "sha1")).decode()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": verb,
            "PATH_INFO": where,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_TIMESTAMP": stamp,
            "HTTP_HASH": signed,
            "HTTP_UUID": self.user,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "https" if settings.SECURE_SSL_REDIRECT else "http",
        }
        status: list[str] = []
        answer = self.app(environ, lambda said, _headers, _failure=None: status.append(said))  # type: ignore[arg-type]
        content = b"".join(answer)
        answer.close()
        if not status[0].startswith("200"):
            raise AssertionError(f"{where} answered {status[0]}: {content[:200]!r}")
        return content
