"""Zones: which countries a plan's lists have, what data costs there, and where a line was seen last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import F, Q

from lines.carriers import CLIENTS
from lines.models import Carrier, Line, LineCountry, Price, RatePlan, Zone, ZoneCountry
from lines.policy.zones import Stay, country_at


@dataclass(slots=True)
class Countries:
    """A zone and the ISO codes of its list, in order."""

    zone: Zone
    codes: list[str] = field(default_factory=list)


def lists_of(*, carrier: Carrier, plan: RatePlan | None) -> list[Countries]:
    """The zones of a carrier, or those that a plan has for itself, by name; also empty ones."""
    found = {zone.pk: Countries(zone) for zone in Zone.objects.filter(carrier=carrier, plan=plan).order_by("name")}
    for zone, code in ZoneCountry.objects.filter(zone__in=found).order_by("code").values_list("zone", "code"):
        found[zone].codes.append(code)
    return list(found.values())


def zones_of(plan: RatePlan) -> list[Countries]:
    """The zones that a plan's prices may be of: its own lists, or else its carrier's; none that is empty."""
    own = [one for one in lists_of(carrier=plan.carrier, plan=plan) if one.codes]
    return own or [one for one in lists_of(carrier=plan.carrier, plan=None) if one.codes]


def prices_in(codes: Collection[str], *, now: dt.datetime) -> dict[tuple[int, str], Price]:
    """The prices of countries that are in force, by plan and country."""
    begun = Price.objects.default().filter(Q(valid_from=None) | Q(valid_from__lte=now))
    latest = begun.order_by("plan_id", F("valid_from").desc(nulls_last=True)).distinct("plan_id")
    in_force = {price.plan_id: price.valid_from for price in latest}
    rows = Price.objects.filter(country__in=codes).select_related("zone")
    return {(row.plan_id, row.country): row for row in rows if in_force.get(row.plan_id, now) == row.valid_from}


def has_zones(plan_id: int, *, now: dt.datetime) -> bool:
    """Whether the prices of a plan that are in force differ by country."""
    begun = Price.objects.default().filter(plan=plan_id).filter(Q(valid_from=None) | Q(valid_from__lte=now))
    price = begun.order_by(F("valid_from").desc(nulls_last=True)).first()
    if price is None:
        return False
    return Price.objects.filter(plan=plan_id, valid_from=price.valid_from).exclude(country="").exists()


def country_of(line: Line, *, at: dt.datetime) -> str | None:
    """In which country a line's usage counts at a moment; None: no carrier has told."""
    rows = LineCountry.objects.filter(line=line, payer=line.payer_id).order_by("pk")
    return country_at([Stay(row.since, row.country) for row in rows], at)


def tells_country(carrier: Carrier) -> bool:
    """Whether usage of its lines can be charged by zone."""
    return CLIENTS[carrier.kind].abilities.tells_place
