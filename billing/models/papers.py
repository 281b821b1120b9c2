"""What people are given about their money: invoices, notices, statements."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import Q, Value
from kit import clock
from kit.labels import labels
from kit.money import ZERO
from kit.posting import WAITING, Posted

from accounts.models import Account
from billing.models.amounts import MoneyField
from billing.models.payments import Payment
from billing.policy.notices import Kind, Mailing


class InvoiceCounter(models.Model):
    """The last number given out of each kind, a row each: whoever takes the next one holds it until they commit."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)  # 1 invoices, 2 credit notes
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id__in=[1, 2]), name="invoice_counter_is_of_a_kind")]


class Invoice(models.Model):
    """What a payment or a transfer was for, or with a credit note what of it went back; seller, buyer and tax are as
    they were then. The numbers of each kind have no gaps, and the database refuses to change or delete one."""

    INVOICE, CREDIT_NOTE = "invoice", "credit-note"

    kind = models.CharField(
        max_length=12, choices=[(INVOICE, "Invoice"), (CREDIT_NOTE, "Credit note")], default=INVOICE, db_default=INVOICE
    )
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=120, null=True, blank=True, unique=True)  # of the ledger row that it stands for
    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, null=True, related_name="invoice")
    corrects = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="corrections")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invoices")
    amount = MoneyField()  # net
    tax = MoneyField(default=ZERO, db_default=ZERO)
    terms = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    note = models.CharField(max_length=300, default="", db_default="")  # how it was paid; empty: as its payment says
    issued_at = models.DateTimeField(default=clock.now)
    seller = models.JSONField()
    buyer = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "number"], name="invoice_number_is_once_of_a_kind"),
            models.CheckConstraint(
                condition=~Q(kind="credit-note") | Q(corrects__isnull=False, payment=None),
                name="credit_note_corrects_an_invoice",
            ),
        ]

    @property
    def name(self) -> str:
        prefix = self.seller.get("credit_prefix", "CN-") if self.is_credit_note else self.seller.get("prefix", "INV-")
        return f"{prefix}{self.number:06d}"

    @property
    def is_credit_note(self) -> bool:
        return self.kind == self.CREDIT_NOTE

    @property
    def total(self) -> Decimal:
        """With its tax."""
        total: Decimal = self.amount + self.tax
        return total


class Notice(Posted):
    """Something people of an account are told: in the console, by mail, by a webhook, as each chose. The key keeps it
    from being said twice.

    `to` are the mail addresses of whom it is addressed to; empty: the owner. `page` is where it is about. `is_shown`:
    each person's Notification has been made of it.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="notices")
    key = models.CharField(max_length=120, unique=True)
    about = models.CharField(max_length=80, default="", db_default="")  # what may go back and forth: `webhook:7`
    kind = models.CharField(max_length=12, choices=labels(Kind), default=Kind.MONEY, db_default=Kind.MONEY)
    mailing = models.CharField(max_length=8, choices=labels(Mailing), default=Mailing.USUAL, db_default=Mailing.USUAL)
    is_shown = models.BooleanField(default=False, db_default=False)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    created_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True)  # nobody is told before; null: at once
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, null=True, related_name="+")
    to = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    page = models.CharField(max_length=200, default="/billing/", db_default="/billing/")

    class Meta:
        indexes = [
            models.Index(fields=["account", "-id"], name="notice_of_account"),
            models.Index(fields=["account", "about", "-id"], condition=~Q(about=""), name="notice_about"),
            models.Index(fields=["mail_after"], condition=WAITING, name="notice_to_mail"),
            models.Index(fields=["id"], condition=Q(is_shown=False), name="notice_to_show"),
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
