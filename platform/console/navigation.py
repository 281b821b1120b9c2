"""What the frame of every page shows: the sidebar's entries, the balance widget, the theme."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Membership
from accounts.policy import Right
from console.balance import Shown, balance_shown

THEMES = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
THEME_COOKIE = "theme"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the sidebar. It is listed only where the page exists and the right to see it does."""

    name: str  # of the address
    label: str
    icon: str
    right: Right


ENTRIES = (
    Entry("home", "Home", "home", Right.SEE_LINES),
    Entry("lines", "Lines", "lines", Right.SEE_LINES),
)


def entries_for(membership: Membership | None) -> list[Entry]:
    return [entry for entry in ENTRIES if membership and membership.may(entry.right)]


def theme_of(request: HttpRequest) -> str:
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in dict(THEMES) else "system"


def frame(request: HttpRequest) -> dict[str, Any]:
    """For every template. The balance is read only by those that show it."""
    membership: Membership | None = getattr(request, "membership", None)

    @cache
    def balance() -> Shown | None:
        return balance_shown(membership)

    return {
        "membership": membership,
        "account": membership.account if membership else None,
        "other_places": [place for place in getattr(request, "memberships", []) if place != membership],
        "navigation": [
            {"label": entry.label, "icon": entry.icon, "href": href, "is_here": _is_here(request.path, href)}
            for entry in entries_for(membership)
            for href in [reverse(entry.name)]
        ],
        "frame_balance": balance,
        "theme": theme_of(request),
        "themes": THEMES,
    }


def _is_here(path: str, href: str) -> bool:
    return path == href if href == "/" else path.startswith(href)
