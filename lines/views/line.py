"""What every page about one line begins with: whose it is, its status, its tabs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET
from kit import clock
from kit.htmx import page
from kit.identifiers import asked

from accounts.doors import MemberRequest, needs
from accounts.policy import Right
from lines import charts, queries, sentences
from lines.models import CustomField, Line
from lines.queries import LineShown, health
from lines.queries.bundles import left_of
from lines.queries.fields import fields_of, fields_of_line
from lines.queries.listing import notes_left

# the address' name, the label, what it takes to see it
TABS = (
    ("line", "Overview", Right.SEE_LINES),
    ("line-usage", "Usage", Right.SEE_LINES),
    ("line-connections", "Connections", Right.SEE_LINES),
    ("line-destinations", "Destinations", Right.SEE_LINES),
    ("line-statistics", "Daily statistics", Right.SEE_LINES),
    ("line-sms", "SMS", Right.SEE_LINES),
    ("line-readings", "Readings", Right.SEE_LINES),
    ("line-audit", "Audit log", Right.SEE_AUDIT),
    ("line-settings", "Device & settings", Right.SEE_LINES),
)


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    href: str
    is_here: bool


def line_or_404(request: MemberRequest, iccid: str) -> Line:
    """The row of a line that is this person's."""
    line = (
        queries.lines_of(request.membership)
        .select_related("carrier", "plan", "account", "state")
        .filter(iccid__in=asked(iccid))
        .first()
    )
    if line is None:
        raise Http404
    return line


def line_context(request: MemberRequest, iccid: str, *, tab: str) -> dict[str, Any]:
    """What the frame of a line's pages shows. Raises Http404 for what is not this person's."""
    membership = request.membership
    line = queries.line_of(membership, iccid, today=clock.today())
    if line is None:
        raise Http404
    return {
        "row": row_of(line, request),
        "troubles": troubles(request, carrier_id=line.carrier_id) + _set_aside(request, line),
        "tabs": [
            Tab(label, reverse(name, args=[iccid]), name == tab) for name, label, right in TABS if membership.may(right)
        ],
        "may_see_money": membership.may(Right.SEE_MONEY),
        "may_activate": membership.may(Right.ACTIVATE_LINES),
        "may_stop": membership.may(Right.STOP_LINES),
        "may_manage": membership.may(Right.MANAGE_LINES),
        "may_edit_notes": membership.may(Right.EDIT_NOTES),
    }


def troubles(request: MemberRequest, *, carrier_id: int | None = None) -> list[tuple[str, dt.datetime | None]]:
    """What is wrong with the carriers of this person's lines, and when each last answered."""
    outside = request.account.is_subaccount
    found = health.troubles_of(request.membership, carrier_id=carrier_id)
    return [(sentences.of_trouble(one, outside=outside), one.last_answer_at) for one in found]


def _set_aside(request: MemberRequest, line: LineShown) -> list[tuple[str, dt.datetime | None]]:
    """Why the line itself cannot be read, where it cannot."""
    odd = health.set_aside_of(line.iccid)
    return [(sentences.of_set_aside(odd, outside=request.account.is_subaccount), None)] if odd else []


@dataclass(frozen=True, slots=True)
class Row:
    """A line with its status in words."""

    line: LineShown
    sentence: sentences.Sentence
    pending: sentences.Sentence | None
    own: Sequence[tuple[str, CustomField, object]] = ()  # of a list: column, custom field, what the line has in it


def row_of(line: LineShown, request: MemberRequest, own: Sequence[tuple[str, CustomField, object]] = ()) -> Row:
    sentence = sentences.explain(line, outside=request.account.is_subaccount)
    return Row(line, sentence, sentences.pending(line), own)


@require_GET
@needs(Right.SEE_LINES)
def line_page(request: MemberRequest, iccid: str) -> HttpResponse:
    """One line: what it is, why, and what it used."""
    context = line_context(request, iccid, tab="line")
    line = context["row"].line
    values = fields_of_line(request.membership, line.iccid)
    usage = queries.usage_of(request.membership, iccid, cycle=line.cycle_start, today=clock.today())
    context |= {
        "usage": usage,
        "today": usage.days[-1],
        "bundle": left_of(request.membership, line_or_404(request, iccid), now=clock.now()),
        "daily": charts.daily(usage),
        "monthly": charts.monthly(usage),
        "notes_left": notes_left(request.membership, iccid),
        "may_tag": context["may_edit_notes"] and not request.account.is_subaccount,
        "fields": [(field, values.get(field.name, "")) for field in fields_of(request.membership)],
        "may_set_fields": context["may_edit_notes"] and not request.account.is_subaccount,
        "may_add_fields": context["may_manage"],
        "plans": queries.plans_beside(request.membership, iccid) if context["may_manage"] else [],
    }
    return page(request, "lines/line.html", context, part="line")
