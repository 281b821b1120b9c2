"""What a copy of the list is kept up to date with: the facts of many lines that the list itself leaves out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.queries import Viewer
from lines.models import Line, LineTag, Sighting


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Of one line. Carrier and tags are who pays' to know, and None for a sub-account."""

    imei: str
    msisdn: str
    country: str  # two letters, of its last session that the carrier told one of
    carrier: str | None
    tags: list[str] | None
    last_seen: dt.datetime | None
    read_at: dt.datetime | None


def mirrored(viewer: Viewer, iccids: Iterable[str]) -> dict[str, Mirrored]:
    """These lines by ICCID, which must be the viewer's: three queries, however many they are."""
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
    return {
        line.iccid: Mirrored(
            imei=line.imei,
            msisdn=line.msisdn,
            country=countries.get(line.pk, ""),
            carrier=None if outsider else line.carrier.name,
            tags=None if outsider else tags[line.pk],
            last_seen=line.state.last_seen,
            read_at=line.state.read_at,
        )
        for line in lines
    }
