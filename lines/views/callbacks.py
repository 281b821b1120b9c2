"""The door through which a carrier tells that it is done with a call for many lines."""

from __future__ import annotations

import logging

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from kit.errors import NotFound

from lines.commands import bulk

log = logging.getLogger(__name__)


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
