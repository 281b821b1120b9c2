"""Reads about coverage, prices and orders."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Count, F, Q, QuerySet

from accounts.models import Account
from lines.models import Coverage, Order, Price, RatePlan
from lines.queries.plans import plans_known_to
from lines.queries.zones import prices_in

COUNTRIES_SHOWN = 30


@dataclass(slots=True)
class PlanThere:
    """A rate plan in a country: its networks, each with its technologies, and what it costs. `zone`: whose list the
    country is in, where that has a price of its own."""

    plan: RatePlan
    price: Price | None
    zone: Price | None = None
    networks: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Country:
    name: str
    code: str
    plans: list[PlanThere] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CoveragePage:
    countries: list[Country]
    total: int
    networks: dict[str, int] = field(default_factory=dict)  # how many in each country that matches, by its code


def prices_at(now: dt.datetime) -> dict[int, Price]:
    """The price of each rate plan that is in force, by the plan's id."""
    rows = Price.objects.default().filter(Q(valid_from=None) | Q(valid_from__lte=now))
    latest = rows.order_by("plan_id", F("valid_from").desc(nulls_last=True)).distinct("plan_id")
    return {price.plan_id: price for price in latest}


def networks_for(account: Account) -> QuerySet[Coverage]:
    """The networks of the rate plans that an account may take, or has lines on."""
    return Coverage.objects.filter(plan__in=plans_known_to(account))


def covered_plans(account: Account) -> list[RatePlan]:
    """The account's rate plans whose coverage is known."""
    return list(plans_known_to(account).filter(pk__in=Coverage.objects.values("plan")).order_by("name"))


def coverage(account: Account, *, q: str, plan_id: int | None, page: int, now: dt.datetime) -> CoveragePage:
    """Countries by name whose name, code or a network has this text; each with all its plans and networks."""
    of_plan = networks_for(account).filter(plan_id=plan_id) if plan_id else networks_for(account)
    matching = of_plan.filter(_says(q)) if q else of_plan
    places = matching.order_by("country", "code").values_list("country", "code").distinct()
    total, start = places.count(), (page - 1) * COUNTRIES_SHOWN
    countries = {code: Country(name, code) for name, code in places[start : start + COUNTRIES_SHOWN]}
    abroad = prices_in(countries, now=now)
    prices, there = prices_at(now), defaultdict[tuple[str, int], list[Coverage]](list)
    for row in of_plan.filter(code__in=countries).select_related("plan").order_by("plan__name", "network"):
        there[row.code, row.plan_id].append(row)
    for (code, of), rows in there.items():
        networks = [(row.network, row.technologies) for row in rows]
        countries[code].plans.append(PlanThere(rows[0].plan, prices.get(of), abroad.get((of, code)), networks))
    by_code = dict(matching.order_by().values_list("code").annotate(count=Count("network", distinct=True)))
    return CoveragePage(list(countries.values()), total, by_code)


def _says(q: str) -> Q:
    words = Q(country__icontains=q) | Q(network__icontains=q) | Q(technologies__icontains=q)
    return words | Q(code__iexact=q) if len(q) == 2 else words


def orders_of(account: Account) -> QuerySet[Order]:
    return Order.objects.filter(account=account).select_related("plan").order_by("-id")
