"""Price lists, who is charged by which, and what is left of it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import F, Q, Sum
from kit.money import ZERO
from kit.months import month_after
from kit.sql import array

from accounts.models import Account
from lines.models import Line, ListPrice, Price, PriceList, RatePlan, ResaleDay, ResaleTerms, Zone
from lines.policy.resale import is_below_cost, resale_price
from lines.queries.margin import Earned
from lines.queries.owed import OWED
from lines.queries.plans import plans_known_to


@dataclass(frozen=True, slots=True)
class PlanPrice:
    """What a plan costs a sub-account by a list, and what it costs the account. USD."""

    plan: RatePlan
    row: ListPrice
    per_mb: Decimal
    per_sms: Decimal
    per_day: Decimal
    cost: Price
    zone: Zone | None = None  # None: wherever no zone has a price

    @property
    def name(self) -> str:
        return f"{self.plan.name}, {self.zone.name}" if self.zone else self.plan.name

    @property
    def below_cost(self) -> list[str]:
        """What is sold for less than is paid for it."""
        pairs = {
            "data": (self.per_mb, self.cost.per_mb),
            "SMS": (self.per_sms, self.cost.per_sms),
            "the daily fee": (self.per_day, self.cost.per_day),
        }
        return [name for name, (price, cost) in pairs.items() if is_below_cost(price, cost)]


def price_lists_of(account: Account) -> list[PriceList]:
    """An account's lists, by name."""
    return list(PriceList.objects.filter(account=account).order_by("name"))


def price_list_of(account: Account, key: str) -> PriceList | None:
    """The account's own list of this UUID; another's is none."""
    return PriceList.objects.filter(account=account, uuid=uuid.UUID(key)).first()


def prices_on(price_list: PriceList | int, plans: Iterable[RatePlan], *, now: dt.datetime) -> list[PlanPrice]:
    """What each plan costs by a list at a moment, by the plan's name. A plan without a price of ours is left out."""
    day, known = now.astimezone(dt.UTC).date(), list(plans)
    of_list = ListPrice.objects.filter(price_list=price_list).filter(Q(since=None) | Q(since__lte=day))
    rows = list(of_list.order_by(F("since").desc(nulls_last=True), "-pk"))
    found = []
    for plan in sorted(known, key=lambda one: one.name):
        in_force = Price.objects.default().filter(plan=plan).filter(Q(valid_from=None) | Q(valid_from__lte=now))
        default = in_force.order_by(F("valid_from").desc(nulls_last=True)).first()
        if default is None:
            continue
        beside = Price.objects.filter(plan=plan, valid_from=default.valid_from).exclude(country="")
        zones = beside.select_related("zone").order_by("zone__name", "zone").distinct("zone__name", "zone")
        for cost in (default, *zones):
            row = _row_for(rows, plan, cost.zone_id)
            if row is not None:
                found.append(_plan_price(plan, row, cost))
    return found


def _row_for(rows: list[ListPrice], plan: RatePlan, zone_id: int | None) -> ListPrice | None:
    """The latest of a zone, of the plan, of every plan; rows are the latest first."""
    of_plan = [row for row in rows if row.plan_id == plan.pk]
    of_zone = [row for row in of_plan if zone_id is not None and row.zone_id == zone_id]
    anywhere = [row for row in of_plan if row.zone_id is None] or [row for row in rows if row.plan_id is None]
    return next(iter(of_zone or anywhere), None)


def _plan_price(plan: RatePlan, row: ListPrice, cost: Price) -> PlanPrice:
    per_mb, per_sms, per_day = (
        resale_price(price, one, row.percent, row.places)
        for price, one in ((cost.per_mb, row.per_mb), (cost.per_sms, row.per_sms), (cost.per_day, row.per_day))
    )
    if cost.zone is not None:  # of data alone
        return PlanPrice(plan, row, per_mb, ZERO, ZERO, cost, cost.zone)
    return PlanPrice(plan, row, per_mb, per_sms, per_day, cost)


def planned_prices(price_list: PriceList, *, day: dt.date) -> list[ListPrice]:
    """Rows that come into force after a day, the next first."""
    rows = ListPrice.objects.filter(price_list=price_list, since__gt=day).select_related("plan", "zone")
    return list(rows.order_by("since", "pk"))


def plans_to_sell(account: Account) -> list[RatePlan]:
    """Plans for which an account's lists may say a price."""
    return list(plans_known_to(account).order_by("name"))


