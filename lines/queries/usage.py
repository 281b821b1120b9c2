"""What a line used, day by day and month by month, as one account may know it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, QuerySet, Sum
from kit.identifiers import asked
from kit.money import ZERO

from accounts.policy import Right
from accounts.queries import Viewer
from lines.models import ImportedDay, LineDay, Overage
from lines.policy import cycle_end, cycle_start

MONTHS = 12
YEAR = dt.timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Used:
    """Bytes, and what they and the line fee cost in USD, on a day or in the cycle that begins on it."""

    start: dt.date
    used: int
    cost: Decimal | None  # None for who may not see money


@dataclass(frozen=True, slots=True)
class UsageOfLine:
    """Every day of the last and the current cycle, and every cycle of the last year, the empty ones too."""

    cycle: dt.date
    days: list[Used]
    months: list[Used]

    @property
    def this_month(self) -> Used:
        return self.months[-1]


def usage_of(viewer: Viewer, iccid: str, *, cycle: dt.date, today: dt.date) -> UsageOfLine:
    """What the line used while it was this account's; `cycle` is the first day of the current one."""
    starts = _cycles_up_to(cycle, days_of(viewer, iccid))
    rows = days_of(viewer, iccid).filter(cycle__gte=starts[0], day__lte=today)
    may_see_money = viewer.may(Right.SEE_MONEY)
    by_day: dict[dt.date, tuple[int, Decimal]] = {}
    by_cycle: dict[dt.date, tuple[int, Decimal]] = {}
    for day, of_cycle, used, cost in rows.values_list("day", "cycle").annotate(
        bytes=Sum("used"), money=Sum(F("cost") + F("fee"))
    ):
        for sums, key in ((by_day, day), (by_cycle, of_cycle)):
            before = sums.get(key, (0, ZERO))
            sums[key] = (before[0] + used, before[1] + cost)

    beyond = overage_of(viewer, iccid).filter(cycle__gte=starts[0], day__lte=today)
    for day, of_cycle, cost in beyond.values_list("day", "cycle", "cost"):
        for sums, key in ((by_day, day), (by_cycle, of_cycle)):
            before = sums.get(key, (0, ZERO))
            sums[key] = (before[0], before[1] + cost)

    for day, used in imported_of(viewer, iccid).filter(day__gte=starts[0], day__lte=today).values_list("day", "used"):
        for sums, key in ((by_day, day), (by_cycle, max(start for start in starts if start <= day))):
            before = sums.get(key, (0, ZERO))
            sums[key] = (before[0] + used, before[1])

    def of(sums: dict[dt.date, tuple[int, Decimal]], start: dt.date) -> Used:
        used, cost = sums.get(start, (0, ZERO))
        return Used(start, used, cost if may_see_money else None)

    length = (today - starts[-2]).days + 1
    days = [starts[-2] + dt.timedelta(days=number) for number in range(length)]
    return UsageOfLine(cycle, [of(by_day, day) for day in days], [of(by_cycle, start) for start in starts])


def _cycles_up_to(cycle: dt.date, days: QuerySet[LineDay]) -> list[dt.date]:
    """As many cycles, in order; one that the line moved in counts where the carrier's cycle day was another then."""
    moved = set(days.filter(cycle__lt=cycle, cycle__gte=cycle - YEAR).values_list("cycle", flat=True).distinct())
    starts = [cycle]
    while len(starts) < MONTHS:
        before = cycle_start(starts[0] - dt.timedelta(days=1), starts[0].day)
        among = [one for one in moved if before <= one < starts[0]]
        starts.insert(0, max(among, default=before))
    return starts


def imported_of(viewer: Viewer, iccid: str) -> QuerySet[ImportedDay]:
    """What the line used before it came here, of the days that are this account's."""
    account = viewer.account
    days = ImportedDay.objects.filter(line__iccid__in=asked(iccid))
    return days.filter(account=account) if account.is_subaccount else days.filter(payer=account)


def imported_in(viewer: Viewer, iccid: str, cycle: dt.date) -> dict[dt.date, int]:
    """Of a cycle that begins on this day."""
    days = imported_of(viewer, iccid).filter(day__gte=cycle, day__lte=cycle_end(cycle))
    return dict(days.order_by("day").values_list("day", "used"))


def overage_of(viewer: Viewer, iccid: str) -> QuerySet[Overage]:
    """What the line used beyond its own bundle, of the days that are this account's."""
    account = viewer.account
    days = Overage.objects.filter(line__iccid__in=asked(iccid))
    return days.filter(account=account) if account.is_subaccount else days.filter(payer=account)


def days_of(viewer: Viewer, iccid: str) -> QuerySet[LineDay]:
    """A line may have had other holders and payers: their days are theirs."""
    account = viewer.account
    days = LineDay.objects.filter(line__iccid__in=asked(iccid))
    return days.filter(account=account) if account.is_subaccount else days.filter(payer=account)
