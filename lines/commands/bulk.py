"""Many lines switched by one call of their carrier: which, what came of it, and the carrier's call back.

A line in it has its drive wait and be asked about: when the carrier has called back, or when it has not for too long.
So a callback decides nothing, and a lost one delays.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.core.signing import BadSignature, Signer
from django.db import connection, transaction
from kit import clock
from kit.errors import NotFound

from accounts.commands import record
from accounts.policy import Actor, ActorKind
from lines.commands import leases
from lines.models import BulkEdit, Carrier, Drive, LineState
from lines.policy import Wanted

FEWEST = 20  # fewer are driven sooner one by one
MOST = 500  # lines in one call
CALLED_WITHIN = dt.timedelta(minutes=2)  # after that each line is asked about
KEPT = dt.timedelta(days=7)  # so long a callback is known
LONGEST_SAID = 2000

# Lines that were not tried yet, wanted this way.
UNTRIED = f"""
carrier_id = %s AND attempts = 0 AND NOT ask_first AND bulk_id IS NULL AND EXISTS (
    SELECT 1 FROM lines_linestate st WHERE st.line_id = lines_drive.line_id AND (st.wanted = {Wanted.ACTIVE:d}) = %s)
"""
# Ends our lease. A wish that has changed during the call is driven at once, and so is what the carrier has called back
# about already; both are asked about first.
RELEASE = f"""
UPDATE lines_drive d SET leased_until = NULL,
       due_at = CASE WHEN d.bulk_id = %(edit)s AND (st.wanted = {Wanted.ACTIVE:d}) = %(on)s
                     THEN %(due_at)s::timestamptz END,
       attempts = CASE WHEN %(untried)s THEN 0 ELSE d.attempts END,
       bulk_id = CASE WHEN %(asked)s THEN d.bulk_id END,
       ask_first = %(asked)s,
       last_error = %(error)s
  FROM lines_linestate st
 WHERE st.line_id = d.line_id AND d.line_id = ANY(%(lines)s) AND d.leased_pid = %(holder)s
   AND d.leased_until IS NOT NULL
"""
# Late as it may be, each line of it is asked about, also one that was settled meanwhile.
ASK = """
INSERT INTO lines_drive AS d (line_id, carrier_id, since, ask_first, attempts, last_error)
SELECT id, carrier_id, %(now)s, true, 0, '' FROM lines_line
 WHERE id = ANY(%(lines)s) AND carrier_id = %(carrier)s AND payer_id IS NOT NULL ORDER BY id
ON CONFLICT (line_id) DO UPDATE SET due_at = NULL, ask_first = true, bulk_id = NULL
"""
_signer = Signer(salt="lines.bulk", sep=".")


@transaction.atomic
def begin(*, carrier: Carrier, on: bool) -> BulkEdit | None:
    """Takes lines that are due to be switched this way, ours until the lease ends; None where they are too few."""
    due = Drive.objects.filter(carrier=carrier, attempts=0, ask_first=False, bulk=None).exclude(due_at__gt=clock.now())
    this_way = due.filter(line__state__wanted=Wanted.ACTIVE) if on else due.exclude(line__state__wanted=Wanted.ACTIVE)
    if this_way.order_by().values("pk")[:FEWEST].count() < FEWEST:
        return None
    ids = leases.claim(model=Drive, limit=MOST, where=UNTRIED, parameters=[carrier.pk, on])
    if not ids:
        return None
    now = clock.now()
    edit = BulkEdit.objects.create(carrier=carrier, on=on, lines=ids, asked_at=now, wait_until=now + CALLED_WITHIN)
    Drive.objects.filter(pk__in=ids).update(bulk=edit, ask_first=True)
    return edit


@transaction.atomic
def taken(*, edit: BulkEdit, doubt: str = "") -> None:
    """The carrier has queued it, or may have: its lines wait for the callback."""
    if doubt:
        BulkEdit.objects.filter(pk=edit.pk).update(error=doubt[:300])
    _release(edit, due_at=edit.wait_until, asked=True, error=doubt)


@transaction.atomic
def not_done(*, edit: BulkEdit, error: str, wait: dt.timedelta | None) -> None:
    """Nothing was done. After `wait` its lines are taken together again; None: the carrier will not, one by one now."""
    now = clock.now()
    BulkEdit.objects.filter(pk=edit.pk).update(error=error[:300], wait_until=now)
    _release(edit, due_at=None if wait is None else now + wait, asked=False, untried=wait is not None, error=error)


def _release(edit: BulkEdit, *, due_at: dt.datetime | None, asked: bool, error: str, untried: bool = False) -> None:
    given: dict[str, Any] = {"edit": edit.pk, "lines": edit.lines, "on": edit.on, "due_at": due_at}
    given["holder"] = leases.holder()
    _lock(edit)
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, {**given, "asked": asked, "untried": untried, "error": error[:300]})


def _lock(edit: BulkEdit) -> None:
    """Its lines' states, in order, as everywhere before their drives."""
    list(LineState.objects.select_for_update().filter(pk__in=edit.lines).order_by("pk").values_list("pk"))


def token_of(*, edit: BulkEdit) -> str:
    """What the carrier calls back with: it names the carrier and the edit, and only we can make it."""
    return _signer.sign(f"{edit.carrier_id}.{edit.uuid.hex}")


@transaction.atomic
def called_back(*, token: str, said: str) -> bool:
    """The carrier has called back: each line of the edit is asked about now. Its words are kept and decide nothing.

    False: it had before, and nothing happens. Raises NotFound for a token that is not of a known edit.
    """
    try:
        carrier_id, _, key = _signer.unsign(token).partition(".")  # compares in constant time
        known = BulkEdit.objects.filter(uuid=uuid.UUID(key), carrier_id=int(carrier_id))
        edit = known.select_related("carrier").select_for_update(of=("self",)).get()
    except (BadSignature, ValueError, BulkEdit.DoesNotExist):
        raise NotFound("There is no such address") from None
    if edit.called_at is not None:
        return False
    edit.called_at, edit.said = clock.now(), said.replace("\0", "")[:LONGEST_SAID]
    edit.save(update_fields=["called_at", "said"])
    _lock(edit)
    with connection.cursor() as cursor:
        cursor.execute(ASK, {"now": edit.called_at, "lines": edit.lines, "carrier": edit.carrier_id})
    record(
        by=Actor(ActorKind.CARRIER, edit.carrier.name),
        verb="carrier.called_back",
        subject=f"carrier:{edit.carrier.name}",
        detail={"lines": len(edit.lines), "wanted": "on" if edit.on else "off"},
    )
    return True


def drop_old_edits() -> int:
    """Those whose callback nobody waits for any more."""
    return BulkEdit.objects.filter(asked_at__lt=clock.now() - KEPT).delete()[1].get("lines.BulkEdit", 0)
