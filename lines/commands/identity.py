"""The device behind a line, and its number: what carriers say, and what follows when it is another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from kit.identifiers import spellings
from kit.sql import array

from accounts.commands import Happened, record_many
from accounts.policy import Actor, ActorKind
from lines.carriers.base import Setting, Switch
from lines.commands.looks import want_looks
from lines.commands.wishes import set_many
from lines.models import Carrier, Line, LineState
from lines.policy import Wanted, Why, is_other_device
from lines.policy.precedence import Request, Standing


@dataclass(frozen=True, slots=True)
class Told:
    """A line's IMEI and MSISDN as its carrier gives them; None where it does not."""

    line_id: int
    imei: str | None
    msisdn: str | None


KEEP = """
UPDATE lines_line l SET imei = coalesce(x.imei, l.imei), msisdn = coalesce(x.msisdn, l.msisdn)
  FROM (SELECT r.*, o.imei AS was
          FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS r(line_id, imei, msisdn)
          JOIN lines_line o ON o.id = r.line_id ORDER BY o.id FOR UPDATE OF o) x
 WHERE l.id = x.line_id AND (x.imei <> l.imei OR x.msisdn <> l.msisdn)
RETURNING l.iccid, l.account_id, x.was, l.imei
"""


def keep_identity(*, carrier: Carrier, told: Sequence[Told]) -> None:
    """Keeps what is new, and writes down each line whose known device is another one now. In a transaction."""
    if not told:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            KEEP,
            [
                array(one.line_id for one in told),
                array(one.imei or None for one in told),
                array(one.msisdn or None for one in told),
            ],
        )
        changed = cursor.fetchall()
    record_many(
        by=Actor(ActorKind.CARRIER, carrier.name),
        verb="imei.changed",
        things=[
            Happened(account_id, f"line:{iccid}", {"before": was, "after": imei})
            for iccid, account_id, was, imei in changed
            if account_id is not None and is_other_device(was, imei)
        ],
    )
    _name_devices([(iccid, imei) for iccid, _, was, imei in changed if not was or is_other_device(was, imei)])


# The device may be known before the line is seen to be off, or after: then it is the other one, also where none was
# known before.
NAMED = f"""
UPDATE lines_linestate st
   SET why_who = coalesce((SELECT e.detail->>'after' FROM accounts_event e
                            WHERE e.subject = 'line:' || l.iccid AND e.verb = 'imei.changed'
                              AND e.at >= st.wanted_at - interval '1 day' ORDER BY e.id DESC LIMIT 1),
                          nullif(x.imei, ''), st.why_who)
  FROM unnest(%s::text[], %s::text[]) AS x(iccid, imei) JOIN lines_line l ON l.iccid = x.iccid
 WHERE l.id = st.line_id AND st.wanted = {Wanted.DEACTIVATED:d} AND st.why = '{Why.CARRIER}'
"""


def _name_devices(seen: Sequence[tuple[str, str]]) -> None:
    """Of lines that an IMEI lock stopped: the device that it stopped is the reason. ICCIDs, each with the IMEI that is
    seen now or none. Their states must be locked."""
    if seen:
        with connection.cursor() as cursor:
            cursor.execute(NAMED, [array(iccid for iccid, _ in seen), array(imei or "" for _, imei in seen)])


SPELL = """
UPDATE lines_line l SET carrier_iccid = CASE WHEN x.told <> l.iccid THEN x.told ELSE '' END
  FROM (SELECT o.id, r.told FROM unnest(%s::bigint[], %s::text[]) AS r(line_id, told)
          JOIN lines_line o ON o.id = r.line_id ORDER BY o.id FOR UPDATE OF o) x
 WHERE l.id = x.id
"""


def keep_spellings(*, spelled: Sequence[tuple[int, str]]) -> None:
    """Keeps how a carrier spells the ICCIDs of lines, with which it is called from then on. In a transaction."""
    if not spelled:
        return
    with connection.cursor() as cursor:
        cursor.execute(SPELL, [array(line_id for line_id, _ in spelled), array(told for _, told in spelled)])


def keep_imported_spellings(*, carrier: Carrier, iccids: Sequence[str]) -> None:
    """Of lines that a file names in another spelling than ours: the carrier's, until it has said itself how it spells
    them. In a transaction."""
    other = {spelling: iccid for iccid in iccids for spelling in spellings(iccid)[1:]}
    unasked = Line.objects.filter(carrier=carrier, iccid__in=other, carrier_iccid="", state__confirmed_at=None)
    keep_spellings(spelled=[(line.pk, other[line.iccid]) for line in unasked.filter(state__read_at=None)])


LOCKED = f"""
SELECT d.line_id FROM lines_drive d
  JOIN lines_linestate st ON st.line_id = d.line_id
  JOIN lines_linesetting s ON s.line_id = d.line_id AND s.name = '{Setting.IMEI_LOCK}' AND s.confirmed = 'on'
 WHERE d.line_id = ANY(%s::bigint[]) AND d.since = %s AND NOT st.blocked
   AND st.wanted = {Wanted.ACTIVE:d} AND st.reported = {Switch.OFF:d}
"""


def hold_locked(*, carrier: Carrier, line_ids: Sequence[int], read_at: dt.datetime) -> int:
    """Lines that their carrier switched off just now by the IMEI lock are left off: to switch them on again would undo

    the lock. Says how many. Their states must be locked, in a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCKED, [array(line_ids), read_at])
        held = [row[0] for row in cursor.fetchall()]
    states = list(LineState.objects.filter(pk__in=held).select_related("line"))
    by = Actor(ActorKind.CARRIER, carrier.name)
    set_many(states=states, request=Request.CARRIER_LOCKS, to=Standing.CARRIER, by=by)
    _name_devices([(state.line.iccid, "") for state in states])
    want_looks(carrier_id=carrier.pk, line_ids=held)  # which device it was stands on the line's page then
    return len(held)
