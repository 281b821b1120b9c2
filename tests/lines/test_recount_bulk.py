"""Ordinary lines in arrays cost what they cost one by one; whatever is not ordinary is left alone and named."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lines.recount import bulk, source
from lines.recount.calendars import BEGINNING, Calendar, Turn
from lines.recount.rules import Course, Dated, OnTime, Price, Told, fees
from lines.recount.source import LineFacts, Market

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
START = dt.datetime(2026, 11, 27, 18, tzinfo=dt.UTC)
PRICES = (
    (BEGINNING, Price(5, Decimal("0.01"))),
    (START + dt.timedelta(days=1, hours=2), Price(7, Decimal("0.02"))),
    (START + dt.timedelta(days=4), Price(6, Decimal("0.05"))),
)
MICROSECOND = dt.timedelta(microseconds=1)
BYTES = st.one_of(st.integers(0, 1_000), st.integers(0, 400_000_000), st.integers(0, 6 * 2**30))
MINUTES = st.sampled_from([0, 1, 5, 61, 300, 1439, 1440, 1441, 3000, 9000, 40_000])


@st.composite
def lines(draw: st.DrawFn) -> tuple[int, list[Told]]:
    """A line's cycle day and what its carrier told: mostly in order, rarely not."""
    timed, cycle_day = draw(st.booleans()), draw(st.sampled_from([1, 1, 15, 28]))
    now, counters, told, started = START, 0, [], None
    wraps_at = draw(st.sampled_from([None, None, 2**32]))
    for _ in range(draw(st.integers(1, 14))):
        now += dt.timedelta(minutes=draw(MINUTES))
        cycle = _cycle(now.date(), cycle_day)
        if started is not None and cycle != started and draw(st.integers(0, 4)):
            counters = 0
        started = cycle
        counters += draw(BYTES)
        odd = draw(st.integers(0, 20))
        asked = now - dt.timedelta(hours=3) if odd == 1 else now
        counter = counters // 2 if odd == 2 else max(counters - 7, 0) if odd == 3 else counters
        counter = counter % wraps_at if wraps_at else counter
        told.append(Told(asked, counter, cycle if timed else None, wraps_at=wraps_at))
        if timed and odd >= 17:
            earlier = _cycle(cycle - dt.timedelta(days=1), cycle_day)
            told.append(Told(now, draw(st.sampled_from([0, counter, counters + 5])), earlier, is_final=True))
    return cycle_day, told


def _cycle(day: dt.date, cycle_day: int) -> dt.date:
    if day.day >= cycle_day:
        return day.replace(day=cycle_day)
    return (day.replace(day=1) - dt.timedelta(days=1)).replace(day=cycle_day)


