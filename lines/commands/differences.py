"""Differences between carriers' stock and ours: found after each reading, and settled one way or another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from kit import clock
from kit.errors import Refusal
from kit.identifiers import asked
from kit.sql import array

from accounts.commands import record
from accounts.policy import Actor
from lines.carriers.base import Reading, Switch
from lines.commands.stock import import_lines
from lines.models import Carrier, Difference, Drive, LineState, RatePlan, ReadingPass
from lines.policy import DRIFTS_AFTER, Differs, Wanted

GONE = "It is so no longer"
DISMISSED = "Left as it is"
UNSEEN = dt.timedelta(days=1)  # so long a line without a list gave no answer before it counts as missing


class CannotBeSettledSo(Refusal):
    """That is no way to settle this kind of difference."""


# One that was settled and is found again is open again, unless a person left it as it is.
UPSERT = f"""
INSERT INTO lines_difference AS d (carrier_id, iccid, kind, line_id, said, found_at, seen_at, settled_how, settled_by)
{{rows}}
ON CONFLICT (carrier_id, iccid, kind) DO UPDATE
   SET seen_at = excluded.seen_at, said = excluded.said, line_id = excluded.line_id,
       found_at = CASE WHEN d.settled_at IS NULL OR d.settled_how = '{DISMISSED}' THEN d.found_at
                       ELSE excluded.found_at END,
       settled_at = CASE WHEN d.settled_how = '{DISMISSED}' THEN d.settled_at END,
       settled_how = CASE WHEN d.settled_how = '{DISMISSED}' THEN d.settled_how ELSE '' END,
       settled_by = CASE WHEN d.settled_how = '{DISMISSED}' THEN d.settled_by ELSE '' END
RETURNING id
"""

UNKNOWN = f"""
SELECT %(carrier)s, u.iccid, '{Differs.UNKNOWN}', NULL::bigint,
       u.said || coalesce(', a line of ' || l.name, ''), %(now)s, %(now)s, '', ''
  FROM unnest(%(iccids)s::text[], %(others)s::text[], %(said)s::text[]) AS u(iccid, other, said)
  LEFT JOIN LATERAL (SELECT c.name FROM lines_line o JOIN lines_carrier c ON c.id = o.carrier_id
                      WHERE o.iccid IN (u.iccid, u.other) ORDER BY o.id LIMIT 1) l ON true
 ORDER BY u.iccid
"""

# A line that the last whole reading of a carrier did not bring.
MISSING = f"""
SELECT l.carrier_id, l.iccid, '{Differs.MISSING}', l.id,
       CASE WHEN st.confirmed_at IS NULL THEN 'never seen' ELSE 'last seen ' || st.confirmed_at::date END,
       %(now)s, %(now)s, '', ''
  FROM lines_line l JOIN lines_linestate st ON st.line_id = l.id
 WHERE l.carrier_id = %(carrier)s AND l.added_at < %(since)s AND coalesce(st.confirmed_at, '-infinity') < %(since)s
   AND (%(by_page)s OR l.payer_id IS NOT NULL)  -- lines in stock are read only where there is a list
   AND NOT EXISTS (SELECT FROM lines_setaside q WHERE q.line_id = l.id AND q.at >= %(since)s)  -- it is there, and odd
 ORDER BY l.iccid
"""

# A line whose carrier does not do what we want for long, and one in stock that runs at our cost.
DRIFT = f"""
SELECT l.carrier_id, l.iccid, '{Differs.DRIFT}', l.id,
       CASE WHEN l.payer_id IS NULL THEN 'in stock, and the carrier says ' || st.reported_word
            ELSE 'wanted ' || CASE WHEN st.wanted = {Wanted.ACTIVE:d} THEN 'on' ELSE 'off' END
                 || ', the carrier says ' || coalesce(nullif(st.reported_word, ''), 'nothing') END,
       %(now)s, %(now)s, '', ''
  FROM lines_line l JOIN lines_linestate st ON st.line_id = l.id
  LEFT JOIN lines_drive d ON d.line_id = l.id
 WHERE l.carrier_id = %(carrier)s
   AND (d.since < %(long_ago)s OR (l.payer_id IS NULL AND st.reported = {Switch.ON:d} AND d.line_id IS NULL))
 ORDER BY l.iccid
"""


def note_unknown(*, carrier: Carrier, readings: Iterable[Reading]) -> None:
    """SIMs in a carrier's list that are no lines of ours there."""
    found = {one.iccid: one.status.word[:100] if one.status else "" for one in readings}  # each once
    if not found:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            UPSERT.format(rows=UNKNOWN),
            {
                "carrier": carrier.pk,
                "now": clock.now(),
                "iccids": array(found),
                "others": array(asked(iccid)[-1] for iccid in found),  # with its check digit, or without
                "said": array(found.values()),
            },
        )


