"""Doors to the pages that need several apps: Home, search, the balance, the theme."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST
from kit import clock
from kit.charts import Share, shares
from kit.cookies import cookie_name, cookie_rules
from kit.htmx import page

from accounts.doors import MemberRequest, needs
from accounts.policy import Right
from console import queries
from console.navigation import THEME_COOKIE, THEMES, pages_named
from console.palette import found_for
from console.tutorial import chapters_for
from lines import queries as lines
from lines import sentences
from lines.policy import Status
from lines.queries import health
from lines.queries.bundles import bundles_of
from lines.queries.sms import count_unread

A_YEAR = 365 * 86_400
IN_ORDER = (Status.ACTIVATED, Status.ACTIVATION_READY, Status.SUSPENDED, Status.DEACTIVATED)


@require_GET
@needs(Right.SEE_LINES)
def home(request: MemberRequest) -> HttpResponse:
    """What needs somebody now, what is used and spent, and the fleet."""
    membership, today, outside = request.membership, clock.today(), request.account.is_subaccount
    fleet = lines.fleet_of(membership, today=today)
    spending = queries.spending_of(membership, today=today)
    top = lines.top_lines(membership, today=today, is_large=fleet.is_large)
    context = {
        "now": clock.now(),
        "fleet": fleet,
        "refresh": 120 if fleet.is_large else 15,
        "statuses": [
            (status, status.name.lower().replace("_", "-"), fleet.by_status.get(status, 0)) for status in IN_ORDER
        ],
        "fleet_chart": _fleet_chart(fleet),
        "off": [(group, sentences.group_off(group, outside=outside)) for group in fleet.off],
        "unread": count_unread(membership),
        "troubles": [(sentences.of_trouble(one, outside=outside), one) for one in health.troubles_of(membership)],
        "set_aside": health.set_aside_count(membership),
        "fired": queries.fired_today(membership, today=today),
        "spending": spending,
        "spending_chart": spending.chart() if spending else None,
        "race_chart": spending.race() if spending else None,
        "bundles": bundles_of(request.account, today=today) if membership.may(Right.SEE_MONEY) else [],
        "top": top,
        "most": top[0].month_bytes if top else 0,
    }
    return page(request, "console/home.html", context, part="home")


def _fleet_chart(fleet: lines.Fleet) -> list[Share]:
    counts = fleet.by_status
    return shares(
        [
            (one.name.lower(), f"{one.word}: {counts.get(one, 0):,} of {fleet.total:,}", counts.get(one, 0))
            for one in IN_ORDER
        ]
    )


@require_GET
@needs(Right.SEE_LINES)
def search(request: MemberRequest) -> HttpResponse:
    """A page by its name, the one line that is meant, or the list of those that match; as it is typed, all of them."""
    text = " ".join(request.GET.get("q", "").replace("\0", "").split())
    if request.htmx:
        groups = found_for(request.membership, text, today=clock.today())
        return page(request, "console/palette.html", {"groups": groups, "text": text}, part="found")
    if exact := pages_named(request.membership, text, whole=True):
        return redirect(exact[0])
    found = lines.list_lines(request.membership, lines.Asked(q=text[:100]), today=clock.today()) if text else None
    if found and found.total == 1:
        return redirect("line", iccid=found.rows[0].iccid)
    if found and not found.total and (names := pages_named(request.membership, text)):
        return redirect(names[0])
    return redirect(reverse("lines") + (f"?{urlencode({'q': text[:100]})}" if text else ""))


@require_GET
@needs(Right.SEE_MONEY)
def balance(request: MemberRequest) -> HttpResponse:
    """The header's balance widget alone, with the sum behind it; a page of its own without htmx."""
    return page(request, "console/balance.html", {}, part="balance")


@require_GET
@needs(Right.SEE_LINES)
def tutorial(request: MemberRequest) -> HttpResponse:
    """What the console does, for who may do it."""
    return page(
        request,
        "console/tutorial.html",
        {"chapters": chapters_for(request.membership), "outside": request.account.is_subaccount},
    )


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or as the system, in this browser."""
    back = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    response = redirect(back if safe else "/")
    chosen = request.POST.get("theme", "")
    if chosen in dict(THEMES):
        response.set_cookie(cookie_name(THEME_COOKIE), chosen, max_age=A_YEAR, **cookie_rules())
    return response
