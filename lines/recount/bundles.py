"""What is beyond bundles and pools, once more: from day rows, times on, prices and cycles, in whole numbers.

It shares no function and no SQL with what charges it. Money is in millionths of a USD, data in bytes.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from lines.recount.calendars import BEGINNING, BY_MONTH, Calendar, Turn, following
from lines.recount.found import MILLION, DaysFound, usd

POOL = 0  # in the place of a line
Day = dt.date


@dataclass(frozen=True, slots=True)
class Term:
    """A price that includes data: its row, from when on, bytes a line and month, and a MB beyond them."""

    number: int
    since: dt.datetime
    included: int
    per_mb: int
    is_pooled: bool


@dataclass(slots=True)
class Month:
    """A cycle of a payer's lines on a plan: what each used by day and price, and since which day each is there."""

    used: dict[int, dict[tuple[Day, int], int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    there: dict[int, Day] = field(default_factory=dict)

    def add(self, line: int, day: Day, price: int, used: int) -> None:
        self.used[line][day, price] += used
        self.comes(line, day)

    def comes(self, line: int, day: Day) -> None:
        self.there[line] = min(day, self.there.get(line, day))


Beyond = dict[tuple[int, Day, int], tuple[int, int]]  # line or POOL, day, price: bytes and cost


def part_of_month(included: int, first: Day, cycle: Day) -> int:
    """Of a month's bytes, for the days from the first one on."""
    days = (following(cycle) - cycle).days
    left = days - (first - cycle).days
    return included * min(days, max(left, 1)) // days


def beyond(month: Month, cycle: Day, terms: Sequence[Term], *, pooled: bool) -> Beyond:
    """What each day owes for data beyond bundles: all that is beyond since the cycle began, less what was already."""
    found: Beyond = {}
    by_number = {term.number: term for term in terms}
    place = {term.number: number for number, term in enumerate(sorted(terms, key=lambda term: term.since))}
    if not pooled:
        for line, used in month.used.items():
            had = {term.number: part_of_month(term.included, month.there[line], cycle) for term in terms}
            found |= _beyond(line, used, had, by_number, place)
        return found
    pool: dict[tuple[Day, int], int] = defaultdict(int)
    for used in month.used.values():
        for key, size in used.items():
            pool[key] += size
    had = {
        term.number: sum(part_of_month(term.included, first, cycle) for first in month.there.values()) for term in terms
    }
    return _beyond(POOL, pool, had, by_number, place)


def _beyond(
    whose: int,
    used: Mapping[tuple[Day, int], int],
    had: Mapping[int, int],
    terms: Mapping[int, Term],
    place: Mapping[int, int],
) -> Beyond:
    found: Beyond = {}
    done = 0
    for (day, price), size in sorted(used.items(), key=lambda one: (one[0][0], place[one[0][1]])):
        until, before = (max(0, total - had[price]) for total in (done + size, done))
        done += size
        if until > before:
            rate = terms[price].per_mb
            found[whose, day, price] = until - before, _cost(until, rate) - _cost(before, rate)
    return found


def _cost(size: int, per_mb: int) -> int:
    """Half up."""
    return (size * per_mb + (1 << 19)) >> 20


def _rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def recount_bundles(*, since: Day | None = None) -> DaysFound:
    """Every bundle of every payer, of all cycles or of those that began on this day or later; on one snapshot."""
    found = DaysFound()
    with transaction.atomic():
        if not connection.savepoint_ids:
            _rows_of_now()
        terms = _terms()
        prices = [term.number for its in terms.values() for term in its]
        for payer, plan, carrier in _rows(
            "SELECT DISTINCT d.payer_id, p.plan_id, r.carrier_id FROM lines_lineday d"
            " JOIN lines_price p ON p.id = d.price_id JOIN lines_rateplan r ON r.id = p.plan_id"
            " WHERE d.price_id = ANY(%s) UNION SELECT o.payer_id, o.plan_id, r.carrier_id FROM lines_overage o"
            " JOIN lines_rateplan r ON r.id = o.plan_id ORDER BY 1, 2",
            prices,
        ):
            _compare(payer, plan, _calendar(carrier), terms.get(plan, []), since or Day.min, found)
    return found


def _rows_of_now() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _terms() -> dict[int, list[Term]]:
    found: dict[int, list[Term]] = defaultdict(list)
    for plan, number, moment, megabytes, per_mb, pooled in _rows(
        "SELECT plan_id, id, valid_from, included_mb, per_mb_beyond, is_pooled FROM lines_price"
        " WHERE included_mb IS NOT NULL"
    ):
        found[plan].append(Term(number, moment or BEGINNING, megabytes << 20, int(per_mb * MILLION), pooled))
    return found


def _calendar(carrier: int) -> Calendar:
    turns = [
        Turn(day, decided, since)
        for day, decided, since in _rows(
            "SELECT cycle_day, decided_at, since FROM lines_cycleday WHERE carrier_id = %s ORDER BY decided_at, id",
            carrier,
        )
    ]
    return Calendar(tuple(turns)) if turns else BY_MONTH


def _compare(payer: int, plan: int, calendar: Calendar, terms: list[Term], since: Day, found: DaysFound) -> None:
    for pooled in (False, True):
        its = [term for term in terms if term.is_pooled == pooled]
        months = _months(payer, plan, calendar, its, since)
        booked, counted = _booked(payer, plan, since, pooled=pooled), _counted(payer, plan, pooled=pooled)
        for cycle in sorted(months.keys() | booked.keys()):
            month = months.get(cycle, Month())
            used, lines = counted.get(cycle, (0, 0))
            if used != sum(size for own in month.used.values() for size in own.values()) or lines < len(month.there):
                found.waiting += 1  # something is there that was not counted yet
                continue
            right = beyond(month, cycle, its, pooled=pooled)
            found.days += len(right)
            for key in sorted(right.keys() | booked[cycle].keys()):
                if right.get(key) != booked[cycle].get(key):
                    found.differences.append(_named(payer, plan, key, booked[cycle].get(key), right.get(key)))


def _booked(payer: int, plan: int, since: Day, *, pooled: bool) -> dict[Day, Beyond]:
    booked: dict[Day, Beyond] = defaultdict(dict)
    for cycle, line, day, price, used, cost in _rows(
        "SELECT cycle, coalesce(line_id, 0), day, price_id, used, cost FROM lines_overage"
        " WHERE payer_id = %s AND plan_id = %s AND cycle >= %s AND (line_id IS NULL) = %s",
        payer,
        plan,
        since,
        pooled,
    ):
        booked[cycle][line, day, price] = used, int(cost * MILLION)
    return booked


def _counted(payer: int, plan: int, *, pooled: bool) -> dict[Day, tuple[int, int]]:
    """Bytes and lines of each cycle, as they were when it was counted last."""
    return {
        cycle: (used, lines)
        for cycle, used, lines in _rows(
            "SELECT cycle, used, lines FROM lines_bundle WHERE payer_id = %s AND plan_id = %s AND is_pooled = %s",
            payer,
            plan,
            pooled,
        )
    }


def _months(payer: int, plan: int, calendar: Calendar, terms: Iterable[Term], since: Day) -> dict[Day, Month]:
    months: dict[Day, Month] = defaultdict(Month)
    for line, day, price, used in _rows(
        "SELECT line_id, day, price_id, used FROM lines_lineday"
        " WHERE payer_id = %s AND price_id = ANY(%s) AND day >= %s AND used > 0",
        payer,
        [term.number for term in terms],
        since,
    ):
        months[calendar.on(day)].add(line, day, price, used)
    for cycle in [one for one in months if one < since]:
        del months[cycle]
    spans = _rows(
        "SELECT line_id, started_at, ended_at FROM lines_onspan WHERE payer_id = %s AND plan_id = %s", payer, plan
    )
    for cycle, month in months.items():
        ends = calendar.last_day(cycle)
        for line, started, ended in spans:
            if (first := first_day_in(started, ended, cycle, ends)) is not None:
                month.comes(line, first)
    return months


def first_day_in(started: dt.datetime, ended: dt.datetime | None, begins: Day, ends: Day) -> Day | None:
    """The first of these days on which a time on was; one that ends at 00:00 is not on the day that begins then."""
    if ended is not None:
        last = ended if ended <= started else ended - dt.timedelta(microseconds=1)
        if last.date() < begins:
            return None
    return None if started.date() > ends else max(started.date(), begins)


def _named(
    payer: int, plan: int, key: tuple[int, Day, int], booked: tuple[int, int] | None, right: tuple[int, int] | None
) -> dict[str, Any]:
    line, day, price = key
    return {
        "payer": payer,
        "rate_plan": plan,
        "line": line or None,
        "day": day.isoformat(),
        "price": price,
        "charged": _said(booked),
        "recomputed": _said(right),
    }


def _said(row: tuple[int, int] | None) -> dict[str, int | str]:
    used, cost = row or (0, 0)
    return {"bytes": used, "cost": usd(cost)}
