"""What was done, by whom."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit import clock
from kit.labels import labels

from accounts.models.people import Account
from accounts.policy import ActorKind


class Event(models.Model):
    """Something that happened, by whom: append-only, the database refuses anything else.

    Soon after it is written each becomes a link of its account's chain: `hash` is over the row and the hash of the link
    before, so that a row that was changed, slipped in or taken out breaks the chain (docs/decisions/0030).
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True, related_name="events")
    at = models.DateTimeField(default=clock.now)
    actor_kind = models.CharField(max_length=16, choices=labels(ActorKind))
    actor_name = models.CharField(max_length=254)
    verb = models.CharField(max_length=64)
    subject = models.CharField(max_length=128, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    link = models.BigIntegerField(null=True, editable=False)
    hash = models.BinaryField(null=True, editable=False)
    # Since when it says no more than that something happened (docs/decisions/0220); its hash is over what it said.
    erased_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-id"], name="event_of_account"),
            models.Index(fields=["subject", "-id"], name="event_of_subject"),
            models.Index(fields=["id"], condition=Q(hash__isnull=True), name="event_to_seal"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "link"],
                condition=Q(link__isnull=False),
                nulls_distinct=False,
                name="event_is_one_link_of_its_chain",
            ),
        ]
