"""Money at Stripe: cards, payments and what of them went back, and what Stripe told us."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import F, Q, Value
from kit import clock
from kit.labels import labels
from kit.money import ZERO, shown

from accounts.models import Account, User
from billing.models.amounts import MoneyField
from billing.policy import OPEN_PAYMENT, Decision, PaymentState


class Customer(models.Model):
    """An account at Stripe, with the facts of its saved card. The card itself is Stripe's."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="customer")
    stripe_id = models.CharField(max_length=64, unique=True)
    card_id = models.CharField(max_length=64, blank=True)
    brand = models.CharField(max_length=32, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    exp_month = models.PositiveSmallIntegerField(null=True)
    exp_year = models.PositiveSmallIntegerField(null=True)
    name = models.CharField(max_length=200, blank=True)
    address = models.JSONField(default=dict, blank=True)
    card_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(card_id="", last4="", exp_month=None, exp_year=None)
                | (~Q(card_id="") & ~Q(last4="") & Q(exp_month__isnull=False, exp_year__isnull=False)),
                name="card_has_all_its_facts_or_none",
            )
        ]

    @property
    def has_card(self) -> bool:
        return bool(self.card_id)

    @property
    def expiry(self) -> str:
        return f"{self.exp_month:02d}/{self.exp_year}" if self.exp_month else ""


class Payment(models.Model):
    """A wish to charge a card, written down before Stripe is asked. Its id is the idempotency key there."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="payments")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    is_auto = models.BooleanField(default=False)
    turn = models.PositiveIntegerField(null=True)  # of auto-refill, in which it was begun
    amount = MoneyField()  # what comes to the balance, net of tax
    tax = MoneyField(default=ZERO, db_default=ZERO)  # on top of it
    terms = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))  # of the tax, and the buyer then
    state = models.CharField(max_length=16, choices=labels(PaymentState))
    card_id = models.CharField(max_length=64)
    brand = models.CharField(max_length=32, blank=True)
    last4 = models.CharField(max_length=4)
    return_url = models.CharField(max_length=500, blank=True)  # a repeated question must be the same to the letter
    stripe_id = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    by = models.CharField(max_length=254)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    asks = models.PositiveSmallIntegerField(default=0)
    ask_at = models.DateTimeField(null=True)  # when the janitor asks Stripe about it
    sent_at = models.DateTimeField(null=True)  # when Stripe was last asked to charge it
    unknown = models.PositiveSmallIntegerField(default=0, db_default=0)  # how often Stripe knew nothing of it
    waits_since = models.DateTimeField(null=True)  # since when it waits for its owner's confirmation

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(state__in=sorted(OPEN_PAYMENT)),
                name="account_has_one_open_payment",
            ),
            models.UniqueConstraint(
                fields=["stripe_id"], condition=~Q(stripe_id=""), name="stripe_payment_is_one_payment"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_is_positive"),
            models.CheckConstraint(condition=Q(tax__gte=0), name="payment_tax_is_not_negative"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(OPEN_PAYMENT), ended_at=None)
                | (~Q(state__in=sorted(OPEN_PAYMENT)) & Q(ended_at__isnull=False)),
                name="payment_is_open_or_has_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="payment_of_account"),
            models.Index(fields=["ask_at"], condition=Q(ask_at__isnull=False), name="payment_to_ask"),
            models.Index(fields=["account", "turn"], condition=Q(is_auto=True), name="payment_of_turn"),
        ]

    def __str__(self) -> str:
        return f"{shown(self.amount)}, card ending in {self.last4}"

    @property
    def total(self) -> Decimal:
        """What the card is charged."""
        total: Decimal = self.amount + self.tax
        return total

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_PAYMENT

    @property
    def word(self) -> str:
        return {
            PaymentState.PENDING: "Pending",
            PaymentState.CONFIRMING: "Waits for your confirmation",
            PaymentState.SUCCEEDED: "Paid",
            PaymentState.DECLINED: "Declined",
            PaymentState.CANCELLED: "Cancelled",
            PaymentState.FAILED: "Failed",
        }[PaymentState(self.state)]


class Reversal(models.Model):
    """Money of a payment that went back: a refund, or a dispute that the bank decided for the card's owner."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="reversals")
    stripe_id = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=16, choices=[("refund", "Refund"), ("dispute", "Dispute")])
    amount = MoneyField()  # what went back to the card, with its tax
    tax = MoneyField(default=ZERO, db_default=ZERO)  # what of it is tax and never was on the balance
    is_undone = models.BooleanField(default=False)  # a refund that failed, a dispute that was won
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="reversal_is_positive"),
            models.CheckConstraint(condition=Q(tax__gte=0, tax__lte=F("amount")), name="reversal_tax_is_a_part_of_it"),
        ]

    @property
    def net(self) -> Decimal:
        """What of it leaves the balance."""
        net: Decimal = self.amount - self.tax
        return net


class Refund(models.Model):
    """A wish to give a payment back, written down before Stripe is asked; its id is the idempotency key there."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    amount = MoneyField()
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=254)
    asker = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")  # their address may change
    decided_by = models.CharField(max_length=254, blank=True, default="", db_default="")  # a second person
    decided_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Decision], default=Decision.OPEN)
    why_refused = models.CharField(max_length=200, blank=True)
    stripe_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    ask_at = models.DateTimeField(default=clock.now)  # when Stripe is asked again while it is open
    asks = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0) & ~Q(reason=""), name="refund_is_positive_with_a_reason"),
            models.UniqueConstraint(
                fields=["payment"], condition=Q(state__in=[Decision.OPEN, Decision.WAITING]), name="one_open_refund"
            ),
            models.CheckConstraint(
                condition=~Q(decided_by=F("by")) | Q(decided_by=""), name="nobody_decides_their_own_refund"
            ),
        ]


class WebhookEvent(models.Model):
    """What Stripe told us, once each; handled when the command it led to is done."""

    stripe_id = models.CharField(max_length=64, unique=True)
    type = models.CharField(max_length=80)
    thing = models.JSONField()
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField(default=clock.now)
    try_at = models.DateTimeField(default=clock.now)  # when the janitor handles it, if nobody has by then
    handled_at = models.DateTimeField(null=True)
    result = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["try_at"], condition=Q(handled_at__isnull=True), name="webhook_to_handle")]


class Comparison(models.Model):
    """One day's look at all that moved at Stripe beside our books: what no event told of is found and settled."""

    day = models.DateField(unique=True)
    started_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)
    looked = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    failed = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.day}"
