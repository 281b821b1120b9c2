"""What a rule sets on lines, a speed or a rate plan, and later puts back as it was."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from kit import clock

from accounts.models import Event
from accounts.policy import Actor, ActorKind
from automation import policy
from automation.commands.acts import actor
from automation.commands.guard import Guard, put_off, wait, waited
from automation.models import FollowUp, Rule, RuleFire
from automation.policy import Act, FollowState, Outcome, is_longer
from lines.commands.plans import change_plan_of_lines
from lines.commands.settings import throttle_lines, throttles_of
from lines.models import Line, RatePlan
from lines.policy import Verdict

TOMORROW = (Verdict.OVER_DAY, Verdict.UNCONFIRMED)  # what is to be put back then is tried again
SAYS = {Act.SPEED: "line.throttle_set", Act.PLAN: "line.plan_changed"}  # the event of somebody who changes it


@dataclass(frozen=True, slots=True)
class Aim:
    """What lines are to have: a rate plan or, without one, a speed: kbps, empty for no limit."""

    plan: RatePlan | None
    speed: str

    @classmethod
    def of_rule(cls, rule: Rule) -> Aim:
        return cls(rule.to_plan, str(rule.kbps or ""))

    @classmethod
    def of_follow_up(cls, one: FollowUp) -> Aim:
        return cls(one.plan, one.speed)

    @property
    def puts_back(self) -> Act:
        return Act.SPEED if self.plan is None else Act.PLAN

    def want(self, line_ids: Sequence[int], *, by: Actor, guard: Guard | None) -> dict[int, Verdict]:
        """Says of each line what came of it, and counts what a rule changed."""
        if self.plan is not None:
            verdicts = change_plan_of_lines(line_ids=line_ids, plan=self.plan, by=by)
        else:
            verdicts = throttle_lines(line_ids=line_ids, kbps=int(self.speed) if self.speed else None, by=by)
        if guard is not None:
            guard.count([line_id for line_id, verdict in verdicts.items() if verdict is Verdict.DO])
        return verdicts


def set_lines(*, wants: Sequence[tuple[RuleFire, Aim]], guard: Guard) -> None:
    """Throttles lines or puts them on another plan, sets the fires' outcomes, and plans to put back what was there.

    What the guard does not let through yet waits. States must be locked. The fires are not saved.
    """
    groups: dict[tuple[Rule, Aim], list[RuleFire]] = defaultdict(list)
    for one, aim in wants:
        if one.lifts_at is not None and one.lifts_at <= guard.now:
            one.outcome = Outcome.OVER
        else:
            groups[one.rule, aim].append(one)
    for (rule, aim), its in groups.items():
        _set(rule, aim, its, guard)


def _set(rule: Rule, aim: Aim, fires: Sequence[RuleFire], guard: Guard) -> None:
    before = _as_they_are(aim, [one.line_id for one in fires if one.line_id])
    let = _let(fires, aim, before, guard)
    ids = [one.line_id for one in let if one.line_id]
    planned = _planned(aim, ids, guard.now)
    verdicts = aim.want(ids, by=actor(rule=rule), guard=guard)
    done = []
    for one in sorted(let, key=lambda one: (one.lifts_at is None, one.lifts_at or guard.now), reverse=True):
        line_id = one.line_id or 0
        verdict = verdicts.get(line_id, Verdict.GONE)
        one.outcome = Outcome.REFUSED if verdict.is_refusal else Outcome.SET
        if verdict.is_refusal:
            continue
        one.acted_at = clock.now()
        if line_id in before:  # of two days that it fired for the longer puts back
            done.append((one, before.pop(line_id), verdict is Verdict.DO))
    _plan(planned, done)


def _let(fires: Sequence[RuleFire], aim: Aim, before: dict[int, FollowUp], guard: Guard) -> list[RuleFire]:
    """Those that change nothing or may change their lines now; the others wait, or leave their lines alone."""
    let: list[RuleFire] = []
    waiting: list[FollowUp] = []
    left: list[int] = []
    for one in fires:
        line_id = one.line_id or 0
        why = guard.keeps(line_id)
        if why is None or (line_id in before and Aim.of_follow_up(before[line_id]) == aim):
            let.append(one)
            continue
        one.outcome = why
        if why == Outcome.LEFT:
            left.append(line_id)
        else:
            due_at = guard.free_from(line_id)
            one_later = FollowUp(fire=one, line_id=line_id, act=Act.SET, plan=aim.plan, speed=aim.speed, due_at=due_at)
            waiting.append(one_later)
    wait(planned=waiting)
    guard.leave_alone(left)
    return let


def _as_they_are(aim: Aim, line_ids: Sequence[int]) -> dict[int, FollowUp]:
    """Each line's follow-up that would bring back what it has now, not yet of a fire."""
    if aim.plan is not None:
        lines = Line.objects.filter(pk__in=line_ids).select_related("plan")
        return {line.pk: FollowUp(line_id=line.pk, act=Act.PLAN, plan=line.plan) for line in lines}
    speeds = throttles_of(line_ids=line_ids)
    return {pk: FollowUp(line_id=pk, act=Act.SPEED, speed=speed) for pk, speed in speeds.items()}


