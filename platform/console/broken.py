"""The page for what broke on our side: it needs nothing that may be broken."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import loader
from kit import logs


def broken(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - whatever it was, it may be what broke
    """With the request's id, which our log has too."""
    context = {"request_id": logs.ids().get("request", "")}
    return HttpResponse(loader.get_template("500.html").render(context), status=500)
