"""Lists of ICCIDs that people pasted, to filter by: an address can carry a name, not ten thousand numbers."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from kit import clock
from kit.identifiers import ICCID_LONGEST

from accounts.models import Account


class IccidList(models.Model):
    """What somebody pasted or uploaded; the same list again is the same row."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    digest = models.BinaryField(max_length=32)
    # In every spelling; `total` counts SIMs.
    iccids = ArrayField(models.CharField(max_length=ICCID_LONGEST))
    total = models.PositiveIntegerField()
    used_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "digest"], name="iccid_list_is_one_row")]


class LineFile(models.Model):
    """A file of lines that somebody looked at and may confirm: an address or a form cannot carry megabytes."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    content = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now)
