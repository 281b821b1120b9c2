"""What happened, as it is told: the feed that clients read on, and what waits for a carrier."""

from __future__ import annotations

import uuid

from django.db import models
from kit import clock

from accounts.models import Account
from lines.models import Carrier, Line


class FeedEvent(models.Model):
    """One event of an account or a sub-account of it, told to the main account. Rows are written one transaction at a
    time: a lower id is never committed after a higher one, so that a reader who goes on behind the last misses none
    (docs/decisions/0251)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.BigIntegerField(unique=True, null=True)  # the event that it tells, which may be gone; null: none
    topic = models.CharField(max_length=32)
    type = models.CharField(max_length=64)
    at = models.DateTimeField()
    body = models.TextField()
    told_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        indexes = [models.Index(fields=["account", "id"], name="feed_of_account")]


class AwaitedLine(models.Model):
    """A line whose carrier is to confirm what was told as requested."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="+")
    on = models.BooleanField()
    failed = models.BooleanField(default=False)  # that is told already
    since = models.DateTimeField()


class TroubledCarrier(models.Model):
    """A carrier that accounts with lines there were told is in trouble, until they are told that it is well again."""

    carrier = models.OneToOneField(Carrier, on_delete=models.CASCADE, primary_key=True, related_name="+")
    since = models.DateTimeField()
