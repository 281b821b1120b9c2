"""Which version of the API answers (docs/api-changes.md), and what calls say that are to go."""

from __future__ import annotations

from email.utils import format_datetime

from django.http import HttpResponse
from kit.endpoints import Endpoint

VERSION = "1.1.0"
CHANGES = "/api/changes"


def write_on(answer: HttpResponse, endpoint: Endpoint | None = None) -> None:
    """The version; of a call that is to go since when (RFC 9745), until when (RFC 8594) and where that is told."""
    answer["API-Version"] = VERSION
    if endpoint is not None and endpoint.leaving is not None:
        answer["Deprecation"] = f"@{int(endpoint.leaving.since.timestamp())}"
        answer["Sunset"] = format_datetime(endpoint.leaving.until, usegmt=True)
        answer["Link"] = f'<{CHANGES}>; rel="deprecation"; type="text/plain"'
