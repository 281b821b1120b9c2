"""Ordinary lines in arrays cost what they cost one by one; whatever is not ordinary is left alone and named."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lines.recount import bulk
from lines.recount.rules import BEGINNING, Calendar, Course, Dated, Price, Told, Turn

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
    for _ in range(draw(st.integers(1, 14))):
        now += dt.timedelta(minutes=draw(MINUTES))
        cycle = _cycle(now.date(), cycle_day)
        if started is not None and cycle != started and draw(st.integers(0, 4)):
            counters = 0
        started = cycle
        counters += draw(BYTES)
        odd = draw(st.integers(0, 30))
        asked = now - dt.timedelta(hours=3) if odd == 1 else now
        counter = counters // 2 if odd == 2 else counters
        told.append(Told(asked, counter, cycle if timed else None))
        if timed and odd >= 25:
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
