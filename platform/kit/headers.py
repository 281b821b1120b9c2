"""What browsers may keep of our answers: nothing, unless an answer says otherwise."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse


class KeepNothingMiddleware:
    """`no-store` on every answer that says nothing of its own; what was kept is cleared at logging out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if "Cache-Control" not in answer:
            answer["Cache-Control"] = "no-store"
        if request.method == "POST" and request.path == reverse("account_logout"):
            answer["Clear-Site-Data"] = '"cache", "storage"'
        return answer
