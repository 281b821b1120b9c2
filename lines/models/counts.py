"""What carriers count of lines beside data: messages, voice, sessions of the cycle."""

from __future__ import annotations

from django.db import models

from lines.models.lines import Line


class LineCount(models.Model):
    """The figures of a line's cycle as its carrier last told them, each null where it tells none: never a guess.

    They decide nothing about money. One row a line that has any, written when one changes.
    """

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="counts")
    cycle = models.DateField()
    sms = models.PositiveIntegerField(null=True)  # messages that the carrier counts; it does not say which ones
    voice = models.PositiveIntegerField(null=True)  # in the carrier's own unit
    sessions = models.PositiveIntegerField(null=True)
    told_at = models.DateTimeField()
    changed = models.BigIntegerField(null=True, editable=False)  # by which transaction (decision 0310)
