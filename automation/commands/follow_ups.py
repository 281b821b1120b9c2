"""What rules planned for later: done when it is due, once, unless somebody has changed the line since."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction
from kit import clock
from kit.errors import Changed, Refusal

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from automation.commands.acts import actor, is_held, lines_now
from automation.commands.fires import act
from automation.commands.guard import Guard, put_off, waited
from automation.commands.rules import switch_rule
from automation.commands.sets import put_back, run_waiting
from automation.models import FollowUp, Rule, RuleFire
from automation.policy import Act, FollowState, Outcome
from lines.commands.holds import give_back_lines, plan_returns
from lines.commands.wishes import lock_lines
from lines.models import LineState
from lines.policy import Wanted, Why

PUTS_BACK = (Act.SPEED, Act.PLAN)


UNDO = dt.timedelta(hours=1)


class TooLate(Refusal):
    """What was done is too long ago to be taken back at once."""


class FollowUpEnded(Refusal):
    """It is done or cancelled already."""


def run_due_follow_ups(*, limit: int = 500, payer_id: int | None = None) -> int:
    """Does what is due, up to so many, of one account or of all live ones; says how many lines turned. Two who come at
    once do each of them once."""
    due = FollowUp.objects.filter(state=FollowState.OPEN, due_at__lte=clock.now()).order_by("due_at", "pk")
    due = due.exclude(fire__account__is_test=True) if payer_id is None else due.filter(fire__account=payer_id)
    ids = dict(due.values_list("pk", "line_id")[:limit])
    if not ids:
        return 0
    with transaction.atomic():
        states = {state.pk: state for state in lock_lines(line_ids=sorted(set(ids.values())))}
        planned = _locked(list(ids))
        guard = Guard(line_ids=list(states), now=clock.now())
        turned = _deactivate([one for one in planned if one.act == Act.DEACTIVATE], states, guard)
        turned += _give_back([one for one in planned if one.act == Act.ACTIVATE], states, guard)
        turned += put_back(planned=[one for one in planned if one.act in PUTS_BACK], now=guard.now, guard=guard)
        run_waiting(planned=[one for one in planned if one.act == Act.SET], guard=guard)
        return turned


def _locked(ids: Sequence[int]) -> list[FollowUp]:
    """Those that are still open, locked: after the states, as everywhere."""
    rows = FollowUp.objects.filter(pk__in=ids, state=FollowState.OPEN).select_related("fire__rule", "plan")
    return list(rows.order_by("pk").select_for_update(of=("self",)))


def _give_back(planned: Sequence[FollowUp], states: dict[int, LineState], guard: Guard) -> int:
    theirs: list[FollowUp] = []
    for one in planned:
        if _is_as_left(one, states.get(one.line_id)):
            theirs.append(one)
        else:
            one.end(FollowState.CHANGED, guard.now)
    turned = give_back(planned=guard.let(theirs), now=guard.now)
    guard.count(turned)
    return len(turned)


def _is_as_left(one: FollowUp, state: LineState | None) -> bool:
    """Whether the rule holds the line still, and nobody touched it since."""
    return state is not None and is_held(state=state) and state.wanted_at == one.fire.acted_at


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
            | dict.fromkeys([*given.by_balance, *given.by_wallet], FollowState.BY_BALANCE)
            | dict.fromkeys(given.by_subaccount, FollowState.BY_SUBACCOUNT)
            | dict.fromkeys(given.by_cap, FollowState.BY_CAP)
        )
        put_off(planned=[one for one in its if one.line_id in given.waiting], now=now)
        for one in its:
            if one.line_id not in given.waiting:
                one.end(became.get(one.line_id, FollowState.CHANGED), now, by=by)
        turned += given.activated
    return turned


def _deactivate(
    planned: Sequence[FollowUp], states: dict[int, LineState], guard: Guard, *, by: Actor | None = None
) -> int:
    """Lines that had to be left alone first: off now, unless somebody changed them or their period is over."""
    due: list[FollowUp] = []
    for one in planned:
        state = states.get(one.line_id)
        if state is None or (state.wanted_at > one.fire.fired_at and not _is_rules(state)):
            one.fire.outcome = Outcome.DROPPED
        else:
            due.append(one)
    lines = lines_now(states=[states[one.line_id] for one in due], guard=guard)
    turned = act(fires=[one.fire for one in due], lines=lines, guard=guard)
    waited(planned=planned, now=guard.now, by=by)
    return turned


def _is_rules(state: LineState) -> bool:
    """Whether the last change was no person's: a balance's or a cap's, in either direction, or another rule's."""
    back_by_itself = state.wanted == Wanted.ACTIVE and not state.why_who
    by_money = state.wanted == Wanted.SUSPENDED or state.why == Why.CAP
    return by_money or back_by_itself or is_held(state=state)


@transaction.atomic
def cancel_follow_up(*, account: Account, follow_up_id: int, by: Actor) -> FollowUp:
    """The line stays as it is. Raises FollowUp.DoesNotExist for another account's, FollowUpEnded."""
    one = _theirs(account, follow_up_id)
    one.end(FollowState.CANCELLED, clock.now(), by=by)
    if one.fire.outcome == Outcome.WAITS:
        one.fire.outcome = Outcome.DROPPED
        one.fire.save(update_fields=["outcome"])
    if one.act == Act.ACTIVATE:
        plan_returns(returns={one.line_id: None})
    _record("follow_up.cancelled", one, by)
    return one


