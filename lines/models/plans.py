"""Rate plans and their prices."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from kit import clock
from kit.money import ZERO

from billing.models import MoneyField
from lines.models.carriers import Carrier
from lines.policy import MEGABYTE


class RatePlan(models.Model):
    """What a line costs its payer. The prices are rows of their own, each in force from a moment."""

    name = models.CharField(max_length=100, unique=True)
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="rate_plans")
    code = models.CharField("carrier's plan", max_length=64, blank=True)  # lines that come to this plan are put on it
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class PriceSet(models.QuerySet["Price"]):
    """Rows of prices."""

    def default(self) -> PriceSet:
        """The plans' own, which hold wherever no zone has a price."""
        return self.filter(country="")

    def with_fees(self) -> PriceSet:
        """Those by which a line owes something for being on."""
        return self.filter(Q(per_day__gt=0) | Q(per_month__gt=0) | Q(activation__gt=0))

    def of_bundles(self) -> PriceSet:
        """Those that include data."""
        return self.filter(included_mb__isnull=False)


class Price(models.Model):
    """A rate plan's prices from a moment on (null: from the beginning), until the next row's. USD.

    The database refuses to change one: a correction is a row with a later date. `cost_...` is what the carrier takes
    from us for the same, where we know it: it may be learned later.

    The row without a country is the plan's default price. Beside it, from the same moment on, stands one for each
    country of each zone that has a price of its own: of data alone, and with the countries that the zone had then.

    With `included_mb` data at the default price is of a bundle: each MB costs nothing (`per_mb` is 0) until what a line
    has in a month is used up, and `per_mb_beyond` after it; `is_pooled`: what all of an account's lines on the plan
    have together. `per_month` is owed by days, `activation` once for a line.
    """

    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="prices")
    valid_from = models.DateTimeField(null=True)
    zone = models.ForeignKey(
        "lines.Zone", on_delete=models.PROTECT, related_name="prices", null=True, blank=True, db_index=False
    )
    country = models.CharField(max_length=2, blank=True, default="", db_default="")  # ISO 3166-1 alpha-2
    per_mb = MoneyField()
    per_sms = MoneyField(default=ZERO)
    per_day = MoneyField(default=ZERO)
    per_month = MoneyField(default=ZERO, db_default=ZERO)
    activation = MoneyField(default=ZERO, db_default=ZERO)
    included_mb = models.IntegerField(null=True, blank=True)  # of 1,048,576 bytes, a line and month
    is_pooled = models.BooleanField(default=False, db_default=False)
    per_mb_beyond = MoneyField(null=True, blank=True)
    cost_per_mb = MoneyField(null=True, blank=True)
    cost_per_sms = MoneyField(null=True, blank=True)
    cost_per_day = MoneyField(null=True, blank=True)

    objects = PriceSet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cost_per_mb=None, cost_per_sms=None, cost_per_day=None)
                | Q(cost_per_mb__gte=0, cost_per_sms__gte=0, cost_per_day__gte=0),
                name="cost_is_known_whole_and_not_negative",
            ),
            models.UniqueConstraint(
                fields=["plan", "valid_from", "country"],
                name="plan_has_one_price_at_a_time_and_country",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(country="", zone=None)
                | Q(country__regex="^[A-Z]{2}$", zone__isnull=False, per_sms=0, per_day=0),
                name="price_of_a_zone_is_of_a_country_and_of_data",
            ),
            models.CheckConstraint(
                condition=Q(per_mb__gte=0, per_sms__gte=0, per_day__gte=0), name="price_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(per_month__gte=0, activation__gte=0) & (Q(country="") | Q(per_month=0, activation=0)),
                name="fees_are_the_plans_and_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(included_mb=None, per_mb_beyond=None, is_pooled=False)
                | Q(included_mb__gt=0, per_mb_beyond__gte=0, per_mb=0, country=""),
                name="bundle_has_a_price_beyond_it",
            ),
        ]

    def __str__(self) -> str:
        where = f" in {self.country}" if self.country else ""
        since = f"from {self.valid_from:%-d %b %Y, %H:%M} UTC" if self.valid_from else "from the beginning"
        return f"{self.plan}{where}, {since}"

    @property
    def included(self) -> int:
        """Bytes that a line has in a month; 0: the price is of no bundle."""
        return (self.included_mb or 0) * MEGABYTE

    @property
    def rate(self) -> Decimal:
        """USD for each MB that is charged: where data is included, for each beyond it."""
        charged: Decimal = self.per_mb if self.per_mb_beyond is None else self.per_mb_beyond
        return charged
