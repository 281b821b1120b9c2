"""What the second books are computed from: kept readings and dated facts of a range of lines, in SQL of its own."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import psycopg
from django.db import connection

from lines.recount.bulk import NEVER, NO_CYCLE, Numbers, Readings, Tariff, Times
from lines.recount.calendars import BEGINNING, Calendar, Turn
from lines.recount.rules import Dated, OnTime, Place, Price

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
POSTGRES = 946_684_800_000_000  # 2000-01-01, where PostgreSQL's own numbers begin
POSTGRES_DAY = 10_957


def micros(moment: dt.datetime) -> int:
    return 0 if moment == BEGINNING else (moment - EPOCH) // MICROSECOND


@dataclass(frozen=True, slots=True)
class Holding:
    """Who paid from a moment on; nobody: it was stock. `after` is the last reading that was taken in before."""

    since: dt.datetime
    payer: int | None
    after: int


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a cycle of a line stood when its readings began to be kept."""

    at: dt.datetime
    after: int
    payer: int
    cycle: dt.date
    counter: int
    is_open: bool
    read_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A person put a counter right, or believed or dismissed a held movement, after this reading."""

    after: int
    at: dt.datetime
    payer: int
    what: str  # rebase, charged or dismissed
    cycle: dt.date
    counter: int


@dataclass(slots=True)
class LineFacts:
    """All that is dated about a line. `given` are bytes that its days had when its readings began to be kept."""

    id: int
    iccid: str
    carrier: int
    off_from: dt.date | None = None  # its owner wants it off from this day on, which is still to be done
    plans: list[tuple[dt.datetime, int]] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    given: dict[tuple[int, dt.date, int], int] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    paid_elsewhere: set[dt.date] = field(default_factory=set)  # days whose fee Keepgo has charged
    places: dict[int, list[Place]] = field(default_factory=dict)  # by payer: where it was while that one paid
    times: list[tuple[OnTime, dt.date | None]] = field(default_factory=list)  # with the first day that is not settled

    def crosses(self, market: Market) -> bool:
        """Whether it was seen somewhere, and had a plan with prices of zones."""
        return bool(self.places) and any(plan in market.zoned for _, plan in self.plans)

    @property
    def since(self) -> dt.datetime:
        """What was before this is taken as it stands."""
        return self.openings[0].at if self.openings else BEGINNING


@dataclass(frozen=True)
class Market:
    """What holds for all lines: prices of plans, cycles of carriers, names."""

    prices: dict[int, Dated[Price]]
    by_number: dict[int, Price]
    plan_of_price: dict[int, str]
    calendars: dict[int, Calendar]

    @cached_property
    def zoned(self) -> frozenset[int]:
        """The plans that have prices of countries at any time."""
        return frozenset(plan for plan, dated in self.prices.items() if any(price.abroad for price in dated.values))

    @cached_property
    def fees(self) -> dict[int, Tariff]:
        """The prices with a fee of each plan that ever had one; under 0 where there is none."""
        found = {}
        for plan, dated in self.prices.items():
            numbers = [price.number if price.has_fee else -1 for price in dated.values]
            if max(numbers) >= 0:
                found[plan] = Tariff(
                    np.array([micros(moment) for moment in dated.moments], dtype=np.int64),
                    np.array(numbers, dtype=np.int64),
                )
        return found

    def floor(self, line: LineFacts) -> dt.date:
        """The first day that can be computed: an opening says what stood in the days since its cycle's eve."""
        if not line.openings:
            return EPOCH.date()
        return self.calendars[line.carrier].of(line.since) - dt.timedelta(days=1)


