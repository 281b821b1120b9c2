"""Files of what a whole fleet used: asked for, written by a worker a stretch of days at a time, kept for a week."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import Account, FilePart, WrittenFile
from lines.policy import ExportKind


class UsageExport(WrittenFile):
    """One file. What is written so far is kept, so that whoever goes on begins at `next_day`."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="usage_exports", db_index=False)
    kind = models.CharField(max_length=8, choices=[(one.value, one.value) for one in ExportKind])
    format = models.CharField(max_length=8, choices=[("csv", "csv"), ("ndjson", "ndjson")])
    start = models.DateField()
    end = models.DateField()  # the last day, which counts
    sought = models.JSONField(default=dict)  # which lines; empty: all, also those that left since
    said = models.CharField(max_length=300)  # the same in words
    sees_money = models.BooleanField()  # whether who asked may know what it cost
    next_day = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(end__gte=F("start")), name="usage_export_ends_after_it_begins"),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="usage_export_of_account"),
            models.Index(fields=["id"], condition=Q(done_at__isnull=True, failed=""), name="usage_export_to_write"),
        ]

    @property
    def is_open(self) -> bool:
        return self.done_at is None and not self.failed

    @property
    def percent(self) -> int:
        """How much of its days is written."""
        if self.done_at is not None:
            return 100
        return min(99, 100 * (self.next_day - self.start).days // ((self.end - self.start).days + 1))


class UsageExportPart(FilePart):
    """A piece of a file: web server and worker share no disk."""

    export = models.ForeignKey(UsageExport, on_delete=models.CASCADE, related_name="parts", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="usage_export_part_is_one")]
