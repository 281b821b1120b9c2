"""Calls of the API pass by what pages need: neither session nor cookie, person or branding stands before them."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch

from api.door import door

CALL = re.compile(
    r"/api/(?P<account_uuid>(?!back-office/|problems/)[^/]*)/(?P<path>[\s\S]*)"
)  # api.urls has the few other addresses, and calls without a path
ROUTE = "api/<account_uuid>/<path>"


class ApiMiddleware:
    """Answers calls of the API here; stands before whatever reads a cookie."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        call = CALL.fullmatch(request.path_info)
        if call is None:
            return self.get_response(request)
        given = call.groupdict()
        request.resolver_match = ResolverMatch(door, (), given, route=ROUTE)
        answer = door(request, **given)
        if not answer.streaming:
            answer.setdefault("Content-Length", str(len(answer.content)))
        answer["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        return answer