@transaction.atomic
def find_differences(*, carrier: Carrier, by_page: bool) -> int:
    """Compares our lines with what the carrier's last whole reading brought; says how many differ. Harmless twice."""
    now = clock.now()
    since: dt.datetime | None = now - UNSEEN
    if by_page:
        whole = ReadingPass.objects.filter(carrier=carrier, finished_at__isnull=False, lost=0)
        last = whole.order_by("-started_at").first()
        since = last.started_at if last else None
    values: dict[str, Any] = {"carrier": carrier.pk, "now": now, "by_page": by_page}
    found: list[int] = []
    with connection.cursor() as cursor:
        if since is not None:
            cursor.execute(UPSERT.format(rows=MISSING), values | {"since": since})
            found += [row[0] for row in cursor.fetchall()]
        cursor.execute(UPSERT.format(rows=DRIFT), values | {"long_ago": now - DRIFTS_AFTER})
        found += [row[0] for row in cursor.fetchall()]
    _settle_gone(carrier, now, since, found)
    return Difference.objects.filter(carrier=carrier, settled_at=None).count()


def _settle_gone(carrier: Carrier, now: dt.datetime, read_since: dt.datetime | None, found: Sequence[int]) -> None:
    """What this round did not find is no longer so; an unknown SIM, where a whole reading did not bring it again."""
    gone = Difference.objects.filter(carrier=carrier, settled_at=None)
    gone.exclude(kind=Differs.UNKNOWN).exclude(pk__in=found).update(settled_at=now, settled_how=GONE)
    if read_since is not None:
        gone.filter(kind=Differs.UNKNOWN, seen_at__lt=read_since).update(settled_at=now, settled_how=GONE)


@transaction.atomic
def add_to_stock(*, differences: Sequence[Difference], plan: RatePlan, by: Actor) -> int:
    """Takes unknown SIMs into stock on a plan of their carrier; says how many. Raises CannotBeSettledSo, Invalid."""
    rows = _locked(differences)
    if any(row.kind != Differs.UNKNOWN for row in rows):
        raise CannotBeSettledSo("Only SIMs that we do not know can be taken into stock; choose no others")
    if any(row.carrier_id != plan.carrier_id for row in rows):
        raise CannotBeSettledSo(f"Rate plan {plan.name} is of another carrier than these SIMs")
    imported = import_lines(
        unchecked=True,  # its carrier has it so
        rows=[(number, row.iccid) for number, row in enumerate(rows, 1)],
        carrier=plan.carrier,
        plan=plan,
        account=None,
        active=False,
        by=by,
    )
    refused = {row["iccid"] for row in (*imported.refused, *imported.already)}
    _settled([row for row in rows if row.iccid not in refused], "Taken into stock", by)
    return imported.added


@transaction.atomic
def drive_again(*, differences: Sequence[Difference], by: Actor) -> int:
    """Asks the carrier at once to do what we want of drifting lines; those in stock are switched off. Says how many.

    Raises CannotBeSettledSo.
    """
    rows = _locked(differences)
    if any(row.kind != Differs.DRIFT for row in rows):
        raise CannotBeSettledSo("Only lines whose state drifts can be driven; choose no others")
    for state in LineState.objects.filter(line__in=[row.line_id for row in rows]).select_related("line").order_by("pk"):
        Drive.objects.update_or_create(
            line=state.line,
            defaults={"due_at": None, "attempts": 0},
            create_defaults={"carrier_id": state.line.carrier_id, "since": clock.now()},
        )
    _settled(rows, "The carrier is asked again", by)
    return len(rows)


@transaction.atomic
def dismiss(*, differences: Sequence[Difference], by: Actor) -> int:
    """Leaves them as they are: they are not shown again. Says how many."""
    rows = _locked(differences)
    _settled(rows, DISMISSED, by)
    return len(rows)


def _locked(differences: Sequence[Difference]) -> list[Difference]:
    ids = [row.pk for row in differences]
    return list(Difference.objects.select_for_update().filter(pk__in=ids, settled_at=None).order_by("pk"))


def _settled(rows: Sequence[Difference], how: str, by: Actor) -> None:
    ids = [row.pk for row in rows]
    Difference.objects.filter(pk__in=ids).update(settled_at=clock.now(), settled_how=how, settled_by=by.name)
    record(by=by, verb="differences.settled", detail={"how": how, "iccids": [row.iccid for row in rows][:1000]})
