"""Test accounts at their carrier: whose clock stands where, what goes wrong, and their SIMs as the carrier has them."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import Q
from kit import clock

from accounts.models import Account
from lines.models.lines import Line
from lines.policy.sandbox import Fault


class Sandbox(models.Model):
    """A test account's carrier. `ahead`: by how much its clock was turned. Other times here are real."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="sandbox")
    ahead = models.DurationField(default=dt.timedelta())
    fault = models.CharField(
        max_length=8, choices=[(one.value, one.value) for one in Fault], default=Fault.NONE, db_default=Fault.NONE
    )
    sims = models.PositiveIntegerField(default=0, db_default=0)  # that were made, ever
    settled_on = models.DateField(null=True)  # the day of its clock on which everything due was last done
    settled_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField(default=clock.real)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(ahead__gte=dt.timedelta()), name="test_clock_goes_ahead")]

    def __str__(self) -> str:
        return self.account.name


class SandboxSim(models.Model):
    """A SIM as the simulated carrier has it. `turns_on` is what was asked of it and is done at `turns_at`."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="sandbox_sim")
    is_on = models.BooleanField(default=False)
    turns_on = models.BooleanField(null=True)
    turns_at = models.DateTimeField(null=True)
    cycle = models.DateField(null=True)
    counter = models.BigIntegerField(default=0)
    imei = models.CharField(max_length=17, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(turns_on=None, turns_at=None) | Q(turns_on__isnull=False, turns_at__isnull=False),
                name="sandbox_sim_turns_at_a_moment",
            ),
            models.CheckConstraint(condition=Q(counter__gte=0), name="sandbox_counter_is_not_negative"),
        ]
