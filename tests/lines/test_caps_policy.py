"""The rules of caps: levels, what is told, periods, and what may not be read yet."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from lines.policy import MEGABYTE
from lines.policy.caps import CapPeriod, CapUnit, Counted, day_after, first_day, level, may_follow, percent, to_tell

MB, USD = CapUnit.MB, CapUnit.USD


@pytest.mark.parametrize(
    ("used", "limit", "expected"),
    [(0, "5", 0), (5 * MEGABYTE - 1, "5", 99), (5 * MEGABYTE, "5", 100), (6 * MEGABYTE, "5", 120), (1, "0.000001", 95)],
)
def test_how_full_a_cap_is_is_never_rounded_up(used: int, limit: str, expected: int) -> None:
    assert percent(Decimal(used), Decimal(limit), MB) == expected


def test_dollars_are_counted_with_messages_and_what_is_held() -> None:
    sums = Counted(used=10, cost=Decimal("1.5"), sms=Decimal("0.25"), held_used=5, held_cost=Decimal("0.75"))
    assert sums.amount(USD) == Decimal("2.5")
    assert sums.amount(MB) == 15
    assert percent(sums.amount(USD), Decimal("5"), USD) == 50


@pytest.mark.parametrize(
    ("filled", "expected"), [(0, 0), (49, 0), (50, 50), (79, 50), (80, 80), (99, 80), (100, 100), (412, 100)]
)
def test_the_levels(filled: int, expected: int) -> None:
    assert level(filled) == expected


@pytest.mark.parametrize(
    ("filled", "told", "expected"),
    [(49, 0, 0), (50, 0, 50), (50, 50, 0), (85, 50, 80), (120, 0, 100), (45, 80, 0), (85, 80, 0), (100, 80, 100)],
)
def test_a_level_is_told_once_and_the_highest_alone(filled: int, told: int, expected: int) -> None:
    assert to_tell(filled, told=told) == expected


def test_periods_are_days_and_months_of_utc() -> None:
    today = dt.date(2026, 12, 31)
    assert first_day(CapPeriod.DAY, today) == today
    assert first_day(CapPeriod.MONTH, today) == dt.date(2026, 12, 1)
    assert day_after(CapPeriod.DAY, today) == dt.date(2027, 1, 1)
    assert day_after(CapPeriod.MONTH, dt.date(2026, 12, 1)) == dt.date(2027, 1, 1)
    assert day_after(CapPeriod.MONTH, dt.date(2027, 2, 1)) == dt.date(2027, 3, 1)


def test_what_may_follow_is_the_rate_so_far_since_the_last_reading() -> None:
    begins, now = dt.date(2026, 11, 10), dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
    read_at = dt.datetime(2026, 11, 10, 10, tzinfo=dt.UTC)
    assert may_follow(Decimal(100), begins=begins, now=now, read_at=read_at) == 20
    for unknown in (None, now, dt.datetime(2026, 11, 9, tzinfo=dt.UTC)):
        assert may_follow(Decimal(100), begins=begins, now=now, read_at=unknown) == 0