@transaction.atomic
def run_follow_up_now(*, account: Account, follow_up_id: int, by: Actor) -> FollowUp:
    """Does at once what is planned, in this person's name. Raises FollowUp.DoesNotExist, FollowUpEnded."""
    line_id = FollowUp.objects.values_list("line_id", flat=True).get(pk=follow_up_id, fire__account=account)
    states = {state.pk: state for state in lock_lines(line_ids=[line_id])}
    one = _theirs(account, follow_up_id)
    now = clock.now()
    freely = Guard(line_ids=[], now=now)  # a person may
    if one.act == Act.ACTIVATE:
        if _is_as_left(one, states.get(line_id)):
            give_back(planned=[one], now=now, by=by)
        else:
            one.end(FollowState.CHANGED, now, by=by)
    elif one.act in PUTS_BACK:
        put_back(planned=[one], now=now, guard=None, by=by)
    elif one.act == Act.SET:
        run_waiting(planned=[one], guard=freely, by=by)
    else:
        _deactivate([one], states, freely, by=by)
    _record("follow_up.run", one, by)
    return one


@transaction.atomic
def undo_saving(*, account: Account, rule: Rule, since: dt.datetime, by: Actor) -> int:
    """Switches a rule off and gives back, in this person's name, the lines that it has switched off since it was saved
    and that nobody has touched since; says how many. What waits is cancelled. Harmless twice.

    `since`: when it was saved. Raises TooLate when that was more than an hour ago, Changed where it was saved again.
    """
    rule = Rule.objects.select_for_update().get(pk=rule.pk, account=account)
    now = clock.now()
    if rule.saved_at is None or now - rule.saved_at > UNDO:
        raise TooLate("The rule was saved more than an hour ago. Switch it off, and activate its lines.")
    if rule.saved_at != since:
        raise Changed
    switch_rule(account=account, rule=rule, on=False, by=by)
    fires = RuleFire.objects.filter(rule=rule, is_shadow=False, fired_at__gte=rule.saved_at, line__isnull=False)
    by_line = {fire.line_id: fire for fire in fires.order_by("pk") if fire.line_id is not None}
    states = lock_lines(line_ids=sorted(by_line))
    held = [state.pk for state in states if is_held(state=state) and state.wanted_at == by_line[state.pk].acted_at]
    given = give_back_lines(line_ids=held, by=by)
    for one in _locked(list(FollowUp.objects.filter(fire__in=fires).values_list("pk", flat=True))):
        one.end(FollowState.CANCELLED, now, by=by)
    fires.filter(outcome__in=[Outcome.WAITS, Outcome.STANDS_BY]).update(outcome=Outcome.DROPPED)
    waits = (given.by_balance, given.by_wallet, given.by_cap, given.by_subaccount)
    return len(given.activated) + sum(map(len, waits))


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
