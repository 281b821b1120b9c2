"""Work that is due: what one worker does at a time."""

from __future__ import annotations

from django.db import models


class Leased(models.Model):
    """Work that one worker does at a time.

    A lease ends with its time (the database's, real) or with its holder's database session, whichever comes first: a
    killed worker's work is free at once.
    """

    due_at = models.DateTimeField(null=True)  # by the application's clock; null: at once
    attempts = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    leased_pid = models.IntegerField(null=True)
    leased_session = models.DateTimeField(null=True)  # when that session began: process ids come again
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True
