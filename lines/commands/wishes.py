"""What we want of lines: by their balance, a person, a rule. A worker drives the carrier until it agrees."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from kit import clock
from kit.errors import Invalid, Refusal

from accounts.commands import Happened, record, record_many
from accounts.models import Account
from accounts.policy import SYSTEM, Actor, actor_named
from billing.commands import lock_wallets, mark_colours
from billing.commands.notices import tell_turn
from billing.models import Wallet
from lines.carriers.base import Switch
from lines.models import Line, LineState
from lines.policy import Action, Verdict, Wanted, Why, balance_subject
from lines.policy.judging import Facts, judge
from lines.policy.precedence import (
    DATE_AFTER,
    PRECEDENCE,
    DateAfter,
    Request,
    Result,
    Standing,
    leads_to,
    standing_of,
    wish_of,
)

LONGEST_NOTES = 500  # characters


class InsufficientBalance(Refusal):
    """The balance is below its minimum: nothing may be activated."""


class AlreadyDeactivated(Refusal):
    """The line is Deactivated: there is no later day on which it could be."""


class LineInStock(Refusal):
    """The line belongs to no account."""


class HolderOff(Refusal):
    """The sub-account that holds the line is switched off."""


REFUSALS: dict[Verdict, tuple[type[Refusal], str]] = {
    Verdict.RED: (
        InsufficientBalance,
        "Line {iccid} cannot be activated while the available balance is below its minimum; add funds first",
    ),
    Verdict.HOLDER_OFF: (
        HolderOff,
        "Line {iccid} cannot be activated while its sub-account is switched off; switch that on first",
    ),
    Verdict.DEACTIVATED: (AlreadyDeactivated, "Line {iccid} is deactivated already"),
    Verdict.GONE: (LineInStock, "Line {iccid} belongs to no account"),
}


# A line's standing (policy.precedence.standing_of).
STANDING = f"CASE WHEN st.wanted = {Wanted.ACTIVE:d} THEN '{Standing.ON}' ELSE st.why END"

# Lines go from one wish to another; those whose carrier disagrees are to be driven, those that it fits already are not.
WISH = """
WITH changed AS (
    UPDATE lines_linestate st
       SET wanted = %(wanted)s, wanted_at = greatest(%(at)s, least(st.wanted_at, %(now)s)),
           why = %(why)s, why_who = %(who)s
      FROM lines_line l
     WHERE l.id = st.line_id AND {which} AND {standing} = ANY(%(instead_of)s)
    RETURNING st.line_id, l.carrier_id, l.payer_id,
              st.reported IS NOT DISTINCT FROM %(switch)s AS agreed
), to_drive AS (
    INSERT INTO lines_drive AS d (line_id, carrier_id, since, ask_first, attempts, last_error)
    SELECT line_id, carrier_id, %(now)s, false, 0, '' FROM changed WHERE NOT agreed
    ON CONFLICT (line_id) DO UPDATE SET since = excluded.since, due_at = NULL, attempts = 0, last_error = ''
), settled AS (
    DELETE FROM lines_drive d USING changed c WHERE d.line_id = c.line_id AND c.agreed AND d.leased_until IS NULL
      AND d.bulk_id IS NULL
)
SELECT payer_id, count(*) FROM changed GROUP BY payer_id
"""


def _wish(
    *,
    which: str,
    ids: Sequence[int],
    to: Standing,
    instead_of: Collection[Standing],
    who: str = "",
    at: dt.datetime | None = None,
) -> dict[int, int]:
    """Changes the wish of these lines and says of how many, by payer. Wallets and states must be locked.

    It holds from `at` on, now or a moment that was named before.

    By index alone: a table that was empty when it was last analysed, as that of drives is before a mass suspension,
    would be scanned whole for each line.
    """
    now = clock.now()
    wanted, why = wish_of(to)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            WISH.format(which=which, standing=STANDING),
            {
                "ids": list(ids),
                "wanted": int(wanted),
                "instead_of": [other.value for other in instead_of],
                "why": why.value if why else "",
                "who": who,
                "now": now,
                "at": at or now,
                "switch": int(Switch.ON if wanted is Wanted.ACTIVE else Switch.OFF),
            },
        )
        counts = dict(cursor.fetchall())
        cursor.execute("SET LOCAL enable_seqscan TO DEFAULT")
    return counts


@dataclass(slots=True)
class Enforced:
    """Lines that lost or regained the right to run because their payer's balance turned."""

    suspended: int = 0
    reactivated: int = 0


