"""A file that was packed before, as it is downloaded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from django.http import HttpResponse, StreamingHttpResponse


def zip_answer(name: str, pieces: Iterable[bytes]) -> HttpResponse:
    """A zip file as it comes."""
    response = StreamingHttpResponse(pieces, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast(HttpResponse, response)  # Django's types have no common one for both
