"""Where rate plans work, and SIM cards that are asked for."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from kit import clock

from accounts.models import Account
from lines.models.plans import RatePlan
from lines.policy import OrderState


class Coverage(models.Model):
    """A network in a country that a rate plan's SIM cards use. The price is the plan's."""

    plan = models.ForeignKey(RatePlan, on_delete=models.CASCADE, related_name="coverage", db_index=False)
    country = models.CharField(max_length=80)
    code = models.CharField(max_length=2)  # ISO 3166-1 alpha-2
    network = models.CharField(max_length=80)
    technologies = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "code", "network"], name="network_is_once_in_a_plans_country"),
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z]{2}$"), name="country_code_is_two_letters"),
        ]
        indexes = [models.Index(fields=["country", "code"], name="coverage_by_country")]


class Order(models.Model):
    """A request for more SIM cards than the store sells at once; the back office answers it."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="orders", db_index=False)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    quantity = models.PositiveIntegerField()
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    contact = models.CharField(max_length=150)
    email = models.EmailField(max_length=254)
    phone = models.CharField(max_length=40, blank=True)
    address = models.TextField(max_length=500)
    message = models.TextField(max_length=2000, blank=True)
    by = models.CharField(max_length=254)
    created_at = models.DateTimeField(default=clock.now)
    state = models.CharField(
        max_length=12, choices=[(state.value, state.name.title()) for state in OrderState], default=OrderState.OPEN
    )
    answer = models.TextField(max_length=2000, blank=True)
    answered_by = models.CharField(max_length=254, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=10), name="order_is_for_more_than_ten"),
            models.CheckConstraint(
                condition=Q(state=OrderState.ANSWERED, answered_at__isnull=False) & ~Q(answer="")
                | ~Q(state=OrderState.ANSWERED) & Q(answered_at=None, answer=""),
                name="order_is_answered_with_words",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="order_of_account"),
            models.Index(fields=["id"], condition=Q(state=OrderState.OPEN), name="order_to_answer"),
        ]
