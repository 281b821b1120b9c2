"""What was done, by whom."""

from __future__ import annotations

from django.db import models
from kit import clock

from accounts.models.people import Account
from accounts.policy import ActorKind


class Event(models.Model):
    """Something that happened, by whom: append-only, the database refuses anything else."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True, related_name="events")
    at = models.DateTimeField(default=clock.now)
    actor_kind = models.CharField(max_length=16, choices=[(kind.value, kind.name.title()) for kind in ActorKind])
    actor_name = models.CharField(max_length=254)
    verb = models.CharField(max_length=64)
    subject = models.CharField(max_length=128, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-id"], name="event_of_account"),
            models.Index(fields=["subject", "-id"], name="event_of_subject"),
        ]
