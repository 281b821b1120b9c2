"""Money that belongs to an account: what was posted, what is accrued, and the day sums behind the averages."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from kit import clock
from kit.money import ZERO

from accounts.models import Account
from billing.policy import EntryKind


class MoneyField(models.DecimalField):  # type: ignore[type-arg]
    """USD with six places."""

    def __init__(self, **options: object) -> None:
        options.setdefault("max_digits", 20)
        options.setdefault("decimal_places", 6)
        super().__init__(**options)  # type: ignore[arg-type]


class Wallet(models.Model):
    """An account's money, one row each: available = posted - accrued. Only accounts that pay have one.

    Kept equal to the sums it stands for in the same transaction; `check_books` proves it.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="wallet")
    posted = MoneyField(default=ZERO)
    accrued = MoneyField(default=ZERO)
    first_usage_day = models.DateField(null=True, blank=True)
    is_red = models.BooleanField(default=True)
    red_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(accrued__gte=0), name="accrued_is_not_negative")]


class Entry(models.Model):
    """A ledger row. Append-only: the database refuses to change or delete one."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries")
    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.name.title()) for kind in EntryKind])
    amount = MoneyField()
    day = models.DateField()
    posted_at = models.DateTimeField(default=clock.now)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="entry_is_not_zero")]
        indexes = [models.Index(fields=["account", "-id"], name="entry_of_account")]


class UsageDay(models.Model):
    """What an account's usage of one day costs, and how much of it is in the ledger already.

    `usage` is data and daily fees, accrued until the day is sealed; `sms` is posted message by message.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="usage_days")
    day = models.DateField()
    usage = MoneyField(default=ZERO)
    sms = MoneyField(default=ZERO)
    sealed = MoneyField(default=ZERO)
    parts = models.PositiveSmallIntegerField(default=0)  # ledger rows that it has: the next key's number is one more

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "day"], name="usage_day_is_one_row"),
            models.CheckConstraint(condition=Q(sealed__lte=F("usage")), name="sealed_is_at_most_the_usage"),
        ]
        indexes = [
            models.Index(fields=["day"], condition=~Q(sealed=F("usage")), name="usage_day_to_seal"),
        ]


class Adjustment(models.Model):
    """A credit or a debit by hand, with its reason."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="adjustments")
    amount = MoneyField()
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=254)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="adjustment_is_not_zero"),
            models.CheckConstraint(condition=~Q(reason=""), name="adjustment_has_a_reason"),
        ]
