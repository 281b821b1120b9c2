"""Doors to what a line's carrier reported, a day at a time."""

from __future__ import annotations

import datetime as dt
from itertools import chain

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET
from kit import clock
from kit.exports import csv_answer
from kit.htmx import page

from accounts.doors import MemberRequest, misread, needs
from accounts.policy import Right
from lines.queries import readings
from lines.views.about import time_text
from lines.views.line import line_context, line_or_404

HEADS = ("Synced at (UTC)", "Counter (bytes)", "Billing cycle", "Carrier time (UTC)", "Final total")


def _day(request: MemberRequest) -> dt.date | None:
    """The day of the address, at most today; None: it has none."""
    asked = clock.day_from(request.GET.get("day", ""))
    return min(asked, clock.today()) if asked else None


@require_GET
@needs(Right.SEE_LINES)
def line_readings(request: MemberRequest, iccid: str) -> HttpResponse:
    """Each counter that the carrier reported on a day, and what of it waits to be confirmed."""
    line = line_or_404(request, iccid)
    asked = _day(request)
    if back := misread(request, {"day": asked}):
        return back
    day = asked or clock.today()
    found = list(readings.readings_of(request.membership, line, day, limit=readings.ROWS + 1))
    file = reverse("line-readings-csv", args=[iccid])
    context = line_context(request, iccid, tab="line-readings") | {
        "day": day,
        "today": clock.today(),
        "readings": found[: readings.ROWS],
        "is_more": len(found) > readings.ROWS,
        "held": readings.held_of(request.membership, line),
        "csv": f"{file}?day={day.isoformat()}",
    }
    return page(request, "lines/line_readings.html", context)


@require_GET
@needs(Right.SEE_LINES)
def line_readings_csv(request: MemberRequest, iccid: str) -> HttpResponseBase:
    """All readings of the day."""
    line = line_or_404(request, iccid)
    asked = _day(request)
    if back := misread(request, {"day": asked}):
        return back
    day = asked or clock.today()
    rows = (
        (
            time_text(one.asked_at),
            one.counter,
            one.cycle.isoformat() if one.cycle else "",
            time_text(one.seen),
            "yes" if one.is_final else "",
        )
        for one in readings.readings_of(request.membership, line, day)
    )
    return csv_answer(f"readings-{iccid}-{day.isoformat()}.csv", chain([HEADS], rows))
