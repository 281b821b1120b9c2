"""What rules want of lines: held off, and given back. Always many at once, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from accounts.policy import Actor, ActorKind
from lines.commands.daily import refusal_of, turned_away
from lines.commands.wishes import facts_of, lock_lines, set_many, standing
from lines.models import LineState, RuleHold
from lines.policy import Wanted, Why
from lines.policy.budget import Costly
from lines.policy.precedence import PRECEDENCE, Request, Result, Standing, settled


@transaction.atomic
def hold_lines(*, line_ids: Sequence[int], by: Actor) -> list[int]:
    """A rule wants these lines off, at once, Suspended ones too; answers which it holds now.

    A line that another rule holds is this one's from now on; one that anybody else switched off is left. A deactivation
    date stays: it is a person's, and outlives the rule.
    """
    request = Request.RULE_HOLDS
    taken = [s for s in lock_lines(line_ids=line_ids) if PRECEDENCE[standing(state=s), request] is Result.RULE]
    set_many(states=taken, request=request, to=Standing.RULE, by=by)
    return [state.pk for state in taken]


def plan_returns(*, returns: Mapping[int, dt.datetime | None]) -> None:
    """When rules are to give back the lines that they hold; None: not by themselves. Lines that no rule holds are left.

    Their states must be locked. Harmless twice.
    """
    held = LineState.objects.filter(pk__in=returns, wanted=Wanted.DEACTIVATED, why=Why.RULE)
    RuleHold.objects.bulk_create(
        [
            RuleHold(line_id=line_id, since=since, until=returns[line_id])
            for line_id, since in held.order_by("pk").values_list("pk", "wanted_at")
        ],
        update_conflicts=True,
        unique_fields=["line"],
        update_fields=["since", "until"],
        batch_size=2000,
    )


@dataclass(slots=True)
class GivenBack:
    """What became of lines that a rule gave back: by balance, cap and sub-account they come back with those."""

    activated: list[int] = field(default_factory=list)
    by_balance: list[int] = field(default_factory=list)
    by_wallet: list[int] = field(default_factory=list)
    by_cap: list[int] = field(default_factory=list)
    by_subaccount: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)  # no rule held them
    waiting: list[int] = field(default_factory=list)  # their account may activate no more lines today


@transaction.atomic
def give_back_lines(*, line_ids: Sequence[int], by: Actor) -> GivenBack:
    """Lines that a rule holds are wanted active again, as far as their balance and their sub-account allow it.

    Where the account may activate no more a rule's lines are left waiting. A person's asking raises Unconfirmed,
    DayLimit.
    """
    given = GivenBack()
    request = Request.RULE_RETURNS
    states = {state.pk: state for state in lock_lines(line_ids=line_ids)}
    facts = facts_of(states=list(states.values()), by=by)
    where = {
        Standing.ON: given.activated,
        Standing.BALANCE: given.by_balance,
        Standing.WALLET: given.by_wallet,
        Standing.CAP: given.by_cap,
        Standing.SUBACCOUNT: given.by_subaccount,
    }
    for pk in line_ids:
        to = None
        if pk in facts:
            result = PRECEDENCE[facts[pk].standing, request]
            its = facts[pk]
            to = settled(
                result,
                is_red=its.is_red,
                holder_off=its.holder_off,
                wallet_red=its.wallet_red,
                cap_full=its.cap_full,
            )
        (given.left if to is None else where[to]).append(pk)
    away = turned_away(payers={pk: states[pk].line.payer_id for pk in given.activated}, kind=Costly.ACTIVATION, by=by)
    if away and by.kind is not ActorKind.RULE:
        raise refusal_of(verdict=next(iter(away.values())), kind=Costly.ACTIVATION)
    given.waiting += away
    given.activated[:] = [pk for pk in given.activated if pk not in away]
    for to, ids in where.items():
        set_many(states=[states[pk] for pk in ids], request=request, to=to, by=by)
    return given
