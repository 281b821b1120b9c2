"""Lines one by one, as `rules` has it: their readings with the changes of payer and what people decided in between."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from lines.recount.calendars import BEGINNING, BY_MONTH
from lines.recount.rules import Course, Dated, Key, Told
from lines.recount.source import Decision, Holding, LineFacts, Market


def replay(
    line: LineFacts, told: Iterable[tuple[int, Told]], market: Market, before: Mapping[dt.date, int] | None = None
) -> dict[Key, int]:
    """Bytes of a line by payer, day and price; readings come with their pages' numbers. `before`: what it used on the
    days before its opening. Raises NoPrice."""
    found: dict[Key, int] = defaultdict(int, line.given)
    course = _opened(line, market)
    if course is not None:
        course.days.update(before or {})
    courses = [course] if course is not None else []
    changes = [one for one in line.holdings if not line.openings or one.since > line.since]
    decisions = sorted((one for one in line.decisions if one.at > line.since), key=lambda one: one.after)
    for page, reading in told:
        while decisions and decisions[0].after < page:
            _decide(courses, decisions.pop(0))
        while changes and changes[0].after < page:
            course = _begun(line, changes.pop(0), market)
            if course is not None:
                of_old = [one.days for one in courses if one.payer == course.payer]
                course.days = of_old[0] if of_old else course.days  # what it used when it was theirs before counts
                courses.append(course)
        if course is not None:
            course.read(reading, page)
    for decision in decisions:
        _decide(courses, decision)
    for course in courses:
        for key, row in course.owed.items():
            found[key] += row.used
    return {key: used for key, used in found.items() if used}


def _begun(line: LineFacts, holding: Holding, market: Market) -> Course | None:
    if holding.payer is None:
        return None
    return Course(
        holding.payer,
        Dated(line.plans),
        market.prices,
        calendar=market.calendars.get(line.carrier, BY_MONTH),
        ours_since=holding.since,
        places=line.places.get(holding.payer, []),
    )


def _opened(line: LineFacts, market: Market) -> Course | None:
    """Where the kept readings begin, for a line that was somebody's before them."""
    opened = next((one for one in line.openings if one.is_open), None)
    course = _begun(line, Holding(BEGINNING, opened.payer if opened else None, 0), market)
    if course is None:
        return None
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


def _decide(courses: Sequence[Course], decision: Decision) -> None:
    """By who paid then: a held movement may be decided about when the line has left them."""
    for course in [one for one in courses[::-1] if one.payer == decision.payer]:
        if decision.what == "rebase":
            course.rebase(decision.cycle, decision.counter)
            return
        held = course.held.get(decision.cycle)
        if held is not None and held.counter == decision.counter:
            course.decide(decision.cycle, is_charged=decision.what == "charged")
            return


def beginning_of(line: LineFacts) -> dt.datetime:
    """No reading before this is of interest."""
    return line.since if line.openings else min((one.since for one in line.holdings), default=BEGINNING)