def _columns(fleet: list[tuple[int, list[Told]]]) -> bulk.Readings:
    rows = [(number, told) for number, (_, line) in enumerate(fleet) for told in line]
    day = EPOCH.date()
    return bulk.Readings(
        np.array([number for number, _ in rows], dtype=np.int64),
        np.array([(told.at - EPOCH) // MICROSECOND for _, told in rows], dtype=np.int64),
        np.array([told.counter for _, told in rows], dtype=np.int64),
        np.array([(told.cycle - day).days if told.cycle else bulk.NO_CYCLE for _, told in rows], dtype=np.int64),
        np.array([told.is_final for _, told in rows], dtype=bool),
        np.zeros(len(rows), dtype=bool),
        np.array([told.wraps_at is not None for _, told in rows], dtype=bool),
    )


def _one_by_one(cycle_day: int, line: list[Told]) -> dict[tuple[int, int], int]:
    course = Course(1, Dated([(BEGINNING, 9)]), {9: Dated(PRICES)}, calendar=Calendar((Turn(cycle_day),)))
    for told in line:
        course.read(replace(told, has_finals=True))
    return {((day - EPOCH.date()).days, price): row.used for (_, day, price), row in course.owed.items()}


@given(fleet=st.lists(lines(), min_size=1, max_size=5))
@settings(deadline=None)
def test_arrays_and_single_lines_agree(fleet: list[tuple[int, list[Told]]]) -> None:
    since = [0 if when == BEGINNING else (when - EPOCH) // MICROSECOND for when, _ in PRICES]
    tariff = bulk.Tariff(np.array(since), np.array([price.number for _, price in PRICES]))
    ones = np.ones(len(fleet), dtype=np.int64)
    about = bulk.Fleet(9 * ones, np.array([day for day, _ in fleet]), 0 * ones, ones == 0)
    days, odd = bulk.recount(_columns(fleet), about, {9: tariff})
    found: dict[int, dict[tuple[int, int], int]] = {number: {} for number in range(len(fleet))}
    for line, day, price, used in zip(days.line, days.day, days.price, days.used, strict=True):
        assert (day, price) not in found[int(line)]
        found[int(line)][int(day), int(price)] = int(used)
    for number, (cycle_day, line) in enumerate(fleet):
        assert found[number] == ({} if odd[number] else _one_by_one(cycle_day, line))


def test_an_ordinary_line_is_not_left_alone() -> None:
    """Over a month's end, with finals that say nothing new."""
    line = [
        Told(START + dt.timedelta(hours=n), 1_000 * (n - 78 if n >= 78 else n), dt.date(2026, 12 if n >= 78 else 11, 1))
        for n in range(0, 200, 2)
    ]
    line.append(Told(START + dt.timedelta(hours=200), 76_000, dt.date(2026, 11, 1), is_final=True))
    tariff = bulk.Tariff(np.array([0]), np.array([5]))
    about = bulk.Fleet(np.array([9]), np.array([1]), np.array([0]), np.array([False]))
    days, odd = bulk.recount(_columns([(1, line)]), about, {9: tariff})
    assert not odd.any()
    assert days.used.sum() == 76_000 + 120_000
    assert {int(cycle) for cycle in days.cycle} == {(dt.date(2026, n, 1) - EPOCH.date()).days for n in (11, 12)}


def test_corrections_are_ordinary_but_not_where_they_may_be_a_reset_or_a_wrap() -> None:
    """The highest counts, whatever the carrier shows between; without a time it is in doubt soon after a boundary."""

    def told(start: dt.datetime, cycle: dt.date | None, wraps_at: int | None = None) -> list[Told]:
        shown = (1_000, 5_000, 3_000, 2_000, 4_000, 6_000, 5_999, 6_001)
        hours = (start + dt.timedelta(hours=n) for n in range(len(shown)))
        return [Told(at, counter, cycle, wraps_at=wraps_at) for at, counter in zip(hours, shown, strict=True)]

    late, month = START.replace(day=10), dt.date(2026, 11, 1)
    first = dt.datetime(2026, 11, 1, 5, tzinfo=dt.UTC)
    fleet = [told(late, month), told(late, None), told(first, month), told(first, None), told(late, month, 2**32)]
    ones = np.ones(len(fleet), dtype=np.int64)
    about = bulk.Fleet(9 * ones, ones, 0 * ones, ones == 0)
    tariff = bulk.Tariff(np.array([0]), np.array([5]))
    days, odd = bulk.recount(_columns([(1, line) for line in fleet]), about, {9: tariff})
    assert odd.tolist() == [False, False, False, True, True]
    assert [int(days.used[days.line == line].sum()) for line in range(5)] == [5_001, 5_001, 5_001, 0, 0]


MOMENTS = st.integers(0, 6 * 24 * 4).map(lambda quarter: START.replace(hour=0) + dt.timedelta(minutes=15 * quarter))
FEES = (
    (BEGINNING, Price(5, Decimal(0), Decimal("0.25"))),
    (START + dt.timedelta(days=1, hours=2), Price(7, Decimal(0), Decimal("0.30"))),
    (START + dt.timedelta(days=4), Price(6, Decimal(0))),
)


@st.composite
def times(draw: st.DrawFn) -> list[OnTime]:
    """When a line was on, one time after another, under one of two payers at one of two plans: one is without fees."""
    moments = sorted(draw(st.lists(MOMENTS, min_size=2, max_size=8)))
    pairs = list(zip(moments[::2], moments[1::2], strict=False))
    last = draw(st.booleans())
    return [
        OnTime(begun, None if last and n == len(pairs) - 1 else ended, *draw(st.sampled_from([(1, 9), (1, 8), (2, 9)])))
        for n, (begun, ended) in enumerate(pairs)
    ]


@given(fleet=st.lists(times(), min_size=1, max_size=4))
def test_fees_in_arrays_are_those_of_single_lines(fleet: list[list[OnTime]]) -> None:
    until = START.date() + dt.timedelta(days=5)
    prices = {9: Dated(FEES), 8: Dated([(BEGINNING, Price(4, Decimal(1)))])}
    market = Market(prices, {}, {}, {})
    lines = [LineFacts(n, "", 1, times=[(time, None) for time in line]) for n, line in enumerate(fleet)]
    found = bulk.fees(source.times(lines, range(len(lines))), market.fees, (until - EPOCH.date()).days)
    one_by_one = {
        (number, payer, (day - EPOCH.date()).days, price)
        for number, line in enumerate(fleet)
        for payer, day, price in fees(line, prices, until)
    }
    rows = [tuple(row) for row in np.vstack(found).T.tolist()]
    assert (len(rows), set(rows)) == (len(one_by_one), one_by_one)
