"""How the console writes numbers, times and names."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.forms import BoundField
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from kit import clock
from kit.money import shown

from accounts.models import Account
from accounts.undoing import UNDO, VIEW
from lines.policy import MEGABYTE
from lines.queries.moves import payments_before as paid_before

register = template.Library()


@register.filter
def money(amount: Decimal | None, beside: Decimal | None = None) -> str:
    """$1,234.56; nothing for what may not be seen. `beside`: what it must not seem to be."""
    return "" if amount is None else shown(amount, beside=beside)


@register.filter
def price(amount: Decimal | None) -> str:
    """What one MB or SMS costs, with as many digits as it has, at least two; a dash where there is none."""
    if amount is None:
        return "–"
    whole, _, cents = f"{amount.normalize():f}".partition(".")
    return f"${whole}.{cents:0<2}"


@register.filter
def mb(count: int) -> str:
    """Bytes as MB with three digits that matter: 0.05, 1.25, 12.4, 1,234."""
    megabytes = count / MEGABYTE
    if count == 0:
        return "0"
    if megabytes < 0.005:
        return "< 0.01"
    return f"{megabytes:,.{2 if megabytes < 10 else 1 if megabytes < 1000 else 0}f}"


@register.filter
def big_mb(count: int) -> str:
    """Bytes as MB, or as GB from 10,000 MB on, with the unit."""
    gigabytes = count / MEGABYTE / 1024
    return f"{gigabytes:,.1f} GB" if count >= 10_000 * MEGABYTE else f"{mb(count)} MB"


@register.filter
def exact_bytes(count: int) -> str:
    return f"{count:,} bytes"


@register.filter
def grouped(iccid: str) -> SafeString:
    """In groups of four to read aloud; copied or selected it is whole."""
    parts = [iccid[start : start + 4] for start in range(0, len(iccid), 4)]
    return format_html_join("", '<span class="four">{}</span>', ((part,) for part in parts))


@register.inclusion_tag("billing/payments_before.html")
def payments_before(account: Account) -> dict[str, Any]:
    """What the account paid to the provider that it came from, where it came from one."""
    rows = paid_before(account)
    return {"rows": rows, "total": sum((row.amount for row in rows), Decimal(0))}


@register.simple_tag
def moment(when: dt.datetime | None, never: str = "never") -> SafeString:
    """How long ago, with the exact time on hover."""
    return _time(when, f"{lasting(when)} ago") if when else format_html('<span class="quiet">{}</span>', never)


@register.simple_tag
def read_at(when: dt.datetime | None) -> str:
    """When a carrier's number was read, to stand behind it on hover."""
    return f"read {_clock(when)}" if when else "not read yet"


@register.simple_tag
def span(since: dt.datetime) -> SafeString:
    """How long since, with the exact time on hover: "for 3 min" is written `for {% span since %}`."""
    return _time(since, lasting(since))


@register.simple_tag
def exactly(when: dt.datetime) -> SafeString:
    """The time itself, in the reader's zone, which is on hover."""
    return _time(when, _date(when) + when.astimezone(clock.zone.get()).strftime(", %H:%M:%S"))


def _date(when: dt.datetime) -> str:
    """5 Nov 2026, or Nov 5, 2026 for who writes it so."""
    return when.astimezone(clock.zone.get()).strftime("%b %-d, %Y" if get_language() == "en-us" else "%-d %b %Y")


def _clock(when: dt.datetime) -> str:
    return _date(when) + when.astimezone(clock.zone.get()).strftime(", %H:%M:%S %Z")


def _time(when: dt.datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        when.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        _clock(when),
        text,
    )


