"""The doors through which carriers call us: done with a call for many lines, or something has happened to a SIM."""

from __future__ import annotations

import logging

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from kit.errors import NotFound

from lines.carriers.fields import Unreadable
from lines.commands import bulk, webhooks

log = logging.getLogger(__name__)

LONGEST = 8_000_000  # bytes of a call; a data streamer sends up to 3,000 records of 1.5 kB


@csrf_exempt
@require_POST
def called_back(request: HttpRequest, token: str) -> HttpResponse:
    """Takes it once; again is as good. To a stranger there is nothing here. More than its beginning is not read."""
    said = request.read(4 * bulk.LONGEST_SAID).decode("utf-8", "replace")
    try:
        bulk.called_back(token=token, said=said)
    except NotFound:
        log.warning("a stranger at the carriers' door: %s", request.META.get("REMOTE_ADDR"))
        raise Http404 from None
    return HttpResponse(status=204)


@csrf_exempt
@require_POST
def told(request: HttpRequest, token: str) -> HttpResponse:
    """Something has happened to SIMs: they are read sooner. To a stranger there is nothing here."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST:
        return HttpResponse("The call is too long.", status=413, content_type="text/plain")
    url = settings.CONSOLE_URL + request.get_full_path()
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        hook = webhooks.find_webhook(token=token)
        webhooks.hear(webhook=hook, url=url, headers=headers, read=lambda: request.read(LONGEST))
    except NotFound:
        raise Http404 from None
    except webhooks.TooManyCalls as refusal:
        return HttpResponse(refusal.message, status=429, content_type="text/plain", headers={"Retry-After": "60"})
    except Unreadable as error:
        log.info("a call of %s is unreadable: %s", hook.carrier, error)
        return HttpResponse("The call cannot be read.", status=400, content_type="text/plain")
    return HttpResponse(status=200)
