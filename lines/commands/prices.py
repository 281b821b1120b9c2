"""What a rate plan costs the customer from a moment on, and what its carrier takes from us."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from decimal import Decimal

from django.db import transaction
from kit import clock
from kit.errors import Invalid
from kit.money import LIMIT, exact, plain

from accounts.commands import record
from accounts.policy import Actor
from lines.models import Price, RatePlan


@dataclass(frozen=True, slots=True)
class Tariff:
    """USD for a MB (1,048,576 bytes), an SMS, and a line and day."""

    per_mb: Decimal
    per_sms: Decimal
    per_day: Decimal

    def checked(self) -> Tariff:
        """Raises Invalid."""
        for amount in (self.per_mb, self.per_sms, self.per_day):
            if not amount.is_finite() or not 0 <= amount < LIMIT or amount != exact(amount):
                raise Invalid("A price is 0 or more, with at most six decimals")
        return Tariff(exact(self.per_mb), exact(self.per_sms), exact(self.per_day))

    @property
    def facts(self) -> dict[str, str]:
        return {name: plain(amount) for name, amount in asdict(self).items()}


@transaction.atomic
def set_price(*, plan: RatePlan, since: dt.datetime, price: Tariff, cost: Tariff | None, by: Actor) -> Price:
    """New prices from a coming moment on; what was charged stays as it was. Harmless twice. Raises Invalid."""
    price, cost = price.checked(), cost.checked() if cost else None
    RatePlan.objects.select_for_update().get(pk=plan.pk)
    values = asdict(price) | {f"cost_{name}": amount for name, amount in (asdict(cost) if cost else {}).items()}
    before = Price.objects.filter(plan=plan, valid_from=since).first()
    if before is not None and all(getattr(before, name) == amount for name, amount in values.items()):
        return before
    if before is not None:
        raise Invalid("There are other prices from this very moment on; choose a later one")
    if since <= clock.now():
        raise Invalid("New prices begin in the future: what was used before is charged at the old ones")
    made = Price.objects.create(plan=plan, valid_from=since, **values)
    detail = {"from": since.isoformat(), **price.facts, "cost": cost.facts if cost else None}
    record(by=by, verb="price.set", subject=f"rate_plan:{plan.name}", detail=detail)
    return made


@transaction.atomic
def know_cost(*, price_id: int, cost: Tariff, by: Actor) -> Price:
    """What the carrier takes where these prices are in force: it moves no money, only margins. Raises Invalid."""
    cost = cost.checked()
    price = Price.objects.select_for_update(of=["self"]).select_related("plan").get(pk=price_id)
    price.cost_per_mb, price.cost_per_sms, price.cost_per_day = cost.per_mb, cost.per_sms, cost.per_day
    price.save(update_fields=["cost_per_mb", "cost_per_sms", "cost_per_day"])
    detail = {"price": price.pk, **cost.facts}
    record(by=by, verb="cost.known", subject=f"rate_plan:{price.plan.name}", detail=detail)
    return price
