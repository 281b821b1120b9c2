"""What lines used: by cycle, by day, and the sums of days."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit.money import ZERO

from accounts.models import Account
from billing.models import MoneyField
from lines.models.lines import Line
from lines.models.plans import Price, RatePlan


class LineCycle(models.Model):
    """A finished cycle of a line under one payer: bytes that were its, and the highest counter seen."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="cycles", db_index=False)
    cycle = models.DateField()
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="+", db_index=False)
    counter = models.BigIntegerField()
    used = models.BigIntegerField()
    read_at = models.DateTimeField(null=True)  # when the last reading of it was asked for, where that is known

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "cycle", "payer"], name="line_cycle_is_one_row_a_payer"),
            models.CheckConstraint(condition=Q(used__gte=0), name="used_is_not_negative"),
        ]


class LineDay(models.Model):
    """What a line used on a day at one price, for one payer: bytes, their cost, and the day's line fee in USD.

    `account` held the line when it last moved on that day. Every index here is paid for by every line on every day: a
    foreign key has none of its own where another begins with it or nobody looks by it.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="days", db_index=False)
    day = models.DateField()
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    cycle = models.DateField()
    used = models.BigIntegerField(default=0)
    cost = MoneyField(default=ZERO)
    fee = MoneyField(default=ZERO)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "day", "payer", "price"], name="line_day_is_one_row_a_price"),
            models.CheckConstraint(condition=Q(used__gte=0, cost__gte=0, fee__gte=0), name="line_day_is_not_negative"),
        ]
        indexes = [models.Index(fields=["payer", "day"], name="line_day_of_payer")]


class HolderDay(models.Model):
    """The sums of the day rows of one payer, holder, price and day, kept by whoever writes day rows.

    `days` are the rows, `cost` is in USD with the fees. A month of a million lines are thousands of these.
    """

    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+", db_index=False)
    days = models.IntegerField()
    used = models.BigIntegerField()
    cost = MoneyField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payer", "day", "account", "price"], name="holder_day_is_one_row_a_price")
        ]
        indexes = [models.Index(fields=["day"], name="holder_day_by_day")]