@transaction.atomic
def enforce(*, account_ids: Sequence[int] | None = None, today: dt.date | None = None) -> Enforced:
    """Suspends the lines of accounts that turned red and brings back those of accounts that recovered.

    Looks at these payers, or at all. Harmless twice: it acts only on a change of colour. Deactivated lines stay so.
    """
    changes = mark_colours(today=today or clock.today(), account_ids=account_ids)
    red = [change.account_id for change in changes if change.is_red]
    back = [change.account_id for change in changes if not change.is_red]
    of_payer = "l.payer_id = ANY(%(ids)s::bigint[])"
    suspended = reactivated = {}
    if red:
        running = leads_to(Request.BALANCE_RED, Result.BALANCE)
        suspended = _wish(which=of_payer, ids=red, to=Standing.BALANCE, instead_of=running)
    if back:
        waiting = leads_to(Request.BALANCE_BACK, Result.ON)
        reactivated = _wish(which=of_payer, ids=back, to=Standing.ON, instead_of=waiting)
    uuids = dict(Account.objects.filter(pk__in=[*red, *back]).values_list("pk", "uuid")) if changes else {}
    for account_id in red:
        _record_turn("balance.red", account_id, uuids[account_id], "suspended", suspended.get(account_id, 0))
        tell_turn(account_id=account_id, suspended=suspended.get(account_id, 0))
    for account_id in back:
        _record_turn("balance.recovered", account_id, uuids[account_id], "reactivated", reactivated.get(account_id, 0))
        tell_turn(account_id=account_id, back=reactivated.get(account_id, 0))
    return Enforced(suspended=sum(suspended.values()), reactivated=sum(reactivated.values()))


def _record_turn(verb: str, account_id: int, account: uuid.UUID, did: str, lines: int) -> None:
    """One event for all the lines of an account, found by its subject: each line's timeline shows it."""
    subject = balance_subject(account)
    record(by=SYSTEM, verb=verb, account_id=account_id, subject=subject, detail={f"lines_{did}": lines})


def lock_lines(*, line_ids: Sequence[int]) -> list[LineState]:
    """Locks these lines' payers and then their states, in order, for the rest of the transaction; answers the states
    with their lines, as their balances' colours want them. Lines in stock are left out."""
    ours = Line.objects.filter(pk__in=line_ids, payer__isnull=False)
    payers = [payer for payer in ours.order_by().values_list("payer_id", flat=True).distinct() if payer is not None]
    lock_wallets(account_ids=payers)
    enforce(account_ids=payers)
    states = LineState.objects.filter(line__in=ours).select_related("line").order_by("pk")
    return list(states.select_for_update(of=("self",)))


VERBS = {Wanted.ACTIVE: "line.activated", Wanted.DEACTIVATED: "line.deactivated", Wanted.SUSPENDED: "line.suspended"}


def set_many(
    *, states: Sequence[LineState], request: Request, to: Standing, by: Actor, at: dt.datetime | None = None
) -> None:
    """Brings lines whose states are locked, with their lines, where a request led them; one event for each, and one
    for each date that the request takes away."""
    if not states:
        return
    wanted, why = wish_of(to)
    who = by.name if why in (None, Why.PERSON, Why.RULE) else ""
    _wish(
        which="l.id = ANY(%(ids)s)",
        ids=[state.pk for state in states],
        to=to,
        instead_of=list(Standing),
        who=who,
        at=at,
    )
    record_many(
        by=by,
        verb=VERBS[wanted],
        things=[
            Happened(
                state.line.account_id,
                f"line:{state.line.iccid}",
                {"before": Wanted(state.wanted).name, "after": wanted.name},
            )
            for state in states
        ],
    )
    _after_dates(states, request, by=by)


def _after_dates(states: Sequence[LineState], request: Request, *, by: Actor) -> None:
    """Takes dates away where the request does. A date that has come is not taken away: it is fulfilled."""
    if DATE_AFTER[request] is not DateAfter.KEPT and request is not Request.DATE_COMES:
        _set_dates([state for state in states if state.line.deactivation_date], None, by=by)


