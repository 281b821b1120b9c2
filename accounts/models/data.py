"""An account's data that leave with it: files of everything, and what was asked to be erased."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from kit import clock

from accounts.models.people import Account
from accounts.models.second import IS_DECIDED_BY_SOMEBODY, WAITS, ForASecondPerson


class WrittenFile(models.Model):
    """A file that is asked for, then written by a worker, and kept for a week."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    by = models.CharField(max_length=254)
    asked_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)  # a worker has it since; null: nobody
    attempts = models.PositiveSmallIntegerField(default=0)  # since something of it was last kept
    done_at = models.DateTimeField(null=True)
    failed = models.CharField(max_length=200, blank=True, default="")
    rows = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)  # bytes

    class Meta:
        abstract = True


class FilePart(models.Model):
    """A piece of a written file: web server and worker share no disk."""

    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        abstract = True


class AccountExport(WrittenFile):
    """Everything of an account as one file: asked for, then written by a worker, kept for a week."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="exports")

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(done_at__isnull=True), name="account_export_to_write"),
        ]

    def __str__(self) -> str:
        return f"Export of {self.account}"


class AccountExportPart(FilePart):
    """A piece of a written file: web server and worker share no disk."""

    export = models.ForeignKey(AccountExport, on_delete=models.CASCADE, related_name="parts", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="account_export_part_is_one")]


class Erasure(ForASecondPerson):
    """A request to erase an account for good: a second person of the back office decides."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="erasures")
    reason = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account"], condition=WAITS, name="account_has_one_erasure_that_waits"),
            models.CheckConstraint(
                condition=IS_DECIDED_BY_SOMEBODY,
                name="erasure_is_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"Erasure of {self.account}"
