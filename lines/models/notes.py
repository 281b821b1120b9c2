"""What a holder wrote about a line and left behind when somebody else came to hold it."""

from __future__ import annotations

from django.db import models
from kit import clock

from accounts.models import Account
from lines.models.lines import Line


class NotesLeft(models.Model):
    """An account's notes about a line that it no longer holds; they are there again when the line comes back."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="notes_left", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    notes = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "account"], name="notes_left_are_one_row_a_holder")]
