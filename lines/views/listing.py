"""Doors to lines: the list and one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST
from kit import clock
from kit.cookies import cookie_name, cookie_rules
from kit.htmx import page
from kit.identifiers import is_iccid

from accounts.doors import MemberRequest, misread, needs
from accounts.policy import Right
from lines import forms, queries
from lines.job_words import ACTIONS
from lines.models import CustomField
from lines.policy import Action
from lines.policy.fields import FieldKind
from lines.queries import Asked, LineShown
from lines.queries.fields import column_of, values_by_iccid
from lines.views.bulk import offered_to
from lines.views.line import Row, row_of, troubles

QUICK = (Action.ACTIVATE, Action.DEACTIVATE_NEXT_DAY)  # on the bar; all else is behind More
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
    ("carrier", "Carrier", False, ""),
    ("notes", "Notes", False, ""),
    ("subaccount", "Sub-account", False, ""),
    ("seen", "Last seen", False, "-"),
    ("today", "This\N{NO-BREAK SPACE}day MB", True, "-"),
    ("month", "This\N{NO-BREAK SPACE}month MB", True, "-"),
    ("sms", "SMS sent", True, "-"),
    ("imei", "IMEI", False, ""),
    ("msisdn", "MSISDN", False, ""),
    ("read", "Read", False, "-"),
)
USUAL = ("status", "plan", "notes", "subaccount", "seen", "today", "month", "sms", "read")  # beside the ICCID
COOKIE = "columns"


@require_GET
@needs(Right.SEE_LINES)
def line_list(request: MemberRequest) -> HttpResponse:
    """The list; htmx gets the table, or only the rows it shows, with new numbers."""
    membership, today = request.membership, clock.today()
    choices = forms.choices_for(membership)
    asked = forms.asked_from(request.GET, choices)
    if back := misread(request, forms.filters(asked), beside=(*forms.SHOWN_AS, "rows", "total")):
        return back
    offered = offered_to(membership, choices)
    shown: dict[str, Any] = {
        "may_see_money": membership.may(Right.SEE_MONEY),
        "has_subaccounts": bool(choices.subaccounts),
        "offered": offered,
        "may_activate": membership.may(Right.ACTIVATE_LINES),
        "may_manage": membership.may(Right.MANAGE_LINES),
    }
    shown["visible"] = _visible(request, choices, hidden=_hidden(shown))
    shown["fields"] = [field for field in choices.fields if column_of(field) in shown["visible"]]
    if request.htmx and "rows" in request.GET:
        return _rows_again(request, asked, shown)
    listing = queries.list_lines(membership, asked, today=today)
    context = shown | {
        "asked": asked,
        "listing": listing,
        "troubles": troubles(request),
        "rows": _rows_of(listing.rows, request, shown["fields"]),
        "iccids": ",".join(line.iccid for line in listing.rows),
        "columns": _columns(asked, shown["visible"], choices),
        "all_columns": [(name, label) for name, label, *_ in columns_of(choices)[1:] if name not in _hidden(shown)],
        "csv": forms.address(asked, to="lines-csv"),
        "xlsx": forms.address(asked, to="lines-xlsx"),
        "may_add": shown["may_manage"] and not request.account.is_subaccount,
        "choices": choices,
        "quick": [(action, ACTIONS[action]) for action in QUICK if action in offered],
        "bulk": forms.address(asked, to="lines-bulk"),
        "pasted": queries.pasted(membership, asked.list) if asked.list else None,
        "without_list": forms.address(asked, list=""),
        "statuses": forms.STATUSES,
        "sizes": [(size, forms.address(asked, per=size)) for size in queries.SIZES],
        "first": (asked.page - 1) * asked.per + 1,
        "last": (asked.page - 1) * asked.per + len(listing.rows),
        "previous": forms.address(asked, page=asked.page - 1) if asked.page > 1 else "",
        "next": forms.address(asked, page=asked.page + 1) if listing.has_next else "",
        "here": forms.address(asked),
        "why": choices.whys.get(asked.why, ""),
        "without_why": forms.address(asked, why=""),
        "is_narrowed": forms.address(asked, sort=forms.DEFAULT.sort, per=forms.DEFAULT.per) != reverse("lines"),
    }
    return page(request, "lines/list.html", context, part="listing")


def _rows_again(request: MemberRequest, asked: Asked, shown: dict[str, Any]) -> HttpResponse:
    """The same rows with new numbers, and whether more lines match than when the list was loaded."""
    iccids = [iccid for iccid in request.GET["rows"].split(",") if is_iccid(iccid)][:MOST_ROWS]
    lines = queries.lines_again(request.membership, iccids, today=clock.today())
    total = queries.count_lines(request.membership, asked)
    before = request.GET.get("total", "")
    context = shown | {
        "rows": _rows_of(lines, request, shown["fields"]),
        "more": total - int(before) if before.isdigit() and total <= queries.COUNTED else 0,
        "here": forms.address(asked),
        "is_again": True,
    }
    return page(request, "lines/list.html", context, part="rows")


def _hidden(shown: dict[str, Any]) -> set[str]:
    """Columns that are not this person's to see."""
    needed = (("plan", "may_see_money"), ("carrier", "may_see_money"), ("subaccount", "has_subaccounts"))
    return {name for name, key in needed if not shown[key]}


def _rows_of(lines: list[LineShown], request: MemberRequest, fields: list[CustomField]) -> list[Row]:
    """With what each has in the custom fields that are columns."""
    values = values_by_iccid(request.membership, [line.iccid for line in lines]) if fields else {}
    return [
        row_of(line, request, [(column_of(one), one, values[line.iccid].get(one.name)) for one in fields])
        for line in lines
    ]


def columns_of(choices: forms.Choices) -> list[tuple[str, str, bool, str]]:
    """The columns that there are for a viewer, with the account's own last."""
    own = [(column_of(one), one.name, one.kind == FieldKind.NUMBER, "") for one in choices.fields]
    return [*COLUMNS, *own]


def _visible(request: MemberRequest, choices: forms.Choices, *, hidden: set[str]) -> set[str]:
    """The columns that this browser has chosen, or the usual ones."""
    chosen = request.COOKIES.get(cookie_name(COOKIE))
    names = list(USUAL) if chosen is None else chosen.split("-")
    return {"iccid", *(name for name, *_ in columns_of(choices) if name in names)} - hidden


@require_POST
@needs(Right.SEE_LINES)
def choose_columns(request: MemberRequest) -> HttpResponse:
    """Keeps which columns this browser shows."""
    known = columns_of(forms.choices_for(request.membership))
    chosen = [name for name, *_ in known if name in request.POST.getlist("column")]
    back = request.POST.get("back", "")
    response = redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else "lines")
    response.set_cookie(cookie_name(COOKIE), "-".join(chosen), max_age=365 * 86_400, **cookie_rules())
    return response


def _columns(asked: Asked, visible: set[str], choices: forms.Choices) -> list[Column]:
    columns = []
    for name, label, is_number, first in columns_of(choices):
        if name not in visible:
            continue
        other = "" if first else "-"
        is_here = asked.sort.removeprefix("-") == name
        target = f"{other}{name}" if asked.sort == f"{first}{name}" else f"{first}{name}"
        direction = "descending" if asked.sort.startswith("-") else "ascending"
        columns.append(Column(name, label, is_number, forms.address(asked, sort=target), direction if is_here else ""))
    return columns
