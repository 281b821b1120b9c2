"""Doors to lines: the list and one line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import HttpResponse
from django.views.decorators.http import require_GET
from kit import clock
from kit.htmx import page

from accounts.doors import MemberRequest, needs
from accounts.policy import Right
from lines import forms, queries
from lines.queries import Asked
from lines.views.line import row_of, troubles

MOST_ROWS = max(queries.SIZES)


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading: where a click sorts to, and how it is sorted now."""

    name: str
    label: str
    is_number: bool
    href: str
    sorted: str  # "", "ascending", "descending"


# name, label, is it a number, what the first click does
COLUMNS = (
    ("iccid", "ICCID", False, ""),
    ("status", "Status", False, ""),
    ("plan", "Rate plan", False, ""),
    ("notes", "Notes", False, ""),
    ("subaccount", "Sub-account", False, ""),
    ("seen", "Last seen", False, "-"),
    ("today", "This\N{NO-BREAK SPACE}day MB", True, "-"),
    ("month", "This\N{NO-BREAK SPACE}month MB", True, "-"),
    ("sms", "SMS sent", True, "-"),
    ("read", "Read", False, "-"),
)


@require_GET
@needs(Right.SEE_LINES)
def line_list(request: MemberRequest) -> HttpResponse:
    """The list; htmx gets the table, or only the rows it shows, with new numbers."""
    membership, today = request.membership, clock.today()
    subaccounts, plans = queries.subaccounts_of(membership), queries.plans_of(membership)
    asked = forms.asked_from(request.GET, subaccounts=subaccounts, plans=plans)
    shown = {"may_see_money": membership.may(Right.SEE_MONEY), "has_subaccounts": bool(subaccounts)}
    if request.htmx and "rows" in request.GET:
        return _rows_again(request, asked, shown)
    listing = queries.list_lines(membership, asked, today=today)
    context = shown | {
        "asked": asked,
        "listing": listing,
        "troubles": troubles(request),
        "rows": [row_of(line, request) for line in listing.rows],
        "iccids": ",".join(line.iccid for line in listing.rows),
        "columns": _columns(asked, hidden=_hidden(shown)),
        "subaccounts": subaccounts,
        "plans": plans,
        "statuses": forms.STATUSES,
        "sizes": [(size, forms.address(asked, per=size)) for size in queries.SIZES],
        "first": (asked.page - 1) * asked.per + 1,
        "last": (asked.page - 1) * asked.per + len(listing.rows),
        "previous": forms.address(asked, page=asked.page - 1) if asked.page > 1 else "",
        "next": forms.address(asked, page=asked.page + 1) if listing.has_next else "",
        "here": forms.address(asked),
        "why": forms.WHYS.get(asked.why, ""),
        "without_why": forms.address(asked, why=""),
        "is_narrowed": bool(asked.q or asked.status or asked.why or asked.subaccount or asked.plan),
    }
    return page(request, "lines/list.html", context, part="listing")


def _rows_again(request: MemberRequest, asked: Asked, shown: dict[str, bool]) -> HttpResponse:
    """The same rows with new numbers, and whether more lines match than when the list was loaded."""
    iccids = [iccid for iccid in request.GET["rows"].split(",") if re.fullmatch(r"[0-9]{19,20}", iccid)][:MOST_ROWS]
    lines = queries.lines_again(request.membership, iccids, today=clock.today())
    total = queries.count_lines(request.membership, asked)
    before = request.GET.get("total", "")
    context = shown | {
        "rows": [row_of(line, request) for line in lines],
        "more": total - int(before) if before.isdigit() and total <= queries.COUNTED else 0,
        "here": forms.address(asked),
        "is_again": True,
    }
    return page(request, "lines/list.html", context, part="rows")


def _hidden(shown: dict[str, bool]) -> set[str]:
    return {name for name, key in (("plan", "may_see_money"), ("subaccount", "has_subaccounts")) if not shown[key]}


def _columns(asked: Asked, *, hidden: set[str]) -> list[Column]:
    columns = []
    for name, label, is_number, first in COLUMNS:
        if name in hidden:
            continue
        other = "" if first else "-"
        is_here = asked.sort.removeprefix("-") == name
        target = f"{other}{name}" if asked.sort == f"{first}{name}" else f"{first}{name}"
        direction = "descending" if asked.sort.startswith("-") else "ascending"
        columns.append(Column(name, label, is_number, forms.address(asked, sort=target), direction if is_here else ""))
    return columns