def _planned(aim: Aim, line_ids: Sequence[int], now: dt.datetime) -> dict[int, FollowUp]:
    """What is planned for these lines already; where somebody changed the line since, it is over."""
    rows = FollowUp.objects.filter(line__in=line_ids, act=aim.puts_back, state=FollowState.OPEN).select_related("fire")
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


def put_back(*, planned: Sequence[FollowUp], now: dt.datetime, guard: Guard | None, by: Actor | None = None) -> int:
    """Gives lines back the speed or the plan that they had, in their rules' names or a person's, unless somebody
    changed it since; says how many. A person minds no guard. States must be locked."""
    changed = _changed_since(planned)
    groups: dict[tuple[Actor, Aim], list[FollowUp]] = defaultdict(list)
    for one in planned:
        if one.pk in changed:
            one.end(FollowState.CHANGED, now, by=by)
        else:
            groups[by or actor(rule=one.fire.rule), Aim.of_follow_up(one)].append(one)
    turned = 0
    for (who, aim), its in groups.items():
        let = its if guard is None else guard.let(its)
        verdicts = aim.want([one.line_id for one in let], by=who, guard=guard) if let else {}
        put_off(planned=[one for one in let if verdicts.get(one.line_id) in TOMORROW], now=now)
        for one in let:
            verdict = verdicts.get(one.line_id, Verdict.GONE)
            if verdict in TOMORROW:
                continue
            one.end(FollowState.REFUSED if verdict.is_refusal else FollowState.DONE, now, by=by)
            turned += verdict is Verdict.DO
    return turned


def run_waiting(*, planned: Sequence[FollowUp], guard: Guard, by: Actor | None = None) -> None:
    """Sets what had to wait, unless somebody set it meanwhile. States must be locked."""
    changed = _changed_since(planned)
    for one in planned:
        if one.pk in changed:
            one.fire.outcome = Outcome.DROPPED
    set_lines(wants=[(one.fire, Aim.of_follow_up(one)) for one in planned if one.pk not in changed], guard=guard)
    waited(planned=planned, now=guard.now, by=by)


def _changed_since(planned: Sequence[FollowUp]) -> set[int]:
    """Those whose line somebody, not a rule, changed in this, or that is another account's now."""
    lines = Line.objects.in_bulk([one.line_id for one in planned])
    since = min((_since(one) for one in planned), default=clock.now())
    subjects = {f"line:{line.iccid}" for line in lines.values()}
    events = Event.objects.filter(subject__in=subjects, verb__in=SAYS.values(), at__gt=since)
    last: dict[tuple[str, str], dt.datetime] = {}
    for subject, verb, at in (
        events.exclude(actor_kind=ActorKind.RULE).order_by("pk").values_list("subject", "verb", "at")
    ):
        last[subject, verb] = at
    changed = set()
    for one in planned:
        line = lines[one.line_id]
        by_hand = last.get((f"line:{line.iccid}", SAYS[Aim.of_follow_up(one).puts_back]))
        if line.payer_id != one.fire.account_id or (by_hand and by_hand > _since(one)):
            changed.add(one.pk)
    return changed


def _since(one: FollowUp) -> dt.datetime:
    return one.fire.acted_at or one.fire.fired_at