def _bring(due: Sequence[LineState], request: Request, to: Standing, *, by: Actor) -> None:
    """Lines whose standing the request changes come to this one; of the others only the dates change."""
    turning = [state for state in due if PRECEDENCE[standing(state=state), request] is not Result.STAYS]
    set_many(states=turning, request=request, to=to, by=by)
    turned = set(turning)
    _after_dates([state for state in due if state not in turned], request, by=by)


def activate_lines(*, line_ids: Sequence[int], by: Actor, by_holder: bool = False) -> dict[int, Verdict]:
    """Wants lines active, and takes their deactivation dates away; says of each what came of it. Harmless twice.

    `by_holder`: a sub-account's people ask, who remove no dates.
    """
    request = Request.HOLDER_ACTIVATES if by_holder else Request.ACTIVATE

    def act(due: list[LineState]) -> None:
        _bring(due, request, Standing.ON, by=by)

    return _decide(line_ids, Action.ACTIVATE, act, by_holder=by_holder)


def deactivate_lines(*, line_ids: Sequence[int], by: Actor) -> dict[int, Verdict]:
    """Wants lines off, at once; Suspended ones then stay off when the balance recovers. Harmless twice.

    What somebody wants off stays so when the rule or the sub-account gives the line back.
    """

    def act(due: list[LineState]) -> None:
        _bring(due, Request.DEACTIVATE, Standing.PERSON, by=by)

    return _decide(line_ids, Action.DEACTIVATE, act)


def deactivate_lines_next_day(*, line_ids: Sequence[int], by: Actor) -> dict[int, Verdict]:
    """Lines that run are to be deactivated at 00:00 of the next day; those that are off and would come back by
    themselves are at once, and stay off. Harmless twice."""

    def act(due: list[LineState]) -> None:
        request = Request.DEACTIVATE_NEXT_DAY
        off = {state for state in due if PRECEDENCE[standing(state=state), request] is Result.PERSON}
        set_many(states=[state for state in due if state in off], request=request, to=Standing.PERSON, by=by)
        _set_dates([state for state in due if state not in off], next_day(), by=by)

    return _decide(line_ids, Action.DEACTIVATE_NEXT_DAY, act, date=next_day())


def next_day() -> dt.date:
    return clock.today() + dt.timedelta(days=1)


def standing(*, state: LineState) -> Standing:
    return standing_of(state.wanted, state.why)


def deactivate_lines_on(*, line_ids: Sequence[int], date: dt.date, by: Actor) -> dict[int, Verdict]:
    """Lines are to be deactivated at 00:00 of this day, instead of any other day that was set. Harmless twice."""

    def act(due: list[LineState]) -> None:
        _set_dates(due, date, by=by)

    return _decide(line_ids, Action.DEACTIVATE_ON, act, date=date)


def keep_lines_active(*, line_ids: Sequence[int], by: Actor) -> dict[int, Verdict]:
    """Takes lines' deactivation dates away. Harmless twice."""
    return _decide(line_ids, Action.KEEP, lambda due: _set_dates(due, None, by=by))


@transaction.atomic
def _decide(
    line_ids: Sequence[int],
    action: Action,
    act: Callable[[list[LineState]], None],
    *,
    date: dt.date | None = None,
    by_holder: bool = False,
) -> dict[int, Verdict]:
    """Judges each line under its lock and acts on those that may be; a line that is nobody's now is gone."""
    states = lock_lines(line_ids=line_ids)
    verdicts = dict.fromkeys(line_ids, Verdict.GONE)
    facts = facts_of(states=states, date=date, by_holder=by_holder)
    verdicts |= {pk: judge(action, its) for pk, its in facts.items()}
    if due := [state for state in states if verdicts[state.pk] is Verdict.DO]:
        act(due)
    return verdicts


def facts_of(*, states: Sequence[LineState], date: dt.date | None = None, by_holder: bool = False) -> dict[int, Facts]:
    """What decisions about locked lines depend on. `date` is one that is to be set."""
    payers = {state.line.payer_id for state in states if state.line.payer_id}
    red = set(Wallet.objects.filter(pk__in=payers, is_red=True).values_list("pk", flat=True))
    holders = {state.line.account_id for state in states if state.line.account_id}
    off = set(Account.objects.filter(pk__in=holders, is_active=False).values_list("pk", flat=True))
    return {
        state.pk: Facts(
            standing=standing(state=state),
            confirmed_on=state.reported == Switch.ON and not state.blocked,
            has_date=state.line.deactivation_date is not None,
            is_red=state.line.payer_id in red,
            holder_off=state.line.account_id in off,
            is_so=date is not None and state.line.deactivation_date == date,
            by_holder=by_holder,
        )
        for state in states
    }