def _rows(sql: str, *values: Any, **named: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, named or values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def market() -> Market:
    dated: dict[int, list[tuple[dt.datetime, Price]]] = defaultdict(list)
    by_number: dict[int, Price] = {}
    plan_of_price: dict[int, str] = {}
    abroad: dict[tuple[int, dt.datetime | None], dict[str, Price]] = defaultdict(dict)
    for number, plan, name, since, per_mb, per_day, per_month, activation, country in _rows(
        "SELECT pr.id, pr.plan_id, rp.name, pr.valid_from, pr.per_mb, pr.per_day, pr.per_month, pr.activation,"
        " pr.country FROM lines_price pr JOIN lines_rateplan rp ON rp.id = pr.plan_id ORDER BY pr.country DESC"
    ):  # the plan's own, without a country, come last
        price = Price(number, per_mb, per_day, {} if country else abroad[plan, since], per_month, activation)
        by_number[number], plan_of_price[number] = price, name
        if country:
            abroad[plan, since][country] = price
        else:
            dated[plan].append((since or BEGINNING, price))
    turns: dict[int, list[Turn]] = defaultdict(list)
    for carrier, day, decided, since in _rows(
        "SELECT carrier_id, cycle_day, decided_at, since FROM lines_cycleday ORDER BY decided_at, id"
    ):
        turns[carrier].append(Turn(day, decided, since))
    return Market(
        {plan: Dated(prices) for plan, prices in dated.items()},
        by_number,
        plan_of_price,
        {carrier: Calendar(tuple(found)) for carrier, found in turns.items()},
    )


LINES = """
SELECT id, iccid, carrier_id, deactivation_date FROM lines_line
 WHERE id > %s AND (%s::text IS NULL OR iccid = %s)
   AND NOT EXISTS (SELECT 1 FROM accounts_account a WHERE a.id = lines_line.payer_id AND a.is_test)
   AND (%s::bigint IS NULL OR EXISTS (SELECT 1 FROM lines_lineholding h WHERE h.line_id = lines_line.id
                                                                          AND h.payer_id = %s))
 ORDER BY id LIMIT %s
"""
# The newest opening before `since`, else the oldest of which all later readings are kept: months are dropped whole.
OPENINGS = """
SELECT o.line_id, o.at, coalesce(o.reading_id, 0), o.payer_id, o.cycle, o.counter, o.is_open, o.read_at
  FROM lines_opening o
  JOIN (SELECT line_id, coalesce(max(at) FILTER (WHERE at <= %(since)s), min(at) FILTER (WHERE at >= oldest), max(at))
               AS at
          FROM lines_opening, (SELECT date_trunc('month', min(first), 'UTC') AS oldest FROM lines_carrier c, LATERAL
               (SELECT min(asked_at) AS first FROM lines_reading r WHERE r.carrier_id = c.id) f) kept
         WHERE line_id = ANY(%(lines)s) GROUP BY line_id) chosen USING (line_id, at)
 ORDER BY o.line_id, o.cycle
"""
GIVEN = """
SELECT d.line_id, d.payer_id, d.day, d.price_id, d.used FROM lines_openingday d
  JOIN unnest(%s::bigint[], %s::timestamptz[]) AS chosen(line_id, at) USING (line_id, at)
"""
DECISIONS = """
SELECT line_id, coalesce(reading_id, 0), at, payer_id, 'rebase', cycle, counter, id
  FROM lines_rebase WHERE line_id = ANY(%s)
 UNION ALL
SELECT line_id, coalesce(after_reading_id, reading_id), decided_at, payer_id, state, cycle, counter, id
  FROM lines_heldmovement
 WHERE line_id = ANY(%s) AND state IN ('charged', 'dismissed') AND decided_reading_id IS NULL
 ORDER BY 2, 3, 8
"""


def facts(
    *, after: int, limit: int, since: dt.datetime, iccid: str | None = None, payer: int | None = None
) -> list[LineFacts]:
    """The next lines after this id, with all that is dated about them."""
    rows = _rows(LINES, after, iccid, iccid, payer, payer, limit)
    found = {line: LineFacts(line, number, carrier, off_from=day) for line, number, carrier, day in rows}
    ids = list(found)
    for line, plan, moment in _rows(
        "SELECT line_id, plan_id, since FROM lines_lineplan WHERE line_id = ANY(%s) ORDER BY id", ids
    ):
        found[line].plans.append((moment, plan))
    for line, payer_id, moment, last in _rows(
        "SELECT line_id, payer_id, since, coalesce(reading_id, 0) FROM lines_lineholding"
        " WHERE line_id = ANY(%s) ORDER BY id",
        ids,
    ):
        held = found[line].holdings
        if not held or held[-1].payer != payer_id:  # another holder of the same payer changes no money
            held.append(Holding(moment, payer_id, last))
    for line, *rest in _rows(OPENINGS, since=since, lines=ids):
        found[line].openings.append(Opening(*rest))
    chosen = [(line.id, line.since) for line in found.values() if line.openings]
    for line, payer_id, day, price, used in _rows(GIVEN, [one for one, _ in chosen], [at for _, at in chosen]):
        found[line].given[payer_id, day, price] = used
    for line, *rest, _ in _rows(DECISIONS, ids, ids):
        found[line].decisions.append(Decision(*rest))
    for line, payer_id, plan, started, ended, due in _rows(
        "SELECT line_id, payer_id, plan_id, started_at, ended_at, due_day FROM lines_onspan"
        " WHERE line_id = ANY(%s) ORDER BY started_at, id",
        ids,
    ):
        found[line].times.append((OnTime(started, ended, payer_id, plan), due))
    for line, payer_id, *place in _rows(
        "SELECT line_id, payer_id, since, country, after_reading FROM lines_linecountry"
        " WHERE line_id = ANY(%s) ORDER BY id",
        ids,
    ):
        found[line].places.setdefault(payer_id, []).append(Place(*place))
    for line, day in _rows("SELECT line_id, day FROM lines_moveline WHERE line_id = ANY(%s)", ids):
        found[line].paid_elsewhere.add(day)
    return list(found.values())


def times(lines: Sequence[LineFacts], places: Sequence[int]) -> Times:
    """When these of the lines were on."""
    rows = [
        (place, time.payer, time.plan, micros(time.started), NEVER if time.ended is None else micros(time.ended))
        for place in places
        for time, _ in lines[place].times
    ]
    return Times(*np.array(rows, dtype=np.int64).reshape(-1, 5).T)


BEFORE = """
SELECT day, sum(used)::bigint FROM lines_lineday
 WHERE line_id = %s AND payer_id = %s AND day >= %s AND day < %s GROUP BY day
"""


def days_before(line: LineFacts, payer: int, floor: dt.date) -> dict[dt.date, int]:
    """What a line used on the days before its opening's: they say what is plausible, and are believed."""
    return dict(_rows(BEFORE, line.id, payer, floor - dt.timedelta(days=31), floor))


PAGES = """
SELECT id, (extract(epoch FROM asked_at) * 1000000)::bigint, are_finals, has_finals, wraps_at,
       array_send(line_ids), array_send(counters), array_send(cycles), array_send(asked)
  FROM lines_reading
 WHERE carrier_id = ANY(%s) AND last_line >= %s AND first_line <= %s AND id > %s AND asked_at >= %s
 ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """Kept readings of some lines, by line and in the order in which they were taken in, with their pages' numbers."""

    told: Readings
    page: Numbers
    kind: dict[int, tuple[bool, int | None]]  # of each page: whether its carrier gives final totals, where it wraps


def readings(lines: Sequence[LineFacts], *, since: dt.datetime) -> Kept:
    """Every reading of these lines, which are in the order of their ids, that came after their openings."""
    ids = np.array([line.id for line in lines], dtype=np.int64)
    opened = np.array([max((o.after for o in line.openings), default=0) for line in lines], dtype=np.int64)
    columns: list[list[Any]] = [[] for _ in range(7)]
    kind: dict[int, tuple[bool, int | None]] = {}
    for page, asked_at, are_finals, has_finals, wraps_at, line_ids, counters, cycles, asked in _pages(
        sorted({line.carrier for line in lines}), int(ids[0]), int(ids[-1]), int(opened.min()), since
    ):
        numbers = _whole(line_ids)
        place = np.searchsorted(ids, numbers)
        place[place == len(ids)] = 0
        which = (ids[place] == numbers) & (opened[place] < page)
        if not which.any():
            continue
        count = int(which.sum())
        kind[page] = has_finals, wraps_at
        columns[0].append(place[which])
        columns[1].append(_whole(asked)[which] + POSTGRES if asked else np.full(count, asked_at, dtype=np.int64))
        columns[2].append(_whole(counters)[which])
        columns[3].append(_days(cycles)[which])
        columns[4].append(np.full(count, are_finals))
        columns[5].append(np.full(count, wraps_at is not None))
        columns[6].append(np.full(count, page, dtype=np.int64))
    empty = [np.empty(0, dtype=bool if number in (4, 5) else np.int64) for number in range(7)]
    line, at, counter, cycle, is_final, wraps, page_of = (
        np.concatenate(found) if found else nothing for found, nothing in zip(columns, empty, strict=True)
    )
    order = np.argsort(line, kind="stable")
    told = Readings(line, at, counter, cycle, is_final, np.zeros(len(line), dtype=bool), wraps).only(order)
    return Kept(told, page_of[order], kind)


def _pages(
    carriers: list[int], first: int, last: int, after: int, since: dt.datetime
) -> Iterator[tuple[int, int, bool, bool, int | None, bytes, bytes, bytes, bytes | None]]:
    """Streamed by a cursor on the server: the arrays come as the database keeps them, and are never parsed."""
    connection.ensure_connection()
    session = connection.connection
    with session.cursor(name=f"recount_{uuid.uuid4().hex}", binary=True) as cursor:
        cursor.itersize = 500
        cursor.execute(PAGES, [carriers, first, last, after, since])
        yield from cursor


def _header(sent: bytes) -> tuple[int, bool]:
    """How many elements an array has, and whether some are null."""
    size = int.from_bytes(sent[12:16], "big") if int.from_bytes(sent[:4], "big") else 0
    return size, sent[7] == 1


def _whole(sent: bytes) -> Numbers:
    """An array of bigint or timestamptz with no null in it: its elements have their lengths before them."""
    size, _ = _header(sent)
    kind = np.dtype([("length", ">i4"), ("value", ">i8")])
    return np.frombuffer(sent, kind, count=size, offset=20)["value"].astype(np.int64)


def _days(sent: bytes) -> Numbers:
    """An array of dates, any of which may be null."""
    size, has_null = _header(sent)
    if not has_null:
        kind = np.dtype([("length", ">i4"), ("value", ">i4")])
        return np.frombuffer(sent, kind, count=size, offset=20)["value"].astype(np.int64) + POSTGRES_DAY
    if len(sent) == 20 + 4 * size:
        return np.full(size, NO_CYCLE, dtype=np.int64)
    days, offset = np.full(size, NO_CYCLE, dtype=np.int64), 20
    for number in range(size):
        length = int.from_bytes(sent[offset : offset + 4], "big", signed=True)
        offset += 4
        if length > 0:
            days[number] = int.from_bytes(sent[offset : offset + 4], "big", signed=True) + POSTGRES_DAY
            offset += 4
    return days


BOOKED = """
SELECT array_send(array_agg(line_id)), array_send(array_agg(payer_id)),
       array_send(array_agg((day - date '1970-01-01')::bigint)), array_send(array_agg(price_id)),
       array_send(array_agg(used)), array_send(array_agg((cost * 1000000)::bigint)),
       array_send(array_agg((fee * 1000000)::bigint))
  FROM lines_lineday WHERE line_id = ANY(%s) AND day >= %s
"""


def booked(lines: Sequence[LineFacts], *, since: dt.date) -> list[Numbers]:
    """What the first books say: line (its place here), payer, day, price, bytes, cost and fee in millionths."""
    ids = np.array([line.id for line in lines], dtype=np.int64)
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(BOOKED, [ids.tolist(), since], binary=True)
        sent = cursor.fetchone()
    if sent is None or sent[0] is None:
        return [np.empty(0, dtype=np.int64) for _ in range(7)]
    columns = [_whole(bytes(one)) for one in sent]
    columns[0] = np.searchsorted(ids, columns[0])
    return columns


def exactly(amount: Decimal) -> int:
    """Millionths of a USD."""
    return int(amount * 1_000_000)


def as_date(day: int) -> dt.date:
    return EPOCH.date() + dt.timedelta(days=int(day))


def as_day(date: dt.date) -> int:
    return (date - EPOCH.date()).days
