"""What rules planned for later: done when it is due, once, unless somebody has changed the line since."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction
from kit import clock
from kit.errors import Refusal

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from automation import policy
from automation.commands.acts import actor, count_changes, is_held, leave_alone, lines_now
from automation.commands.fires import act
from automation.commands.sets import put_back
from automation.models import FollowUp, RuleFire
from automation.policy import Act, FollowState, LineNow, Outcome
from lines.commands.holds import give_back_lines
from lines.commands.wishes import lock_lines
from lines.models import LineState
from lines.policy import Wanted


class FollowUpEnded(Refusal):
    """It is done or cancelled already."""


def run_due_follow_ups(*, limit: int = 500) -> int:
    """Does what is due, up to so many; says how many lines turned. Two who come at once do each of them once."""
    now = clock.now()
    due = FollowUp.objects.filter(state=FollowState.OPEN, due_at__lte=now).order_by("due_at", "pk")[:limit]
    ids = dict(due.values_list("pk", "line_id"))
    if not ids:
        return 0
    with transaction.atomic():
        states = {state.pk: state for state in lock_lines(line_ids=sorted(set(ids.values())))}
        planned = _locked(list(ids))
        lines = lines_now(states=states.values(), today=now.date())
        held = [one for one in planned if one.act == Act.DEACTIVATE]
        turned = _deactivate(held, states, lines, now)
        backs = [one for one in planned if one.act == Act.ACTIVATE]
        sets = [one for one in planned if one.act in (Act.SPEED, Act.PLAN)]
        return turned + _give_back(backs, states, lines, now) + put_back(planned=sets, now=now)


def _locked(ids: Sequence[int]) -> list[FollowUp]:
    """Those that are still open, locked: after the states, as everywhere."""
    rows = FollowUp.objects.filter(pk__in=ids, state=FollowState.OPEN).select_related("fire__rule", "plan")
    return list(rows.order_by("pk").select_for_update(of=("self",)))


def _give_back(
    planned: Sequence[FollowUp], states: dict[int, LineState], lines: dict[int, LineNow], now: dt.datetime
) -> int:
    due: list[FollowUp] = []
    for one in planned:
        state = states.get(one.line_id)
        if state is None or not is_held(state=state) or state.wanted_at != one.fire.acted_at:
            one.end(FollowState.CHANGED, now)
        elif lines[one.line_id].changes_today >= policy.MOST_CHANGES:
            one.end(FollowState.LEFT, now)
            leave_alone(line_ids=[one.line_id], now=now)
        elif (calm := policy.calm_from(lines[one.line_id].last_change, now)) > now:
            FollowUp.objects.filter(pk=one.pk).update(due_at=calm)
        else:
            due.append(one)
    turned = give_back(planned=due, now=now)
    count_changes(line_ids=turned, now=now)
    return len(turned)


def give_back(*, planned: Sequence[FollowUp], now: dt.datetime, by: Actor | None = None) -> list[int]:
    """Gives lines back, in their rules' names or a person's; answers which run again. States must be locked."""
    by_actor: dict[Actor, list[FollowUp]] = defaultdict(list)
    for one in planned:
        by_actor[by or actor(rule=one.fire.rule)].append(one)
    turned: list[int] = []
    for who, its in by_actor.items():
        given = give_back_lines(line_ids=[one.line_id for one in its], by=who)
        became = (
            dict.fromkeys(given.activated, FollowState.DONE)
            | dict.fromkeys(given.by_balance, FollowState.BY_BALANCE)
            | dict.fromkeys(given.by_subaccount, FollowState.BY_SUBACCOUNT)
        )
        for one in its:
            one.end(became.get(one.line_id, FollowState.CHANGED), now, by=by)
        turned += given.activated
    return turned


def _deactivate(
    planned: Sequence[FollowUp], states: dict[int, LineState], lines: dict[int, LineNow], now: dt.datetime
) -> int:
    """Lines that had to be left alone first: off now, unless somebody changed them or their period is over."""
    fires: list[RuleFire] = []
    for one in planned:
        state = states.get(one.line_id)
        if state is None or (state.wanted_at > one.fire.fired_at and not _is_rules(state)):
            one.fire.outcome = Outcome.DROPPED
            one.fire.save(update_fields=["outcome"])
            one.end(FollowState.CHANGED, now)
        else:
            fires.append(one.fire)
    turned = act(fires=fires, lines=lines, now=now)
    RuleFire.objects.bulk_update(fires, ["outcome", "acted_at"])
    for one in planned:
        if one.state == FollowState.OPEN and one.fire.outcome != Outcome.WAITS:
            one.end(FollowState.LEFT if one.fire.outcome == Outcome.LEFT else FollowState.DONE, now)
    return turned


def _is_rules(state: LineState) -> bool:
    """Whether the last change was no person's: a balance's or another rule's."""
    return state.wanted == Wanted.SUSPENDED or is_held(state=state)


@transaction.atomic
def cancel_follow_up(*, account: Account, follow_up_id: int, by: Actor) -> FollowUp:
    """The line stays as it is. Raises FollowUp.DoesNotExist for another account's, FollowUpEnded."""
    one = _theirs(account, follow_up_id)
    one.end(FollowState.CANCELLED, clock.now(), by=by)
    _record("follow_up.cancelled", one, by)
    return one


@transaction.atomic
def run_follow_up_now(*, account: Account, follow_up_id: int, by: Actor) -> FollowUp:
    """Does at once what is planned, in this person's name. Raises FollowUp.DoesNotExist, FollowUpEnded."""
    line_id = FollowUp.objects.values_list("line_id", flat=True).get(pk=follow_up_id, fire__account=account)
    states = {state.pk: state for state in lock_lines(line_ids=[line_id])}
    one = _theirs(account, follow_up_id)
    now = clock.now()
    state = states.get(line_id)
    if one.act == Act.ACTIVATE:
        if state is None or not is_held(state=state) or state.wanted_at != one.fire.acted_at:
            one.end(FollowState.CHANGED, now, by=by)
        else:
            give_back(planned=[one], now=now, by=by)
    elif one.act in (Act.SPEED, Act.PLAN):
        put_back(planned=[one], now=now, by=by)
    else:
        _deactivate([one], states, {line_id: LineNow(is_off=False)} if state else {}, now)
    _record("follow_up.run", one, by)
    return one


def _theirs(account: Account, follow_up_id: int) -> FollowUp:
    rows = FollowUp.objects.select_related("fire__rule", "line", "plan").select_for_update(of=("self",))
    one = rows.get(pk=follow_up_id, fire__account=account)
    if one.state != FollowState.OPEN:
        raise FollowUpEnded("This follow-up has ended already; the activity says how")
    return one


def _record(verb: str, one: FollowUp, by: Actor) -> None:
    record(
        by=by,
        verb=verb,
        account_id=one.fire.account_id,
        subject=f"line:{one.line.iccid}",
        detail={"rule": one.fire.rule.name, "act": one.act, "due": one.due_at.isoformat()},
    )
