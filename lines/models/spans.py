"""When lines were confirmed on: what line fees are owed for."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from lines.models.lines import Line
from lines.models.plans import RatePlan


class OnSpan(models.Model):
    """An unbroken time in which a line was wanted active and its carrier said so, under one payer and one plan.

    Written with each change of a line's state, whoever makes it: by the database itself (migration 0022), or for many
    lines by the statement that turns them (commands/wishes/changing.py). When a worker looks decides nothing.
    `due_day` is the next day whose fee is not settled; null: none will be.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="on_spans", db_index=False)
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="+", db_index=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # null: it is on
    due_day = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line"], condition=Q(ended_at=None), name="line_is_on_once_at_a_time"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="span_ends_after_it_began"
            ),
        ]
        indexes = [
            models.Index(fields=["line", "started_at"], name="span_of_line"),
            models.Index(fields=["payer", "plan", "ended_at"], name="span_of_payer_and_plan"),
            models.Index(fields=["plan", "due_day"], condition=Q(due_day__isnull=False), name="span_with_fees_due"),
        ]