def lasting(since: dt.datetime) -> str:
    """40 s, 3 min, 5 h, 12 days, 7 months."""
    seconds = max(0, int((clock.now() - since).total_seconds()))
    for limit, size, unit in ((90, 1, "s"), (90 * 60, 60, "min"), (36 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds // size} {unit}"
    days = seconds // 86_400
    return f"{days} day{'s' if days > 1 else ''}" if days < 90 else f"{days // 30} months"


@register.filter
def offered(message: Message) -> dict[str, str]:
    """What a message offers: `undo`, a signed note of it, or `view`, an address (accounts.undoing)."""
    tags = message.extra_tags or ""
    for name, prefix in (("undo", UNDO), ("view", VIEW)):
        if tags.startswith(prefix):
            return {name: tags.removeprefix(prefix)}
    return {}


@register.filter
def percent_of(part: int, whole: int) -> str:
    """A width in percent for a bar."""
    return f"{100 * part / whole:.2f}%" if whole else "0%"


@register.filter
def control(field: BoundField) -> SafeString:
    """A form's field in the kit's branding."""
    kinds = {"checkbox": "form-check-input", "checkboxselectmultiple": "form-check-input", "select": "form-select"}
    kind = kinds.get(field.widget_type, "form-control")
    return field.as_widget(attrs={"class": f"{kind} is-invalid" if field.errors else kind, "placeholder": False})


@register.simple_tag
def icon(name: str) -> SafeString:
    """A small drawing beside a word; it says nothing by itself."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{}"/></svg>', ICONS[name]
    )


# Strokes on a grid of 24.
ICONS = {
    "home": "M4 11.5 12 4l8 7.5 M6 10v10h12V10 M10 20v-6h4v6",
    "lines": "M7 3h7l4 4v14H7z M10 12h5v5h-5z",
    "orders": "M5 8h14l-1.2 9H7z M5 8L4 4H2 M8 20.5h.5 M16 20.5h.5",
    "store": "M4 9l1.5-5h13L20 9 M5 9v11h14V9 M9.5 20v-6h5v6",
    "coverage": "M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0 M3 12h18 M12 3c3 3 3 15 0 18 M12 3c-3 3-3 15 0 18",
    "tutorial": "M4 5c3-1 6-.5 8 1.5C14 4.500 17 4 20 5v14c-3-1-6-.5-8 1.5C10 18.500 7 18 4 19z M12 6.500v14",
    "sms": "M4 5h16v11H9l-5 4z M8 9h8 M8 12.5h5",
    "branches": "M4 5h6v5H4z M14 9h6v5h-6z M14 17h6v4h-6z M7 10v9h7 M7 12h7",
    "rules": "M13 3L5 13.5h6L10 21l8-10.5h-6z",
    "activity": "M3.5 12.5h4l2.5-7 4 13 2.5-6h4",
    "usage": "M4 20h16 M6 20v-6h3v6 M11 20V9h3v11 M16 20V4h3v16",
    "webhooks": "M9 8a3 3 0 1 1 4 3L10.500 16 M6 13a3.500 3.500 0 1 0 3 4H17 M17 20a3 3 0 1 0-2-5L12 10",
    "billing": "M3 6h18v12H3z M3 10h18 M7 14.500h4",
    "people": "M6 8.500a3 3 0 1 0 6 0a3 3 0 1 0-6 0 M3 19c1-6 11-6 12 0 M15 6a3 3 0 0 1 0 5 M18 15c2 1 3 2 3 4",
    "audit": "M6 3h12v18H6z M9 8h6 M9 12h6 M9 16h4",
    "bell": "M6 16.500V11a6 6 0 1 1 12 0v5.500l1.500 1.500h-15z M10 20.500a2 2 0 0 0 4 0",
    "scan": "M4 8V4h4 M16 4h4v4 M20 16v4h-4 M8 20H4v-4 M8 8v8 M11 8v8 M13.500 8v8 M16 8v8",
    "filter": "M4 6h16 M7 12h10 M10 18h4",
    "search": "M4.5 11a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0 M16 16l4.5 4.5",
    "menu": "M4 7h16 M4 12h16 M4 17h16",
    "copy": "M8.5 8.5h11v11h-11z M15.5 8.5v-4h-11v11h4",
    "person": "M8 8a4 4 0 1 0 8 0a4 4 0 1 0-8 0 M5 20c.8-3.6 3.5-5.5 7-5.5s6.2 1.9 7 5.5",
    "down": "M7 10l5 5 5-5",
    "up": "M7 14l5-5 5 5",
    "left": "M14 6l-6 6 6 6",
    "right": "M10 6l6 6-6 6",
    "code": "M9 7l-5 5 5 5 M15 7l5 5-5 5",
    "jobs": "M4 6h3v3H4z M10 7.5h10 M4 15h3v3H4z M10 16.5h10",
    "cross": "M6 6l12 12 M18 6L6 18",
    "check": "M5 12.500l4.500 4.500L19 7.500",
    "alert": "M12 4L3 20h18z M12 10v5 M12 17.500v.1",
}
