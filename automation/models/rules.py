"""Rules, what they did, and what they do later."""

from __future__ import annotations

import datetime as dt
import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from kit import clock
from kit.identifiers import ICCID_LONGEST

from accounts.models import Account, Membership
from accounts.policy import Actor
from automation.policy import Act, Action, FollowState, Outcome, Period, Then, Trigger, Unit
from lines.models import CustomField, Line, RatePlan
from lines.policy.fields import LONGEST_VALUE


class Rule(models.Model):
    """When something happens on a line of an account, this is done. Deleted ones stay for what they did."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="rules")
    name = models.CharField(max_length=100)
    is_on = models.BooleanField(default=True)
    is_shadow = models.BooleanField(default=False)  # it records and does not act
    deleted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    since = models.DateTimeField(default=clock.now)  # what happened before it was switched on is not its business

    trigger = models.CharField(max_length=16, choices=[(one.value, one.value) for one in Trigger])
    period = models.CharField(max_length=8, blank=True, choices=[(one.value, one.value) for one in Period])
    unit = models.CharField(max_length=8, blank=True, choices=[(one.value, one.value) for one in Unit])
    limit = models.DecimalField(max_digits=18, decimal_places=6, null=True)  # MB of 1,048,576 bytes, or USD
    hours = models.PositiveIntegerField(null=True)
    word = models.CharField(max_length=70, blank=True)
    countries = ArrayField(models.CharField(max_length=2), default=list)

    holder = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, null=True, related_name="+")
    tags = ArrayField(models.CharField(max_length=50), default=list)
    field = models.ForeignKey(CustomField, on_delete=models.PROTECT, null=True, related_name="+")
    field_value = models.CharField(max_length=LONGEST_VALUE, blank=True, default="", db_default="")
    only_iccids = ArrayField(models.CharField(max_length=ICCID_LONGEST), default=list)
    except_iccids = ArrayField(models.CharField(max_length=ICCID_LONGEST), default=list)

    action = models.CharField(max_length=16, choices=[(one.value, one.value) for one in Action])
    then = models.CharField(max_length=16, blank=True, choices=[(one.value, one.value) for one in Then])
    then_hours = models.PositiveIntegerField(null=True)
    kbps = models.PositiveIntegerField(null=True)
    to_plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, null=True, related_name="+")
    tells = models.ManyToManyField(Membership, related_name="+")

    saved_at = models.DateTimeField(null=True)  # when it was last written or switched on
    check_asked_at = models.DateTimeField(null=True)  # all its lines are to be looked at, not only those that move
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="rule_has_a_name"),
            models.CheckConstraint(
                condition=~Q(trigger__in=[Trigger.USAGE, Trigger.COST])
                | Q(limit__gt=0, limit__isnull=False, period__in=list(Period), unit__in=list(Unit)),
                name="rule_about_usage_has_a_limit",
            ),
            models.CheckConstraint(
                condition=~Q(trigger=Trigger.SILENCE) | Q(hours__gt=0, hours__isnull=False),
                name="rule_about_silence_has_hours",
            ),
            models.CheckConstraint(
                condition=~Q(trigger=Trigger.SMS) | ~Q(word=""), name="rule_about_messages_has_a_word"
            ),
            models.CheckConstraint(
                condition=Q(then="") | ~Q(action=Action.TELL), name="only_what_was_changed_is_put_back"
            ),
            models.CheckConstraint(
                condition=~Q(action=Action.THROTTLE) | Q(kbps__gt=0, kbps__isnull=False),
                name="rule_that_throttles_says_to_what",
            ),
            models.CheckConstraint(
                condition=~Q(action=Action.PLAN) | Q(to_plan__isnull=False),
                name="rule_that_changes_the_plan_says_which",
            ),
            models.CheckConstraint(
                condition=Q(field__isnull=True) | ~Q(field_value=""), name="rule_about_a_field_has_its_value"
            ),
            models.CheckConstraint(
                condition=~Q(then=Then.HOURS) | Q(then_hours__gt=0, then_hours__isnull=False),
                name="follow_up_after_hours_says_how_many",
            ),
        ]
        indexes = [
            models.Index(
                fields=["trigger", "account"], condition=Q(is_on=True, deleted_at__isnull=True), name="rule_that_acts"
            )
        ]

    def __str__(self) -> str:
        return self.name


class RuleFire(models.Model):
    """A rule fired: once for each line and period, whatever is replayed. `line` is null for a whole account's cost."""

    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="fires", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    period = models.CharField(max_length=80)  # what it fires once in: `day:2026-11-20`, `imei:81`
    is_shadow = models.BooleanField(default=False)
    fired_at = models.DateTimeField(default=clock.now)
    value = models.DecimalField(max_digits=24, decimal_places=6, null=True)  # MB, USD or hours
    because = models.CharField(max_length=300)
    outcome = models.CharField(max_length=16, choices=[(one.value, one.value) for one in Outcome])
    lifts_at = models.DateTimeField(null=True)  # until when it wants the line off; null: for good
    acted_at = models.DateTimeField(null=True)
    mail_due = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "line", "period", "is_shadow"],
                name="rule_fires_once_for_a_line_and_period",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="fire_of_account"),
            models.Index(fields=["line", "-id"], name="fire_of_line"),
            models.Index(fields=["rule", "id"], condition=Q(mail_due=True), name="fire_to_mail"),
            models.Index(fields=["line"], condition=Q(outcome=Outcome.STANDS_BY), name="fire_that_stands_by"),
        ]