def activate(*, line: Line, by: Actor, by_holder: bool = False) -> LineState:
    """Wants a line active, and takes its deactivation date away, but not for a sub-account's people (`by_holder`).

    Raises InsufficientBalance while its payer's balance is red, HolderOff, LineInStock. Harmless twice.
    """
    _or_refuse(line, activate_lines(line_ids=[line.pk], by=by, by_holder=by_holder))
    return LineState.objects.get(pk=line.pk)


def deactivate(*, line: Line, by: Actor) -> LineState:
    """Wants a line off, at once; a Suspended one then stays off when the balance recovers. Raises LineInStock."""
    _or_refuse(line, deactivate_lines(line_ids=[line.pk], by=by))
    return LineState.objects.get(pk=line.pk)


def deactivate_next_day(*, line: Line, by: Actor) -> Line:
    """A line that runs is to be deactivated at 00:00 of the next day; a Suspended one is at once. Harmless twice.

    Raises AlreadyDeactivated, LineInStock.
    """
    _or_refuse(line, deactivate_lines_next_day(line_ids=[line.pk], by=by))
    line.refresh_from_db()
    return line


def deactivate_on(*, line: Line, date: dt.date, by: Actor) -> Line:
    """A line is to be deactivated at 00:00 of this day, instead of any other day that was set. Harmless twice.

    Raises Invalid for a day that has begun, AlreadyDeactivated, LineInStock.
    """
    if date <= clock.today():
        raise Invalid(f"{date} is not a day to come; give a later one, or deactivate the line at once")
    _or_refuse(line, deactivate_lines_on(line_ids=[line.pk], date=date, by=by))
    line.refresh_from_db()
    return line


def keep_active(*, line: Line, by: Actor) -> Line:
    """Takes a line's deactivation date away. Harmless twice."""
    keep_lines_active(line_ids=[line.pk], by=by)
    line.refresh_from_db()
    return line


def _or_refuse(line: Line, verdicts: dict[int, Verdict]) -> None:
    verdict = verdicts[line.pk]
    if verdict.is_refusal:
        refusal, message = REFUSALS[verdict]
        raise refusal(message.format(iccid=line.iccid))


def _set_dates(states: Sequence[LineState], date: dt.date | None, *, by: Actor) -> None:
    """States must be locked, with their lines."""
    if not states:
        return
    Line.objects.filter(pk__in=[state.pk for state in states]).update(
        deactivation_date=date, deactivation_by=by.name if date else ""
    )
    record_many(
        by=by,
        verb="line.deactivation_date_set" if date else "line.deactivation_date_removed",
        things=[
            Happened(
                state.line.account_id,
                f"line:{state.line.iccid}",
                {"before": _iso(state.line.deactivation_date), "after": _iso(date)},
            )
            for state in states
        ],
    )


def _iso(date: dt.date | None) -> str | None:
    return date.isoformat() if date else None


@transaction.atomic
def deactivate_due(*, today: dt.date, limit: int = 1000) -> int:
    """Deactivates lines whose day has come, in the name of who set it; says how many. Harmless twice."""
    due = Line.objects.filter(deactivation_date__lte=today, payer__isnull=False).order_by("pk")
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


@transaction.atomic
def edit_notes(*, line: Line, notes: str, by: Actor) -> Line:
    """Raises Invalid for notes that are too long. Harmless twice."""
    notes = plain_notes(notes=notes)
    if len(notes) > LONGEST_NOTES:
        raise Invalid(f"Notes have at most {LONGEST_NOTES} characters; these have {len(notes)}")
    line = Line.objects.select_for_update().get(pk=line.pk)
    if notes != line.notes:
        before, line.notes = line.notes, notes
        line.save(update_fields=["notes"])
        record(
            by=by,
            verb="line.notes_edited",
            account_id=line.account_id,
            subject=f"line:{line.iccid}",
            detail={"before": before, "after": notes},
        )
    return line


def plain_notes(*, notes: str) -> str:
    """Notes as they are kept: in one line, without the NUL that the database keeps nowhere."""
    return " ".join(notes.replace("\0", "").split())
