"""What was done, by whom."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from kit import clock
from kit.labels import labels

from accounts.models.people import Account
from accounts.policy import ActorKind


class Event(models.Model):
    """Something that happened, by whom: append-only, the database refuses anything else.

    Soon after it is written each becomes a link of its account's chain: `hash` is over the row and the hash of the link
    before, so that a row that was changed, slipped in or taken out breaks the chain (docs/decisions/0030).
    Kept by month.
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
            # One link of its chain: the database looks for another in all months (docs/decisions/0272).
            models.Index(fields=["account", "link"], condition=Q(link__isnull=False), name="event_by_link"),
        ]


class GoneLinks(models.Model):
    """Links of a chain, one behind the other, that went with their months. The chain goes on from the hash of the last
    one. Written by the database where it drops a month, and by nobody else; an event of the installation names the
    digest of all of them (docs/decisions/0272)."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    first_link = models.BigIntegerField()
    last_link = models.BigIntegerField()
    hash = models.BinaryField()  # of the last
    erased = models.BigIntegerField(null=True)  # the last of them that says that the account was erased
    until = models.DateTimeField()  # the end of the newest month that went

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "first_link"], nulls_distinct=False, name="gone_links_are_told_once"
            ),
            models.CheckConstraint(condition=Q(last_link__gte=F("first_link")), name="gone_links_have_an_end"),
        ]
