"""What accounts take from their sub-accounts: price lists, for whom they hold, and what a day came to."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from kit import clock
from kit.money import ZERO

from accounts.models import Account
from billing.models import MoneyField
from lines.models.lines import Line
from lines.models.plans import Price, RatePlan
from lines.models.zones import Zone


class PriceList(models.Model):
    """The prices of an account's sub-accounts, by rate plan: `ListPrice` says which, from which day on."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="price_lists", db_index=False)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="price_list_has_a_name_of_its_own"),
            models.CheckConstraint(condition=~Q(name=""), name="price_list_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class ListPrice(models.Model):
    """What a plan costs by a list from a day (UTC) on, until the next row's: prices of its own, or the account's own
    price plus `percent`, rounded to `places` decimals. No plan: every plan without a row. A zone: data there alone.

    Append-only in the database. Of rows of one day the last counts: one that is wrong is corrected before its day.
    """

    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="prices")
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    since = models.DateField(null=True)  # null: from the beginning
    percent = models.DecimalField(max_digits=9, decimal_places=3, null=True)
    places = models.PositiveSmallIntegerField(default=6)
    per_mb = MoneyField(null=True)
    per_sms = MoneyField(null=True)
    per_day = MoneyField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__isnull=False, per_mb=None, per_sms=None, per_day=None)
                | Q(percent=None, per_mb__gte=0, per_sms__gte=0, per_day__gte=0),
                name="list_price_is_own_or_a_percentage",
            ),
            models.CheckConstraint(
                condition=Q(percent=None) | Q(percent__gte=-100), name="percentage_leaves_no_price_under_0"
            ),
            models.CheckConstraint(condition=Q(places__lte=6), name="list_price_has_at_most_six_places"),
            models.CheckConstraint(
                condition=Q(plan__isnull=False) | Q(percent__isnull=False), name="every_other_plan_is_by_percentage"
            ),
            models.CheckConstraint(
                condition=Q(zone=None)
                | Q(plan__isnull=False, percent__isnull=False)
                | Q(plan__isnull=False, per_sms=0, per_day=0),
                name="list_price_of_a_zone_is_of_a_plan_and_of_data",
            ),
        ]


class ResaleTerms(models.Model):
    """By which list a sub-account is charged from a day (UTC) on; by none: its account pays. Append-only."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="resale_terms", db_index=False)
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, null=True, related_name="terms")
    since = models.DateField()
    decided_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-since", "-id"], name="terms_of_account"),
            models.Index(fields=["payer"], name="terms_of_payer"),
        ]


class ResaleDay(models.Model):
    """What lines on one plan used on a day while a sub-account held them, and what that costs it: `data`, `fees` and
    `sms` in USD at the prices of its list. `cost` is what its account paid for the same."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="resale_days", db_index=False)
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="+", db_index=False)
    used = models.BigIntegerField(default=0)
    messages = models.IntegerField(default=0)
    data = MoneyField(default=ZERO)
    fees = MoneyField(default=ZERO)
    sms = MoneyField(default=ZERO)
    cost = MoneyField(default=ZERO)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "day", "plan"], name="resale_day_is_one_row_a_plan"),
            models.CheckConstraint(
                condition=Q(used__gte=0, messages__gte=0, data__gte=0, fees__gte=0, sms__gte=0),
                name="resale_day_is_not_negative",
            ),
        ]
        indexes = [models.Index(fields=["payer", "day"], name="resale_day_of_payer")]


class ResaleSeen(models.Model):
    """Of a payer's day: the sums from which its sub-accounts were charged last, and a digest of them by holder.

    `cost` is USD with fees, of data alone; `messages` are those to devices.
    """

    payer = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    digest = models.CharField(max_length=32)
    used = models.BigIntegerField()
    cost = MoneyField()
    messages = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["payer", "day"], name="seen_day_is_one_row")]


class HolderCut(models.Model):
    """What a day row of a line had when the line went from one holder to another on that day. Append-only.

    What it had more than at the cut before was `account`'s; what comes later is who holds the line then.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    used = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(used__gte=0), name="cut_is_not_negative")]
        indexes = [
            models.Index(fields=["payer", "day"], name="cut_of_payer"),
            models.Index(fields=["line", "day"], name="cut_of_line"),
        ]
