"""What the frame of every page shows: the sidebar's entries, the balance widget, the theme."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from kit.cookies import cookie_name

from accounts.models import Membership
from accounts.policy import Right
from accounts.wearing import worn
from billing.models import AutoRefill
from billing.queries import auto_refill_of
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
    Entry("subaccounts", "Sub Accounts", "branches", Right.SEE_MONEY),
    Entry("rules", "Rules", "rules", Right.SEE_AUDIT),
    Entry("rule_activity", "Rule Activity", "activity", Right.SEE_AUDIT),
    Entry("sms", "SMS", "sms", Right.SEE_LINES),
    Entry("jobs", "Jobs", "jobs", Right.SEE_LINES),
    Entry("orders", "Orders", "orders", Right.MANAGE_LINES),
    Entry("store", "Store", "store", Right.MANAGE_LINES),
    Entry("coverage", "Coverage", "coverage", Right.SEE_MONEY),
    Entry("tutorial", "Tutorial", "tutorial", Right.SEE_LINES),
    Entry("api_docs", "API Docs", "code", Right.SEE_MONEY),
)


# The tabs of Billing & Payments.
MONEY_TABS = (
    ("billing", "Overview", Right.SEE_MONEY),
    ("add_funds", "Add funds", Right.MANAGE_MONEY),
    ("payment_method", "Payment method", Right.MANAGE_MONEY),
    ("auto_refill", "Auto-refill", Right.MANAGE_MONEY),
    ("transactions", "Transactions", Right.SEE_MONEY),
    ("billing_details", "Billing details", Right.SEE_MONEY),
    ("explain", "Explain", Right.SEE_MONEY),
)


# The pages of the account menu, as a search finds them.
ACCOUNT_PAGES = (
    ("profile", "Profile", Right.SEE_LINES),
    ("api_credentials", "API credentials", Right.MANAGE_KEYS),
    ("staff", "Staff accounts", Right.MANAGE_PEOPLE),
    ("audit", "Audit", Right.SEE_AUDIT),
    ("account_data", "Account data", Right.MANAGE_MONEY),
    ("billing", "Billing & Payments", Right.SEE_MONEY),
)
SHORTEST = 3  # letters of a page's name


def pages_named(membership: Membership, text: str, *, whole: bool = False) -> list[str]:
    """Addresses of the pages that a person may see and whose name is this, or has a word that begins so."""
    named = [(entry.name, entry.label, entry.right) for entry in ENTRIES]
    wanted = text.lower()
    found = []
    for name, label, right in (*named, *ACCOUNT_PAGES, *MONEY_TABS):
        is_it = label.lower() == wanted or (
            not whole and len(wanted) >= SHORTEST and f" {label}".lower().find(f" {wanted}") >= 0
        )
        if is_it and membership.may(right):
            found.append(name)
    return found


def entries_for(membership: Membership | None) -> list[Entry]:
    return [entry for entry in ENTRIES if membership and membership.may(entry.right)]


def theme_of(request: HttpRequest) -> str:
    chosen = request.COOKIES.get(cookie_name(THEME_COOKIE), "")
    return chosen if chosen in dict(THEMES) else "system"


def frame(request: HttpRequest) -> dict[str, Any]:
    """For every template. The balance is read only by those that show it."""
    membership: Membership | None = getattr(request, "membership", None)

    @cache
    def full_balance() -> Shown | None:
        return balance_shown(membership)

    @cache
    def refill() -> AutoRefill | None:
        may_see = membership is not None and membership.may(Right.SEE_MONEY)
        return auto_refill_of(membership.account_id) if membership and may_see else None

    @cache
    def balance() -> Shown | None:
        """The header's: not while auto-refill keeps watch."""
        known = refill()
        return None if known and known.is_on else full_balance()

    return {
        "dress": worn(request),
        "membership": membership,
        "account": membership.account if membership else None,
        "other_places": [place for place in getattr(request, "memberships", []) if place != membership],
        "navigation": [
            {"label": entry.label, "icon": entry.icon, "href": href, "is_here": _is_here(request.path, href)}
            for entry in entries_for(membership)
            for href in [reverse(entry.name)]
        ],
        "frame_balance": balance,
        "full_balance": full_balance,
        "frame_refill": refill,
        "money_tabs": [(name, label) for name, label, right in MONEY_TABS if membership and membership.may(right)],
        "may_see_money": bool(membership and membership.may(Right.SEE_MONEY)),
        "may_manage_people": bool(membership and membership.may(Right.MANAGE_PEOPLE)),
        "may_manage_keys": bool(membership and membership.may(Right.MANAGE_KEYS)),
        "may_see_audit": bool(membership and membership.may(Right.SEE_AUDIT)),
        "may_pay": bool(membership and membership.may(Right.MANAGE_MONEY)),
        "theme": theme_of(request),
        "themes": THEMES,
    }


def _is_here(path: str, href: str) -> bool:
    return path == href if href == "/" else path.startswith(href)
