"""Where the back office is: at every host of the installation, or at one of its own that shows nobody else's pages."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port


def is_at_office(request: HttpRequest) -> bool:
    """Whether this request came to the back office's own host; False where it has none."""
    return bool(settings.BACK_OFFICE_HOST) and split_domain_port(request.get_host())[0] == settings.BACK_OFFICE_HOST


def may_be_office(request: HttpRequest) -> bool:
    """Whether the back office exists here: never at a brand's domain, which its tenant can lead elsewhere."""
    if getattr(request, "brand", None) is not None:
        return False
    return not settings.BACK_OFFICE_HOST or is_at_office(request)
