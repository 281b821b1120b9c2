"""What changed: for whoever acts on it, and for whoever keeps a copy."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from kit import clock

from lines.models.lines import Line


class ChangedLines(models.Model):
    """The lines that a page of readings moved, written with it: whoever acts on usage takes the row and deletes it."""

    read_at = models.DateTimeField()
    line_ids = ArrayField(models.BigIntegerField())


class LineChange(models.Model):
    """That a line's tags or country changed, by which transaction: what of a line is no column of a row of its own.

    Written by the database itself, whoever makes the change (decision 0310).
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+", db_index=False)
    changed = models.BigIntegerField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["changed"], name="change_by_number"),
            models.Index(fields=["at"], name="change_by_time"),
            models.Index(fields=["line"], name="change_of_line"),
        ]
