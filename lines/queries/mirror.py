"""What a copy of the list is kept up to date with: the facts that the list itself leaves out, and what changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from kit import walls

from accounts.queries import Viewer
from lines.models import Line, LineTag, Sighting
from lines.queries.fields import values_of


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Of one line. Carrier and tags are who pays' to know, and None for a sub-account."""

    imei: str
    msisdn: str
    country: str  # two letters, of its last session that the carrier told one of
    carrier: str | None
    tags: list[str] | None
    custom_fields: dict[str, str | int | Decimal]
    last_seen: dt.datetime | None
    read_at: dt.datetime | None


def mirrored(viewer: Viewer, iccids: Iterable[str]) -> dict[str, Mirrored]:
    """These lines by ICCID, which must be the viewer's: five queries, however many they are."""
    lines = list(Line.objects.filter(iccid__in=list(iccids)).select_related("state", "carrier"))
    outsider = viewer.account.is_subaccount
    tags: dict[int, list[str]] = {line.pk: [] for line in lines}
    if not outsider:
        given = LineTag.objects.filter(line__in=tags, tag__account=viewer.account).order_by("tag__name")
        for line_id, name in given.values_list("line", "tag__name"):
            tags[line_id].append(name)
    theirs = {"account": viewer.account} if outsider else {"payer": viewer.account}
    seen = Sighting.objects.filter(line__in=tags, **theirs).exclude(country="").order_by("line", "-started_at")
    countries = dict(seen.distinct("line").values_list("line", "country"))
    fields = values_of(viewer, tags)
    return {
        line.iccid: Mirrored(
            imei=line.imei,
            msisdn=line.msisdn,
            country=countries.get(line.pk, ""),
            carrier=None if outsider else line.carrier.name,
            tags=None if outsider else tags[line.pk],
            custom_fields=fields[line.pk],
            last_seen=line.state.last_seen,
            read_at=line.state.read_at,
        )
        for line in lines
    }


# Rows whose transactions cannot be seen yet have numbers of at least `xmin`: who comes again with it misses none of
# them. A restored or promoted server is another one, and its numbers mean nothing to cursors of the one before.
MARK = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
       (SELECT system_identifier FROM pg_control_system())::text || '.' ||
       (SELECT timeline_id FROM pg_control_checkpoint())::text || '.' ||
       (SELECT oid FROM pg_database WHERE datname = current_database())::text
"""
CHANGED = """
SELECT l.id, l.iccid::text FROM lines_line l JOIN lines_linestate st ON st.line_id = l.id
  LEFT JOIN lines_linecount c ON c.line_id = l.id LEFT JOIN lines_linedevice d ON d.line_id = l.id
 WHERE l.{whose} = %(viewer)s AND l.iccid > %(key)s
   AND (%(since)s = 0 OR greatest(l.changed, st.changed, c.changed, d.changed) >= %(since)s
        OR l.id IN (SELECT line_id FROM lines_linechange WHERE changed >= %(since)s))
 ORDER BY l.iccid LIMIT %(limit)s
"""
# Lines that were theirs until a holding that began since.
LEFT = """
SELECT DISTINCT l.iccid::text FROM lines_lineholding h JOIN lines_line l ON l.id = h.line_id
 WHERE h.changed >= %(since)s AND l.iccid > %(key)s AND l.{whose} IS DISTINCT FROM %(viewer)s
   AND (SELECT b.{whose} FROM lines_lineholding b WHERE b.line_id = h.line_id AND b.id < h.id
         ORDER BY b.id DESC LIMIT 1) = %(viewer)s
 ORDER BY 1 LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """A page, in the order of ICCIDs: ids of lines that changed, and ICCIDs of lines that are the viewer's no more."""

    changed: list[int]
    gone: list[str]
    last: str | None  # the ICCID behind which the next page begins; none: this is the last


def mark() -> tuple[int, str]:
    """From where the round after one that begins now reads, and on which server. Asked before its first page."""
    with connection.cursor() as cursor:
        cursor.execute(MARK)
        number, server = cursor.fetchone()
    return int(number), str(server)


def changes_of(viewer: Viewer, *, since: int, key: str, limit: int) -> Changes:
    """Lines behind this ICCID whose row in the list was changed by a transaction from this one on; 0: every line."""
    whose = "account_id" if viewer.account.is_subaccount else "payer_id"
    values: dict[str, int | str] = {"viewer": viewer.account.pk, "since": since, "key": key, "limit": limit + 1}
    with connection.cursor() as cursor:
        cursor.execute(CHANGED.format(whose=whose), values)
        found: list[tuple[str, int | None]] = [(iccid, pk) for pk, iccid in cursor.fetchall()]
    if since:  # the row that says so is the next holder's: behind the wall nobody would hear of it
        with walls.lifted(), connection.cursor() as cursor:
            cursor.execute(LEFT.format(whose=whose), values)
            found += [(iccid, None) for (iccid,) in cursor.fetchall()]
    found.sort(key=lambda row: row[0])
    page = found[:limit]
    return Changes(
        changed=[pk for _, pk in page if pk is not None],
        gone=[iccid for iccid, pk in page if pk is None],
        last=page[-1][0] if len(found) > limit else None,
    )
