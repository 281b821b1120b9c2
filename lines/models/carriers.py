"""What is kept of a carrier's changes: an address that waits for a second person, credentials that were before."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit import clock

from lines.models.lines import Carrier


class AddressChange(models.Model):
    """Another address for a carrier's API: our credentials go there, so a second person of the back office decides."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="address_changes")
    url = models.CharField(max_length=500)
    asked_by = models.CharField(max_length=254)
    asker_id = models.BigIntegerField(null=True)
    asked_at = models.DateTimeField(default=clock.now)
    is_agreed = models.BooleanField(null=True)  # none: it waits
    decided_by = models.CharField(max_length=254, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier"], condition=Q(is_agreed=None), name="carrier_has_one_address_that_waits"
            ),
            models.CheckConstraint(
                condition=Q(is_agreed=None, decided_at=None, decided_by="")
                | Q(is_agreed__isnull=False, decided_at__isnull=False) & ~Q(decided_by=""),
                name="address_change_is_decided_by_somebody",
            ),
        ]


class CarrierFunds(models.Model):
    """What the operator had with a carrier at a moment, as the carrier said; in the carrier's currency."""

    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="funds")
    read_at = models.DateTimeField()
    balance = models.DecimalField(max_digits=16, decimal_places=4)
    currency = models.CharField(max_length=3)
    threshold = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    amount = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    is_auto = models.BooleanField(null=True)
    carrier_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["carrier", "read_at"], name="funds_are_read_once_at_a_moment"),
        ]


class FormerSecrets(models.Model):
    """The credentials that a carrier had before its present ones, encrypted: the way back."""

    carrier = models.OneToOneField(Carrier, on_delete=models.CASCADE, primary_key=True, related_name="former")
    secrets = models.TextField(editable=False)
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=clock.now)
