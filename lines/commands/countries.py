"""In which country a line was from when on: what usage in zones is charged by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db.models import Max
from django.db.models.functions import Coalesce

from lines.models import LineCountry, LineState, Sighting
from lines.policy.zones import Stay, began_there


def note_country(*, state: LineState, seen: Sighting, looked: dt.datetime | None) -> None:
    """Writes down that a line is told to be, or to have been, in another country than we knew. Harmless twice.

    `seen` is not saved yet; `looked`: when its carrier was asked before. The line's state is locked, so that every
    reading comes whole before or after this. What was charged before stays as it is.
    """
    if not seen.country:
        return
    rows = LineCountry.objects.filter(line_id=state.pk, payer_id=seen.payer_id)
    known = rows.order_by("-since", "-pk").first()
    if known is not None and known.country == seen.country:
        return
    told = Sighting.objects.filter(line=state.pk, payer=seen.payer_id).exclude(country="")
    before = told.aggregate(until=Max(Coalesce("ended_at", "seen_at")))["until"]
    since = began_there(
        started=seen.started_at,
        before=before,
        looked=looked or seen.seen_at,
        last=Stay(known.since, known.country) if known else None,
        is_there=not seen.is_session or seen.ended_at is None,
    )
    LineCountry.objects.bulk_create(
        [
            LineCountry(
                line_id=state.pk,
                payer_id=seen.payer_id,
                since=since,
                country=seen.country,
                after_reading=state.reading_id or 0,
            )
        ],
        ignore_conflicts=True,
    )


def note_last_countries(*, sightings: Sequence[Sighting]) -> None:
    """Where lines that come with a history were last: their usage counts there until they are seen again."""
    last = {one.line_id: one for one in sorted(sightings, key=lambda one: one.started_at) if one.country}
    states = LineState.objects.select_for_update().filter(pk__in=last).order_by("pk")
    LineCountry.objects.bulk_create(
        [
            LineCountry(
                line_id=state.pk,
                payer_id=last[state.pk].payer_id,
                since=last[state.pk].started_at,
                country=last[state.pk].country,
                after_reading=state.reading_id or 0,
            )
            for state in states
        ],
        ignore_conflicts=True,
    )