class FollowUp(models.Model):
    """What is done later about a line that a rule fired for."""

    fire = models.ForeignKey(RuleFire, on_delete=models.PROTECT, related_name="follow_ups", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="+", db_index=False)
    act = models.CharField(max_length=16, choices=[(one.value, one.value) for one in Act])
    speed = models.CharField(max_length=16, blank=True, default="")  # that it gets: kbps; empty for no limit
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, null=True, related_name="+")  # that it gets
    due_at = models.DateTimeField()
    state = models.CharField(
        max_length=16, default=FollowState.OPEN, choices=[(one.value, one.value) for one in FollowState]
    )
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=254, blank=True)  # who cancelled it or ran it at once

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fire", "act"], name="follow_up_is_once_for_a_fire"),
            models.CheckConstraint(
                condition=Q(state=FollowState.OPEN, done_at=None) | (~Q(state=FollowState.OPEN) & ~Q(done_at=None)),
                name="follow_up_is_open_or_has_ended",
            ),
            models.CheckConstraint(
                condition=Q(act=Act.PLAN, plan__isnull=False) | (~Q(act=Act.PLAN) & Q(plan=None)) | Q(act=Act.SET),
                name="follow_up_that_puts_a_plan_back_says_which",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state=FollowState.OPEN), name="follow_up_by_due"),
            models.Index(fields=["line"], condition=Q(state=FollowState.OPEN), name="follow_up_of_line"),
        ]

    def end(self, state: FollowState, at: dt.datetime, *, by: Actor | None = None) -> None:
        """It is over, by its time or by this person."""
        self.state, self.done_at, self.done_by = state, at, by.name if by else ""
        self.save(update_fields=["state", "done_at", "done_by"])


class LineGuard(models.Model):
    """How often and when rules last changed a line, in whatever: it keeps a line from flapping."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="+")
    day = models.DateField()
    times = models.PositiveSmallIntegerField(default=0)  # on `day`
    last_at = models.DateTimeField()
    left_on = models.DateField(null=True)  # the last day on which it was left alone


class Swept(models.Model):
    """How far the events are read, by whom."""

    name = models.CharField(max_length=32, primary_key=True)
    last_event = models.BigIntegerField(default=0)
