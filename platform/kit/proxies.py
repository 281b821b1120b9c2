"""Whether the proxies in front of us are as many as the installation says: limits go by clients' addresses."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

log = logging.getLogger(__name__)
WRONG = (
    "LINEKEEPER_PROXIES is 0, and a proxy sent X-Forwarded-For: every client would be one address, and one of them"
    " could lock out all. Set it to the number of proxies, which is 1 behind one."
)


class ForwardedMiddleware:
    """Answers nothing that came over a proxy where none is counted. Outermost."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.ALLAUTH_TRUSTED_PROXY_COUNT == 0 and "X-Forwarded-For" in request.headers:
            log.error(WRONG)
            return HttpResponse(WRONG, status=503, content_type="text/plain; charset=utf-8")
        return self.get_response(request)
