"""What the frame of every page shows: the sidebar's entries, the balance widget, the theme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from kit.cookies import cookie_name

from accounts.branding.requests import branding_for
from accounts.models import Account, Membership
from accounts.policy import Right
from billing.models import AutoRefill
from billing.queries import auto_refill_of, wallet_of
from billing.queries.notices import count_unread
from console.balance import Shown, balance_shown
from lines.queries.jobs import count_open

THEMES = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
THEME_COOKIE = "theme"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the sidebar. It is listed only where the page exists and the right to see it does."""

    name: str  # of the address
    label: str
    icon: str
    right: Right
    under: str = ""  # the entry or the word above it that it belongs to
    only: Callable[[Account], object] | None = None  # of which accounts it is a page; none: of all

    def is_for(self, membership: Membership) -> bool:
        """Whether this person may see it."""
        return membership.may(self.right) and (self.only is None or bool(self.only(membership.account)))


ENTRIES = (
    Entry("home", "Home", "home", Right.SEE_LINES),
    Entry("lines", "Lines", "lines", Right.SEE_LINES),
    Entry("usage", "Usage", "usage", Right.SEE_LINES),
    Entry("sms", "SMS", "sms", Right.SEE_LINES),
    Entry("rules", "Rules", "rules", Right.SEE_AUDIT, under="Automation"),
    Entry("rule_activity", "Rule Activity", "activity", Right.SEE_AUDIT, under="Automation"),
    Entry("caps", "Caps", "usage", Right.SEE_LINES, under="Automation"),
    Entry("webhooks", "Webhooks", "webhooks", Right.MANAGE_WEBHOOKS, under="Automation"),
    Entry("subaccounts", "Sub Accounts", "branches", Right.SEE_MONEY),
    Entry("price_lists", "Price lists", "billing", Right.SEE_MONEY, under="Sub Accounts"),
    Entry("margins", "Margins", "usage", Right.SEE_MONEY, under="Sub Accounts"),
    Entry("own_wallet", "Balance", "billing", Right.SEE_LINES, only=wallet_of),
    Entry("billing", "Billing", "billing", Right.SEE_MONEY),
)
# What is looked for less often.
BELOW = (
    Entry("jobs", "Jobs", "jobs", Right.SEE_LINES),
    Entry("staff", "Staff Accounts", "people", Right.MANAGE_PEOPLE),
    Entry("api_docs", "API", "code", Right.SEE_MONEY),
    Entry("test_account", "Test account", "code", Right.MANAGE_KEYS, under="API"),
    Entry("audit", "Audit", "audit", Right.SEE_AUDIT),
    Entry("store", "Store", "store", Right.MANAGE_LINES),
    Entry("orders", "Orders", "orders", Right.MANAGE_LINES, under="Store"),
    Entry("coverage", "Coverage", "coverage", Right.SEE_MONEY, under="Store"),
    Entry("tutorial", "Help", "tutorial", Right.SEE_LINES),
)


# What a thumb reaches on a phone; whoever sees lines sees these.
THUMB_BAR = (
    ("home", "Home", "home"),
    ("lines", "Lines", "lines"),
    ("line-scan", "Scan", "scan"),
    ("usage", "Usage", "usage"),
    ("sms", "SMS", "sms"),
)


# The tabs of Billing & Payments.
MONEY_TABS = (
    ("billing", "Overview", Right.SEE_MONEY),
    ("add_funds", "Add funds", Right.MANAGE_MONEY),
    ("payment_method", "Payment method", Right.MANAGE_MONEY),
    ("billing_information", "Billing information", Right.MANAGE_MONEY),
    ("auto_refill", "Auto-refill", Right.MANAGE_MONEY),
    ("transactions", "Transactions", Right.SEE_MONEY),
    ("billing_details", "Billing details", Right.SEE_MONEY),
    ("explain", "Explain", Right.SEE_MONEY),
)


# The pages of the account menu, as a search finds them.
ACCOUNT_PAGES = (
    ("profile", "Profile", Right.SEE_LINES),
    ("notifications", "Notifications", Right.SEE_LINES),
    ("api_credentials", "API credentials", Right.MANAGE_KEYS),
    ("account_data", "Account data", Right.MANAGE_MONEY),
    ("billing", "Billing & Payments", Right.SEE_MONEY),
    ("api_docs", "API Docs", Right.SEE_MONEY),
    ("tutorial", "Tutorial", Right.SEE_LINES),
)
SHORTEST = 3  # letters of a page's name


def pages_named(membership: Membership, text: str, *, whole: bool = False) -> list[str]:
    """Addresses of the pages that a person may see and whose name is this, or has a word that begins so."""
    named = [(entry.name, entry.label, entry.right) for entry in (*ENTRIES, *BELOW) if entry.is_for(membership)]
    wanted = text.lower()
    found = []
    for name, label, right in (*named, *ACCOUNT_PAGES, *MONEY_TABS):
        is_it = label.lower() == wanted or (
            not whole and len(wanted) >= SHORTEST and f" {label}".lower().find(f" {wanted}") >= 0
        )
        if is_it and membership.may(right) and name not in found:
            found.append(name)
    return found


def navigation_for(membership: Membership | None, path: str) -> list[list[dict[str, Any]]]:
    """What this person may see, in its two parts. `heading`: the word over the first entry of a group."""
    return [_shown(entries, membership, path) for entries in (ENTRIES, BELOW)]


def _shown(entries: tuple[Entry, ...], membership: Membership | None, path: str) -> list[dict[str, Any]]:
    seen = [entry for entry in entries if membership and entry.is_for(membership)]
    labels, shown = {entry.label for entry in seen}, []
    for entry in seen:
        heading = entry.under if entry.under and entry.under not in labels else ""
        labels.add(heading)
        href = reverse(entry.name)
        shown.append({"entry": entry, "heading": heading, "href": href, "is_here": _is_here(path, href)})
    return shown


def thumb_bar_for(membership: Membership | None, path: str) -> list[dict[str, Any]]:
    """Of addresses that begin alike the longest is where one is."""
    if membership is None or not membership.may(Right.SEE_LINES):
        return []
    entries = [(reverse(name), label, icon) for name, label, icon in THUMB_BAR]
    here = max((href for href, *_ in entries if _is_here(path, href)), key=len, default="")
    return [{"href": href, "label": label, "icon": icon, "is_here": href == here} for href, label, icon in entries]


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

    @cache
    def jobs_open() -> int:
        return count_open(membership) if membership else 0

    @cache
    def unread() -> int:
        return count_unread(membership) if membership else 0

    places: list[Membership] = getattr(request, "memberships", [])
    live = [place for place in places if membership and place.account_id == membership.account.live_id]
    return {
        "branding": branding_for(request),
        "membership": membership,
        "account": membership.account if membership else None,
        "other_places": [place for place in places if place != membership],
        "live_place": live[0] if live else None,
        "navigation": navigation_for(membership, request.path),
        "thumb_bar": thumb_bar_for(membership, request.path),
        "jobs_open": jobs_open,
        "unread_notifications": unread,
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
