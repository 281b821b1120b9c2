"""What is left of bundles: an account's pools and its lines' own together, and what one line has of its own."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, Min, Q, Sum

from accounts.models import Account
from accounts.policy import Right
from accounts.queries import Viewer
from lines import bundles_words as words
from lines.counting import cycles_around
from lines.models import Bundle, Line, LineDay, OnSpan, Price
from lines.policy.bundles import granted, percent


@dataclass(frozen=True, slots=True)
class BundleShown:
    """A pool, or the bundles that an account's lines on a plan each have, in the cycle that runs. Bytes and USD.

    `until` is the first day of the next cycle, `beyond` what cost something: of single lines also while others have
    something left.
    """

    plan: str
    is_pooled: bool
    lines: int
    used: int
    included: int
    beyond: int
    cost: Decimal
    until: dt.date

    @property
    def percent(self) -> int:
        return percent(self.used, self.included)

    @property
    def says(self) -> str:
        """188 MB of 500 MB left."""
        if self.is_pooled or not self.beyond:
            return words.left_of(self.used, self.included)
        return f"{words.data(self.used)} of {words.data(self.included)} used"

    @property
    def says_beyond(self) -> str:
        return words.data(self.beyond)


def bundles_of(account: Account, *, today: dt.date) -> list[BundleShown]:
    """Those that something was used of in the cycles that run, as they were counted last."""
    rows = Bundle.objects.filter(payer=account, cycle__lte=today, included__gt=0).select_related("plan__carrier")
    found = []
    for row in rows.order_by("plan__name", "is_pooled"):
        cycles = cycles_around(today, row.plan.carrier.turns)
        if row.cycle == cycles.running:
            sums = row.lines, row.used, row.included, row.beyond, row.cost
            found.append(BundleShown(row.plan.name, row.is_pooled, *sums, cycles.following))
    return found


@dataclass(frozen=True, slots=True)
class LeftOfLine:
    """What a line has left of its own bundle, or its account of the pool that it is in."""

    is_pooled: bool
    used: int
    included: int

    @property
    def says(self) -> str:
        return words.left_of(self.used, self.included)

    @property
    def percent(self) -> int:
        return percent(self.used, self.included)


def left_of(viewer: Viewer, line: Line, *, now: dt.datetime) -> LeftOfLine | None:
    """Of the cycle that runs; None: the line's plan includes nothing, or this viewer sees no prices."""
    price = _price_at(line.plan_id, now) if viewer.may(Right.SEE_MONEY) else None
    if price is None or not price.included or line.payer_id is None:
        return None
    cycle = line.carrier.cycle_of(now.astimezone(dt.UTC).date())
    if price.is_pooled:
        row = Bundle.objects.filter(payer=line.payer_id, plan=line.plan_id, cycle=cycle, is_pooled=True).first()
        return LeftOfLine(True, row.used, row.included) if row else None
    days = LineDay.objects.filter(
        line=line, payer=line.payer_id, day__gte=cycle, price__plan=line.plan_id, price__included_mb__isnull=False,
        price__is_pooled=False, used__gt=0,
    )  # fmt: skip
    moved = days.aggregate(used=Sum("used"), first=Min("day"))
    first = min((day for day in (moved["first"], _first_day_on(line, cycle)) if day), default=now.date())
    return LeftOfLine(False, moved["used"] or 0, granted(price.included, first, cycle))


def _price_at(plan_id: int, now: dt.datetime) -> Price | None:
    begun = Price.objects.default().filter(plan=plan_id).filter(Q(valid_from=None) | Q(valid_from__lte=now))
    return begun.order_by(F("valid_from").desc(nulls_last=True)).first()


def _first_day_on(line: Line, cycle: dt.date) -> dt.date | None:
    """The first day of the cycle on which it was on, for who pays and at its plan now."""
    midnight = dt.datetime.combine(cycle, dt.time(), dt.UTC)
    times = OnSpan.objects.filter(line=line, payer=line.payer_id, plan=line.plan_id)
    times = times.filter(Q(ended_at=None) | Q(ended_at__gt=midnight) | Q(ended_at=midnight, started_at=midnight))
    started = times.aggregate(at=Min("started_at"))["at"]
    return max(started.astimezone(dt.UTC).date(), cycle) if started else None
