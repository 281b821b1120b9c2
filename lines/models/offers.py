"""Who may take a rate plan: everybody, or named accounts only."""

from __future__ import annotations

from django.db import models
from kit import clock

from accounts.models import Account
from lines.models.plans import RatePlan


class PrivatePlan(models.Model):
    """A rate plan that only named accounts see and take; one without such a row is public."""

    plan = models.OneToOneField(RatePlan, on_delete=models.CASCADE, primary_key=True, related_name="private")
    since = models.DateTimeField(default=clock.now)


class PlanOffer(models.Model):
    """An account that a private rate plan is for; its sub-accounts' lines are on its plans."""

    plan = models.ForeignKey(PrivatePlan, on_delete=models.CASCADE, related_name="offers", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "account"], name="plan_is_offered_once_to_an_account")]
