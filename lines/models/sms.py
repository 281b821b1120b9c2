"""Messages to and from devices."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import Q
from kit import clock
from kit.money import ZERO

from accounts.models import Account
from billing.models import MoneyField
from lines.models.carriers import Carrier
from lines.models.leased import Leased
from lines.models.lines import Line
from lines.policy import SmsState

KEPT = dt.date(1, 1, 1)  # the month of charged messages whose texts are gone: they stay, and their months go


class SmsMessage(Leased):
    """A message. `account` held the line and `payer` paid for it when it was written, or came.

    A sender's key, and a carrier's name on a line, are one message's in all months: the database looks into each.
    While `is_open` a worker has something to do about it: hand it to the carrier, or ask what became of it.
    """

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="messages", db_index=False)
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    to_device = models.BooleanField()
    text = models.CharField(max_length=1000)
    salt = models.CharField(max_length=32, blank=True, default="", db_default="")  # of the text's digest in the audit
    state = models.CharField(max_length=16, choices=[(state.value, state.name.title()) for state in SmsState])
    is_open = models.BooleanField(default=True)
    key = models.CharField(max_length=100, null=True, unique=True)  # noqa: DJ001 - none is not a key that repeats
    by = models.CharField(max_length=254, blank=True)
    price = MoneyField(default=ZERO)  # USD, charged when the carrier takes it
    created_at = models.DateTimeField(default=clock.now)
    at = models.DateTimeField(default=clock.now)  # sent or received, as the carrier says
    ref = models.CharField(max_length=80, blank=True)  # the carrier's name for it
    nth = models.PositiveSmallIntegerField(default=0)  # among those of one name
    word = models.CharField(max_length=40, blank=True)  # the carrier's own, of what became of it
    asked_at = models.DateTimeField(null=True)  # when the carrier was first asked to take it
    ask_first = models.BooleanField(default=False)  # the carrier may have taken it
    # What the carrier lists that may be this one: while there is something, a person is asked and nothing is done.
    doubt = models.CharField(max_length=1000, blank=True, default="", db_default="")
    doubt_ref = models.CharField(max_length=80, blank=True, default="", db_default="")
    accepted_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)  # when somebody marked it as read
    seen_by = models.CharField(max_length=254, blank=True)
    month = models.DateField(default=clock.month, editable=False)  # the table is kept by it; KEPT for what stays

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(text="") | Q(to_device=False), name="sms_says_something"),
            models.CheckConstraint(
                condition=Q(doubt="") | Q(state=SmsState.QUEUED, is_open=False), name="doubtful_sms_waits_for_a_person"
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="sms_price_is_not_negative"),
            models.CheckConstraint(
                condition=Q(state__in=[SmsState.QUEUED, SmsState.REFUSED], accepted_at=None)
                | Q(state=SmsState.RECEIVED, accepted_at=None, to_device=False)
                | Q(
                    state__in=[SmsState.SENT, SmsState.DELIVERED, SmsState.UNDELIVERED],
                    accepted_at__isnull=False,
                    to_device=True,
                ),
                name="sms_is_accepted_or_not",
            ),
            models.UniqueConstraint(
                fields=["line", "ref", "nth"], condition=~Q(ref=""), name="carriers_message_is_one_message"
            ),
        ]
        indexes = [
            models.Index(fields=["payer", "-id"], name="sms_of_payer"),
            models.Index(fields=["account", "-id"], name="sms_of_account"),
            models.Index(fields=["line", "-id"], name="sms_of_line"),
            models.Index(fields=["payer", "-at", "-id"], name="sms_of_payer_by_time"),
            models.Index(fields=["account", "-at", "-id"], name="sms_of_account_by_time"),
            models.Index(fields=["line", "-at", "-id"], name="sms_of_line_by_time"),
            models.Index(fields=["carrier", "due_at"], condition=Q(is_open=True), name="sms_by_due"),
            models.Index(fields=["payer"], condition=Q(state=SmsState.RECEIVED, seen_at=None), name="sms_unread"),
            models.Index(fields=["at"], name="sms_by_age"),  # what is old is dropped (kit/retention.py)
        ]


class SmsLook(Leased):
    """A line whose device has sent something: its messages are to be listed. It stays when that is done."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="sms_look")
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+", db_index=False)
    is_due = models.BooleanField(default=True)
    looked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["carrier", "due_at"], condition=Q(is_due=True), name="sms_look_by_due")]
