"""What pages of readings, fees and messages changed, handed to whoever acts on it; what a copy of the list has read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection
from kit import clock

from lines.models import ChangedLines, LineChange

KEPT = dt.timedelta(days=97)  # notes of changes; a cursor of the API is taken for a week less


@dataclass(frozen=True, slots=True)
class Changed:
    """Lines that moved or cost more, each once, and when the earliest of that was."""

    since: dt.datetime
    line_ids: list[int]


def note_changed_lines(*, line_ids: Collection[int]) -> None:
    """These lines cost more than before, by a fee or a message: whoever acts on usage meets them."""
    if line_ids:
        ChangedLines.objects.create(read_at=clock.now(), line_ids=sorted(line_ids))


def take_changed_lines(*, pages: int) -> Changed | None:
    """Takes up to so many pages' lines; None where there are none. They come again if the caller's transaction ends
    without a commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH taken AS (DELETE FROM lines_changedlines WHERE id IN"
            "  (SELECT id FROM lines_changedlines ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
            " RETURNING read_at, line_ids)"
            " SELECT min(read_at), array_agg(DISTINCT line_id) FROM taken, unnest(line_ids) AS line_id",
            [pages],
        )
        since, line_ids = cursor.fetchone()
    return None if since is None else Changed(since, line_ids)


def drop_old_changes(*, limit: int = 50_000) -> int:
    """Notes that no cursor reaches any more; says how many. Harmless twice."""
    old = LineChange.objects.filter(at__lt=clock.now() - KEPT).order_by("at").values_list("pk", flat=True)
    return LineChange.objects.filter(pk__in=list(old[:limit])).delete()[0]
