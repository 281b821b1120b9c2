"""Cookies of our own beside the session's: bound to this very host wherever pages come by https."""

from __future__ import annotations

from typing import Any

from django.conf import settings

HOST = "__Host-"  # a browser takes it by https only, for this host only and for every path


def cookie_name(name: str) -> str:
    return f"{HOST}{name}" if settings.SESSION_COOKIE_SECURE else name


def cookie_rules() -> dict[str, Any]:
    """For `set_cookie`: what no cookie of ours goes without."""
    return {"httponly": True, "samesite": "Lax", "secure": bool(settings.SESSION_COOKIE_SECURE), "path": "/"}
