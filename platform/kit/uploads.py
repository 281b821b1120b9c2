"""How large an upload may be: judged by its announced length, before any of it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

MOST_BYTES = 10_000_000  # of a view that says nothing else
FIELDS_BYTES = 100_000  # what a form has beside its file

Door = TypeVar("Door", bound=Callable[..., Any])


def file_of_at_most(size: int) -> Callable[[Door], Door]:
    """The view takes a form with a file of so many bytes. Outermost, so that the middleware sees it."""

    def marked(view: Door) -> Door:
        view.most_bytes = size + FIELDS_BYTES  # type: ignore[attr-defined]
        return view

    return marked


class UploadSizeMiddleware:
    """Refuses a form with a file that is too large. Before whatever reads forms: the check for forged ones does.

    A body without a length is an empty one to Django, and one that is longer than it says is cut off there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        if request.content_type != "multipart/form-data":
            return None
        announced, most = request.META.get("CONTENT_LENGTH") or "", getattr(view, "most_bytes", MOST_BYTES)
        length = int(announced) if announced.isdecimal() else 0
        if length <= most:
            return None
        context = {"megabytes": length / 1e6, "most": (most - FIELDS_BYTES) / 1e6}
        return render(request, "413.html", context, status=413)
