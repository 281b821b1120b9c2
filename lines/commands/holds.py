"""What rules want of lines: held off, and given back. Always many at once, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction

from accounts.policy import Actor
from lines.commands.wishes import lock_lines, set_many
from lines.models import Line, LineState
from lines.policy import Wanted, Why


@transaction.atomic
def hold_lines(*, line_ids: Sequence[int], by: Actor) -> list[int]:
    """A rule wants these lines off, at once, Suspended ones too; answers which it holds now.

    A line that another rule holds is this one's from now on; one that anybody else switched off is left.
    """
    taken = [state for state in lock_lines(line_ids=line_ids) if state.wanted != Wanted.DEACTIVATED or _is_held(state)]
    set_many(states=taken, wanted=Wanted.DEACTIVATED, why=Why.RULE, by=by)
    return [state.pk for state in taken]


@dataclass(slots=True)
class GivenBack:
    """What became of lines that a rule gave back: by balance and by sub-account they come back with those."""

    activated: list[int] = field(default_factory=list)
    by_balance: list[int] = field(default_factory=list)
    by_subaccount: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)  # no rule held them


@transaction.atomic
def give_back_lines(*, line_ids: Sequence[int], by: Actor) -> GivenBack:
    """Lines that a rule holds are wanted active again, as far as their balance and their sub-account allow it."""
    given = GivenBack()
    states = {state.pk: state for state in lock_lines(line_ids=line_ids)}
    held = [state for state in states.values() if _is_held(state)]
    about = Line.objects.filter(pk__in=[state.pk for state in held])
    facts = {pk: rest for pk, *rest in about.values_list("pk", "account__is_active", "payer__wallet__is_red")}
    for pk in line_ids:
        if pk not in facts:
            given.left.append(pk)
        elif not facts[pk][0]:
            given.by_subaccount.append(pk)
        else:
            (given.by_balance if facts[pk][1] else given.activated).append(pk)
    for ids, wanted, why in (
        (given.activated, Wanted.ACTIVE, None),
        (given.by_balance, Wanted.SUSPENDED, Why.BALANCE),
        (given.by_subaccount, Wanted.DEACTIVATED, Why.SUBACCOUNT),
    ):
        set_many(states=[states[pk] for pk in ids], wanted=wanted, why=why, by=by)
    return given


def _is_held(state: LineState) -> bool:
    return state.wanted == Wanted.DEACTIVATED and state.why == Why.RULE.value
