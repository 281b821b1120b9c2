"""The web server's door of `manage.py bench_api`: the console's own, and a bare Django view beside it."""

import functools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path

from bench import ANSWERS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@functools.cache
def _bytes(name: str) -> bytes:
    return (Path(os.environ[ANSWERS]) / name).read_bytes()


def _bare(request: HttpRequest, name: str) -> HttpResponse:  # noqa: ARG001 - a view
    found = _bytes(name)
    return HttpResponse(found, content_type="application/json", headers={"Content-Length": str(len(found))})


_console = get_wsgi_application()
with override_settings(MIDDLEWARE=[]):
    _without_middleware = WSGIHandler()
urlpatterns = [path("bare/<slug:name>", _bare), path("", include("config.urls"))]
settings.ROOT_URLCONF = __name__


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    handler = _without_middleware if environ["PATH_INFO"].startswith("/bare/") else _console
    return handler(environ, start_response)