def zones_to_sell(plans: Iterable[RatePlan]) -> list[tuple[RatePlan, Zone]]:
    """The zones for which these plans have or had prices, by the plan's name and the zone's."""
    rows = Price.objects.filter(plan__in=list(plans)).exclude(zone=None).select_related("plan", "zone")
    pairs = rows.order_by("plan__name", "zone__name", "zone").distinct("plan__name", "zone__name", "zone")
    return [(row.plan, row.zone) for row in pairs if row.zone is not None]


def terms_on(subaccount: Account, *, day: dt.date) -> ResaleTerms | None:
    """By which list a sub-account is charged on a day; None: its account pays."""
    rows = ResaleTerms.objects.filter(account=subaccount, since__lte=day)
    found = rows.order_by("-since", "-pk").first()
    return found if found is not None and found.price_list_id is not None else None


def terms_to_come(subaccount: Account, *, day: dt.date) -> ResaleTerms | None:
    """What will hold after a day, where that is another."""
    rows = ResaleTerms.objects.filter(account=subaccount, since__gt=day).select_related("price_list")
    return rows.order_by("-since", "-pk").first()


def was_charged(subaccount: Account) -> bool:
    """Whether it ever had terms: then only days to come change."""
    return ResaleTerms.objects.filter(account=subaccount).exists()


def prices_of_holder(subaccount: Account, *, now: dt.datetime) -> list[PlanPrice]:
    """What the plans of a sub-account's lines cost it now; none where its account pays."""
    terms = terms_on(subaccount, day=now.astimezone(dt.UTC).date())
    if terms is None or terms.price_list_id is None:
        return []
    plans = RatePlan.objects.filter(pk__in=Line.objects.filter(account=subaccount).values("plan"))
    return prices_on(terms.price_list_id, plans, now=now)


@dataclass(frozen=True, slots=True)
class OwedDay:
    """What a sub-account owes for a day (UTC): USD."""

    day: dt.date
    used: int
    messages: int
    data: Decimal
    fees: Decimal
    sms: Decimal

    @property
    def total(self) -> Decimal:
        return self.data + self.fees + self.sms


def days_owed(subaccount: Account, *, month: dt.date) -> list[OwedDay]:
    """The days of a month (UTC) that cost it something or on which it used something, in order."""
    rows = ResaleDay.objects.filter(account=subaccount, day__gte=month, day__lt=month_after(month, 1))
    sums = rows.order_by("day").values_list("day")
    names = ("used", "messages", "data", "fees", "sms")
    return [OwedDay(*row) for row in sums.annotate(*(Sum(name) for name in names))]


@dataclass(frozen=True, slots=True)
class Resold(Earned):
    """What a part of an account's sub-accounts brought in and cost it in a month. `used`: bytes."""

    used: int


BY = {"subaccount": "account__name", "plan": "plan__name"}
BY_LINE = f"""
WITH {OWED}
SELECT l.iccid, sum(o.data + o.fees + o.sms), sum(o.cost), sum(o.used)::bigint
  FROM owed o JOIN lines_line l ON l.id = o.line_id
 WHERE %(account)s::bigint IS NULL OR o.account_id = %(account)s
 GROUP BY l.iccid ORDER BY sum(o.data + o.fees + o.sms) - sum(o.cost), l.iccid LIMIT %(limit)s
"""


def resold_in(
    account: Account, *, month: dt.date, by: str, subaccount: Account | None = None, limit: int = 500
) -> list[Resold]:
    """A month's margins by sub-account, plan or line, the least first: what is sold below cost stands on top."""
    end = month_after(month, 1)
    if by == "line":
        days = array(month + dt.timedelta(days=number) for number in range((end - month).days))
        with connection.cursor() as cursor:
            holder = subaccount.pk if subaccount else None
            cursor.execute(BY_LINE, {"payer": account.pk, "days": days, "account": holder, "limit": limit})
            return [Resold(*row) for row in cursor.fetchall()]
    rows = ResaleDay.objects.filter(payer=account, day__gte=month, day__lt=end)
    if subaccount is not None:
        rows = rows.filter(account=subaccount)
    owed = Sum(F("data") + F("fees") + F("sms"))
    sums = rows.order_by().values(name=F(BY[by])).annotate(bytes=Sum("used"), income=owed, paid=Sum("cost"))
    found = [Resold(row["name"], row["income"], row["paid"], row["bytes"]) for row in sums]
    return sorted(found, key=lambda one: (one.left, one.name))[:limit]
