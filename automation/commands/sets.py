"""What a rule sets on lines, a speed or a rate plan, and later puts back as it was."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from kit import clock

from accounts.models import Event
from accounts.policy import Actor
from automation import policy
from automation.commands.acts import actor
from automation.models import FollowUp, Rule, RuleFire
from automation.policy import Act, FollowState, Outcome, is_longer
from lines.commands.plans import change_plan_of_lines
from lines.commands.settings import throttle_lines, throttles_of
from lines.models import Line
from lines.policy import Verdict

SAYS = {Act.SPEED: "line.throttle_set", Act.PLAN: "line.plan_changed"}  # the event of somebody who changes it


def set_lines(*, fires: Sequence[RuleFire], now: dt.datetime) -> None:
    """Throttles lines or puts them on another plan, sets the fires' outcomes, and plans to put back what was there.

    States must be locked. The fires are not saved.
    """
    by_rule: dict[Rule, list[RuleFire]] = defaultdict(list)
    for one in fires:
        if one.lifts_at is not None and one.lifts_at <= now:
            one.outcome = Outcome.OVER
        else:
            by_rule[one.rule].append(one)
    for rule, its in by_rule.items():
        ids = [one.line_id for one in its if one.line_id]
        before, planned = _as_they_are(rule, ids), _planned(rule, ids, now)
        verdicts = _want(rule, ids)
        done = []
        for one in sorted(its, key=lambda one: (one.lifts_at is None, one.lifts_at or now), reverse=True):
            line_id = one.line_id or 0
            verdict = verdicts.get(line_id, Verdict.GONE)
            if verdict.is_refusal:
                one.outcome = Outcome.REFUSED
                continue
            one.acted_at = clock.now()
            if line_id in before:  # of two days that it fired for the longer puts back
                done.append((one, before.pop(line_id), verdict is Verdict.DO))
        _plan(planned, done)


def _as_they_are(rule: Rule, line_ids: Sequence[int]) -> dict[int, FollowUp]:
    """Each line's follow-up that would bring back what it has now, not yet of a fire."""
    if rule.to_plan_id is not None:
        plans = Line.objects.filter(pk__in=line_ids).values_list("pk", "plan_id")
        return {pk: FollowUp(line_id=pk, act=Act.PLAN, plan_id=plan) for pk, plan in plans}
    speeds = throttles_of(line_ids=line_ids)
    return {pk: FollowUp(line_id=pk, act=Act.SPEED, speed=speed) for pk, speed in speeds.items()}


def _want(rule: Rule, line_ids: Sequence[int]) -> dict[int, Verdict]:
    if rule.to_plan is not None:
        return change_plan_of_lines(line_ids=line_ids, plan=rule.to_plan, by=actor(rule=rule))
    return throttle_lines(line_ids=line_ids, kbps=rule.kbps, by=actor(rule=rule))


def _planned(rule: Rule, line_ids: Sequence[int], now: dt.datetime) -> dict[int, FollowUp]:
    """What is planned for these lines already; where somebody changed the line since, it is over."""
    act = Act.SPEED if rule.to_plan_id is None else Act.PLAN
    rows = FollowUp.objects.filter(line__in=line_ids, act=act, state=FollowState.OPEN).select_related("fire")
    planned = list(rows.order_by("pk").select_for_update(of=("self",)))
    changed = _changed_since(planned)
    for one in planned:
        if one.pk in changed:
            one.end(FollowState.CHANGED, now)
    return {one.line_id: one for one in planned if one.pk not in changed}


def _plan(planned: dict[int, FollowUp], done: Sequence[tuple[RuleFire, FollowUp, bool]]) -> None:
    """Of several rules on a line the one that lasts longest puts back, and what was there before them all.

    What a line had already by somebody's hand is not undone.
    """
    for fire, was, is_new in done:
        other, until = planned.get(was.line_id), fire.lifts_at
        if other is None and not is_new:
            continue
        if other is not None:
            if not is_new and not is_longer(until, other.due_at):
                continue
            until = until if is_longer(until, other.due_at) else other.due_at
            other.end(FollowState.HELD, clock.now())
            was.speed, was.plan_id = other.speed, other.plan_id
        planned.pop(was.line_id, None)
        if until is not None:
            was.fire, was.due_at = fire, policy.calm_from(fire.acted_at, until)
            was.save()
            planned[was.line_id] = was


def put_back(*, planned: Sequence[FollowUp], now: dt.datetime, by: Actor | None = None) -> int:
    """Gives lines back the speed or the plan that they had, in their rules' names or a person's, unless somebody
    changed it since; says how many. States must be locked."""
    changed = _changed_since(planned)
    groups: dict[tuple[Actor, str, str, int | None], list[FollowUp]] = defaultdict(list)
    for one in planned:
        if one.pk in changed:
            one.end(FollowState.CHANGED, now, by=by)
        else:
            groups[by or actor(rule=one.fire.rule), one.act, one.speed, one.plan_id].append(one)
    turned = 0
    for (who, act, speed, _), its in groups.items():
        ids = [one.line_id for one in its]
        if act == Act.PLAN and its[0].plan is not None:
            verdicts = change_plan_of_lines(line_ids=ids, plan=its[0].plan, by=who)
        else:
            verdicts = throttle_lines(line_ids=ids, kbps=int(speed) if speed else None, by=who)
        for one in its:
            verdict = verdicts.get(one.line_id, Verdict.GONE)
            one.end(FollowState.REFUSED if verdict.is_refusal else FollowState.DONE, now, by=by)
            turned += verdict is Verdict.DO
    return turned


def _changed_since(planned: Sequence[FollowUp]) -> set[int]:
    """Those whose line somebody changed in this, or that is another account's now."""
    lines = Line.objects.in_bulk([one.line_id for one in planned])
    since = min((one.fire.acted_at for one in planned if one.fire.acted_at), default=clock.now())
    subjects = {f"line:{line.iccid}" for line in lines.values()}
    events = Event.objects.filter(subject__in=subjects, verb__in=SAYS.values(), at__gt=since)
    last: dict[tuple[str, str], dt.datetime] = {}
    for subject, verb, at in events.order_by("pk").values_list("subject", "verb", "at"):
        last[subject, verb] = at
    changed = set()
    for one in planned:
        line = lines[one.line_id]
        by_hand, acted = last.get((f"line:{line.iccid}", SAYS[Act(one.act)])), one.fire.acted_at
        if line.payer_id != one.fire.account_id or (by_hand and acted and by_hand > acted):
            changed.add(one.pk)
    return changed
