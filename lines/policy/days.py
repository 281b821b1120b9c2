"""What a carrier tells by days, as readings at the days' own ends: so that each day's usage is dated to its day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

SECOND = dt.timedelta(seconds=1)


def days_told(
    days: Iterable[tuple[dt.date, int]], *, since: dt.datetime, until: dt.datetime, counter: int
) -> list[tuple[dt.datetime, int]]:
    """Moments between the last reading and this one, each with the month's sum by then: before a day with usage and at
    its end, as far as the day is over. UTC days of one month.

    `counter`: up to where usage is charged already. A sum below it says that some was dated anew: it is left out.
    """
    found, total = [], 0
    for day, used in sorted(days):
        start = dt.datetime.combine(day, dt.time(), dt.UTC)
        end = start + dt.timedelta(days=1) - SECOND
        if used and end > since:
            found += [(start, total), (end, total + used)]
        total += used
    return [(moment, told) for moment, told in found if since < moment < until and told >= counter]
