"""Doors to what one line did: its usage, connections, destinations, days, and everything that happened to it."""

from __future__ import annotations

import datetime as dt
from itertools import chain, islice

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET
from kit import clock
from kit.charts import Bar, bars, unit_for
from kit.countries import name_of
from kit.exports import csv_answer
from kit.htmx import page

from accounts.doors import MemberRequest, misread, needs
from accounts.policy import Right
from lines import charts, queries, sentences
from lines.models import Line
from lines.policy import MEGABYTE
from lines.queries import cards, devices, sms
from lines.queries.zones import country_of, has_zones
from lines.views.line import line_context, line_or_404

CONNECTION_HEADS = ("From (UTC)", "Until (UTC)", "Country", "Network", "Radio", "IP address", "Sessions", "Bytes", "MB")


@require_GET
@needs(Right.SEE_LINES)
def line_usage(request: MemberRequest, iccid: str) -> HttpResponse:
    """Each day of this and the last month, each month of the last year."""
    context = line_context(request, iccid, tab="line-usage")
    line = context["row"].line
    usage = queries.usage_of(request.membership, iccid, cycle=line.cycle_start, today=clock.today())
    context |= {"usage": usage, "daily": charts.daily(usage), "monthly": charts.monthly(usage)}
    return page(request, "lines/line_usage.html", context)


@require_GET
@needs(Right.SEE_LINES)
def line_connections(request: MemberRequest, iccid: str) -> HttpResponse:
    """When and where the line was connected, as far as its carrier tells it; what sessions without data mean."""
    line = line_or_404(request, iccid)
    device = devices.device_of(line)
    found = list(islice(devices.connections_of(request.membership, line), devices.ROWS + 1))
    context = line_context(request, iccid, tab="line-connections") | {
        "device": device,
        "connections": found[: devices.ROWS],
        "is_more": len(found) > devices.ROWS,
        "zero_sessions": sentences.of_zero_sessions(device.facts.get("sessions"), device.facts.get("zero_sessions")),
        "location_updates": sentences.of_location_updates(device.facts.get("location_updates")),
        "csv": reverse("line-connections-csv", args=[iccid]),
    }
    return page(request, "lines/line_connections.html", context)


@require_GET
@needs(Right.SEE_LINES)
def line_connections_csv(request: MemberRequest, iccid: str) -> HttpResponseBase:
    """The whole connection log."""
    line = line_or_404(request, iccid)
    if back := misread(request, {}):
        return back
    rows = (
        (
            time_text(one.started_at),
            time_text(one.ended_at),
            one.country,
            one.network,
            one.radio,
            one.ip or "",
            one.sessions,
            one.used,
            round(one.used / MEGABYTE, 6),
        )
        for one in devices.connections_of(request.membership, line)
    )
    return csv_answer(f"connections-{iccid}.csv", chain([CONNECTION_HEADS], rows))


@require_GET
@needs(Right.SEE_LINES)
def line_destinations(request: MemberRequest, iccid: str) -> HttpResponse:
    """Countries of a month with the MB used in each."""
    line = line_or_404(request, iccid)
    cycle, cycles = _cycle(request, line)
    found = devices.destinations_of(request.membership, line, cycle)
    zoned = request.membership.may(Right.SEE_MONEY) and has_zones(line.plan_id, now=clock.now())
    counts_in = country_of(line, at=clock.now()) if zoned else None
    context = line_context(request, iccid, tab="line-destinations") | {
        "destinations": found,
        "charged": devices.charged_in(request.membership, line, cycle),
        "has_zones": zoned,
        "counts_in": name_of(counts_in) if counts_in else "",
        "total": sum(one.used for one in found),
        "cycle": cycle,
        "cycles": cycles,
        "tells_place": devices.device_of(line).abilities.tells_place,
    }
    return page(request, "lines/line_destinations.html", context)


@require_GET
@needs(Right.SEE_LINES)
def line_statistics(request: MemberRequest, iccid: str) -> HttpResponse:
    """Each day of a month."""
    line = line_or_404(request, iccid)
    cycle, cycles = _cycle(request, line)
    days = devices.statistics_of(request.membership, line, cycle, today=clock.today())
    unit, size = unit_for(max((one.used for one in days), default=0))
    context = line_context(request, iccid, tab="line-statistics") | {
        "days": days,
        "chart": bars(
            [
                Bar(
                    one.used / size,
                    title=f"{one.day:%-d %B}: {one.used / size:,.2f} {unit}",
                    tick=f"{one.day:%-d}" if number % 7 == 0 else "",
                )
                for number, one in enumerate(days)
            ],
            unit=unit,
        ),
        "total": sum(one.used for one in days),
        "cycle": cycle,
        "cycles": cycles,
    }
    return page(request, "lines/line_statistics.html", context)


@require_GET
@needs(Right.SEE_AUDIT)
def line_audit(request: MemberRequest, iccid: str) -> HttpResponse:
    """Everything that happened to the line, by whom."""
    line = line_or_404(request, iccid)
    before = request.GET.get("before", "")
    found, is_more = devices.events_of(
        request.membership, line, before=int(before) if before.isdecimal() and len(before) < 18 else None
    )
    texts = sms.texts_of(found)
    context = line_context(request, iccid, tab="line-audit") | {
        "events": [(event, sentences.of_event(event.verb, texts.get(event.pk, {}) | event.detail)) for event in found],
        "since": line.added_at,
        "older": f"?before={found[-1].pk}" if is_more else "",
    }
    return page(request, "lines/line_audit.html", context)


def _cycle(request: MemberRequest, line: Line) -> tuple[dt.date, list[dt.date]]:
    """The month that is asked for, or the current one; and all that may be asked for."""
    cycles = cards.cycles_of(request.membership, line, today=clock.today())
    asked = request.GET.get("month", "")
    return next((one for one in cycles if one.isoformat() == asked), cycles[0]), cycles


def time_text(when: dt.datetime | None) -> str:
    return f"{when.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}" if when else ""
