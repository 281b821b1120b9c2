"""Zones: named lists of countries of a carrier or of one of its plans. New lists count from a coming moment on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db import transaction
from kit import clock
from kit.countries import code_of as country_code
from kit.countries import countries, name_of, why_not
from kit.errors import Invalid
from kit.tables import Column, Table, read_table

from accounts.commands import record
from accounts.policy import Actor
from lines.commands.prices import reissue_prices
from lines.models import Carrier, RatePlan, Zone, ZoneCountry
from lines.models.zones import LONGEST_ZONE
from lines.queries.zones import lists_of

COLUMNS = (
    Column("zone", ("zone name", "region", "tariff zone", "tarifzone", "zona"), required=True),
    Column(
        "country",
        ("code", "iso", "iso code", "iso2", "iso 3166", "country code", "alpha 2", "country name", "land", "pays"),
        required=True,
    ),
)
HEADS = ("zone", "country")
MOST_ROWS = 5_000


@dataclass(slots=True)
class Listed:
    """How many countries each zone has now, and which plans get prices with them; or what is wrong with each row."""

    zones: dict[str, int] = field(default_factory=dict)
    plans: list[str] = field(default_factory=list)
    bad_rows: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def zones_in(*, content: bytes) -> Table:
    """The rows of a file that was uploaded. Raises Invalid."""
    return read_table(content, COLUMNS, most=MOST_ROWS)


@transaction.atomic
def load_zones(
    *, table: Table, carrier: Carrier, plan: RatePlan | None = None, since: dt.datetime, by: Actor
) -> Listed:
    """Replaces all lists of a carrier, or of one of its plans, by a file's; if any row is bad, nothing.

    Raises Invalid."""
    zones: dict[str, dict[str, int]] = {}
    at: dict[str, tuple[str, int]] = {}  # each country's zone, and its row
    bad = list(table.bad)
    for row in table.rows:
        name, text = " ".join(row.cells["zone"].split()), row.cells["country"].strip()
        code = country_code(text)
        if not 0 < len(name) <= LONGEST_ZONE:
            bad.append((row.number, f"a zone has a name of 1 to {LONGEST_ZONE} characters"))
        elif not code:
            bad.append((row.number, why_not(text)))
        elif code in at and at[code][0] != name:
            bad.append((row.number, f"{name_of(code)} is in {at[code][0]} already, in row {at[code][1]}"))
        else:
            at[code] = name, row.number
            zones.setdefault(name, {})[code] = row.number
    if bad:
        return Listed(bad_rows=sorted(bad), notes=table.notes)
    listed = set_zones(carrier=carrier, plan=plan, zones=zones, since=since, by=by)
    listed.notes = table.notes
    return listed


@transaction.atomic
def set_zones(
    *, carrier: Carrier, plan: RatePlan | None, zones: Mapping[str, Collection[str]], since: dt.datetime, by: Actor
) -> Listed:
    """The lists of a carrier, or of one of its plans, are these from now on; prices that count by them follow at
    `since`, in the future: what was used until then keeps its price. Harmless twice. Raises Invalid."""
    _check(carrier, plan, zones)
    Carrier.objects.select_for_update(no_key=True).get(pk=carrier.pk)
    before = {one.zone.name: one for one in lists_of(carrier=carrier, plan=plan)}
    wanted = {name: sorted(codes) for name, codes in zones.items() if codes}
    if {name: one.codes for name, one in before.items() if one.codes} == wanted:
        return Listed(zones={name: len(codes) for name, codes in wanted.items()})
    if since <= clock.now():
        raise Invalid("New lists count from a moment in the future on: what was used before keeps its price")
    ZoneCountry.objects.filter(carrier=carrier, plan=plan).delete()
    for name, codes in wanted.items():
        zone = before[name].zone if name in before else Zone.objects.create(carrier=carrier, plan=plan, name=name)
        ZoneCountry.objects.bulk_create(ZoneCountry(zone=zone, carrier=carrier, plan=plan, code=code) for code in codes)
    subject = f"rate_plan:{plan.name}" if plan else f"carrier:{carrier.name}"
    detail = {name: " ".join(codes) for name, codes in wanted.items()}
    record(by=by, verb="zones.set", subject=subject, detail={"from": since.isoformat(), "zones": detail})
    plans = [plan] if plan else list(RatePlan.objects.filter(carrier=carrier).order_by("name"))
    follow = [one.name for one in plans if reissue_prices(plan=one, since=since, by=by) is not None]
    return Listed(zones={name: len(codes) for name, codes in wanted.items()}, plans=follow)


def _check(carrier: Carrier, plan: RatePlan | None, zones: Mapping[str, Collection[str]]) -> None:
    if plan is not None and plan.carrier_id != carrier.pk:
        raise Invalid(f"{plan.name} is no rate plan of {carrier.name}", field="plan")
    seen: dict[str, str] = {}
    for name, codes in zones.items():
        if name != " ".join(name.split()) or not 0 < len(name) <= LONGEST_ZONE:
            raise Invalid(f"A zone has a name of 1 to {LONGEST_ZONE} characters", field="name")
        for code in codes:
            if code not in countries():
                raise Invalid(why_not(code), field="countries")
            if code in seen:
                raise Invalid(f"{name_of(code)} is in {seen[code]} already", field="countries")
            seen[code] = name
