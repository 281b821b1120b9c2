"""The second books' rules, from the rules' text: small histories of one line with figures to check on paper."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from lines.recount.calendars import BEGINNING, Calendar, Turn, cycle_of
from lines.recount.rules import Course, Dated, NoPrice, OnTime, Price, Told, data_price, fees

MB = 1_048_576
FINALS = {"has_finals": True}
ACME, CHEAP, DEAR = 1, 10, 20
CENT, DIME, DOLLAR = Price(101, Decimal("0.01")), Price(102, Decimal("0.10")), Price(201, Decimal("1.00"))


def at(text: str) -> dt.datetime:
    """30T20:00 is of November 2026; 12-01T00:05 as written."""
    return dt.datetime.fromisoformat(f"2026-{text if text[2] == '-' else f'11-{text}'}").replace(tzinfo=dt.UTC)


def course(*, plans: Any = ((BEGINNING, CHEAP),), prices: Any = None, **more: Any) -> Course:
    dated = {CHEAP: Dated(prices or [(BEGINNING, CENT)]), DEAR: Dated([(BEGINNING, DOLLAR)])}
    return Course(ACME, Dated(plans), dated, **more)


def told(when: str, counter: float, cycle: int | None = None, *, final: bool = False, **more: Any) -> Told:
    """Counter in MB; the month that the carrier says, if it does."""
    return Told(at(when), int(counter * MB), dt.date(2026, cycle, 1) if cycle else None, final, **(FINALS | more))


def owed(one: Course) -> dict[str, tuple[float, str]]:
    """Day and price -> MB, USD."""
    prices = {price.number: price for price in (CENT, DIME, DOLLAR)}
    return {
        f"{day:%m-%d}@{prices[number].per_mb}": (row.used / MB, str(data_price(row.used, prices[number].per_mb)))
        for (_, day, number), row in sorted(one.owed.items())
    }


def after(one: Course, *readings: Told) -> dict[str, tuple[float, str]]:
    for reading in readings:
        one.read(reading)
    return owed(one)


def test_the_first_reading_is_the_baseline_and_charges_nothing() -> None:
    assert after(course(), told("20T08:00", 500, 11)) == {}
    assert after(course(), told("20T08:00", 500, 11), told("20T09:00", 510, 11)) == {"11-20@0.01": (10, "0.100000")}


def test_the_highest_counter_counts_and_a_lower_one_charges_and_refunds_nothing() -> None:
    readings = [told("20T08:00", 0, 11), told("20T09:00", 10, 11), told("20T10:00", 4, 11), told("20T11:00", 12, 11)]
    assert after(course(), *readings) == {"11-20@0.01": (12, "0.120000")}


@pytest.mark.parametrize("times", [2, 5])
def test_a_reading_applied_again_charges_nothing(times: int) -> None:
    readings = [told("20T08:00", 0, 11), *[told("20T09:00", 10, 11)] * times]
    assert after(course(), *readings) == {"11-20@0.01": (10, "0.100000")}


def test_the_days_bytes_are_rounded_once_at_each_price() -> None:
    line = course()
    for number in range(201):
        line.read(Told(at("20T08:00") + dt.timedelta(minutes=number), number, dt.date(2026, 11, 1)))
    assert line.owed[ACME, dt.date(2026, 11, 20), 101].used == 200
    assert data_price(200, Decimal("0.01")) == Decimal("0.000002")  # 0.0000019, not 200 times nothing


def test_a_month_of_a_timed_carrier_opens_with_its_counter_from_zero() -> None:
    readings = [told("30T20:00", 100, 11), told("12-01T00:30", 3, 12)]
    assert after(course(), *readings) == {"12-01@0.01": (3, "0.030000")}


def test_what_a_finished_month_moved_late_is_of_its_last_day() -> None:
    readings = [told("30T20:00", 100, 11), told("12-01T00:30", 3, 12), told("12-02T00:00", 150, 11)]
    assert after(course(), *readings)["11-30@0.01"] == (50, "0.500000")


def test_a_final_total_settles_upwards_only_and_once() -> None:
    line = course()
    readings = [told("30T20:00", 100, 11), told("12-01T00:30", 3, 12)]
    after(line, *readings, told("12-02T01:00", 90, 11, final=True))
    assert "11-30@0.01" not in owed(line)
    late = after(line, told("12-02T01:00", 130, 11, final=True), told("12-03T01:00", 130, 11, final=True))
    assert late["11-30@0.01"] == (30, "0.300000")


def test_a_month_before_the_line_was_ours_is_nobodys() -> None:
    readings = [told("12-01T00:30", 3, 12), told("12-02T01:00", 900, 11, final=True)]
    assert after(course(), *readings) == {}


# 90 MB before a plan change from 0.01 to 1.00 cost $0.90 whatever turned in between.


@pytest.mark.parametrize("month", [11, None], ids=["timed", "untimed"])
def test_what_was_used_before_a_plan_change_is_at_the_plan_of_then(month: int | None) -> None:
    line = course(plans=[(BEGINNING, CHEAP), (at("12-01T00:00:30"), DEAR)])
    readings = [told("30T20:00", 10, month), told("30T23:50", 10, month), told("12-01T00:05", 100, month)]
    assert after(line, *readings) == {"11-30@0.01": (90, "0.900000")}


def test_the_final_total_is_at_the_plan_of_the_last_day_of_its_month() -> None:
    line = course(plans=[(BEGINNING, CHEAP), (at("12-01T00:00:30"), DEAR)])
    readings = [told("30T20:00", 10, 11), told("12-01T02:00", 1, 12), told("12-02T03:00", 100, 11, final=True)]
    assert after(line, *readings) == {"11-30@0.01": (90, "0.900000"), "12-01@0.01": (1, "0.010000")}


def test_a_plan_that_is_changed_and_put_back_prices_what_it_was_there_for() -> None:
    line = course(plans=[(BEGINNING, CHEAP), (at("20T10:00"), DEAR), (at("20T12:00"), CHEAP)])
    readings = [told(f"20T{hour:02}:00", hour, 11) for hour in range(8, 15)]
    assert after(line, *readings) == {"11-20@0.01": (4, "0.040000"), "11-20@1.00": (2, "2.000000")}


def test_a_price_of_the_middle_of_the_day_is_for_what_follows_the_next_reading() -> None:
    line = course(prices=[(BEGINNING, CENT), (at("20T12:00"), DIME)])
    readings = [told("20T02:00", 0, 11), told("20T12:30", 100, 11), told("20T13:00", 101, 11)]
    assert after(line, *readings) == {"11-20@0.01": (100, "1.000000"), "11-20@0.10": (1, "0.100000")}


def test_readings_more_than_a_day_apart_are_priced_by_the_day_they_are_dated_to() -> None:
    prices = [(BEGINNING, CENT), (at("21T12:00"), DIME)]
    readings = [told("20T11:00", 0, 11), told("21T11:00", 5, 11), told("23T11:00", 7, 11)]
    assert after(course(prices=prices), *readings) == {"11-21@0.01": (5, "0.050000"), "11-23@0.10": (2, "0.200000")}


def test_what_opens_a_month_is_at_the_price_in_force_where_the_month_began() -> None:
    line = course(prices=[(BEGINNING, CENT), (at("12-01T00:00"), DIME)])
    assert after(line, told("30T20:00", 5, 11), told("12-01T00:30", 3, 12)) == {"12-01@0.10": (3, "0.300000")}


def test_no_price_at_all_is_said() -> None:
    line = course(prices=[(at("25T00:00"), CENT)])
    line.read(told("20T08:00", 0, 11))
    with pytest.raises(NoPrice, match="2026-11-20"):
        line.read(told("20T09:00", 1, 11))


# A carrier that gives no time: the boundary.


def test_a_counter_below_half_opens_the_new_cycle() -> None:
    readings = [told("30T23:00", 1000), told("12-01T00:40", 499)]
    assert after(course(), *readings) == {"12-01@0.01": (499, "4.990000")}


def test_a_counter_a_little_lower_is_a_correction_and_the_late_reset_charges_the_month_once() -> None:
    """1000 MB, a reset six hours late, and a correction of 1 MB before it: not the month again."""
    readings = [told("20T08:00", 0), told("30T23:00", 1000)]
    line = course()
    after(line, *readings)
    assert sum(used for used, _ in owed(line).values()) == 1000
    after(line, told("12-01T02:00", 999), told("12-01T06:30", 4))
    assert sum(used for used, _ in owed(line).values()) == 1004
    assert owed(line)["12-01@0.01"] == (4, "0.040000")


def test_a_higher_counter_after_the_boundary_is_still_the_old_cycles() -> None:
    assert after(course(), told("30T23:00", 1), told("12-01T00:40", 2)) == {"11-30@0.01": (1, "0.010000")}


def test_after_72_hours_what_was_charged_to_the_old_cycle_is_told_again_as_the_new_ones() -> None:
    """Added on 30 November at 1 MB, 2 MB an hour after the reset, then 3 GB at December's price: all December's."""
    line = course(prices=[(BEGINNING, CENT), (at("12-01T00:00"), DIME)])
    after(line, told("30T23:00", 1), told("12-01T00:40", 2), told("12-02T09:00", 1002), told("12-03T09:00", 2002))
    assert [day for day in owed(line) if day[:2] == "12"] == []
    found = after(line, told("12-04T00:10", 3002))
    assert found == {
        "12-01@0.10": (2, "0.200000"),
        "12-02@0.10": (1000, "100.000000"),
        "12-03@0.10": (1000, "100.000000"),
        "12-04@0.10": (1000, "100.000000"),
    }


def test_a_line_that_was_not_read_around_the_boundary_opens_its_cycle_after_72_hours() -> None:
    assert after(course(), told("30T23:00", 1), told("12-05T09:00", 70)) == {"12-05@0.01": (70, "0.700000")}


def test_the_cycle_turns_on_the_carriers_day() -> None:
    line = course(calendar=Calendar((Turn(15),)))
    assert cycle_of(dt.date(2026, 1, 14), 15) == dt.date(2025, 12, 15)
    found = after(line, told("14T23:00", 1000), told("15T00:40", 3), told("15T02:00", 8))
    assert found == {"11-15@0.01": (8, "0.080000")}
    assert {row.cycle for row in line.owed.values()} == {dt.date(2026, 11, 15)}


def test_an_answer_without_a_time_that_comes_late_says_nothing() -> None:
    readings = [told("20T08:00", 0), told("20T10:00", 10), told("20T09:00", 7), told("20T09:30", 99)]
    assert after(course(), *readings) == {"11-20@0.01": (10, "0.100000")}


# What is not believed, and wraps.


def test_a_movement_beyond_belief_waits_for_a_second_reading_and_is_charged_when_it_agrees() -> None:
    line = course()
    assert after(line, told("20T08:00", 0, 11), told("20T09:00", 6 * 1024, 11)) == {}
    assert after(line, told("20T10:00", 6 * 1024 + 1, 11)) == {"11-20@0.01": (6145, "61.450000")}


def test_a_movement_that_is_taken_back_leaves_no_trace() -> None:
    readings = [told("20T08:00", 0, 11), told("20T09:00", 102_400, 11), told("20T10:00", 100, 11)]
    assert after(course(), *readings) == {"11-20@0.01": (100, "1.000000")}


def test_twenty_times_the_largest_day_of_the_last_thirty_is_believed() -> None:
    line = course()
    days = [told(f"{day:02}T08:00", (day - 9) * 1000, 11) for day in range(9, 20)]
    found = after(line, *days, told("20T08:00", 10_000 + 20 * 1000, 11))
    assert found["11-20@0.01"] == (20_000, "200.000000")
    assert after(line, told("20T09:00", 50_001, 11))["11-20@0.01"] == (20_000, "200.000000")


def test_exactly_five_gigabytes_are_believed_of_any_line() -> None:
    line = course()
    assert after(line, told("20T08:00", 0, 11), told("20T09:00", 5 * 1024, 11)) == {"11-20@0.01": (5120, "51.200000")}


def test_a_counter_of_32_bits_is_followed_over_its_wrap() -> None:
    line = course()
    readings = [("20T08:00", 4000), ("20T09:00", 4090), ("20T10:00", 10)]
    found = after(line, *[told(when, counter, 11, wraps_at=2**32) for when, counter in readings])
    assert found == {"11-20@0.01": (106, "1.060000")}
    assert after(line, told("20T11:00", 20, 11, wraps_at=2**32)) == {"11-20@0.01": (116, "1.160000")}
    assert after(course(), told("20T08:00", 4090, 11), told("20T10:00", 10, 11)) == {}


# Fees.

FEE = Price(301, Decimal("0.01"), Decimal("0.25"))
OTHER = Price(401, Decimal("0.01"), Decimal("0.50"))
FEES = {CHEAP: Dated([(BEGINNING, FEE)]), DEAR: Dated([(BEGINNING, OTHER)])}


def on(started: str, ended: str | None, plan: int = CHEAP) -> OnTime:
    return OnTime(at(started), at(ended) if ended else None, ACME, plan)


@pytest.mark.parametrize(
    ("times", "days"),
    [
        ([], {}),
        ([on("20T10:00", "20T10:00")], {20: "0.25"}),  # however short
        ([on("20T10:00", "20T10:01"), on("20T11:00", "20T12:00")], {20: "0.25"}),  # fifty times a day is once
        ([on("20T10:00", "21T00:00")], {20: "0.25"}),
        ([on("20T10:00", "21T00:01")], {20: "0.25", 21: "0.25"}),
        ([on("20T10:00", None)], {20: "0.25", 21: "0.25", 22: "0.25", 23: "0.25"}),  # up to what is over
        ([on("20T10:00", "20T12:00"), on("20T12:00", "21T01:00", DEAR)], {20: "0.25", 21: "0.50"}),
    ],
)
def test_a_fee_is_owed_for_each_day_that_the_line_was_on(times: list[OnTime], days: dict[int, str]) -> None:
    found = fees(times, FEES, dt.date(2026, 11, 24))
    assert {day.day: str(fee) for (_, day, _), fee in found.items()} == days


def test_a_new_cycle_day_is_in_force_from_its_boundary_and_the_open_cycle_goes_on_until_then() -> None:
    calendar = Calendar((Turn(1), Turn(15, at("10T09:00"), dt.date(2026, 12, 15))))
    days = {"10T08:00": "11-01", "10T10:00": "11-01", "12-14T23:59": "11-01", "12-15T00:00": "12-15"}
    assert {when: f"{calendar.of(at(when)):%m-%d}" for when in days} == days
    assert calendar.last_day(dt.date(2026, 11, 1)) == dt.date(2026, 12, 14)
    assert calendar.last_day(dt.date(2026, 12, 15)) == dt.date(2027, 1, 14)


def test_before_a_carrier_was_known_its_first_cycle_day_is_in_force() -> None:
    calendar = Calendar((Turn(1, at("20T12:00")), Turn(15, at("20T12:00"))))
    assert calendar.of(at("01T09:00")) == dt.date(2026, 10, 15)
