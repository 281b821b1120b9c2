"""Bundles: what lines used of the data that their plans include, what is beyond it, and who was told of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit.money import ZERO

from accounts.models import Account
from billing.models import MoneyField
from lines.models.lines import Line
from lines.models.plans import Price, RatePlan


class Bundle(models.Model):
    """What an account's lines on a plan used of their included data in a cycle, as it was counted last: sums over lines
    that each have their own, or of the pool that they have together. Bytes and USD.

    `seen` is a digest of what was counted; `told` the highest level that people were told of a pool.
    """

    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="+", db_index=False)
    cycle = models.DateField()
    is_pooled = models.BooleanField()
    lines = models.IntegerField(default=0)
    used = models.BigIntegerField(default=0)
    included = models.BigIntegerField(default=0)
    beyond = models.BigIntegerField(default=0)
    cost = MoneyField(default=ZERO)
    told = models.SmallIntegerField(default=0)
    seen = models.CharField(max_length=32, default="")
    counted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payer", "plan", "cycle", "is_pooled"], name="bundle_is_one_row_a_cycle"),
            models.CheckConstraint(
                condition=Q(used__gte=0, included__gte=0, beyond__gte=0, cost__gte=0), name="bundle_is_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan}, {self.cycle:%-d %b %Y}"


class Overage(models.Model):
    """Bytes of a day that are beyond a bundle, and what they cost, USD: of a line, or (no line) of an account's pool.

    What stands here is a function of day rows, times on and prices: it is counted anew where one of these has changed.
    """

    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="+", db_index=False)
    cycle = models.DateField()
    line = models.ForeignKey(Line, on_delete=models.PROTECT, null=True, related_name="overage", db_index=False)
    day = models.DateField()
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    used = models.BigIntegerField()
    cost = MoneyField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payer", "day", "price", "line"], name="overage_is_one_row_a_day", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(used__gt=0, cost__gte=0), name="overage_is_something"),
        ]
        indexes = [
            models.Index(fields=["line", "day"], condition=Q(line__isnull=False), name="overage_of_line"),
        ]


class BundleTold(models.Model):
    """The highest level of a line's own bundle that its account was told of in a cycle."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+", db_index=False)
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="+", db_index=False)
    cycle = models.DateField()
    level = models.SmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "payer", "plan", "cycle"], name="line_is_told_of_once_a_cycle"),
        ]
