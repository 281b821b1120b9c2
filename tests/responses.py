"""What Django's test client answers: its type has a name in the stubs alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as ClientResponse
else:
    ClientResponse = HttpResponse

__all__ = ["ClientResponse", "streamed_content"]


def streamed_content(response: HttpResponseBase) -> bytes:
    """All that a response sends a piece at a time."""
    assert isinstance(response, StreamingHttpResponse)
    return b"".join(cast("Iterable[bytes]", response.streaming_content))
