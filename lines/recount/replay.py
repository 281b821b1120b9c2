"""Lines one by one, as `rules` has it: their readings with the changes of payer and what people decided in between."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping

from lines.recount.rules import BEGINNING, Calendar, Course, Dated, Key, Told, Turn
from lines.recount.source import Decision, LineFacts, Market

JANUARY = Calendar((Turn(1),))


def replay(
    line: LineFacts, told: Iterable[tuple[int, Told]], market: Market, before: Mapping[dt.date, int] | None = None
) -> dict[Key, int]:
    """Bytes of a line by payer, day and price; readings come with their pages' numbers. `before`: what it used on the
    days before its opening. Raises NoPrice."""
    found: dict[Key, int] = defaultdict(int, line.given)
    course = _opened(line, market)
    if course is not None:
        course.days.update(before or {})
    changes = [one for one in line.holdings if course is None or one.since > line.since]
    decisions = sorted(line.decisions, key=lambda one: one.after)
    for page, reading in told:
        while decisions and decisions[0].after < page:
            _decide(course, decisions.pop(0))
        while changes and changes[0].after < page:
            _add(found, course)
            course = _begun(line, changes.pop(0).payer, market)
        if course is not None:
            course.read(reading)
    for decision in decisions:
        _decide(course, decision)
    _add(found, course)
    return {key: used for key, used in found.items() if used}


def _begun(line: LineFacts, payer: int | None, market: Market) -> Course | None:
    if payer is None:
        return None
    return Course(
        payer,
        Dated(line.plans),
        market.prices,
        calendar=market.calendars.get(line.carrier, JANUARY),
        ours_since=max((one.since for one in line.holdings if one.payer == payer), default=BEGINNING),
    )


def _opened(line: LineFacts, market: Market) -> Course | None:
    """Where the kept readings begin, for a line that was there before them."""
    if not line.openings:
        return None
    course = _begun(line, line.openings[-1].payer, market)
    assert course is not None
    course.ours_since = BEGINNING
    course.since = min(one.cycle for one in line.openings)
    for one in line.openings:
        if one.payer == course.payer:
            course.highest[one.cycle] = one.counter
            if one.read_at is not None:
                course.read_in[one.cycle] = one.read_at
        if one.is_open:
            course.open, course.shown, course.last_at = one.cycle, one.counter, one.read_at or BEGINNING
    for (_, day, _), used in line.given.items():
        course.days[day] += used
    return course


def _decide(course: Course | None, decision: Decision) -> None:
    if course is None:
        return
    if decision.what == "rebase":
        course.rebase(decision.cycle, decision.counter)
    else:
        course.decide(decision.cycle, is_charged=decision.what == "charged")


def _add(found: dict[Key, int], course: Course | None) -> None:
    if course is not None:
        for key, row in course.owed.items():
            found[key] += row.used


def beginning_of(line: LineFacts) -> dt.datetime:
    """No reading before this is of interest."""
    return line.since if line.openings else min((one.since for one in line.holdings), default=BEGINNING)
