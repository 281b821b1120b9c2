"""Calls from carriers: where they come in, which ones came, and the lines that they named."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit import clock

from lines.models.carriers import Carrier
from lines.models.leased import Leased
from lines.models.lines import Line


class CarrierWebhook(models.Model):
    """Where a carrier calls us. `key` stands in the address; `secret` is what its calls prove themselves by, if any."""

    carrier = models.OneToOneField(Carrier, on_delete=models.CASCADE, primary_key=True, related_name="webhook")
    key = models.CharField(max_length=32, editable=False)
    secret = models.TextField(blank=True, editable=False)  # encrypted
    made_at = models.DateTimeField(default=clock.now)
    made_by = models.CharField(max_length=254)
    called_at = models.DateTimeField(null=True)  # the last call that proved itself
    minute = models.DateTimeField(null=True)
    in_minute = models.PositiveIntegerField(default=0)  # calls in it


class WebhookCall(models.Model):
    """A call that came, by the digest of what it said: the same one again says nothing. Kept while it is news."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+", db_index=False)
    digest = models.BinaryField(max_length=32)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["carrier", "digest"], name="webhook_call_is_heard_once")]
        indexes = [models.Index(fields=["at"], name="webhook_call_by_age")]


class ToldLine(Leased):
    """A line of which its carrier said that something happened: read before its turn. It stays when that is done."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="told")
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+", db_index=False)
    is_due = models.BooleanField(default=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["carrier", "due_at"], condition=Q(is_due=True), name="told_line_by_due")]
