"""The rules of monthly fees and bundles: a day's part of a month, what is included, what is beyond, what is told."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random

import pytest

from lines.policy import MEGABYTE
from lines.policy.bundles import days_of, granted, level, month_share, overage, percent

NOVEMBER = dt.date(2026, 11, 1)


def day(number: int) -> dt.date:
    return NOVEMBER + dt.timedelta(days=number - 1)


@pytest.mark.parametrize(
    ("cycle", "expected"), [("2026-11-01", 30), ("2026-12-01", 31), ("2026-02-15", 28), ("2028-02-28", 29)]
)
def test_a_month_has_as_many_days_as_there_are_to_the_same_day_of_the_next(cycle: str, expected: int) -> None:
    assert days_of(dt.date.fromisoformat(cycle)) == expected


@pytest.mark.parametrize("fee", ["10", "9.99", "0.000001", "1234.567891"])
def test_the_days_of_a_month_owe_exactly_its_fee(fee: str) -> None:
    assert sum(month_share(Decimal(fee), day(n), NOVEMBER) for n in range(1, 31)) == Decimal(fee)


def test_the_days_from_the_21st_on_owe_a_third_of_a_month() -> None:
    assert sum(month_share(Decimal(10), day(n), NOVEMBER) for n in range(21, 31)) == Decimal("3.333333")
    assert month_share(Decimal(10), day(1), NOVEMBER) == Decimal("0.333333")
    assert month_share(Decimal(10), day(2), NOVEMBER) == Decimal("0.333334")


@pytest.mark.parametrize(("first", "expected"), [(1, 500), (16, 250), (30, 16), (40, 16), (-4, 500)])
def test_a_line_brings_the_part_of_a_bundle_that_is_left_of_the_month(first: int, expected: int) -> None:
    assert granted(500 * MEGABYTE, day(first), NOVEMBER) // MEGABYTE == expected


def test_only_what_is_beyond_costs_something() -> None:
    assert overage(0, 400, 500, Decimal(1)) == (0, Decimal(0))
    assert overage(400 * MEGABYTE, 150 * MEGABYTE, 500 * MEGABYTE, Decimal("0.01")) == (50 * MEGABYTE, Decimal("0.50"))
    assert overage(600 * MEGABYTE, MEGABYTE, 500 * MEGABYTE, Decimal("0.01")) == (MEGABYTE, Decimal("0.01"))


def test_days_cost_together_what_the_month_does() -> None:
    random = Random(5)
    for _ in range(200):
        days = [random.randrange(3 * MEGABYTE) for _ in range(30)]
        included, price = random.randrange(60 * MEGABYTE), Decimal(random.randrange(900_000)).scaleb(-6)
        costs = [overage(sum(days[:n]), days[n], included, price)[1] for n in range(30)]
        assert sum(costs) == overage(0, sum(days), included, price)[1]
        assert min(costs) >= 0


@pytest.mark.parametrize(("used", "included", "expected"), [(0, 0, 0), (5, 0, 0), (799, 1000, 79), (1001, 1000, 100)])
def test_how_much_is_used_is_rounded_down(used: int, included: int, expected: int) -> None:
    assert percent(used, included) == expected


@pytest.mark.parametrize(("filled", "expected"), [(0, 0), (79, 0), (80, 80), (99, 80), (100, 100), (300, 100)])
def test_people_are_told_at_80_and_at_100(filled: int, expected: int) -> None:
    assert level(filled) == expected
