"""Driving carriers to what we want: which lines are due, and what came of each call."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from kit import clock

from lines import policy
from lines.carriers.base import Status, Switch
from lines.commands import leases
from lines.commands.looks import want_looks
from lines.models import Carrier, Drive, Line, LineState
from lines.policy import Wanted


@dataclass(frozen=True, slots=True)
class ClaimedDrive:
    """One line to drive, ours until the lease ends."""

    line_id: int
    iccid: str
    on: bool
    ask_first: bool
    attempts: int


# Of a line whose move is not confirmed the carrier's state stays, but for what was ordered since it came.
DRIVEN = """carrier_id = %s AND NOT EXISTS (
    SELECT FROM lines_moveline m JOIN lines_linestate st ON st.line_id = m.line_id
     WHERE m.line_id = lines_drive.line_id AND m.is_held AND st.wanted_at <= m.taken_at)"""


def claim_drives(*, carrier: Carrier, limit: int) -> list[ClaimedDrive]:
    """Takes due lines of a carrier."""
    ids = leases.claim(model=Drive, limit=limit, where=DRIVEN, parameters=[carrier.pk], longest_wait=leases.AN_HOUR)
    drives = Drive.objects.filter(pk__in=ids).select_related("line__state").order_by("pk")
    return [
        ClaimedDrive(
            line_id=drive.pk,
            iccid=drive.line.called,
            on=drive.line.state.wanted == Wanted.ACTIVE,
            ask_first=drive.ask_first,
            attempts=drive.attempts,
        )
        for drive in drives
    ]


@transaction.atomic
def confirm(*, line_id: int, status: Status, asked_at: dt.datetime, on: bool) -> bool:
    """Writes down what the carrier says of a line after we asked for `on`; True when the drive is over.

    When the wish has changed meanwhile the line is due again at once. A word that nobody knows, answered to a request
    that was accepted, settles it too: the word is shown as it came.
    """
    state = LineState.objects.select_for_update().get(pk=line_id)
    if state.confirmed_at is None or asked_at >= state.confirmed_at:
        if state.reported_word != status.word or state.reported_at is None:
            state.reported_at = asked_at
        state.reported = None if status.switch is None else int(status.switch)
        state.reported_word = status.word[:40]
        state.blocked = status.blocked
        state.confirmed_at = asked_at
        state.save(update_fields=["reported", "reported_word", "blocked", "reported_at", "confirmed_at"])
    if state.reported == Switch.ON:  # its first IMEI is learned now: what changes later is then known to be a change
        unknown = Line.objects.filter(pk=line_id, imei="", payer__isnull=False, device=None)
        for pk, carrier_id in unknown.values_list("pk", "carrier"):
            want_looks(carrier_id=carrier_id, line_ids=[pk])
    wanted_switch = Switch.ON if state.wanted == Wanted.ACTIVE else Switch.OFF
    if state.reported is None or state.reported == wanted_switch:
        _settle(line_id, on=wanted_switch is Switch.ON)
        return True
    if on == (wanted_switch is Switch.ON):
        _again(line_id, error=f"The carrier says {state.reported_word}", ask_first=True)
    else:
        Drive.objects.filter(pk=line_id).update(due_at=None, attempts=0, leased_until=None, ask_first=False)
    return False


def _settle(line_id: int, *, on: bool) -> None:
    """Ends a drive; while the carrier may still do the contrary for many lines, it is left to be asked once more."""
    if Drive.objects.filter(pk=line_id, bulk=None).delete()[0]:
        return
    drive = Drive.objects.select_for_update(of=("self",)).select_related("bulk").filter(pk=line_id).first()
    if drive is not None and drive.bulk is not None and drive.bulk.on != on and drive.bulk.is_open(clock.now()):
        drive.due_at, drive.ask_first, drive.leased_until = drive.bulk.wait_until, True, None
        drive.save(update_fields=["due_at", "ask_first", "leased_until"])
    elif drive is not None:
        drive.delete()


@transaction.atomic
def postpone(
    *, line_id: int, error: str, outcome_unknown: bool = False, is_refused: bool = False, wait: float | None = None
) -> None:
    """The call did not work out: it is tried again later, after asking where its outcome is unknown."""
    _again(line_id, error=error, ask_first=outcome_unknown, is_refused=is_refused, wait=wait)


def _again(line_id: int, *, error: str, ask_first: bool, is_refused: bool = False, wait: float | None = None) -> None:
    drive = Drive.objects.select_for_update().filter(pk=line_id).first()
    if drive is None:
        return
    pause = policy.retry_after(drive.attempts)
    if wait is not None:
        pause = max(pause, dt.timedelta(seconds=wait))
    drive.due_at = clock.now() + pause
    drive.ask_first = drive.ask_first or ask_first
    drive.last_error = error[:300]
    drive.is_refused = is_refused
    drive.leased_until = None
    drive.save(update_fields=["due_at", "ask_first", "last_error", "is_refused", "leased_until"])


def doubts_settled(*, carrier: Carrier, read_at: dt.datetime) -> int:
    """What a list read at `read_at` says settles an unknown outcome as well as a call about the line: where the carrier
    has not done what we want it is asked for again at once. (Where it has, the reading has ended the drive.)"""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE lines_drive d SET ask_first = false, due_at = NULL FROM lines_linestate st"
            " WHERE d.carrier_id = %s AND d.ask_first AND d.leased_until IS NULL AND d.bulk_id IS NULL"
            "   AND st.line_id = d.line_id AND st.confirmed_at = %s AND st.reported IS NOT NULL",
            [carrier.pk, read_at],
        )
        return int(cursor.rowcount)
