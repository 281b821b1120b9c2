"""Where usage was: the country of the session or sighting nearest to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stay:
    """From a moment on a line was in a country, until the next stay began."""

    since: dt.datetime
    country: str


def country_at(stays: Sequence[Stay], moment: dt.datetime) -> str | None:
    """Where the line was: the stay that had begun last, or the first one where none had; None: nobody ever told.

    Stays are in the order in which they were told of: of two that began at once the later one is believed.
    """
    begun = [stay for stay in stays if stay.since <= moment]
    if begun:
        latest = max(stay.since for stay in begun)
        return [stay for stay in begun if stay.since == latest][-1].country
    if not stays:
        return None
    first = min(stay.since for stay in stays)
    return [stay for stay in stays if stay.since == first][-1].country


def began_there(
    *,
    started: dt.datetime,
    before: dt.datetime | None,
    looked: dt.datetime,
    last: Stay | None,
    is_there: bool,
) -> dt.datetime:
    """Since when a line counts as in the country that it is told of at last.

    `started`: the session, or our looks that saw it there; `before`: until when it was seen where it was before.
    Between the two it was nearest to either for half the time. `looked`: the look before this one. `is_there`: it is
    there now; then nothing that is known already may say that it went on from there, as of a session over a border.
    """
    since = started - (started - before) / 2 if before is not None and before < started else started
    if is_there and last is not None and since <= last.since:
        return max(last.since, looked)
    return since
