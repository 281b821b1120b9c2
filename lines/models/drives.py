"""Lines whose carrier does not agree yet, and the calls that switch many."""

from __future__ import annotations

import datetime as dt
import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from kit import clock

from lines.models.carriers import Carrier
from lines.models.leased import Leased
from lines.models.lines import Line


class BulkEdit(models.Model):
    """Lines that a carrier was asked to switch by one call. It queues that and calls back; until then they wait.

    The row is there before the call is made, so whatever becomes of us or of the carrier, its lines are asked about.
    """

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="bulk_edits_made")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    on = models.BooleanField()
    lines = ArrayField(models.BigIntegerField())
    asked_at = models.DateTimeField(default=clock.now)
    wait_until = models.DateTimeField()  # then its lines are asked about, called back or not
    called_at = models.DateTimeField(null=True)
    said = models.CharField(max_length=2000, blank=True)  # by whoever called; it decides nothing
    error = models.CharField(max_length=300, blank=True)

    def is_open(self, now: dt.datetime) -> bool:
        """Whether the carrier may still be about to act on it, as far as we know."""
        return self.called_at is None and now < self.wait_until


class Drive(Leased):
    """A line whose carrier has not confirmed what we want: driven until it does, then deleted."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="drive")
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+", db_index=False)
    since = models.DateTimeField(default=clock.now)
    ask_first = models.BooleanField(default=False)  # the last call's outcome is unknown
    is_refused = models.BooleanField(default=False, db_default=False)  # by the carrier, at the last call
    bulk = models.ForeignKey(
        BulkEdit, on_delete=models.SET_NULL, null=True, blank=True, related_name="drives", db_index=False
    )  # the last call was for many lines

    class Meta:
        indexes = [models.Index(fields=["carrier", "due_at"], name="drive_by_due")]
