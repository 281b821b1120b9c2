"""What a rule does to lines, now or later: it holds them, and the guard keeps them from flapping."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import connection
from kit import clock
from kit.sql import array

from accounts.commands import Happened, record_many
from accounts.policy import SYSTEM, Actor, ActorKind
from automation import policy
from automation.models import FollowUp, LineGuard, Rule, RuleFire
from automation.policy import Act, FollowState, LineNow
from billing.commands.notices import tell
from billing.words import Told
from lines.commands.holds import hold_lines
from lines.models import Line, LineState
from lines.policy import Wanted, Why


def actor(*, rule: Rule) -> Actor:
    return Actor(ActorKind.RULE, rule.name)


def is_held(*, state: LineState) -> bool:
    """Whether a rule switched the line off, and nobody since."""
    return state.wanted == Wanted.DEACTIVATED and state.why == Why.RULE.value


def lines_now(*, states: Iterable[LineState], today: dt.date) -> dict[int, LineNow]:
    """The lines as rules find them. States must be locked."""
    states = list(states)
    ids = [state.pk for state in states]
    guards = LineGuard.objects.in_bulk(ids)
    gives_back = FollowUp.objects.filter(line__in=ids, state=FollowState.OPEN, act=Act.ACTIVATE)
    until: dict[int, dt.datetime] = {}
    for line_id, due_at in gives_back.values_list("line_id", "due_at"):
        until[line_id] = max(due_at, until.get(line_id, due_at))
    now = {}
    for state in states:
        guard = guards.get(state.pk)
        now[state.pk] = LineNow(
            is_off=state.wanted == Wanted.DEACTIVATED,
            is_held=is_held(state=state),
            held_until=until.get(state.pk),
            last_change=guard.last_at if guard else None,
            changes_today=guard.times if guard and guard.day == today else 0,
        )
    return now


def hold(*, fires: Sequence[RuleFire], lines: dict[int, LineNow]) -> int:
    """Switches the lines of these fires off, one fire for a line, and plans to give them back; says how many it turned.

    What another rule had planned for a line gives way. States must be locked. The fires are not saved.
    """
    by_rule: dict[Rule, list[int]] = defaultdict(list)
    of_line = {fire.line_id: fire for fire in fires if fire.line_id is not None}
    for line_id, fire in of_line.items():
        by_rule[fire.rule].append(line_id)
    now = clock.now()
    for rule, its in by_rule.items():
        hold_lines(line_ids=its, by=actor(rule=rule))
    ids = list(of_line)
    turned = [line_id for line_id in ids if not lines[line_id].is_off]
    FollowUp.objects.filter(line__in=ids, state=FollowState.OPEN, act=Act.ACTIVATE).update(
        state=FollowState.HELD, done_at=now
    )
    planned = []
    for line_id, wanted_at in LineState.objects.filter(pk__in=ids).values_list("pk", "wanted_at"):
        fire = of_line[line_id]
        fire.acted_at = wanted_at
        if fire.lifts_at is not None:
            due_at = policy.calm_from(wanted_at, fire.lifts_at)
            planned.append(FollowUp(fire=fire, line_id=line_id, act=Act.ACTIVATE, due_at=due_at))
    FollowUp.objects.bulk_create(planned, batch_size=2000)
    count_changes(line_ids=turned, now=now)
    return len(turned)


COUNT = """
INSERT INTO automation_lineguard AS g (line_id, day, times, last_at)
SELECT line_id, %(day)s, 1, %(now)s FROM unnest(%(lines)s::bigint[]) AS line_id ORDER BY line_id
ON CONFLICT (line_id) DO UPDATE
   SET times = CASE WHEN g.day = excluded.day THEN g.times + 1 ELSE 1 END,
       day = excluded.day, last_at = excluded.last_at
"""


def count_changes(*, line_ids: Sequence[int], now: dt.datetime) -> None:
    """A rule changed these lines."""
    if line_ids:
        with connection.cursor() as cursor:
            cursor.execute(COUNT, {"day": now.date(), "now": now, "lines": array(line_ids)})


def leave_alone(*, line_ids: Sequence[int], now: dt.datetime) -> None:
    """Rules changed these lines too often today: they are flagged, and their owner is told, once a day."""
    fresh = LineGuard.objects.filter(pk__in=line_ids).exclude(left_on=now.date())
    lines = list(Line.objects.filter(pk__in=fresh.values("pk")).order_by("pk"))
    LineGuard.objects.filter(pk__in=[line.pk for line in lines]).update(left_on=now.date())
    record_many(
        by=SYSTEM,
        verb="line.left_alone",
        things=[Happened(line.account_id, f"line:{line.iccid}", {}) for line in lines],
    )
    for line in lines:
        told = Told(
            f"Rules leave line {line.iccid} alone today",
            f"Rules changed line {line.iccid} {policy.MOST_CHANGES} times on {now:%-d %B %Y}. So that it does not"
            " switch on and off without end they leave it as it is until midnight UTC. Rule Activity says what they"
            " did.",
        )
        if line.payer_id:
            tell(account_id=line.payer_id, key=f"left-alone:{line.iccid}:{now.date()}", told=told)
