"""Accounts that come from Keepgo: which of their lines are here, what they used there, and both sides compared."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q, Value
from kit import clock
from kit.identifiers import ICCID_LONGEST

from accounts.models import Account
from billing.models import Entry, MoneyField
from lines.carriers.base import Switch
from lines.models.carriers import Carrier
from lines.models.lines import Line
from lines.models.plans import RatePlan
from lines.policy import Settled


class Move(models.Model):
    """An account that comes from Keepgo. Until it is confirmed, neither balance nor rules turn its lines."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="moves")
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="+", db_index=False)
    months = models.PositiveSmallIntegerField(default=12)  # of history that is asked for
    has_history = models.BooleanField(default=True)  # else its lines stand in a file, and nobody is asked
    due_at = models.DateTimeField(null=True)  # when a worker goes on with it; null: at once
    began_at = models.DateTimeField(default=clock.now)
    began_by = models.CharField(max_length=254)
    balance = MoneyField(null=True)  # at Keepgo when the move began; null: it was not told
    payments = models.PositiveIntegerField(default=0)  # made at Keepgo
    paid = MoneyField(null=True)  # their sum
    # Each of them, the day and the amount; no entry of ours, for nothing was paid here.
    payments_there = models.JSONField(default=list, blank=True, db_default=Value([], models.JSONField()))
    opening = models.OneToOneField(Entry, on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.CharField(max_length=254, blank=True)
    compared_at = models.DateTimeField(null=True)
    balance_there = MoneyField(null=True)  # when both sides were compared last

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "carrier"], condition=Q(confirmed_at=None), name="account_moves_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account} from {self.carrier}"


class MoveLine(models.Model):
    """A SIM that comes: as Keepgo had it when the move began, and the line that it became.

    `day`: the day of the move, whose fee Keepgo has charged. Held: neither balance nor rules turn it, and its carrier
    is told nothing but what a person orders.
    """

    move = models.ForeignKey(Move, on_delete=models.CASCADE, related_name="lines", db_index=False)
    iccid = models.CharField(max_length=ICCID_LONGEST)
    switch = models.SmallIntegerField(null=True, choices=[(s.value, s.name.title()) for s in Switch])
    word = models.CharField(max_length=40, blank=True)
    blocked = models.BooleanField(default=False)
    notes = models.CharField(max_length=500, blank=True)
    holder = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="+", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.CASCADE, null=True, related_name="moves", db_index=False)
    day = models.DateField(null=True)
    taken_at = models.DateTimeField(null=True)
    is_held = models.BooleanField(default=False)
    failed = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["move", "iccid"], name="move_has_a_sim_once"),
            models.CheckConstraint(
                condition=Q(line=None, day=None, taken_at=None, is_held=False)
                | Q(line__isnull=False, day__isnull=False, taken_at__isnull=False),
                name="moved_line_is_here_or_not",
            ),
        ]
        indexes = [
            models.Index(fields=["line", "day"], name="move_of_line"),
            models.Index(fields=["line"], condition=Q(is_held=True), name="move_held"),
        ]

    def __str__(self) -> str:
        return self.iccid


class ImportedDay(models.Model):
    """Bytes that a line used on a day at Keepgo, up to its move: charged and paid there, never here."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="imported_days", db_index=False)
    day = models.DateField()
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    used = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "day"], name="imported_day_is_one_row"),
            models.CheckConstraint(condition=Q(used__gt=0), name="imported_day_used_something"),
        ]
        indexes = [models.Index(fields=["payer", "day"], name="imported_day_of_payer")]


class MoveDay(models.Model):
    """What Keepgo says that a moved line used and cost on a day, and what was decided where we say otherwise.

    `cost` is null where Keepgo does not tell it. `settled_by` says who; `entry` is the credit or debit that settled it.
    """

    move = models.ForeignKey(Move, on_delete=models.CASCADE, related_name="days", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    used = models.BigIntegerField()
    cost = MoneyField(null=True)
    told_at = models.DateTimeField(default=clock.now)
    settled = models.CharField(
        max_length=12, blank=True, default="", choices=[(one.value, one.value.title()) for one in Settled]
    )
    note = models.CharField(max_length=300, blank=True)
    settled_by = models.CharField(max_length=254, blank=True)
    settled_at = models.DateTimeField(null=True)
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["move", "line", "day"], name="move_day_is_one_row"),
            models.CheckConstraint(
                condition=Q(settled="", settled_at=None) | (~Q(settled="") & ~Q(note="") & Q(settled_at__isnull=False)),
                name="move_day_is_settled_with_a_note",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line}, {self.day:%-d %b %Y}"
