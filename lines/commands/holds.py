"""What rules want of lines: held off, and given back. Always many at once, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction

from accounts.commands import Happened, record_many
from accounts.policy import Actor
from billing.commands import lock_wallets
from lines.commands.wishes import _wish, enforce
from lines.models import Line, LineState
from lines.policy import Wanted, Why

VERBS = {Wanted.ACTIVE: "line.activated", Wanted.DEACTIVATED: "line.deactivated", Wanted.SUSPENDED: "line.suspended"}


def lock_states(*, line_ids: Sequence[int]) -> list[LineState]:
    """Locks these lines' payers and then their states, in order, for the rest of the transaction; answers the states
    with their lines. Lines in stock are left out."""
    ours = Line.objects.filter(pk__in=line_ids, payer__isnull=False)
    lock_wallets(account_ids=[payer for payer in ours.order_by().values_list("payer_id", flat=True) if payer])
    states = LineState.objects.filter(line__in=ours).select_related("line").order_by("pk")
    return list(states.select_for_update(of=("self",)))


@transaction.atomic
def hold_lines(*, line_ids: Sequence[int], by: Actor) -> list[int]:
    """A rule wants these lines off, at once, Suspended ones too; answers which it holds now.

    A line that another rule holds is this one's from now on; one that anybody else switched off is left.
    """
    taken = [s for s in lock_states(line_ids=line_ids) if s.wanted != Wanted.DEACTIVATED or _is_held(s)]
    _set(taken, Wanted.DEACTIVATED, instead_of=list(Wanted), why=Why.RULE, by=by)
    ids = [state.pk for state in taken]
    Line.objects.filter(pk__in=ids, deactivation_date__isnull=False).update(deactivation_date=None, deactivation_by="")
    return ids


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
    states = {state.pk: state for state in lock_states(line_ids=line_ids)}
    held = [state for state in states.values() if _is_held(state)]
    enforce(account_ids=sorted({state.line.payer_id for state in held if state.line.payer_id}))
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
        _set([states[pk] for pk in ids], wanted, instead_of=[Wanted.DEACTIVATED], why=why, by=by)
    return given


def _is_held(state: LineState) -> bool:
    return state.wanted == Wanted.DEACTIVATED and state.why == Why.RULE.value


def _set(states: list[LineState], wanted: Wanted, *, instead_of: list[Wanted], why: Why | None, by: Actor) -> None:
    """States must be locked, with their lines."""
    if not states:
        return
    _wish(
        which="l.id = ANY(%(ids)s)",
        ids=[state.pk for state in states],
        wanted=wanted,
        instead_of=instead_of,
        why=why,
        who=by.name if why is None or why is Why.RULE else "",
    )
    things = [
        Happened(
            state.line.account_id,
            f"line:{state.line.iccid}",
            {"before": Wanted(state.wanted).name, "after": wanted.name},
        )
        for state in states
    ]
    record_many(by=by, verb=VERBS[wanted], things=things)
