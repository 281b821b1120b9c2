"""Caps: how much an account lets its lines use together in a day or a month, and which lines a full one holds off."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from kit import clock
from kit.money import ZERO

from accounts.models import Account
from billing.models import MoneyField
from lines.models.lines import Line
from lines.models.plans import RatePlan
from lines.models.tags import Tag
from lines.policy.caps import CapAction, CapKind, CapPeriod, CapUnit


class Cap(models.Model):
    """What the lines of an account, of a sub-account, with a tag, on a plan, or one line, may use in each period.

    `used` bytes, `cost` (data and fees) and `sms` in USD were booked from `begins` on when it was counted last;
    `held_used` and `held_cost` wait for a second reading. `seen` is a digest of the rows that were counted. `told` is
    the highest of the levels that people know of in this period, `full_until` the day on which a full one that stops
    its lines lets them go.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="caps")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=[(one.value, one.value) for one in CapKind])
    holder = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    unit = models.CharField(max_length=4, choices=[(one.value, one.value) for one in CapUnit])
    period = models.CharField(max_length=8, choices=[(one.value, one.value) for one in CapPeriod])
    limit = models.DecimalField(max_digits=18, decimal_places=6)  # MB of 1,048,576 bytes, or USD
    action = models.CharField(max_length=8, choices=[(one.value, one.value) for one in CapAction])
    created_at = models.DateTimeField(default=clock.now)

    begins = models.DateField(null=True)
    used = models.BigIntegerField(default=0)
    cost = MoneyField(default=ZERO)
    sms = MoneyField(default=ZERO)
    held_used = models.BigIntegerField(default=0)
    held_cost = MoneyField(default=ZERO)
    seen = models.CharField(max_length=32, blank=True)
    counted_at = models.DateTimeField(null=True)
    told = models.PositiveSmallIntegerField(default=0)
    full_until = models.DateField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(limit__gt=0), name="cap_has_a_limit"),
            models.CheckConstraint(
                condition=Q(kind=CapKind.ACCOUNT, holder=None, tag=None, plan=None, line=None)
                | Q(kind=CapKind.SUBACCOUNT, holder__isnull=False, tag=None, plan=None, line=None)
                | Q(kind=CapKind.TAG, holder=None, tag__isnull=False, plan=None, line=None)
                | Q(kind=CapKind.PLAN, holder=None, tag=None, plan__isnull=False, line=None)
                | Q(kind=CapKind.LINE, holder=None, tag=None, plan=None, line__isnull=False),
                name="cap_is_about_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(full_until=None) | Q(action=CapAction.STOP), name="only_a_cap_that_stops_is_full_until"
            ),
        ]
        indexes = [
            models.Index(fields=["account"], condition=Q(full_until__isnull=False), name="cap_that_is_full"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} cap of {self.limit} {self.unit} a {self.period}"


class CapHold(models.Model):
    """Which cap holds a line off. It counts while that is the line's reason."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="cap_hold")
    cap = models.ForeignKey(Cap, on_delete=models.CASCADE, null=True, related_name="holds")
