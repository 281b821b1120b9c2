"""What carriers told, kept as told; and what of a line had a date: its plan, its payer and holder, its cycle day.

All of it is append-only in the database. From these tables alone, with the prices, every bill can be computed again.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from kit import clock

from accounts.models import Account
from billing.models import MoneyField
from billing.policy import Decision
from lines.models.carriers import Carrier
from lines.models.lines import Line
from lines.models.plans import Price, RatePlan
from lines.policy import Hold


class KeptReading(models.Model):
    """One answer of a carrier, as far as it is about lines of ours: one element of each array for each line.

    Of one line's readings the ids say in which order they were applied. The table is partitioned by the month of
    `asked_at`; the arrays are sorted by line, so `first_line` and `last_line` say where one may stand.
    """

    asked_at = models.DateTimeField()
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="+", db_index=False)
    call = models.CharField(max_length=8)  # list, line, final, or day: what the carrier told of a day that was over
    are_finals = models.BooleanField()
    has_finals = models.BooleanField()  # the carrier gives final totals of months
    wraps_at = models.BigIntegerField(null=True)  # its counters begin again at 0 there
    first_line = models.BigIntegerField()
    last_line = models.BigIntegerField()
    line_ids = ArrayField(models.BigIntegerField())
    counters = ArrayField(models.BigIntegerField())
    cycles = ArrayField(models.DateField(null=True))  # as the carrier told; null: it told none
    seen = ArrayField(models.DateTimeField(null=True), null=True)  # the carrier's own time
    asked = ArrayField(models.DateTimeField(), null=True)  # where each line was asked for at a moment of its own

    class Meta:
        db_table = "lines_reading"
        indexes = [
            models.Index(fields=["carrier", "asked_at"], name="reading_of_carrier"),
            models.Index(fields=["carrier", "last_line"], name="reading_of_lines"),
        ]


class LinePlan(models.Model):
    """Which rate plan a line had, from a moment on. Written by the database with each change of the line."""

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="plans", db_index=False)
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="+", db_index=False)
    since = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["line", "-since", "-id"], name="plan_of_line")]


class LineHolding(models.Model):
    """Who paid for a line and who held it, from a moment on; nobody: stock. Written by the database like LinePlan."""

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="holdings", db_index=False)
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    since = models.DateTimeField()
    reading_id = models.BigIntegerField(null=True)  # the last reading that was applied before
    changed = models.BigIntegerField(null=True, editable=False)  # by which transaction (decision 0310)

    class Meta:
        indexes = [
            models.Index(fields=["line", "-since", "-id"], name="holding_of_line"),
            models.Index(fields=["changed"], condition=models.Q(changed__isnull=False), name="holding_by_change"),
        ]


class CycleDay(models.Model):
    """On which day of the month a carrier's cycles begin: decided at a moment, in force from a boundary of that day on.

    Between the two the cycle that was open goes on.
    """

    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="cycle_days")
    cycle_day = models.PositiveSmallIntegerField()
    decided_at = models.DateTimeField()
    since = models.DateField(null=True)  # null: from the beginning


class BoundaryUse(models.Model):
    """What was charged to the old cycle since its end, by its day and price if the new one has begun by then.

    A movement from before the end that was held until after it is one, too: `old_day` is the day that was charged.

    Of carriers that tell no cycle, in the 72 hours after a boundary; gone when it is known which cycle it was.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    old_day = models.DateField(null=True)  # not known of rows from before it was kept: the old cycle's last
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+", db_index=False)
    old_price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+", db_index=False)  # charged at it
    used = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line", "day", "old_day", "price", "old_price"], name="boundary_use_is_one_row_a_day"
            )
        ]


class Opening(models.Model):
    """Where a line's counters stood at a moment: the readings kept after it begin here.

    One row for the cycle that was open and one for each finished one. `reading_id` is the last reading that is in it.
    """

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="openings", db_index=False)
    at = models.DateTimeField()
    reading_id = models.BigIntegerField(null=True)
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    cycle = models.DateField()
    counter = models.BigIntegerField()
    baseline = models.BigIntegerField()
    used = models.BigIntegerField()
    is_open = models.BooleanField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "at", "cycle", "payer"], name="opening_is_one_row")]


class OpeningDay(models.Model):
    """Bytes that stood in a line's day rows already when its opening was written."""

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    day = models.DateField()
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+", db_index=False)
    used = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "at", "day", "payer", "price"], name="opening_day_is_one_row")
        ]


class HeldMovement(models.Model):
    """A movement too large to be believed at once. Money waits for a second reading that agrees, or for a person.

    It is charged to `day` at `price`, as if it had never been held.
    """

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="held_movements", db_index=False)
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    reading_id = models.BigIntegerField()
    asked_at = models.DateTimeField()
    earlier_at = models.DateTimeField(null=True)  # when the reading before it was asked for
    cycle = models.DateField()
    day = models.DateField()
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+", db_index=False)
    bytes = models.BigIntegerField()
    counter_before = models.BigIntegerField()
    counter = models.BigIntegerField()
    state = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Hold], default=Hold.HELD)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=254, blank=True)
    decided_reading_id = models.BigIntegerField(null=True)  # the one that decided it; null: a person did
    after_reading_id = models.BigIntegerField(null=True)  # the last one that was applied before a person did

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state=Hold.HELD, decided_at=None) | ~Q(state=Hold.HELD) & Q(decided_at__isnull=False),
                name="held_movement_is_decided_at_a_moment",
            ),
        ]
        indexes = [
            models.Index(fields=["line", "-id"], name="held_of_line"),
            models.Index(fields=["line", "cycle"], condition=Q(state=Hold.HELD), name="held_now"),
        ]

    def __str__(self) -> str:
        return f"Line {self.line}, {self.day:%-d %b %Y}"


class Rebase(models.Model):
    """A counter that a person put right: what is read next is counted from here. It moves no money."""

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="rebases", db_index=False)
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField()
    reading_id = models.BigIntegerField(null=True)  # the last one applied before it
    cycle = models.DateField()
    counter_before = models.BigIntegerField()
    counter = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=254)
    agreed_by = models.CharField(max_length=254, blank=True)

    class Meta:
        indexes = [models.Index(fields=["line", "-id"], name="rebase_of_line")]


class RebaseRequest(models.Model):
    """A counter that a person wants put right. `worth`: what the difference costs at today's price, USD."""

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="rebase_requests", db_index=False)
    uuid = models.UUIDField(unique=True, editable=False)  # of the form that asked: sent twice it is one
    cycle = models.DateField()
    counter_before = models.BigIntegerField()
    counter = models.BigIntegerField()
    worth = MoneyField()
    reason = models.CharField(max_length=300)
    asked_at = models.DateTimeField(default=clock.now)
    asked_by = models.CharField(max_length=254)
    asker_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=8, choices=[(one.value, one.value) for one in Decision], default=Decision.OPEN)
    decided_by = models.CharField(max_length=254, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["line", "-id"], name="rebase_request_of_line")]

    def __str__(self) -> str:
        return f"Line {self.line}"
