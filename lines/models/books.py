"""What the proofs of the books said."""

from __future__ import annotations

from django.db import models
from kit import clock


class BooksCheck(models.Model):
    """One run of `check_books`: asked for by a person or the night, then run by workers, a stretch of lines at a time.

    `since`: the first day that the second books compare; null: all that can be computed. `progress`: how far they are.
    """

    asked_at = models.DateTimeField(default=clock.now)
    asked_by = models.CharField(max_length=254)
    since = models.DateField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    is_good = models.BooleanField(null=True)
    progress = models.JSONField(default=dict, db_default={})
    result = models.JSONField(default=dict)
