"""Messages from devices: when to look for them, and what was found."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import connection, transaction
from kit import clock
from kit.crypto import new_hex
from kit.sql import array

from accounts.commands import Happened, record_many
from accounts.models import Account
from accounts.policy import Actor, ActorKind
from lines import policy
from lines.carriers.base import Reading, Sms
from lines.commands import leases
from lines.commands.sms import digest_of
from lines.models import Carrier, Line, LineState, SmsLook, SmsMessage
from lines.policy import SmsState

LATE = dt.timedelta(hours=24)  # how late a carrier may show a message
LOOKS = 4  # without anything new, before a line is left alone until its count moves again


def note_marks(*, carrier: Carrier, marked: Sequence[tuple[int, int | None, bool, Reading]]) -> None:
    """Lines whose carrier counts other messages than before are to be looked at: (line, count before, ours, reading).

    The first count of a line is where it begins. The lines' states must be locked.
    """
    moved = [(line_id, before, ours, r) for line_id, before, ours, r in marked if r.sms_mark not in (None, before)]
    if not moved:
        return
    due = [line_id for line_id, before, ours, r in moved if ours and r.sms_mark and before is not None]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE lines_linestate st SET sms_mark = m.mark FROM unnest(%s::bigint[], %s::int[]) AS m(line_id, mark)"
            " WHERE st.line_id = m.line_id",
            [array(line_id for line_id, _, _, _ in moved), array(r.sms_mark for _, _, _, r in moved)],
        )
        cursor.execute(
            "INSERT INTO lines_smslook (line_id, carrier_id, is_due, attempts, last_error)"
            " SELECT line_id, %s, true, 0, '' FROM unnest(%s::bigint[]) AS d(line_id)"
            " ON CONFLICT (line_id) DO UPDATE SET is_due = true, due_at = NULL, attempts = 0",
            [carrier.pk, array(due)],
        )


@dataclass(frozen=True, slots=True)
class ClaimedLook:
    """A line whose messages are to be listed, from `since` on; ours until the lease ends."""

    line_id: int
    iccid: str
    since: dt.datetime


def claim_looks(*, carrier: Carrier, limit: int) -> list[ClaimedLook]:
    """Takes lines of a carrier whose devices have sent something."""
    ids = leases.claim(model=SmsLook, limit=limit, where="carrier_id = %s AND is_due", parameters=[carrier.pk])
    looks = SmsLook.objects.filter(pk__in=ids).select_related("line").order_by("pk")
    return [ClaimedLook(look.pk, look.line.called, _since(look)) for look in looks]


def _since(look: SmsLook) -> dt.datetime:
    """What was before the line came is none of its holder's business."""
    added = look.line.added_at
    return added if look.looked_at is None else max(added, look.looked_at - LATE)


@transaction.atomic
def received(*, line_id: int, listed: Sequence[Sms], looked_at: dt.datetime) -> int:
    """Keeps the messages from a device that are new; says how many. Harmless twice.

    One from before the present holder had the line belongs to who pays for it, one from before that to nobody.
    """
    line = Line.objects.select_related("carrier", "account", "payer").get(pk=line_id)
    LineState.objects.select_for_update().get(pk=line_id)
    look = SmsLook.objects.select_for_update().get(pk=line_id)
    theirs = [_kept(one) for one in listed if not one.to_device and (one.at or looked_at) >= line.added_at]
    fresh = _unknown(line, theirs) if line.payer_id else []
    kept = SmsMessage.objects.bulk_create([_message(line, one, nth, looked_at) for one, nth in fresh])
    record_many(
        by=Actor(ActorKind.CARRIER, line.carrier.name),
        verb="sms.received",
        things=[
            Happened(
                one.account_id,
                f"line:{line.iccid}",
                {"sms": one.pk, "text_digest": digest_of(message=one), "length": len(one.text)},
            )
            for one in kept
        ],
    )
    look.is_due = not fresh and look.attempts < LOOKS
    look.due_at = clock.now() + policy.retry_after(look.attempts + 2)
    look.looked_at, look.leased_until, look.last_error = looked_at, None, ""
    look.save(update_fields=["is_due", "due_at", "looked_at", "leased_until", "last_error"])
    return len(fresh)


def _kept(sms: Sms) -> Sms:
    """As it is kept: a device may send anything, and the database keeps no NUL."""
    return replace(sms, text=sms.text.replace("\0", "")[:1000], word=sms.word.replace("\0", "")[:40])


def _unknown(line: Line, theirs: Sequence[Sms]) -> list[tuple[Sms, int]]:
    """Those that we do not have, each with its number among those of one name; the oldest first."""
    refs = [one.ref for one in theirs]
    known = Counter(SmsMessage.objects.filter(line=line, ref__in=refs).values_list("ref", flat=True))
    seen: Counter[str] = Counter()
    fresh = []
    for one in sorted(theirs, key=lambda sms: (sms.at is not None, sms.at, sms.ref)):
        seen[one.ref] += 1
        if seen[one.ref] > known[one.ref]:
            fresh.append((one, seen[one.ref] - 1))
    return fresh


def _holder(line: Line, at: dt.datetime) -> Account:
    is_theirs = line.held_since is None or at >= line.held_since
    holder = line.account if is_theirs else line.payer
    assert holder is not None  # messages of lines in stock are left alone
    return holder


def _message(line: Line, sms: Sms, nth: int, looked_at: dt.datetime) -> SmsMessage:
    assert line.payer is not None
    return SmsMessage(
        line=line,
        carrier_id=line.carrier_id,
        account=_holder(line, sms.at or looked_at),
        payer=line.payer,
        to_device=False,
        text=sms.text,
        salt=new_hex(),
        state=SmsState.RECEIVED,
        is_open=False,
        created_at=looked_at,
        at=sms.at or looked_at,
        ref=sms.ref,
        nth=nth,
        word=sms.word,
    )


@transaction.atomic
def look_failed(*, line_id: int, error: str, give_up: bool, wait: float | None = None) -> None:
    """The messages could not be listed: again later, or not until the count moves again, where the carrier refuses."""
    look = SmsLook.objects.select_for_update().get(pk=line_id)
    pause = policy.retry_after(look.attempts)
    look.is_due = not give_up
    look.due_at = clock.now() + (pause if wait is None else max(pause, dt.timedelta(seconds=wait)))
    look.leased_until, look.last_error = None, error[:300]
    look.save(update_fields=["is_due", "due_at", "leased_until", "last_error"])
