"""What was posted to an account, what is accrued, the day sums behind averages, and entries by hand."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from kit import clock
from kit.labels import labels
from kit.money import ZERO, shown

from accounts.models import Account, User
from billing.models.amounts import MoneyField
from billing.policy import Decision, EntryKind


class Wallet(models.Model):
    """An account's money, one row each: available = posted - accrued. Only accounts that pay have one.

    Kept equal to the sums it stands for in the same transaction; `check_books` proves it.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="wallet")
    posted = MoneyField(default=ZERO)
    accrued = MoneyField(default=ZERO)  # under 0 while what a sealed day lost is not in the ledger yet
    first_usage_day = models.DateField(null=True, blank=True)
    is_red = models.BooleanField(default=True)
    red_since = models.DateTimeField(null=True, blank=True)
    low_since = models.DateTimeField(null=True, blank=True)  # since when its owner knows that it is orange or red
    credit_limit = MoneyField(null=True, blank=True)  # of a sub-account that pays later; null: prepaid
    is_closed = models.BooleanField(default=False, db_default=False)  # a sub-account's: its account pays again

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(credit_limit=None) | Q(credit_limit__gte=0), name="credit_limit_is_not_negative"
            ),
            models.CheckConstraint(condition=Q(is_closed=False) | Q(is_red=False), name="closed_wallet_holds_nobody"),
        ]

    def __str__(self) -> str:
        return str(self.account)


class KeptCurrency(models.Model):
    """The currency of every amount in this database, in one row: kept when money first moves, and never another."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    code = models.CharField(max_length=3)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="there_is_one_currency")]


class Entry(models.Model):
    """A ledger row. Append-only: the database refuses to change or delete one."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries", db_index=False)
    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=16, choices=labels(EntryKind))
    amount = MoneyField()
    day = models.DateField()
    booked_on = models.DateField(null=True)  # found after its month's statement was closed: it stands in this day's
    posted_at = models.DateTimeField(default=clock.now)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="entry_is_not_zero")]
        indexes = [models.Index(fields=["account", "-id"], name="entry_of_account")]


class UsageDay(models.Model):
    """What an account's usage of one day costs, and how much of it is in the ledger already.

    `usage` is data and daily fees, accrued until the day is sealed; `sms` is posted message by message. An open day is
    looked at when days are sealed; a column says so because an index on what every page of readings changes would
    cost each page more than all else it does to the row.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="usage_days", db_index=False)
    day = models.DateField()
    usage = MoneyField(default=ZERO)
    sms = MoneyField(default=ZERO)
    sealed = MoneyField(default=ZERO)
    parts = models.PositiveIntegerField(default=0)  # ledger rows that it has: the next key's number is one more
    is_open = models.BooleanField(default=True, db_default=True)
    found_on = models.DateField(null=True)  # when what is open was found, where that was after the day itself

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "day"], name="usage_day_is_one_row"),
            models.CheckConstraint(condition=Q(usage__gte=0), name="usage_is_not_negative"),
            models.CheckConstraint(condition=Q(is_open=True) | Q(sealed=F("usage")), name="closed_day_is_sealed"),
        ]
        indexes = [models.Index(fields=["day"], condition=Q(is_open=True), name="usage_day_to_seal")]


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


class AdjustmentKey(models.Model):
    """The key under which a script posted a credit: with the same key it is the same credit."""

    key = models.CharField(max_length=120, unique=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")


class CreditRequest(models.Model):
    """A credit or debit by hand that somebody of the back office asked for; above a limit somebody else decides."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credit_requests")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    kind = models.CharField(
        max_length=16, choices=labels([EntryKind.ADJUSTMENT, EntryKind.DISCOUNT, EntryKind.TRANSFER])
    )
    amount = MoneyField()
    reason = models.CharField(max_length=300)
    asked_by = models.CharField(max_length=254)
    asker = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")  # their address may change
    asked_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Decision], default=Decision.OPEN)
    decided_by = models.CharField(max_length=254, blank=True)
    decided_at = models.DateTimeField(null=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state=Decision.OPEN, decided_at=None, entry=None)
                | Q(state=Decision.DONE, decided_at__isnull=False, entry__isnull=False)
                | Q(state=Decision.REFUSED, decided_at__isnull=False, entry=None),
                name="credit_is_decided_or_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{shown(self.amount)} for {self.account}"
