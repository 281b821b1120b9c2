"""The door behind every figure of money: its sum, down to what each line cost on a day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET
from kit import clock
from kit.htmx import page

from accounts.doors import MemberRequest, needs
from accounts.policy import Right
from billing import queries
from billing.policy import FIXED_ON, LOW_RUNWAY_DAYS, REFILL_STEPS, WINDOW_DAYS, refill_amount, rounding
from console.balance import balance_shown
from lines.queries import costs_of_day, pools_between

LINES_SHOWN = 50


@require_GET
@needs(Right.SEE_MONEY)
def explain(request: MemberRequest) -> HttpResponse:
    """Why this colour, this minimum, this runway, this refill amount, this forecast; and a day's usage by line."""
    account, today = request.account, clock.today()
    balance = queries.balance_of(account, today=today)
    asked = clock.day_from(request.GET.get("day", "")) or today
    day = min(asked, today)
    lines, total = costs_of_day(account.pk, day, limit=LINES_SHOWN)
    used = queries.usage_days(account, since=today - dt.timedelta(days=WINDOW_DAYS), until=today)
    average = balance.average_daily
    context = {
        "tab": "explain",
        "balance": balance,
        "shown": balance_shown(request.membership),
        "forecast": queries.forecast_of(account, today=today),
        "used_today": used.get(today, Decimal(0)),
        "days": [(one, cost) for one, cost in sorted(used.items(), reverse=True) if one < today],
        "window_start": today - dt.timedelta(days=balance.days),
        "yesterday": today - dt.timedelta(days=1),
        "low_days": LOW_RUNWAY_DAYS,
        "green_from": balance.minimum + LOW_RUNWAY_DAYS * average,
        "refill": queries.auto_refill_of(account.pk),
        "would_charge": refill_amount(average),
        "rounding": rounding(average),
        "ten_days": average * 10,
        "steps": ", ".join(f"${step}" for step in REFILL_STEPS),
        "fixed_on": FIXED_ON,
        "day": day,
        "lines": lines,
        "has_zones": any(line.zone for line in lines),
        "lines_total": total,
        "pools": pools_between(account.pk, day, day + dt.timedelta(days=1)),
        "day_sum": queries.usage_days(account, since=day, until=day).get(day, Decimal(0)),
        "before": f"{reverse('explain')}?day={day - dt.timedelta(days=1)}#day",
        "after": f"{reverse('explain')}?day={day + dt.timedelta(days=1)}#day" if day < today else "",
    }
    return page(request, "billing/explain.html", context)
