"""A test account's pages go by its own clock, and what is done on them is carried out before the next one is asked."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from kit import clock, walls

from accounts.models import Account
from automation.commands.sandbox import settle_or_log
from lines.queries.sandbox import ahead_of


class TestClockMiddleware:
    """Stands behind whoever says in which account a request acts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        account: Account | None = getattr(request, "account", None)
        if account is None or not account.is_test:
            return self.get_response(request)
        with walls.lifted():
            by = ahead_of(account)
        with clock.ahead(by):
            response = self.get_response(request)
        if request.method == "POST":
            settle_or_log(account=account)
        return response
