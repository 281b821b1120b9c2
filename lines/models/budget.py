"""What of a carrier's calls is used: by kind of call, and by the accounts that asked."""

from __future__ import annotations

from django.db import models

from accounts.models import Account
from lines.models.carriers import Carrier


class CallsOfDay(models.Model):
    """Calls of one kind to a carrier on a day (the database's, UTC), where the carrier allows so many a day."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    kind = models.CharField(max_length=12)
    calls = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["carrier", "day", "kind"], name="calls_of_day_are_one_row_a_kind")
        ]


class DoneOfDay(models.Model):
    """How often the people, keys and rules of one payer, its sub-accounts' among them, did one costly thing on the last
    day on which they did it (the database's, UTC)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=12)
    day = models.DateField()
    done = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "kind"], name="done_of_day_is_one_row_a_kind")]


class AskedOfDay(models.Model):
    """How often the people and clients of one payer, its sub-accounts' among them, had a carrier asked on a day."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    asked = models.PositiveIntegerField(default=0)
    minute = models.DateTimeField()
    asked_in_minute = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["carrier", "account", "day"], name="asked_of_day_is_one_row_an_account")
        ]
