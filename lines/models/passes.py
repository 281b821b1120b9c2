"""Readings of all a carrier's lines: passes, their parts, final totals, and answers that could not be read."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from kit import clock
from kit.money import ZERO

from billing.models import MoneyField
from lines.models.carriers import Carrier
from lines.models.leased import Leased
from lines.models.lines import Line


class ReadingPass(models.Model):
    """One reading of all a carrier's lines. A planned one is unique in its moment, so two clocks plan it once."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="passes")
    planned_for = models.DateTimeField(null=True)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    readings = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    bytes_moved = models.BigIntegerField(default=0)
    charged = MoneyField(default=ZERO)
    lost = models.PositiveIntegerField(default=0, db_default=0)  # pages or ranges that gave no answer: not a whole one
    pages = models.PositiveIntegerField(default=1, db_default=1)  # of the carrier's list, that are planned
    last_page = models.PositiveIntegerField(null=True)  # where its answers ended

    class Meta:
        constraints = [models.UniqueConstraint(fields=["carrier", "planned_for"], name="pass_is_planned_once")]
        indexes = [models.Index(fields=["carrier", "-started_at"], name="pass_of_carrier")]


class Chunk(Leased):
    """A part of a pass: a page of the carrier's list, or a range of lines read one by one. Deleted when done."""

    reading_pass = models.ForeignKey(ReadingPass, on_delete=models.CASCADE, related_name="chunks")
    page = models.PositiveIntegerField(null=True)
    first_line = models.BigIntegerField(null=True)
    last_line = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reading_pass", "page"], name="page_is_once_in_a_pass"),
            models.CheckConstraint(
                condition=Q(page__isnull=False, first_line__isnull=True, last_line__isnull=True)
                | Q(page__isnull=True, first_line__isnull=False, last_line__isnull=False),
                name="chunk_is_a_page_or_a_range",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="chunk_by_due")]


class FinalTotal(Leased):
    """A finished month of a line whose carrier gives a final total: fetched once, then it settles the month."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="final_totals", db_index=False)
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+")
    cycle = models.DateField()
    done_at = models.DateTimeField(null=True)
    total = models.BigIntegerField(null=True)
    charged = models.BigIntegerField(null=True)  # the counter up to which it was charged then

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "cycle"], name="final_total_is_once_a_month")]
        indexes = [
            models.Index(fields=["carrier", "due_at"], condition=Q(done_at__isnull=True), name="final_by_due"),
            models.Index(fields=["done_at"], condition=Q(total__lt=F("charged")), name="final_below_charged"),
        ]


class Quarantine(models.Model):
    """An answer, or one record of it, that could not be read, raw and unapplied; the same again in a month is counted.

    `line`: the line of ours that it is about. Of one record's faults the last body is kept, however its counter moves.
    `is_mended`: it was read all the same, as its faulty JSON leaves nothing open; one row a call and day.
    """

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="quarantined")
    line = models.ForeignKey("Line", on_delete=models.CASCADE, null=True, blank=True, related_name="quarantined")
    at = models.DateTimeField(default=clock.now)
    times = models.PositiveIntegerField(default=1)
    call = models.CharField(max_length=200)
    error = models.CharField(max_length=300)
    digest = models.CharField(max_length=64)
    body = models.BinaryField()
    is_mended = models.BooleanField("read all the same", default=False, db_default=False)
    month = models.DateField(default=clock.month, editable=False)  # the table is kept by it

    class Meta:
        db_table = "lines_setaside"
        constraints = [
            models.UniqueConstraint(fields=["carrier", "call", "digest", "month"], name="set_aside_once_a_month")
        ]
        indexes = [
            models.Index(fields=["carrier", "-at"], name="quarantine_of_carrier"),
            models.Index(fields=["at"], name="quarantine_by_age"),
        ]
