"""What people order of lines: on, off at once, off on a day; many by one call, or one with its refusal."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence

from django.db import transaction
from kit import clock
from kit.errors import Invalid

from accounts.policy import Actor, actor_named
from lines.commands.daily import turned_away
from lines.commands.wishes.balance import lock_lines
from lines.commands.wishes.refusals import or_refuse
from lines.commands.wishes.standings import bring, facts_of, set_dates, set_many, standing
from lines.models import Line, LineState
from lines.policy import Action, Verdict
from lines.policy.budget import Costly
from lines.policy.judging import judge
from lines.policy.precedence import PRECEDENCE, Request, Result, Standing


def activate_lines(*, line_ids: Sequence[int], by: Actor, by_holder: bool = False) -> dict[int, Verdict]:
    """Wants lines active, and takes their deactivation dates away; says of each what came of it. Harmless twice.

    `by_holder`: a sub-account's people ask, who remove no dates.
    """
    request = Request.HOLDER_ACTIVATES if by_holder else Request.ACTIVATE

    def act(due: list[LineState]) -> None:
        bring(due=due, request=request, to=Standing.ON, by=by)

    return _decide(line_ids, Action.ACTIVATE, act, by=by, by_holder=by_holder, kind=Costly.ACTIVATION)


def deactivate_lines(*, line_ids: Sequence[int], by: Actor) -> dict[int, Verdict]:
    """Wants lines off, at once; Suspended ones then stay off when the balance recovers. Harmless twice.

    What somebody wants off stays so when the rule or the sub-account gives the line back.
    """

    def act(due: list[LineState]) -> None:
        bring(due=due, request=Request.DEACTIVATE, to=Standing.PERSON, by=by)

    return _decide(line_ids, Action.DEACTIVATE, act, by=by)


def deactivate_lines_next_day(*, line_ids: Sequence[int], by: Actor) -> dict[int, Verdict]:
    """Lines that run are to be deactivated at 00:00 of the next day; those that are off and would come back by
    themselves are at once, and stay off. Harmless twice."""

    def act(due: list[LineState]) -> None:
        request = Request.DEACTIVATE_NEXT_DAY
        off = {state for state in due if PRECEDENCE[standing(state=state), request] is Result.PERSON}
        set_many(states=[state for state in due if state in off], request=request, to=Standing.PERSON, by=by)
        set_dates(states=[state for state in due if state not in off], date=next_day(), by=by)

    return _decide(line_ids, Action.DEACTIVATE_NEXT_DAY, act, by=by, date=next_day())


def next_day() -> dt.date:
    return clock.today() + dt.timedelta(days=1)


def deactivate_lines_on(*, line_ids: Sequence[int], date: dt.date, by: Actor) -> dict[int, Verdict]:
    """Lines are to be deactivated at 00:00 of this day, instead of any other day that was set. Harmless twice."""

    def act(due: list[LineState]) -> None:
        set_dates(states=due, date=date, by=by)

    return _decide(line_ids, Action.DEACTIVATE_ON, act, by=by, date=date)


def keep_lines_active(*, line_ids: Sequence[int], by: Actor) -> dict[int, Verdict]:
    """Takes lines' deactivation dates away. Harmless twice."""
    return _decide(line_ids, Action.KEEP, lambda due: set_dates(states=due, date=None, by=by), by=by)


@transaction.atomic
def _decide(
    line_ids: Sequence[int],
    action: Action,
    act: Callable[[list[LineState]], None],
    *,
    by: Actor,
    date: dt.date | None = None,
    by_holder: bool = False,
    kind: Costly | None = None,
) -> dict[int, Verdict]:
    """Judges each line under its lock and acts on those that may be; a line that is nobody's now is gone. `kind`: what
    it counts as."""
    states = lock_lines(line_ids=line_ids)
    verdicts = dict.fromkeys(line_ids, Verdict.GONE)
    facts = facts_of(states=states, by=by, date=date, by_holder=by_holder)
    verdicts |= {pk: judge(action, its) for pk, its in facts.items()}
    if kind is not None:
        may = {state.pk: state.line.payer_id for state in states if verdicts[state.pk] is Verdict.DO}
        verdicts |= turned_away(payers=may, kind=kind, by=by)
    if due := [state for state in states if verdicts[state.pk] is Verdict.DO]:
        act(due)
    return verdicts


def activate(*, line: Line, by: Actor, by_holder: bool = False) -> LineState:
    """Wants a line active, and takes its deactivation date away, but not for a sub-account's people (`by_holder`).

    Raises InsufficientBalance while its payer's balance is red, HolderOff, LineInStock, Unconfirmed, DayLimit.
    Harmless twice.
    """
    or_refuse(line=line, verdicts=activate_lines(line_ids=[line.pk], by=by, by_holder=by_holder))
    return LineState.objects.get(pk=line.pk)


def deactivate(*, line: Line, by: Actor) -> LineState:
    """Wants a line off, at once; a Suspended one then stays off when the balance recovers. Raises LineInStock."""
    or_refuse(line=line, verdicts=deactivate_lines(line_ids=[line.pk], by=by))
    return LineState.objects.get(pk=line.pk)


def deactivate_next_day(*, line: Line, by: Actor) -> Line:
    """A line that runs is to be deactivated at 00:00 of the next day; a Suspended one is at once. Harmless twice.

    Raises AlreadyDeactivated, LineInStock.
    """
    or_refuse(line=line, verdicts=deactivate_lines_next_day(line_ids=[line.pk], by=by))
    line.refresh_from_db()
    return line


def deactivate_on(*, line: Line, date: dt.date, by: Actor) -> Line:
    """A line is to be deactivated at 00:00 of this day, instead of any other day that was set. Harmless twice.

    Raises Invalid for a day that has begun, AlreadyDeactivated, LineInStock.
    """
    if date <= clock.today():
        raise Invalid(f"{date} is not a day to come; give a later one, or deactivate the line at once")
    or_refuse(line=line, verdicts=deactivate_lines_on(line_ids=[line.pk], date=date, by=by))
    line.refresh_from_db()
    return line


def keep_active(*, line: Line, by: Actor) -> Line:
    """Takes a line's deactivation date away. Harmless twice."""
    keep_lines_active(line_ids=[line.pk], by=by)
    line.refresh_from_db()
    return line


@transaction.atomic
def deactivate_due(*, today: dt.date, limit: int = 1000, payer_id: int | None = None) -> int:
    """Deactivates lines whose day has come, of one payer or of all, in the name of who set it; says how many. Harmless
    twice."""
    due = Line.objects.filter(deactivation_date__lte=today, payer__isnull=False).order_by("pk")
    if payer_id is not None:
        due = due.filter(payer=payer_id)
    states = lock_lines(line_ids=list(due.values_list("pk", flat=True)[:limit]))
    come = [state for state in states if state.line.deactivation_date and state.line.deactivation_date <= today]
    by_who: dict[tuple[str, dt.date], list[LineState]] = defaultdict(list)
    for state in come:
        if PRECEDENCE[standing(state=state), Request.DATE_COMES] is Result.PERSON:  # it must not come back by itself
            by_who[state.line.deactivation_by, state.line.deactivation_date or today].append(state)
    for (who, day), theirs in sorted(by_who.items()):  # from 00:00 of the day on, whenever a worker comes to it
        midnight = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
        set_many(states=theirs, request=Request.DATE_COMES, to=Standing.PERSON, by=actor_named(who), at=midnight)
    Line.objects.filter(pk__in=[state.pk for state in come]).update(deactivation_date=None, deactivation_by="")
    return len(states)
