"""What rules did: a list that is filtered and paged by key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Prefetch, Q, QuerySet
from kit.sql import streamed

from accounts.models import Account
from automation.models import FollowUp, Rule, RuleFire
from automation.policy import FollowState

PAGE = 50
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class AskedActivity:
    """Which activity; everything that is in its address."""

    line: str = ""  # an ICCID, or its last digits
    rule: str = ""  # a UUID's 32 hex
    outcome: str = ""
    start: dt.date | None = None
    end: dt.date | None = None
    before: int | None = None  # rows older than this one

    @property
    def is_narrowed(self) -> bool:
        return bool(self.line or self.rule or self.outcome or self.start or self.end)


def activity_of(account: Account, asked: AskedActivity) -> QuerySet[RuleFire]:
    """What an account's rules did, latest first."""
    fires = RuleFire.objects.filter(account=account)
    if asked.line:
        fires = fires.filter(Q(line__iccid__endswith=asked.line) | Q(line__iccid__startswith=asked.line))
    if asked.rule:
        fires = fires.filter(rule__uuid=asked.rule)
    if asked.outcome:
        fires = fires.filter(outcome=asked.outcome)
    if asked.start:
        fires = fires.filter(fired_at__date__gte=asked.start)
    if asked.end:
        fires = fires.filter(fired_at__date__lte=asked.end)
    if asked.before:
        fires = fires.filter(pk__lt=asked.before)
    follow_ups = Prefetch("follow_ups", FollowUp.objects.order_by("pk"))
    return fires.select_related("rule", "line", "line__state").prefetch_related(follow_ups).order_by("-pk")


def page_of(account: Account, asked: AskedActivity) -> tuple[list[RuleFire], bool]:
    """A page, and whether there are older rows."""
    rows = list(activity_of(account, asked)[: PAGE + 1])
    return rows[:PAGE], len(rows) > PAGE


def all_of(account: Account, asked: AskedActivity) -> Iterator[RuleFire]:
    """Every row, a batch at a time."""
    yield from streamed(activity_of(account, asked), size=BATCH)


def rules_of(account: Account) -> list[Rule]:
    """An account's rules by name."""
    rules = Rule.objects.filter(account=account, deleted_at=None).select_related("holder", "plan", "field")
    return list(rules.order_by("name", "pk"))


def fired_by_rule(account: Account, *, since: dt.datetime) -> dict[int, int]:
    """How often each rule fired since then, in the shadow too."""
    rows = RuleFire.objects.filter(account=account, fired_at__gte=since).values("rule")
    return dict(rows.annotate(n=Count("pk")).values_list("rule", "n"))


def planned_by_rule(account: Account) -> dict[int, int]:
    """How many follow-ups each rule has open."""
    rows = FollowUp.objects.filter(fire__account=account, state=FollowState.OPEN).values("fire__rule")
    return dict(rows.annotate(n=Count("pk")).values_list("fire__rule", "n"))


def rule_of(account: Account, key: str) -> Rule | None:
    """One rule that is not deleted; None for another account's."""
    return (
        Rule.objects.filter(account=account, uuid=key, deleted_at=None)
        .select_related("holder", "plan", "field")
        .first()
    )


def fired_rules_of(account: Account) -> list[Rule]:
    """Rules that one may filter by, deleted ones too."""
    return list(Rule.objects.filter(account=account).order_by("name", "pk"))
