"""The usage page: where the data and the money of an account go, day by day, and its file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_GET
from kit import clock
from kit.exports import csv_answer
from kit.htmx import page

from accounts.doors import MemberRequest, misread, needs
from accounts.policy import Right
from lines.policy import MEGABYTE
from lines.queries.breakdown import Breakdown, By, TooMuch, breakdown_of, dimensions_of, each_day
from lines.queries.named import Named, names_of
from lines.usage_asked import RANGES, WORDS, Asked, address, asked_from, question_of, read_of
from lines.usage_chart import Drawing, drawing_of


@require_GET
@needs(Right.SEE_LINES)
def usage(request: MemberRequest) -> HttpResponse:
    """One chart of days by one dimension, and a ranked table whose rows narrow the page."""
    viewer, today = request.membership, clock.today()
    asked = asked_from(request.GET, viewer, today=today)
    if back := misread(request, read_of(asked, request.GET), beside=("from", "to")):
        return back
    found, too_much = None, None
    try:
        found = breakdown_of(viewer, question_of(asked))
    except TooMuch as error:
        too_much = error
    context: dict[str, Any] = {
        "asked": asked,
        "ranges": [(name, label, address(asked, range=name, first=None, last=None)) for name, label in RANGES],
        "dimensions": [(by, WORDS[by], address(asked, by=by)) for by in dimensions_of(viewer)],
        "units": [("mb", "Data", address(asked, in_money=False)), ("usd", "Cost", address(asked, in_money=True))],
        "filters": _filters(request, asked),
        "csv": address(asked, to="usage-csv"),
        "compare": address(asked, compare=not asked.compare),
        "dimension": WORDS[asked.by],
        "too_much": too_much,
        "found": found,
    }
    if found:
        names = names_of(viewer, asked.by, [row.key for row in found.rows])
        drawing = drawing_of(asked, found, names, today=today)
        began = _began(asked, found)
        rows = _ranked(asked, found, names, drawing, with_change=began is None)
        context |= {"drawing": drawing, "rows": rows, "began": began}
    return page(request, "lines/usage_page.html", context, part="usage")


def _filters(request: MemberRequest, asked: Asked) -> list[tuple[str, Named | None, str]]:
    """Word, name and the address without it, of each filter."""
    found = []
    for by, (_, key) in asked.filters.items():
        rest = {one: value for one, value in asked.filters.items() if one is not by}
        found.append((WORDS[by], names_of(request.membership, by, [key]).get(key), address(asked, filters=rest)))
    return found


def _began(asked: Asked, found: Breakdown) -> dt.date | None:
    """The first day with usage, where the period before had begun without any: it is no measure of this one."""
    first = min(found.days, default=asked.first)
    return first if asked.compare and len(asked.days) > 1 and first > asked.before[0] and found.total.used else None


def _ranked(
    asked: Asked, found: Breakdown, names: dict[str, Named], drawing: Drawing, *, with_change: bool
) -> list[dict[str, Any]]:
    """The table's rows: a name, its figures, its share, its change, and where it leads."""
    whole = found.total.cost if asked.in_money else found.total.used
    return [
        {
            "name": name,
            "row": row,
            "kind": drawing.kinds.get(row.key, "rest"),
            "share": f"{100 * value / whole:.1f}%" if whole else "",
            "change": changed(value, row.cost_before if asked.in_money else row.used_before) if with_change else "",
            "narrowed": address(asked, filters=dict(asked.filters) | {asked.by: (name.slug, row.key)}, by=_next(asked)),
        }
        for row in found.rows
        for name in [names.get(row.key) or Named(row.key, "Not found", row.key)]
        for value in [row.cost if asked.in_money else row.used]
    ]


def changed(now: Any, before: Any) -> str:
    """Beside the period before, in words short enough for a column."""
    if not before:
        return "new" if now else ""
    percent = (now - before) / before * 100
    return "±0%" if abs(percent) < 0.5 else f"{percent:+,.0f}%"


def _next(asked: Asked) -> By:
    """Who has chosen one of these wants to see what is in it."""
    return By.LINE if asked.by is not By.LINE else By.COUNTRY


@require_GET
@needs(Right.SEE_LINES)
def usage_csv(request: MemberRequest) -> HttpResponseBase:
    """Every day and key of the page's range and filters, not only those that it has room for."""
    viewer = request.membership
    asked = asked_from(request.GET, viewer, today=clock.today())
    if back := misread(request, read_of(asked, request.GET), beside=("from", "to"), to="usage"):
        return back
    days = each_day(viewer, question_of(asked, compared=False))
    with_money = viewer.may(Right.SEE_MONEY)
    heads: list[object] = ["Day", WORDS[asked.by], "Note", "Bytes", "MB", *(["Cost USD"] if with_money else [])]

    def rows(batches: Iterator[list[Any]]) -> Iterator[list[object]]:
        yield heads
        for batch in batches:
            names = names_of(viewer, asked.by, {key for _, key, _, _ in batch})
            for day, key, used, cost in batch:
                name = names.get(key)
                label, note = (name.label, name.note) if name else ("Not found", "")
                yield [day.isoformat(), label, note, used, round(used / MEGABYTE, 6), *([cost] if with_money else [])]

    try:
        first = next(days, [])
    except TooMuch:
        return redirect(address(asked))  # it says so, and which ranges are read
    name = f"usage-{asked.by}-{asked.first.isoformat()}-{asked.last.isoformat()}.csv"
    return csv_answer(name, rows(_with_first(first, days)))


def _with_first(first: list[Any], rest: Iterator[list[Any]]) -> Iterator[list[Any]]:
    yield first
    yield from rest
