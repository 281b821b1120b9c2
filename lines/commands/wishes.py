"""What we want of lines: by their balance, a person, a rule. A worker drives the carrier until it agrees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from kit import clock
from kit.errors import Invalid, Refusal

from accounts.commands import record
from accounts.policy import SYSTEM, Actor, actor_named
from billing.commands import lock_wallets, mark_colours
from billing.commands.notices import tell_turn
from billing.models import Wallet
from lines.carriers.base import Switch
from lines.models import Line, LineState
from lines.policy import Wanted, Why

LONGEST_NOTES = 500  # characters


class InsufficientBalance(Refusal):
    """The balance is below its minimum: nothing may be activated."""


class AlreadyDeactivated(Refusal):
    """The line is Deactivated: there is no later day on which it could be."""


class LineInStock(Refusal):
    """The line belongs to no account."""


# Lines go from one wish to another; those whose carrier disagrees are to be driven, those that it fits already are not.
WISH = """
WITH changed AS (
    UPDATE lines_linestate st
       SET wanted = %(wanted)s, wanted_at = %(now)s, why = %(why)s, why_who = %(who)s
      FROM lines_line l
     WHERE l.id = st.line_id AND {which} AND st.wanted = ANY(%(instead_of)s)
    RETURNING st.line_id, l.carrier_id, l.payer_id,
              st.reported IS NOT DISTINCT FROM %(switch)s AS agreed
), to_drive AS (
    INSERT INTO lines_drive AS d (line_id, carrier_id, since, ask_first, attempts, last_error)
    SELECT line_id, carrier_id, %(now)s, false, 0, '' FROM changed WHERE NOT agreed
    ON CONFLICT (line_id) DO UPDATE SET since = excluded.since, due_at = NULL, attempts = 0, last_error = ''
), settled AS (
    DELETE FROM lines_drive d USING changed c WHERE d.line_id = c.line_id AND c.agreed AND d.leased_until IS NULL
)
SELECT payer_id, count(*) FROM changed GROUP BY payer_id
"""


def _wish(
    *,
    which: str,
    ids: Sequence[int],
    wanted: Wanted,
    instead_of: Sequence[Wanted],
    why: Why | None,
    who: str = "",
) -> dict[int, int]:
    """Changes the wish of these lines and says of how many, by payer. Wallets and states must be locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            WISH.format(which=which),
            {
                "ids": list(ids),
                "wanted": int(wanted),
                "instead_of": [int(other) for other in instead_of],
                "why": why.value if why else "",
                "who": who,
                "now": clock.now(),
                "switch": int(Switch.ON if wanted is Wanted.ACTIVE else Switch.OFF),
            },
        )
        return dict(cursor.fetchall())


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
        suspended = _wish(which=of_payer, ids=red, wanted=Wanted.SUSPENDED, instead_of=[Wanted.ACTIVE], why=Why.BALANCE)
    if back:
        reactivated = _wish(which=of_payer, ids=back, wanted=Wanted.ACTIVE, instead_of=[Wanted.SUSPENDED], why=None)
    for account_id in red:
        _record_turn("balance.red", account_id, "suspended", suspended.get(account_id, 0))
        tell_turn(account_id=account_id, suspended=suspended.get(account_id, 0))
    for account_id in back:
        _record_turn("balance.recovered", account_id, "reactivated", reactivated.get(account_id, 0))
        tell_turn(account_id=account_id, back=reactivated.get(account_id, 0))
    return Enforced(suspended=sum(suspended.values()), reactivated=sum(reactivated.values()))


def _record_turn(verb: str, account_id: int, did: str, lines: int) -> None:
    record(by=SYSTEM, verb=verb, account_id=account_id, detail={f"lines_{did}": lines})


@transaction.atomic
def activate(*, line: Line, by: Actor) -> LineState:
    """Wants a line active. Raises InsufficientBalance while its payer's balance is red, LineInStock.

    Harmless twice.
    """
    payer_id = _payer(line)
    lock_wallets(account_ids=[payer_id])
    enforce(account_ids=[payer_id])
    if Wallet.objects.get(pk=payer_id).is_red:
        raise InsufficientBalance(
            f"Line {line.iccid} cannot be activated while the available balance is below its minimum; add funds first"
        )
    return _set_one(line, Wanted.ACTIVE, why=None, by=by)


@transaction.atomic
def deactivate(*, line: Line, by: Actor, why: Why = Why.PERSON) -> LineState:
    """Wants a line off, at once; a Suspended one then stays off when the balance recovers. Raises LineInStock."""
    lock_wallets(account_ids=[_payer(line)])
    return _set_one(line, Wanted.DEACTIVATED, why=why, by=by)


