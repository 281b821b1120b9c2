"""What the frame of every page shows: the sidebar's entries and the balance widget."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def frame(request: HttpRequest) -> dict[str, Any]:
    return {}
