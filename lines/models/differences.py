"""Where a carrier's stock and ours differ."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit import clock
from kit.identifiers import ICCID_LONGEST

from lines.models.carriers import Carrier
from lines.models.lines import Line
from lines.policy import Differs


class Difference(models.Model):
    """A SIM that one of the two does not have, or that is otherwise than we want it for long. Settled ones stay."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="differences", db_index=False)
    iccid = models.CharField(max_length=ICCID_LONGEST)
    kind = models.CharField(max_length=16, choices=[(one.value, one.value.title()) for one in Differs])
    line = models.ForeignKey(Line, on_delete=models.CASCADE, null=True, related_name="+")
    said = models.CharField("what the carrier says", max_length=300, blank=True)
    found_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)
    settled_how = models.CharField(max_length=100, blank=True)
    settled_by = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["carrier", "iccid", "kind"], name="difference_is_one_row"),
            models.CheckConstraint(
                condition=Q(settled_at=None, settled_how="") | (Q(settled_at__isnull=False) & ~Q(settled_how="")),
                name="difference_is_settled_somehow",
            ),
        ]
        indexes = [models.Index(fields=["-found_at"], condition=Q(settled_at=None), name="difference_to_settle")]
