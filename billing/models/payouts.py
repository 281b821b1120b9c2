"""What the payment provider's own books say: movements of its balance, payouts, and where ours differ."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit import clock

from billing.models.amounts import MoneyField
from billing.models.payments import Payment


class Payout(models.Model):
    """Money that Stripe sent to our bank."""

    stripe_id = models.CharField(max_length=64, unique=True)
    amount = MoneyField()
    status = models.CharField(max_length=16)  # Stripe's word: pending, in_transit, paid, failed, canceled
    arrives_on = models.DateField()
    created_at = models.DateTimeField()
    summed = MoneyField(null=True)  # what its movements come to, once it was compared

    def __str__(self) -> str:
        return self.stripe_id


class BalanceMovement(models.Model):
    """A balance transaction of Stripe's: what it took in or gave out, and its fee."""

    stripe_id = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=40)  # Stripe's word: charge, refund, adjustment, payout, stripe_fee...
    amount = MoneyField()
    fee = MoneyField()
    source = models.CharField(max_length=64, blank=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, related_name="movements")
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, null=True, related_name="movements")
    moved_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.stripe_id


class MoneyDifference(models.Model):
    """Where Stripe's books and ours differ. It settles itself once they agree; else a person settles it with a note."""

    key = models.CharField(max_length=120, unique=True)  # of what differs: `txn_...`, `payment:7`, `po_...`
    says = models.CharField(max_length=200)
    ours = MoneyField(null=True)
    theirs = MoneyField(null=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, related_name="+")
    found_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=254, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(settled_at=None, settled_by="") | (Q(settled_at__isnull=False) & ~Q(settled_by="")),
                name="difference_is_open_or_somebody_settled_it",
            )
        ]

    def __str__(self) -> str:
        return self.says
