"""Reads for pages that need several apps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Max
from kit.charts import Bar, Chart, Levels, bars, levels
from kit.money import ZERO
from kit.money import shown as money

from accounts.models import Membership
from accounts.policy import Right
from automation.models import RuleFire
from billing.models import UsageDay

DAYS = 30
RULES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Spending:
    """What an account's usage cost: today, this month so far, and each of the last 30 days. USD.

    `last_so_far` is what last month had cost by the same day of it, `last_month` the whole of it. `since`: the first
    day that had any, where that is after last month began: then there is nothing to compare with.
    """

    today: Decimal
    month: Decimal
    days: list[tuple[dt.date, Decimal]]
    last_so_far: Decimal
    last_month: Decimal
    growth: list[tuple[int, Decimal | None, Decimal | None]]  # day of the month, cost up to it: this month, last month
    since: dt.date | None = None

    @property
    def change(self) -> str:
        """This month beside last month by the same day, in words."""
        if self.since is not None:
            return f"No full last month to compare with: usage began on {self.since:%-d %b}"
        if not self.last_so_far:
            return "No spend by this date last month"
        percent = (self.month - self.last_so_far) / self.last_so_far * 100
        if abs(percent) < 1:
            return "About the same as last month to date"
        word = "more" if percent > 0 else "less"
        return f"{abs(percent):.0f}% {word} than last month to date ({money(self.last_so_far)})"

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

    def race(self) -> Levels:
        """How this month grows beside how the last one did."""
        return levels(
            [
                ("before", [float(last) for _, _, last in self.growth if last is not None]),
                ("", [float(this) for _, this, _ in self.growth if this is not None]),
            ],
            ticks=[str(day) if day % 7 == 1 else "" for day, _, _ in self.growth],
            unit="$",
        )


def spending_of(membership: Membership, *, today: dt.date) -> Spending | None:
    """From the sums of account and day: the same however many lines there are. None for who may not see money."""
    if not membership.may(Right.SEE_MONEY):
        return None
    this = today.replace(day=1)
    last = (this - dt.timedelta(days=1)).replace(day=1)
    first = min(today - dt.timedelta(days=DAYS - 1), last)
    same_day = min(last + dt.timedelta(days=today.day - 1), this - dt.timedelta(days=1))
    rows = UsageDay.objects.filter(account=membership.account, day__gte=first, day__lte=today)
    costs = {day: usage + sms for day, usage, sms in rows.values_list("day", "usage", "sms")}
    days = [today - dt.timedelta(days=ago) for ago in reversed(range(DAYS))]
    return Spending(
        today=costs.get(today, ZERO),
        month=sum((cost for day, cost in costs.items() if day >= this), ZERO),
        days=[(day, costs.get(day, ZERO)) for day in days],
        last_so_far=sum((cost for day, cost in costs.items() if last <= day <= same_day), ZERO),
        last_month=sum((cost for day, cost in costs.items() if last <= day < this), ZERO),
        growth=_growth(costs, this, last, today),
        since=_began(membership, costs, last),
    )


def _began(membership: Membership, costs: dict[dt.date, Decimal], last: dt.date) -> dt.date | None:
    """The account's first day with usage, where last month had begun without it."""
    first = min((day for day, cost in costs.items() if cost), default=None)
    if first is None or first <= last:
        return None
    return None if UsageDay.objects.filter(account=membership.account, day__lt=first).exists() else first


def _growth(
    costs: dict[dt.date, Decimal], this: dt.date, last: dt.date, today: dt.date
) -> list[tuple[int, Decimal | None, Decimal | None]]:
    """What had been spent by each day of the month: a month has no more after its last day, this one after today."""
    rows, sums = [], [ZERO, ZERO]
    for number in range(31):
        found: list[Decimal | None] = []
        for which, (first, end) in enumerate(((this, today), (last, this - dt.timedelta(days=1)))):
            day = first + dt.timedelta(days=number)
            sums[which] += costs.get(day, ZERO) if day <= end else ZERO
            found.append(sums[which] if day <= end else None)
        if number < 28 or any(one is not None for one in found):
            rows.append((number + 1, found[0], found[1]))
    return rows


@dataclass(frozen=True, slots=True)
class Fired:
    """What one rule did since the day began."""

    name: str
    count: int
    at: dt.datetime  # the last time


def fired_today(membership: Membership, *, today: dt.date) -> list[Fired]:
    """Rules that fired today, for who may know of rules; those that only watch are left out."""
    if not membership.may(Right.SEE_AUDIT):
        return []
    since = dt.datetime.combine(today, dt.time(), dt.UTC)
    fires = RuleFire.objects.filter(account=membership.account, fired_at__gte=since, is_shadow=False)
    rows = fires.order_by().values_list("rule__name").annotate(count=Count("pk"), at=Max("fired_at"))
    return [Fired(*row) for row in rows.order_by("-at")[:RULES_SHOWN]]


def _tick(day: dt.date, number: int) -> str:
    if number == DAYS - 1:
        return "today"
    return day.strftime("%-d %b") if (DAYS - 1 - number) % 7 == 0 else ""
