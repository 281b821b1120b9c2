"""Tax: the rates that the operator keeps, and who is on an account's invoices."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit import clock

from accounts.models import Account


class TaxRate(models.Model):
    """A country's rate from a day on. Without any rate that is in force no tax is taken at all."""

    country = models.CharField(max_length=2)  # ISO 3166-1
    percent = models.DecimalField(max_digits=5, decimal_places=2)
    since = models.DateField()
    reverses = models.BooleanField(default=True)  # a business there with a tax id accounts for the tax itself
    by = models.CharField(max_length=254)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["country", "since"], name="tax_rate_is_once_a_day"),
            models.CheckConstraint(condition=Q(percent__gte=0, percent__lt=100), name="tax_rate_is_a_percentage"),
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.percent.normalize():f} % since {self.since}"


class BillingDetails(models.Model):
    """Who buys, where they gave it themselves; otherwise the card's name and billing address stand on invoices."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="billing_details")
    name = models.CharField(max_length=200)
    line1 = models.CharField(max_length=200)
    line2 = models.CharField(max_length=200, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100)
    state = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2)
    tax_id = models.CharField(max_length=40, blank=True)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(line1="") & ~Q(city="") & ~Q(country=""),
                name="billing_details_are_an_address",
            )
        ]
