"""Whose a line in stock may become: who it is reserved for, the code printed with its card, and who guessed wrong."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit import clock

from accounts.models import Account
from lines.models.lines import Line
from lines.models.shop import Order


class Reservation(models.Model):
    """A line in stock that one account may take, by the back office's word: an order that was sent, a batch."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="reservation")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="reservations")
    batch = models.CharField(max_length=64, blank=True)
    order = models.ForeignKey(Order, on_delete=models.SET_NULL, null=True, blank=True, related_name="reservations")
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=clock.now)


class ClaimSecret(models.Model):
    """What codes are hashed with: one row, encrypted, made with the first code."""

    secret = models.TextField(editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="claim_secret_is_one")]


class ClaimCode(models.Model):
    """The code that is printed with a line's card, as a keyed hash; who knows it takes the line out of stock."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="claim_code")
    digest = models.CharField(max_length=64, editable=False)
    kept_at = models.DateTimeField(default=clock.now)


class ClaimGuess(models.Model):
    """A card that an account could not take: each different one counts against it, and against its network address."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    address = models.CharField(max_length=45, blank=True)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "digest"], name="guess_is_counted_once")]
        indexes = [
            models.Index(fields=["account", "at"], name="guess_of_account"),
            models.Index(fields=["address", "at"], name="guess_from_address"),
        ]


class LineProof(models.Model):
    """That a line is rightly its payer's, where that is known before its carrier has confirmed it on."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="proof")
    payer = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=clock.now)
