"""What carriers take from the operator for each line, as they say, beside what we make of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.models import MoneyField
from lines.models.carriers import Carrier
from lines.models.leased import Leased
from lines.models.lines import Line
from lines.policy.costs import Compared


class CarrierCost(Leased):
    """A finished month of a line: what its carrier says that it cost, and what its plan's costs make of its usage.

    Both cover the same parts: data, SMS, days, as far as the carrier tells them. For the operator alone: no tenant's
    page, call, file or mail has it.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+", db_index=False)
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+", db_index=False)
    month = models.DateField()
    theirs = MoneyField(verbose_name="carrier says", null=True)
    ours = MoneyField(verbose_name="by our costs", null=True)  # null: a plan has no costs
    currency = models.CharField(max_length=3, blank=True)  # the carrier's; empty: nobody knows it
    used_there = models.BigIntegerField(null=True)  # bytes that the carrier takes money for
    used_here = models.BigIntegerField(null=True)
    told_at = models.DateTimeField(null=True)
    state = models.CharField(
        max_length=8, default=Compared.WAITS, choices=[(one.value, one.value.title()) for one in Compared]
    )
    note = models.CharField(max_length=300, blank=True)
    settled_by = models.CharField(max_length=254, blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "month"], name="carrier_cost_is_once_a_month"),
            models.CheckConstraint(
                condition=Q(state=Compared.SETTLED, settled_at__isnull=False) & ~Q(note="") & ~Q(settled_by="")
                | ~Q(state=Compared.SETTLED) & Q(settled_at=None, settled_by="", note=""),
                name="carrier_cost_is_settled_with_a_note",
            ),
        ]
        indexes = [
            models.Index(fields=["carrier", "due_at"], condition=Q(state=Compared.WAITS), name="carrier_cost_by_due"),
            models.Index(fields=["state", "-month"], name="carrier_cost_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.line}, {self.month:%B %Y}"
