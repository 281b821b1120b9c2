"""Reads for pages that need several apps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from kit.charts import Bar, Chart, bars
from kit.money import ZERO
from kit.money import shown as money

from accounts.models import Membership
from accounts.policy import Right
from billing.models import UsageDay

DAYS = 30


@dataclass(frozen=True, slots=True)
class Spending:
    """What an account's usage cost: today, this month so far, and each of the last 30 days. USD."""

    today: Decimal
    month: Decimal
    days: list[tuple[dt.date, Decimal]]

    def chart(self) -> Chart:
        return bars(
            [
                Bar(
                    float(cost),
                    title=f"{day.strftime('%-d %B')}: {money(cost)}",
                    tick=_tick(day, number),
                    kind="" if number == DAYS - 1 else "before",
                )
                for number, (day, cost) in enumerate(self.days)
            ],
            unit="$",
        )


def spending_of(membership: Membership, *, today: dt.date) -> Spending | None:
    """From the sums of account and day: the same however many lines there are. None for who may not see money."""
    if not membership.may(Right.SEE_MONEY):
        return None
    first = min(today - dt.timedelta(days=DAYS - 1), today.replace(day=1))
    rows = UsageDay.objects.filter(account=membership.account, day__gte=first, day__lte=today)
    costs = {day: usage + sms for day, usage, sms in rows.values_list("day", "usage", "sms")}
    days = [today - dt.timedelta(days=ago) for ago in reversed(range(DAYS))]
    return Spending(
        today=costs.get(today, ZERO),
        month=sum((cost for day, cost in costs.items() if day >= today.replace(day=1)), ZERO),
        days=[(day, costs.get(day, ZERO)) for day in days],
    )


def _tick(day: dt.date, number: int) -> str:
    if number == DAYS - 1:
        return "today"
    return day.strftime("%-d %b") if (DAYS - 1 - number) % 7 == 0 else ""
