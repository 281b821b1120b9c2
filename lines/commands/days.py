"""Readings of carriers that tell usage by days, taken apart at the ends of the days that they tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from kit.identifiers import all_spellings, asked

from lines import counting
from lines.carriers.base import Reading
from lines.models import Carrier, HeldMovement, LineState
from lines.policy import Hold
from lines.policy.days import days_told


def of_days(*, carrier: Carrier, readings: Sequence[Reading], read_at: dt.datetime) -> list[Reading]:
    """What is to be applied before them: for each line, its month's sums at the ends of days since its last reading.

    What would be held goes as one, and so does a line of which something is held: two readings out of one answer are
    no second word. A line that is read for the first time has its baseline alone, and what came before a change of its
    plan or holder is not taken apart.
    """
    told = {one.iccid: one for one in readings if one.days and one.cycle}
    if not told:
        return []
    states = LineState.objects.filter(line__carrier=carrier, line__iccid__in=all_spellings(told), cycle__isnull=False)
    held = set(
        HeldMovement.objects.filter(line__in=states.values("line"), state=Hold.HELD).values_list("line", flat=True)
    )
    found = list[Reading]()
    for state in states.select_related("line"):
        one = next((told[spelled] for spelled in asked(state.line.iccid) if spelled in told), None)
        if one is None or one.cycle is None or state.cycle is None or state.line_id in held:
            continue
        charged = state.counter if state.cycle == one.cycle else 0
        if state.cycle <= one.cycle and one.counter - charged <= counting.PLAUSIBLE:
            line = state.line
            since = max(moment for moment in (state.read_at, line.added_at, line.held_since, line.plan_since) if moment)
            moments = days_told(one.days, since=since, until=one.asked_at or read_at, counter=charged)
            found += [Reading(one.iccid, sum_, one.cycle, asked_at=moment) for moment, sum_ in moments]
    return found
