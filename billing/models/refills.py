"""Auto-refill: whether and how an account's card is charged by itself."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from kit import clock
from kit.labels import labels

from accounts.models import Account
from billing.models.amounts import MoneyField
from billing.policy import KEEPS_WATCH, RefillState, largest_month


class AutoRefill(models.Model):
    """Whether and how an account's card is charged by itself."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="auto_refill")
    state = models.CharField(max_length=16, choices=labels(RefillState), default=RefillState.OFF)
    amount = MoneyField()
    fixed_on = models.DateField()
    ceiling = MoneyField(null=True, blank=True)  # the most of a month; empty: none, as its owner wished
    ceiling_is_own = models.BooleanField(default=False, db_default=False)  # else it follows the amount on the 5th
    per_day = models.PositiveSmallIntegerField(default=1, db_default=1)  # charges in a turn and in 24 hours
    turn = models.PositiveIntegerField(default=0, db_default=0)  # the number of the last one
    turn_since = models.DateTimeField(null=True)  # since when the balance is orange or red; empty: no turn runs
    look_at = models.DateTimeField(null=True)  # held: not looked at again before this
    declined = models.PositiveSmallIntegerField(default=0)  # in a row
    retry_at = models.DateTimeField(null=True)
    why_paused = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=50, amount__lte=500), name="refill_is_50_to_500"),
            models.CheckConstraint(condition=Q(ceiling=None) | Q(ceiling__gte=50), name="ceiling_allows_one_refill"),
            models.CheckConstraint(
                condition=Q(ceiling__isnull=False) | Q(ceiling_is_own=True), name="no_ceiling_is_the_owners_own_wish"
            ),
            models.CheckConstraint(condition=Q(per_day__gte=1, per_day__lte=10), name="refills_are_1_to_10_a_day"),
            models.CheckConstraint(
                condition=Q(state=RefillState.RETRYING, retry_at__isnull=False)
                | (~Q(state=RefillState.RETRYING) & Q(retry_at=None)),
                name="retrying_has_its_time",
            ),
        ]

    @property
    def is_on(self) -> bool:
        return self.state in KEEPS_WATCH

    @property
    def needs_owner(self) -> bool:
        """It will not go on well by itself: a card was declined, a bank wants a confirmation, or it paused."""
        return self.state in (RefillState.RETRYING, RefillState.CONFIRMING) or self.is_paused

    @property
    def is_paused(self) -> bool:
        """It does nothing until its owner does something."""
        return self.state in (RefillState.NEEDS_CARD, RefillState.PAUSED)

    @property
    def largest_day(self) -> Decimal:
        return Decimal(self.amount * self.per_day)

    @property
    def largest_month(self) -> Decimal:
        return largest_month(self.amount, ceiling=self.ceiling, per_day=self.per_day)
