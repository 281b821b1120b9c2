"""Where events are sent to, and every delivery."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from kit import clock

from accounts.models import Account, Event
from automation.models.feed import FeedEvent
from lines.models import Leased


class WebhookEndpoint(models.Model):
    """An address of a customer's that hears of what happens, signed with a secret of its own (Standard Webhooks)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="webhooks")
    url = models.URLField(max_length=500)
    secret = models.TextField(editable=False)  # encrypted
    former_secret = models.TextField(blank=True, default="", db_default="", editable=False)  # encrypted
    former_until = models.DateTimeField(null=True)  # it signs, too, until then
    off_at = models.DateTimeField(null=True)  # when it was switched off last
    topics = ArrayField(models.CharField(max_length=32))
    is_on = models.BooleanField(default=True)
    deleted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    wait_until = models.DateTimeField(null=True)  # its receiver asked to be left alone until then
    given_up_at = models.DateTimeField(null=True)  # when its owner was told that it takes nothing; null: it does
    since = models.DateTimeField(default=clock.now)  # what happened before it was switched on is not sent

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(Leased):
    """One message to one address: tried until it is taken, for three days; `due_at` null: at once."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # the receiver knows a repeated one by it
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    # Which may be gone with its month: the message says all that is sent.
    event = models.ForeignKey(Event, on_delete=models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    feed = models.ForeignKey(FeedEvent, on_delete=models.SET_NULL, null=True, related_name="+")
    topic = models.CharField(max_length=32)
    body = models.TextField()
    created_at = models.DateTimeField(default=clock.now)
    delivered_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)  # given up
    tried_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)  # of the last answer

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="event_is_sent_once_to_an_address"),
            models.UniqueConstraint(fields=["endpoint", "feed"], name="told_event_is_sent_once_to_an_address"),
            models.CheckConstraint(
                condition=Q(delivered_at=None) | Q(failed_at=None), name="delivery_is_taken_or_given_up"
            ),
        ]
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="delivery_of_endpoint"),
            models.Index(
                fields=["due_at"],
                condition=Q(delivered_at__isnull=True, failed_at__isnull=True),
                name="delivery_by_due",
            ),
        ]

    @property
    def is_open(self) -> bool:
        return self.delivered_at is None and self.failed_at is None
