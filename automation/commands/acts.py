"""How rules find lines, and how they hold them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence

from accounts.policy import Actor, ActorKind
from automation import policy
from automation.commands.guard import Guard
from automation.models import FollowUp, Rule, RuleFire
from automation.policy import Act, FollowState, LineNow
from lines.commands.holds import hold_lines, plan_returns
from lines.models import LineState
from lines.policy import Wanted, Why


def actor(*, rule: Rule) -> Actor:
    return Actor(ActorKind.RULE, rule.name)


def is_held(*, state: LineState) -> bool:
    """Whether a rule switched the line off, and nobody since."""
    return state.wanted == Wanted.DEACTIVATED and state.why == Why.RULE.value


def lines_now(*, states: Collection[LineState], guard: Guard) -> dict[int, LineNow]:
    """The lines as rules find them. States must be locked."""
    ids = [state.pk for state in states]
    gives_back = FollowUp.objects.filter(line__in=ids, state=FollowState.OPEN, act=Act.ACTIVATE)
    until: dict[int, dt.datetime] = {}
    for line_id, due_at in gives_back.values_list("line_id", "due_at"):
        until[line_id] = max(due_at, until.get(line_id, due_at))
    return {
        state.pk: LineNow(
            is_off=state.wanted == Wanted.DEACTIVATED,
            is_held=is_held(state=state),
            held_until=until.get(state.pk),
            changes=guard.changes(state.pk),
        )
        for state in states
    }


def hold(*, fires: Sequence[RuleFire], lines: dict[int, LineNow], guard: Guard) -> int:
    """Switches the lines of these fires off, one fire for a line, and plans to give them back; says how many it turned.

    What another rule had planned for a line gives way. States must be locked. The fires are not saved.
    """
    by_rule: dict[Rule, list[int]] = defaultdict(list)
    of_line = {fire.line_id: fire for fire in fires if fire.line_id is not None}
    for line_id, fire in of_line.items():
        by_rule[fire.rule].append(line_id)
    for rule, its in by_rule.items():
        hold_lines(line_ids=its, by=actor(rule=rule))
    ids = list(of_line)
    turned = [line_id for line_id in ids if not lines[line_id].is_off]
    FollowUp.objects.filter(line__in=ids, state=FollowState.OPEN, act=Act.ACTIVATE).update(
        state=FollowState.HELD, done_at=guard.now
    )
    planned: list[FollowUp] = []
    for line_id, wanted_at in LineState.objects.filter(pk__in=ids).values_list("pk", "wanted_at"):
        fire = of_line[line_id]
        fire.acted_at = wanted_at
        if fire.lifts_at is not None:
            due_at = policy.calm_from(wanted_at, fire.lifts_at)
            planned.append(FollowUp(fire=fire, line_id=line_id, act=Act.ACTIVATE, due_at=due_at))
    FollowUp.objects.bulk_create(planned, batch_size=2000)
    plan_returns(returns=dict.fromkeys(ids) | {one.line_id: one.due_at for one in planned})
    guard.count(turned)
    return len(turned)
