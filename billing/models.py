"""Money that belongs to an account: what was posted, what is accrued, the day sums behind averages, and payments."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import F, Q, Value
from kit import clock
from kit.money import ZERO, shown
from kit.posting import WAITING, Posted

from accounts.models import Account, User
from billing.policy import (
    KEEPS_WATCH,
    OPEN_PAYMENT,
    Decision,
    EntryKind,
    PaymentState,
    RefillState,
    largest_month,
)


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
    accrued = MoneyField(default=ZERO)  # under 0 while what a sealed day lost is not in the ledger yet
    first_usage_day = models.DateField(null=True, blank=True)
    is_red = models.BooleanField(default=True)
    red_since = models.DateTimeField(null=True, blank=True)
    low_since = models.DateTimeField(null=True, blank=True)  # since when its owner knows that it is orange or red

    def __str__(self) -> str:
        return str(self.account)


class Entry(models.Model):
    """A ledger row. Append-only: the database refuses to change or delete one."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries", db_index=False)
    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.name.title()) for kind in EntryKind])
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
    amount = MoneyField()
    state = models.CharField(max_length=16, choices=[(state.value, state.name.title()) for state in PaymentState])
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
    amount = MoneyField()
    is_undone = models.BooleanField(default=False)  # a refund that failed, a dispute that was won
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="reversal_is_positive")]


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


class CreditRequest(models.Model):
    """A credit or debit by hand that somebody of the back office asked for; above a limit somebody else decides."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credit_requests")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    kind = models.CharField(max_length=16, choices=[("adjustment", "Adjustment"), ("discount", "Discount")])
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


class AutoRefill(models.Model):
    """Whether and how an account's card is charged by itself."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="auto_refill")
    state = models.CharField(
        max_length=16, choices=[(state.value, state.name.title()) for state in RefillState], default=RefillState.OFF
    )
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


class InvoiceCounter(models.Model):
    """The last invoice number given out, in one row: whoever takes the next one holds it until they commit."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="invoice_counter_is_one_row")]


class Invoice(models.Model):
    """What a payment was for, on paper; seller and buyer are as they were then. Numbers have no gaps."""

    number = models.PositiveIntegerField(unique=True)
    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="invoice")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invoices")
    amount = MoneyField()
    issued_at = models.DateTimeField(default=clock.now)
    seller = models.JSONField()
    buyer = models.JSONField()

    @property
    def name(self) -> str:
        return f"{self.seller.get('prefix', 'INV-')}{self.number:06d}"


class Notice(Posted):
    """Something people of an account are told by mail. The key keeps it from being said twice.

    `to` are mail addresses; empty: the owner, who reads it in the console too. `page` is where it is about.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="notices")
    key = models.CharField(max_length=120, unique=True)
    about = models.CharField(max_length=80, default="", db_default="")  # what may go back and forth: `webhook:7`
    subject = models.CharField(max_length=200)
    text = models.TextField()
    created_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True)  # it is not mailed before; null: at once
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, null=True, related_name="+")
    to = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    page = models.CharField(max_length=200, default="/billing/", db_default="/billing/")

    class Meta:
        indexes = [
            models.Index(fields=["account", "-id"], name="notice_of_account"),
            models.Index(fields=["account", "about", "-id"], condition=~Q(about=""), name="notice_about"),
            models.Index(fields=["mail_after"], condition=WAITING, name="notice_to_mail"),
        ]


class Statement(models.Model):
    """An account's month as a file: asked for, then written by a worker, kept for a week."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="statements")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    month = models.DateField()
    format = models.CharField(max_length=4, choices=[("xlsx", "XLSX"), ("csv", "CSV")])
    by = models.CharField(max_length=254)
    asked_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    failed = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    rows_total = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-id"], name="statement_of_account"),
            models.Index(fields=["id"], condition=Q(done_at__isnull=True), name="statement_to_write"),
        ]


class StatementPart(models.Model):
    """A piece of a written statement: web server and worker share no disk."""

    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["statement", "number"], name="statement_part_is_one")]
