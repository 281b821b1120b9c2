"""Counts bundles of which something has changed, charges what is beyond them, and tells of levels that they reach.

What they count is booked: day rows, times on, prices. How often, and in which order that came, changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db import connection, transaction
from kit import clock
from kit.sweeps import each

from accounts.commands import Happened, record, record_many
from accounts.policy import SYSTEM
from billing.commands import Charge, charge_usage, lock_wallets
from billing.commands.notices import tell
from lines import bundles_words as words
from lines.commands.bundle_sql import COUNT_OWN, COUNT_POOL, DUE, LOOK
from lines.commands.changes import note_changed_lines
from lines.models import Bundle, Line, Price, RatePlan
from lines.policy.bundles import level, percent

LOOKS_BACK = dt.timedelta(days=100)  # usage is found so late at the most
EVENTS_AT_ONCE = 250  # lines of which one count tells by events of their own


@dataclass(frozen=True, slots=True)
class Due:
    """A bundle that is to be counted: whose, the cycle's first day and the first one after it, and a digest of what is
    there."""

    payer_id: int
    plan_id: int
    is_pooled: bool
    cycle: dt.date
    until: dt.date
    digest: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of one: lines, bytes used, included and beyond, USD, by how much each day's cost is another, the lines
    that owe more, and those of which people are told now, with the level that they reached."""

    lines: int
    used: int
    included: int
    beyond: int
    cost: Decimal
    days: Sequence[dt.date]
    more: Sequence[Decimal]
    changed: Sequence[int]
    told: Sequence[int]
    levels: Sequence[int]


def charge_bundles(*, today: dt.date, payer_id: int | None = None) -> int:
    """Counts every bundle of which something has changed, of one account or of all; says how many. Harmless twice. One
    account whose bundles cannot be counted stops no other."""
    if not Price.objects.of_bundles().exists():
        return 0
    given = {"today": today, "since": today - LOOKS_BACK, "payer": payer_id}
    with connection.cursor() as cursor:
        cursor.execute(DUE, given)
        due = [Due(*row) for row in cursor.fetchall()]
    by_payer = [(payer, list(its)) for payer, its in groupby(due, lambda one: one.payer_id)]
    return sum(each(by_payer, lambda one: count_bundles(payer_id=one[0], due=one[1], today=today)))


@transaction.atomic
def count_bundles(*, payer_id: int, due: Sequence[Due], today: dt.date) -> int:
    """The same for these of one account, whose readings wait meanwhile."""
    lock_wallets(account_ids=[payer_id])
    charges: list[Charge] = []
    changed: set[int] = set()
    for one in due:
        counted = _count(one, today)
        changed.update(counted.changed)
        charges += [Charge(payer_id, day, more) for day, more in zip(counted.days, counted.more, strict=True)]
        _keep(one, counted, today)
    charge_usage(charges=charges)
    note_changed_lines(line_ids=changed)
    return len(due)


def _count(due: Due, today: dt.date) -> Counted:
    given: dict[str, Any] = {
        "payer": due.payer_id,
        "plan": due.plan_id,
        "pooled": due.is_pooled,
        "cycle": due.cycle,
        "until": due.until,
        "deep": True,
        "tells": due.until > today,
    }
    with connection.cursor() as cursor:
        if due.is_pooled and not _has_overage(due):
            cursor.execute(LOOK, given | {"deep": False})
            lines, used, included, is_enough = cursor.fetchone()
            if is_enough:
                return Counted(lines, used, included, 0, Decimal(0), (), (), (), (), ())
        cursor.execute(COUNT_POOL if due.is_pooled else COUNT_OWN, given)
        return Counted(*cursor.fetchone())


def _has_overage(due: Due) -> bool:
    before = Bundle.objects.filter(payer=due.payer_id, plan=due.plan_id, cycle=due.cycle, is_pooled=due.is_pooled)
    return before.filter(beyond__gt=0).exists()


def _keep(due: Due, counted: Counted, today: dt.date) -> None:
    bundle, _ = Bundle.objects.get_or_create(
        payer_id=due.payer_id, plan_id=due.plan_id, cycle=due.cycle, is_pooled=due.is_pooled
    )
    bundle.lines, bundle.used, bundle.included = counted.lines, counted.used, counted.included
    bundle.beyond, bundle.cost = counted.beyond, counted.cost
    bundle.seen, bundle.counted_at = due.digest, clock.now()
    reached = level(percent(counted.used, counted.included)) if due.is_pooled and due.until > today else 0
    is_news, bundle.told = reached > bundle.told, max(bundle.told, reached)
    bundle.save()
    if is_news:
        _tell_of_pool(bundle, due, reached)
    if counted.told:
        _tell_of_lines(due, dict(zip(counted.told, counted.levels, strict=True)))


def _tell_of_pool(bundle: Bundle, due: Due, reached: int) -> None:
    """One event and one mail for each level that a pool reaches in a cycle."""
    plan = RatePlan.objects.get(pk=due.plan_id)
    detail = words.facts(bundle, plan) | {"at": reached}
    record(by=SYSTEM, verb="bundle.threshold", account_id=due.payer_id, subject=f"rate_plan:{plan.name}", detail=detail)
    tell(
        account_id=due.payer_id,
        key=f"bundle:{due.payer_id}:{due.plan_id}:{due.cycle}:{reached}",
        told=words.pool_reached(bundle, plan, reached, due.until, _price_beyond(due)),
        page="/usage/",
        about=f"bundle:{due.plan_id}",
    )


def _tell_of_lines(due: Due, reached: dict[int, int]) -> None:
    """An event for each line that reached a level, and one mail for all of them."""
    plan = RatePlan.objects.get(pk=due.plan_id)
    iccids = dict(Line.objects.filter(pk__in=reached).values_list("pk", "iccid"))
    facts = {"rate_plan": plan.name, "cycle": due.cycle.isoformat()}
    record_many(
        by=SYSTEM,
        verb="bundle.threshold",
        things=[
            Happened(due.payer_id, f"line:{iccids[line]}", facts | {"at": at})
            for line, at in sorted(reached.items())[:EVENTS_AT_ONCE]
        ],
    )
    for at in sorted(set(reached.values())):
        its = sorted(iccids[line] for line, one in reached.items() if one == at)
        tell(
            account_id=due.payer_id,
            key=f"bundle:{due.payer_id}:{due.plan_id}:{due.cycle}:{at}:{its[0]}",
            told=words.lines_reached(its, plan, at, due.until, _price_beyond(due)),
            page=f"/lines/{its[0]}/" if len(its) == 1 else "/usage/",
            about=f"bundle:{due.plan_id}:lines",
        )


def _price_beyond(due: Due) -> Decimal:
    """Of the price that is in force at the end of the cycle."""
    prices = Price.objects.of_bundles().filter(plan=due.plan_id, is_pooled=due.is_pooled)
    rows = [one for one in prices if one.valid_from is None or one.valid_from.date() < due.until]
    latest = max(rows, key=lambda one: one.valid_from.timestamp() if one.valid_from else 0)
    return latest.per_mb_beyond or Decimal(0)
