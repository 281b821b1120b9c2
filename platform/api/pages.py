"""What stands behind the addresses in answers: each problem in words, and the changes of the API."""

from __future__ import annotations

import functools
import inspect

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from kit.errors import Refusal

from api.problems import TITLES, TO_DO, code_of

OWN = {"our-error": 500, "not-available": 503}  # no refusals: our own failures
CHANGES = settings.BASE_DIR / "docs" / "api-changes.md"


@functools.cache
def codes() -> dict[str, tuple[int, str]]:
    """Every code that a problem may have, with its status and what it means: the refusals themselves say it."""
    found = {code: (status, TITLES[status]) for code, status in OWN.items()}
    waiting = list(Refusal.__subclasses__())
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        meaning = " ".join((inspect.getdoc(one) or "").split())
        found.setdefault(code_of(one), (one.status, meaning))
    return dict(sorted(found.items()))


@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """The page behind a problem's `type`."""
    if code not in codes():
        raise Http404
    status, meaning = codes()[code]
    context = {"code": code, "status": status, "title": TITLES.get(status, ""), "meaning": meaning}
    return render(request, "api/problem.html", context | {"to_do": TO_DO.get(status, "")})


@require_safe
def changes(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """What changed in the API, and what is to go."""
    return HttpResponse(CHANGES.read_text(), content_type="text/plain; charset=utf-8")
