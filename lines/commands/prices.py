"""What a rate plan costs the customer from a moment on, and what its carrier takes from us."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from kit import clock
from kit.errors import Invalid
from kit.money import LIMIT, ZERO, exact, plain

from accounts.commands import record
from accounts.policy import Actor
from lines.models import Price, RatePlan, Zone
from lines.policy.bundles import LARGEST_BUNDLE
from lines.queries.zones import Countries, zones_of


@dataclass(frozen=True, slots=True)
class Tariff:
    """USD for a MB (1,048,576 bytes), an SMS, and a line and day."""

    per_mb: Decimal
    per_sms: Decimal
    per_day: Decimal

    def checked(self) -> Tariff:
        """Raises Invalid."""
        return Tariff(*(_checked(amount) for amount in (self.per_mb, self.per_sms, self.per_day)))

    @property
    def facts(self) -> dict[str, str]:
        return {name: plain(amount) for name, amount in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Terms:
    """USD for a line and month, by days, and once when an account has a line on first; MB that are included for a line
    and month, of its own or, pooled, of all lines of the account on the plan: the price of a MB is that of each MB
    beyond them."""

    per_month: Decimal = ZERO
    activation: Decimal = ZERO
    included_mb: int | None = None
    is_pooled: bool = False

    def checked(self) -> Terms:
        """Raises Invalid."""
        if self.included_mb is not None and not 0 < self.included_mb <= LARGEST_BUNDLE:
            raise Invalid(f"Included data is from 1 to {LARGEST_BUNDLE:,} MB, or empty", field="included_mb")
        if self.is_pooled and self.included_mb is None:
            raise Invalid("A pool needs included data", field="included_mb")
        return Terms(_checked(self.per_month), _checked(self.activation), self.included_mb, self.is_pooled)

    def columns(self, price: Tariff) -> dict[str, Any]:
        """Of a row of prices."""
        values = asdict(price) | asdict(self)
        if self.included_mb is not None:
            values |= {"per_mb": ZERO, "per_mb_beyond": price.per_mb}
        return values

    @property
    def facts(self) -> dict[str, object]:
        """Those that differ from none."""
        fees = {"per_month": self.per_month, "activation": self.activation}
        told: dict[str, object] = {name: plain(amount) for name, amount in fees.items() if amount}
        return told if self.included_mb is None else told | {"included_mb": self.included_mb, "pooled": self.is_pooled}


NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Abroad:
    """USD for a MB in a zone, and what the carrier takes for it where we know."""

    per_mb: Decimal
    cost_per_mb: Decimal | None = None

    def checked(self) -> Abroad:
        """Raises Invalid."""
        return Abroad(_checked(self.per_mb), None if self.cost_per_mb is None else _checked(self.cost_per_mb))


def _checked(amount: Decimal) -> Decimal:
    if not amount.is_finite() or not 0 <= amount < LIMIT or amount != exact(amount):
        raise Invalid("A price is 0 or more, with at most six decimals")
    return exact(amount)


@transaction.atomic
def set_price(
    *,
    plan: RatePlan,
    since: dt.datetime,
    price: Tariff,
    cost: Tariff | None,
    zones: Mapping[int, Abroad] | None = None,
    terms: Terms = NO_TERMS,
    by: Actor,
) -> Price:
    """New prices from a coming moment on; what was charged stays as it was. Harmless twice. Raises Invalid.

    `zones`: data prices of the plan's zones, by their ids, for the countries that their lists have now; every other
    country, and usage of which nobody tells the country, costs `price`, and is of the bundle of `terms`.
    """
    price, cost, terms = price.checked(), cost.checked() if cost else None, terms.checked()
    RatePlan.objects.select_for_update().get(pk=plan.pk)
    values = terms.columns(price) | {f"cost_{name}": amount for name, amount in (asdict(cost) if cost else {}).items()}
    made = Price(plan=plan, valid_from=since, **values)
    abroad = _abroad(plan, since, zones or {})
    before = list(Price.objects.filter(plan=plan, valid_from=since))
    if before and {_said(one) for one in before} == {_said(one) for one in (made, *abroad)}:
        return next(one for one in before if not one.country)
    if before:
        raise Invalid("There are other prices from this very moment on; choose a later one")
    if since <= clock.now():
        raise Invalid("New prices begin in the future: what was used before is charged at the old ones")
    made.save()
    Price.objects.bulk_create(abroad)
    detail: dict[str, object] = {"from": since.isoformat(), **price.facts, **terms.facts}
    detail["cost"] = cost.facts if cost else None
    if abroad:
        detail["zones"] = _told(abroad)
    record(by=by, verb="price.set", subject=f"rate_plan:{plan.name}", detail=detail)
    return made


def _abroad(plan: RatePlan, since: dt.datetime, zones: Mapping[int, Abroad]) -> list[Price]:
    lists = {zone.zone.pk: zone for zone in zones_of(plan)}
    if unknown := zones.keys() - lists.keys():
        raise Invalid(f"{plan.name} has no such zone: {min(unknown)}")
    found = []
    for number, abroad in zones.items():
        checked = abroad.checked()
        costs = {} if checked.cost_per_mb is None else {"cost_per_sms": ZERO, "cost_per_day": ZERO}
        values = {"per_mb": checked.per_mb, "cost_per_mb": checked.cost_per_mb, **costs}
        zone: Countries = lists[number]
        found += [Price(plan=plan, valid_from=since, zone=zone.zone, country=code, **values) for code in zone.codes]
    return found


def _said(price: Price) -> tuple[object, ...]:
    names = ["country", "zone_id", "per_mb", "per_sms", "per_day", "cost_per_mb", "cost_per_sms", "cost_per_day"]
    names += ["per_month", "activation", "included_mb", "is_pooled", "per_mb_beyond"]
    return tuple(getattr(price, name) for name in names)


def _told(rows: Iterable[Price]) -> dict[str, dict[str, object]]:
    """Of each zone its price and its countries."""
    told: dict[str, dict[str, object]] = {}
    for row in rows:
        assert row.zone is not None
        one = told.setdefault(row.zone.name, {"per_mb": plain(row.per_mb), "countries": ""})
        one["countries"] = f"{one['countries']} {row.country}".strip()
    return told


@transaction.atomic
def reissue_prices(*, plan: RatePlan, since: dt.datetime, by: Actor) -> Price | None:
    """The plan's latest prices once more, from a coming moment on, with the countries that its zones have now; None
    where it has no prices of zones or their countries are the same. A zone that it has no longer costs the default
    price. Raises Invalid."""
    latest = Price.objects.default().filter(plan=plan).order_by("-valid_from").exclude(valid_from=None).first()
    latest = latest or Price.objects.default().filter(plan=plan).first()
    if latest is None:
        return None
    rows = list(Price.objects.filter(plan=plan, valid_from=latest.valid_from).exclude(country=""))
    if not rows:
        return None
    named = {zone.zone.name: zone for zone in zones_of(plan)}
    names = dict(Zone.objects.filter(pk__in={row.zone_id for row in rows}).values_list("pk", "name"))
    zones = {
        named[names[row.zone_id]].zone.pk: Abroad(row.per_mb, row.cost_per_mb)
        for row in rows
        if row.zone_id is not None and names[row.zone_id] in named
    }
    now = {(zone.zone.pk, code) for zone in named.values() if zone.zone.pk in zones for code in zone.codes}
    if now == {(row.zone_id, row.country) for row in rows}:
        return None
    if latest.valid_from is not None and latest.valid_from >= since:
        said = f"{latest.valid_from:%-d %B %Y, %H:%M} UTC"
        raise Invalid(f"{plan.name} has prices from {said} on. Choose a later moment for the new countries.")
    price = Tariff(latest.rate, latest.per_sms, latest.per_day)
    terms = Terms(latest.per_month, latest.activation, latest.included_mb, latest.is_pooled)
    cost = None
    if latest.cost_per_mb is not None and latest.cost_per_sms is not None and latest.cost_per_day is not None:
        cost = Tariff(latest.cost_per_mb, latest.cost_per_sms, latest.cost_per_day)
    return set_price(plan=plan, since=since, price=price, cost=cost, zones=zones, terms=terms, by=by)


@transaction.atomic
def know_cost(*, price_id: int, cost: Tariff, by: Actor) -> Price:
    """What the carrier takes where these prices are in force, in all countries of their zone: it moves no money, only
    margins. Of a zone it is data alone. Raises Invalid."""
    cost = cost.checked()
    price = Price.objects.select_for_update(of=["self"]).select_related("plan").get(pk=price_id)
    if price.country:
        cost = Tariff(cost.per_mb, ZERO, ZERO)
    same = Price.objects.filter(plan=price.plan_id, valid_from=price.valid_from, zone=price.zone_id)
    same.update(cost_per_mb=cost.per_mb, cost_per_sms=cost.per_sms, cost_per_day=cost.per_day)
    price.refresh_from_db()
    detail = {"price": price.pk, **cost.facts}
    record(by=by, verb="cost.known", subject=f"rate_plan:{price.plan.name}", detail=detail)
    return price
