"""Whose lines a person sees, and what of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    DateField,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from kit.identifiers import all_spellings, read_iccid, sim_key

from accounts.models import Account
from accounts.queries import Viewer
from lines.models import Line, LineDay
from lines.policy import Status, Wanted, Why
from lines.policy.precedence import Standing
from lines.rules import CONFIRMED_ON

CYCLE = dt.timedelta(days=31)  # no cycle is longer

# lines.policy.status said in SQL; a test holds the two together.
STATUS = Case(
    When(Q(state__wanted=Wanted.ACTIVE) & CONFIRMED_ON, then=Value(Status.ACTIVATED.value)),
    When(state__wanted=Wanted.ACTIVE, then=Value(Status.ACTIVATION_READY.value)),
    default=F("state__wanted"),
    output_field=IntegerField(),
)

# lines.policy.precedence.standing_of said in SQL.
STANDING = Case(
    When(state__wanted=Wanted.ACTIVE, then=Value(Standing.ON.value)),
    default=F("state__why"),
    output_field=CharField(),
)

# Wanted on, and the carrier stops it, or says of it what nobody here understands (LineShown.stopped says it in Python).
STOPPED = Q(state__wanted=Wanted.ACTIVE) & (
    Q(state__blocked=True) | (Q(state__reported=None, drive=None) & ~Q(state__reported_word=""))
)


def of_status(status: Status) -> Q:
    """Which lines have it, in plain columns: the planner knows how many have which, and of a Case it knows nothing."""
    active = Q(state__wanted=Wanted.ACTIVE)
    if status is Status.ACTIVATED:
        return active & CONFIRMED_ON
    if status is Status.ACTIVATION_READY:
        return active & ~CONFIRMED_ON
    return Q(state__wanted=status.value)


def today_bytes(today: dt.date, viewer: Viewer) -> Case:
    """What a line used on this day; one that was not read today has used nothing."""
    used = _theirs(F("state__day_bytes"), viewer, today, day=today)
    return Case(When(state__day=today, then=used), default=Value(0), output_field=BigIntegerField())


def counted(column: str, viewer: Viewer, today: dt.date) -> Case:
    """A figure of the current cycle that the carrier counts beside data; null where it tells none (see `_counts`)."""
    told = Q(counts__cycle=_current_cycle(today))
    if viewer.account.is_subaccount:
        told &= Q(held_since=None) | Q(held_since__lt=F("counts__cycle"))
    return Case(When(told, then=F(f"counts__{column}")), default=None, output_field=IntegerField())


def _current_cycle(today: dt.date) -> Combinable:
    """counting.cycle_of, of a day in the open cycle."""
    this, last = today.replace(day=1), (today.replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    month = Case(When(carrier__cycle_day__lte=today.day, then=Value(this)), default=Value(last))
    start = ExpressionWrapper(month + F("carrier__cycle_day") - 1, output_field=DateField())
    turning = Q(carrier__cycle_since__gt=today, carrier__cycle_before__isnull=False)
    return Case(When(turning, then=F("carrier__cycle_before")), default=start, output_field=DateField())


def month_bytes(today: dt.date, viewer: Viewer) -> Case:
    """What a line used in its carrier's current cycle since it became ours."""
    used = _theirs(F("state__counter") - F("state__baseline"), viewer, today, cycle=OuterRef("state__cycle"))
    return Case(When(state__cycle=_current_cycle(today), then=used), default=Value(0), output_field=BigIntegerField())


def _theirs(used: Combinable, viewer: Viewer, today: dt.date, **when: object) -> Combinable:
    """Without what others used while they held a line that came to a sub-account in this cycle."""
    if not viewer.account.is_subaccount:
        return used
    days = LineDay.objects.filter(line=OuterRef("pk"), **when).exclude(account=viewer.account).order_by()
    others = Subquery(days.values("line").annotate(sum=Sum("used")).values("sum"), output_field=BigIntegerField())
    came = Q(held_since__gte=dt.datetime.combine(today - CYCLE, dt.time(), dt.UTC))
    return Case(When(came, then=used - Coalesce(others, 0)), default=used, output_field=BigIntegerField())


def lines_of(viewer: Viewer) -> QuerySet[Line]:
    """The lines that a person sees: those a sub-account holds, or all that an account pays for."""
    return lines_held(viewer.account)


def lines_held(account: Account) -> QuerySet[Line]:
    """The lines that a sub-account holds, or all that an account pays for."""
    return Line.objects.filter(account=account) if account.is_subaccount else Line.objects.filter(payer=account)


# Those that the rule which holds them is to give back (of one: `shown.SHOWN`).
RETURNS = Q(state__why=Why.RULE.value, rule_hold__until__isnull=False, rule_hold__since=F("state__wanted_at"))


def iccids_kept(payer: Account, iccids: Sequence[str]) -> list[str]:
    """ICCIDs as the payer's lines have them, however they were written; those of no line as they were read.

    Raises NotAnIccid.
    """
    read = {sim_key(one): one for one in map(read_iccid, iccids)}
    lines = Line.objects.filter(payer=payer, iccid__in=all_spellings(read.values()))
    theirs = {sim_key(iccid): iccid for iccid in lines.values_list("iccid", flat=True)}
    return [theirs.get(key, iccid) for key, iccid in read.items()]
