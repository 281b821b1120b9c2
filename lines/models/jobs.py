"""Work on many lines at once: what was asked, and what has become of each line."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from kit import clock

from accounts.models import Account
from lines.models.lines import Line
from lines.policy import Action, Item, JobState


class Job(models.Model):
    """An action on lines of an account, chosen once: its items say which. `key` names it for who might ask twice."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="jobs", db_index=False)
    action = models.CharField(max_length=24, choices=[(action.value, action.value) for action in Action])
    parameters = models.JSONField(default=dict)
    by_kind = models.CharField(max_length=16)
    by_name = models.CharField(max_length=254)
    selection = models.CharField(max_length=300)  # in words: which lines were asked for
    key = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(
        max_length=12, choices=[(state.value, state.value) for state in JobState], default=JobState.PREVIEWED
    )
    stopped_by = models.CharField(max_length=254, blank=True, default="")  # who paused or cancelled it
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    run_at = models.DateTimeField(null=True)  # since when it runs without a pause
    run_from = models.PositiveIntegerField(default=0)  # how many lines were over then
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "key"], condition=~Q(key=""), name="job_key_is_used_once"),
            models.CheckConstraint(
                condition=Q(state__in=[JobState.CANCELLED, JobState.DONE], ended_at__isnull=False)
                | Q(state__in=[JobState.PREVIEWED, JobState.RUNNING, JobState.PAUSED], ended_at__isnull=True),
                name="job_that_is_over_has_an_end",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="job_of_account"),
            models.Index(fields=["id"], condition=Q(state=JobState.RUNNING), name="job_that_runs"),
        ]

    @property
    def over(self) -> int:
        """Lines of which the outcome is known."""
        return self.done + self.same + self.refused + self.failed

    @property
    def left(self) -> int:
        return self.total - self.over


class JobItem(models.Model):
    """One line of a job. Its outcome is written in the transaction that acts, so a line is never acted on twice."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+", db_index=False)
    state = models.SmallIntegerField(default=Item.WAITING, choices=[(item.value, item.name.lower()) for item in Item])
    verdict = models.CharField(max_length=16, blank=True, default="")
    note = models.CharField(max_length=200, blank=True, default="")
    before = models.TextField(blank=True, default="", db_default="")  # what it was; of tags those that were changed
    month = models.DateField(default=clock.month, editable=False)  # of all of a job the same; kept by it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "line", "month"], name="line_is_once_in_a_job")]
        indexes = [models.Index(fields=["job", "state", "id"], name="job_item_by_state")]
