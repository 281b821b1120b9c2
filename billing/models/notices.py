"""What each person finds of what people are told, and how each wants to be told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit import clock
from kit.labels import labels

from accounts.models import Account, Membership, User
from billing.models.papers import Notice
from billing.policy.notices import Kind, Wish


class Notification(models.Model):
    """A notice as one person finds it in the console. `webhook_due`: they asked that the account's webhooks hear of it,
    which is still to be done."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="notifications", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField(default=clock.now)
    in_console = models.BooleanField(default=True)
    webhook_due = models.BooleanField(default=False)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["notice", "user"], name="person_is_notified_once")]
        indexes = [
            models.Index(
                fields=["user", "account", "-id"], condition=Q(in_console=True), name="notification_of_person"
            ),
            models.Index(
                fields=["user", "account"], condition=Q(in_console=True, read_at=None), name="notification_unread"
            ),
            models.Index(fields=["account"], name="notification_of_account"),
            models.Index(fields=["id"], condition=Q(webhook_due=True), name="notification_to_send"),
        ]


class NotificationChoice(models.Model):
    """How a person wants to be told of one kind in one account; where there is no row, as everybody is."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="notification_choices")
    kind = models.CharField(max_length=12, choices=labels(Kind))
    in_console = models.BooleanField(default=True)
    by_mail = models.CharField(max_length=8, choices=labels(Wish), default=Wish.USUAL)
    by_webhook = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["membership", "kind"], name="kind_is_chosen_once"),
            models.CheckConstraint(condition=Q(kind__in=list(Kind)), name="choice_is_of_a_kind"),
        ]
