"""The rules of money as tables: what a customer could work out on paper."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy import (
    FLOOR,
    PAYMENT_MOVES,
    REFILL_MOVES,
    Balance,
    Charged,
    Colour,
    Held,
    PaymentState,
    RefillNews,
    RefillState,
    amount_is_due,
    average_daily,
    booked_on,
    closed_from,
    colour,
    days_counted,
    default_ceiling,
    fits_ceiling,
    forecast,
    held_by,
    is_abandoned,
    largest_month,
    minimum,
    missing,
    needs_second_person,
    refill_amount,
    retry_at,
    rounding,
    runway_days,
    runway_shown,
    usage_key,
)

TODAY = dt.date(2026, 11, 20)
MONEY = st.decimals(-1000, 1000, places=6, allow_nan=False)
AVERAGES = st.decimals(0, 200, places=6, allow_nan=False)


@pytest.mark.parametrize(
    ("available", "average", "least", "expected"),
    [
        ("4.99", "0", "5.00", "red"),
        ("5.00", "0", "5.00", "green"),
        ("12.00", "1.00", "5.00", "green"),
        ("11.99", "1.00", "5.00", "orange"),
        ("80.00", "10.00", "10.00", "green"),
        ("79.99", "10.00", "10.00", "orange"),
        ("9.99", "10.00", "10.00", "red"),
        # at the boundaries
        ("4.999999", "0", "5.00", "red"),
        ("5.00", "1.00", "5.00", "orange"),
        ("5.00", "5.00", "5.00", "orange"),
        ("10.00", "10.00", "10.00", "orange"),
        ("11.999999", "1.00", "5.00", "orange"),
        ("-3.00", "0", "5.00", "red"),
        ("5.00", "0.000001", "5.00", "orange"),
        ("5.000007", "0.000001", "5.00", "green"),
        ("5.000006", "0.000001", "5.00", "orange"),
        ("5.000001", "5.000001", "5.000001", "orange"),
        ("5.000000", "5.000001", "5.000001", "red"),
    ],
)
def test_the_worked_table_of_balances(available: str, average: str, least: str, expected: str) -> None:
    assert minimum(Decimal(average)) == Decimal(least)
    assert colour(Decimal(available), Decimal(average)) == expected
    balance = Balance(posted=Decimal(available), accrued=Decimal(0), window_usage=Decimal(average) * 30, days=30)
    assert (balance.minimum, balance.colour) == (Decimal(least), expected)


@pytest.mark.parametrize(
    ("first", "counted"),
    [
        (None, 7),
        ("2026-11-20", 7),  # a newcomer's first days are no average: at least 7
        ("2026-11-21", 7),
        ("2026-11-19", 7),
        ("2026-11-13", 7),
        ("2026-11-12", 8),
        ("2026-11-10", 10),
        ("2026-10-22", 29),
        ("2026-10-21", 30),
        ("2026-10-20", 30),
        ("2020-01-01", 30),
    ],
)
def test_the_days_that_an_average_is_over(first: str | None, counted: int) -> None:
    assert days_counted(TODAY, dt.date.fromisoformat(first) if first else None) == counted


def test_a_newcomers_first_day_is_no_minimum_of_a_whole_days_spend() -> None:
    """60.00 in, 20.00 used on day one: 20 / 7 a day, minimum 5.00, 12.2 days left."""
    balance = Balance(Decimal(60), Decimal(20), Decimal(20), days_counted(TODAY, TODAY - dt.timedelta(days=1)))
    assert (balance.average_daily, balance.minimum) == (Decimal("2.857143"), Decimal(5))
    assert balance.colour == "green"
    assert f"{balance.runway_days:.2f}" == "12.25"


def test_an_average_has_six_places_half_up() -> None:
    assert average_daily(Decimal("1"), 3) == Decimal("0.333333")
    assert average_daily(Decimal("2"), 3) == Decimal("0.666667")
    assert average_daily(Decimal("0.000015"), 30) == Decimal("0.000001")
    assert average_daily(Decimal("0.000014"), 30) == Decimal("0.000000")


def test_a_runway_is_what_is_above_the_minimum_in_days() -> None:
    assert runway_days(Decimal("12"), Decimal("1")) == 7
    assert runway_days(Decimal("12"), Decimal("0")) is None
    assert runway_days(Decimal("4"), Decimal("1")) == -1
    assert runway_days(Decimal("80"), Decimal("10")) == 7


def test_a_runway_below_seven_days_never_reads_as_seven() -> None:
    almost = runway_days(Decimal("11.999999"), Decimal("1"))
    assert runway_shown(almost) == Decimal("6.9999")
    assert runway_shown(Decimal(7)) == 7
    assert runway_shown(None) is None


@given(available=MONEY, average=AVERAGES)
def test_colours_follow_the_rule_wherever_the_balance_is(available: Decimal, average: Decimal) -> None:
    least = max(Decimal(5), average)
    if available < least:
        expected = "red"
    elif average and available < least + 7 * average:
        expected = "orange"
    else:
        expected = "green"
    assert colour(available, average) == expected


def test_a_sealed_days_key_names_account_and_day() -> None:
    assert usage_key("abc", TODAY) == "usage:abc:2026-11-20"
    assert usage_key("abc", TODAY, dt.date(2026, 11, 22)) == "usage:abc:2026-11-20:found-2026-11-22"


@pytest.mark.parametrize(
    ("day", "found_on", "counts_on"),
    [
        ("2026-11-20", None, None),
        ("2026-11-20", "2026-11-25", None),
        ("2026-11-30", "2026-12-03", None),  # within 72 hours of the month's end
        ("2026-11-30", "2026-12-04", "2026-12-04"),
        ("2026-11-01", "2027-03-10", "2027-03-10"),
        ("2026-12-31", "2027-01-03", None),
    ],
)
def test_what_is_found_when_a_statement_is_closed_counts_where_it_was_found(
    day: str, found_on: str | None, counts_on: str | None
) -> None:
    found = booked_on(dt.date.fromisoformat(day), dt.date.fromisoformat(found_on) if found_on else None)
    assert found == (dt.date.fromisoformat(counts_on) if counts_on else None)


@pytest.mark.parametrize(
    ("month", "frozen"), [("2026-11-01", "2026-12-04"), ("2026-12-31", "2027-01-04"), ("2028-02-29", "2028-03-04")]
)
def test_a_months_figures_are_frozen_72_hours_after_its_end(month: str, frozen: str) -> None:
    assert closed_from(dt.date.fromisoformat(month)).isoformat() == frozen


def test_what_one_person_moves_in_a_day_counts_together() -> None:
    limit = Decimal(500)
    assert not needs_second_person(Decimal(500), Decimal(0), limit)
    assert not needs_second_person(Decimal(-500), Decimal(0), limit)
    assert needs_second_person(Decimal("-500.01"), Decimal(0), limit)
    assert needs_second_person(Decimal(1), limit, limit)


@pytest.mark.parametrize(
    ("average", "amount", "said"),
    [
        ("0", 50, "Minimum $50"),
        ("5", 50, "Rounded up"),
        ("5.01", 100, "Rounded up"),
        ("50", 500, "Rounded up"),
        ("50.01", 500, "Capped at the $500 maximum"),
    ],
)
def test_a_refill_is_ten_average_days(average: str, amount: int, said: str) -> None:
    assert refill_amount(Decimal(average)) == amount
    assert rounding(Decimal(average)) == said


def test_a_refill_fits_its_ceiling() -> None:
    assert refill_amount(Decimal(50), at_most=Decimal(350)) == 300
    assert refill_amount(Decimal(50), at_most=Decimal(10)) == 50
    assert fits_ceiling(Decimal(50), Decimal(50), Decimal(100))
    assert not fits_ceiling(Decimal(50), Decimal("50.01"), Decimal(100))
    assert fits_ceiling(Decimal(50), Decimal(9_999), None)
    assert default_ceiling(Decimal(50), Decimal(1)) == 200
    assert default_ceiling(Decimal(50), Decimal(5)) == 250  # 232.50, up
    assert largest_month(Decimal(100), ceiling=None, per_day=2) == 6_200
    assert largest_month(Decimal(100), ceiling=Decimal(400), per_day=2) == 400


@pytest.mark.parametrize(
    ("charged", "held"),
    [
        (Charged(0, 0, Decimal(0)), None),
        (Charged(1, 0, Decimal(0)), Held.TURN),
        (Charged(0, 1, Decimal(0)), Held.DAY),
        (Charged(0, 0, Decimal(351)), Held.CEILING),
    ],
)
def test_why_a_low_balance_is_not_refilled(charged: Charged, held: Held | None) -> None:
    assert held_by(charged, amount=Decimal(50), per_day=1, ceiling=Decimal(400)) is held


@pytest.mark.parametrize(
    ("fixed_on", "today", "due"),
    [
        ("2026-11-05", "2026-11-20", False),
        ("2026-11-04", "2026-11-05", True),
        ("2026-11-04", "2026-11-04", False),
        ("2026-12-05", "2027-01-04", False),
        ("2026-12-04", "2027-01-04", True),
    ],
)
def test_the_amount_is_fixed_on_the_5th(fixed_on: str, today: str, due: bool) -> None:
    assert amount_is_due(dt.date.fromisoformat(fixed_on), dt.date.fromisoformat(today)) is due


def test_declines_missing_money_and_confirmations() -> None:
    now = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    tries = [retry_at(declined, now) for declined in (1, 2, 3, 4)]
    hours = [after and (after - now) // dt.timedelta(hours=1) for after in tries]
    assert hours == [1, 6, 24, None]
    assert missing(Decimal("4.991"), Decimal(5)) == Decimal("0.01")
    assert missing(Decimal(6), Decimal(5)) == 0
    assert is_abandoned(now - dt.timedelta(minutes=15), now)
    assert not is_abandoned(now - dt.timedelta(minutes=14, seconds=59), now)


def test_each_state_knows_each_news() -> None:
    assert set(PAYMENT_MOVES) == set(PaymentState)
    assert PAYMENT_MOVES[PaymentState.SUCCEEDED] == frozenset()  # money that came is never gone by news of a payment
    assert set(REFILL_MOVES) == set(RefillState)
    assert all(set(moves) == set(RefillNews) for moves in REFILL_MOVES.values())


def test_a_month_is_foretold_from_its_average() -> None:
    balance = Balance(posted=Decimal(100), accrued=Decimal(0), window_usage=Decimal(60), days=30)  # 2 a day
    found = forecast(balance, month_so_far=Decimal(30), used_today=Decimal("0.5"), today=TODAY)
    assert found.month_end == Decimal("51.5")  # 1.5 of today and 2 on each of ten days
    assert found.lasts_until == TODAY + dt.timedelta(days=47)
    unused = Balance(posted=Decimal(100), accrued=Decimal(0), window_usage=Decimal(0), days=7)
    assert forecast(unused, month_so_far=Decimal(0), used_today=Decimal(0), today=TODAY).lasts_until is None


@pytest.mark.parametrize(
    ("available", "average", "limit", "expected"),
    [
        ("-20", "0", "20", Colour.GREEN),  # at the limit
        ("-20.000001", "0", "20", Colour.RED),
        ("-13.01", "1", "20", Colour.ORANGE),  # 6.99 days to the limit
        ("-13", "1", "20", Colour.GREEN),
        ("0", "0", "0", Colour.GREEN),
        ("4.99", "0", None, Colour.RED),
    ],
)
def test_who_pays_later_is_red_below_the_credit_limit(
    available: str, average: str, limit: str | None, expected: Colour
) -> None:
    credit = None if limit is None else Decimal(limit)
    assert colour(Decimal(available), Decimal(average), credit) is expected
    balance = Balance(Decimal(available), Decimal(0), Decimal(average) * 7, 7, credit)
    assert balance.colour is expected
    assert balance.minimum == (FLOOR if credit is None else -credit)
