"""What pages of readings changed, for whoever acts on it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class ChangedLines(models.Model):
    """The lines that a page of readings moved, written with it: whoever acts on usage takes the row and deletes it."""

    read_at = models.DateTimeField()
    line_ids = ArrayField(models.BigIntegerField())