@transaction.atomic
def deactivate_next_day(*, line: Line, by: Actor) -> Line:
    """A line that runs is to be deactivated at 00:00 of the next day; a Suspended one is at once. Harmless twice.

    Raises AlreadyDeactivated, LineInStock.
    """
    lock_wallets(account_ids=[_payer(line)])
    state = LineState.objects.select_for_update().get(pk=line.pk)
    if state.wanted == Wanted.DEACTIVATED:
        raise AlreadyDeactivated(f"Line {line.iccid} is deactivated already")
    if state.wanted == Wanted.SUSPENDED:
        _set_one(line, Wanted.DEACTIVATED, why=Why.PERSON, by=by)
        line.refresh_from_db()
        return line
    line = Line.objects.select_for_update().get(pk=line.pk)
    if line.deactivation_date is None:
        _set_date(line, clock.today() + dt.timedelta(days=1), by=by)
    return line


@transaction.atomic
def deactivate_on(*, line: Line, date: dt.date, by: Actor) -> Line:
    """A line is to be deactivated at 00:00 of this day, instead of any other day that was set. Harmless twice.

    Raises Invalid for a day that has begun, AlreadyDeactivated, LineInStock.
    """
    if date <= clock.today():
        raise Invalid(f"{date} is not a day to come; give a later one, or deactivate the line at once")
    lock_wallets(account_ids=[_payer(line)])
    state = LineState.objects.select_for_update().get(pk=line.pk)
    if state.wanted == Wanted.DEACTIVATED:
        raise AlreadyDeactivated(f"Line {line.iccid} is deactivated already")
    line = Line.objects.select_for_update().get(pk=line.pk)
    if line.deactivation_date != date:
        _set_date(line, date, by=by)
    return line


@transaction.atomic
def keep_active(*, line: Line, by: Actor) -> Line:
    """Takes a line's deactivation date away. Harmless twice."""
    line = Line.objects.select_for_update().get(pk=line.pk)
    if line.deactivation_date is not None:
        _set_date(line, None, by=by)
    return line


def _set_date(line: Line, date: dt.date | None, *, by: Actor) -> None:
    before, line.deactivation_date = line.deactivation_date, date
    line.deactivation_by = by.name if date else ""
    line.save(update_fields=["deactivation_date", "deactivation_by"])
    record(
        by=by,
        verb="line.deactivation_date_set" if date else "line.deactivation_date_removed",
        account_id=line.account_id,
        subject=f"line:{line.iccid}",
        detail={"before": before and before.isoformat(), "after": date and date.isoformat()},
    )


def deactivate_due(*, today: dt.date, limit: int = 1000) -> int:
    """Deactivates lines whose day has come, in the name of who set it; says how many. Harmless twice."""
    due = list(Line.objects.filter(deactivation_date__lte=today, payer__isnull=False).order_by("pk")[:limit])
    for line in due:
        with transaction.atomic():
            lock_wallets(account_ids=[_payer(line)])
            state = LineState.objects.select_for_update().get(pk=line.pk)
            still = Line.objects.select_for_update().get(pk=line.pk)
            if still.deactivation_date is None or still.deactivation_date > today:
                continue  # somebody kept it meanwhile
            if state.wanted != Wanted.DEACTIVATED:
                _set_one(still, Wanted.DEACTIVATED, why=Why.PERSON, by=actor_named(still.deactivation_by))
            Line.objects.filter(pk=line.pk).update(deactivation_date=None, deactivation_by="")
    return len(due)


@transaction.atomic
def edit_notes(*, line: Line, notes: str, by: Actor) -> Line:
    """Raises Invalid for notes that are too long. Harmless twice."""
    notes = " ".join(notes.split())
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


def _payer(line: Line) -> int:
    if line.payer_id is None:
        raise LineInStock(f"Line {line.iccid} belongs to no account")
    return line.payer_id


def _set_one(line: Line, wanted: Wanted, *, why: Why | None, by: Actor) -> LineState:
    state = LineState.objects.select_for_update().get(pk=line.pk)
    before = Wanted(state.wanted)
    others = [other for other in Wanted if other is not wanted]
    changed = _wish(which="l.id = ANY(%(ids)s)", ids=[line.pk], wanted=wanted, instead_of=others, why=why, who=by.name)
    if changed:
        Line.objects.filter(pk=line.pk).update(deactivation_date=None, deactivation_by="")
        record(
            by=by,
            verb=f"line.{'activated' if wanted is Wanted.ACTIVE else 'deactivated'}",
            account_id=line.account_id,
            subject=f"line:{line.iccid}",
            detail={"before": before.name, "after": wanted.name},
        )
    state.refresh_from_db()
    return state
