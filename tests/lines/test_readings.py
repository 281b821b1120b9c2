"""What a reading is worth: the movement of a counter, in its cycle, at its price, once."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from kit import clock

from accounts.policy import OPERATOR
from billing.commands import seal_days
from lines.carriers.base import Reading, Status, Switch
from lines.commands.plans import change_plan_of_lines
from lines.models import Drive, FinalTotal, Line, LineDay, LineState, RatePlan
from lines.policy import Verdict
from tests.fleets import (
    MB,
    OFF,
    ON,
    Fleet,
    at,
    available,
    books_hold,
    days,
    reading_of,
    state,
    usage_days,
    usage_rows,
    used,
    wallet,
)

KINDS = ["simbase", "iotportal"]


@pytest.fixture
def line(fleet: Fleet) -> Line:
    return fleet.line(fleet.account())


@pytest.fixture
def portal(fleet: Fleet) -> Line:
    return fleet.line(fleet.account(), "iotportal")


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_reading_is_the_baseline_and_charges_nothing(fleet: Fleet, kind: str) -> None:
    line = fleet.line(fleet.account(), kind)
    applied = fleet.read(line, "2026-11-20T08:00", 500 * MB)
    assert (applied.readings, applied.bytes_moved, applied.charged) == (1, 0, Decimal(0))
    assert days(line) == {}
    assert (state(line).counter, state(line).baseline) == (500 * MB, 500 * MB)
    fleet.read(line, "2026-11-20T09:00", 501 * MB)
    assert days(line) == {"2026-11-20": (MB, Decimal("0.01"))}
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
def test_a_baseline_of_zero_is_a_baseline(fleet: Fleet, kind: str) -> None:
    line = fleet.line(fleet.account(), kind)
    fleet.read(line, "2026-11-20T08:00", 0)
    fleet.read(line, "2026-11-20T09:00", 7)
    assert used(line) == 7
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
def test_inside_a_cycle_the_highest_counter_counts_and_a_lower_one_is_free_and_flagged(fleet: Fleet, kind: str) -> None:
    line = fleet.line(fleet.account(), kind)
    for minute, counter in enumerate([100, 300, 250, 299, 300, 310, 0, 5, 311]):
        fleet.read(line, f"2026-11-20T08:{minute:02}", counter)
        if minute < 2:
            assert state(line).lower_at is None
        elif minute < 6:
            assert state(line).lower_at is not None
        assert books_hold()
    assert used(line) == 211
    assert state(line).lower_at == at("2026-11-20T08:07")
    assert state(line).lower_counter == 5


def test_the_same_reading_twice_is_the_same_as_once(fleet: Fleet, line: Line) -> None:
    fleet.read(line, "2026-11-20T08:00", 100)
    for _ in range(3):
        fleet.read(line, "2026-11-20T09:00", 5 * MB)
    assert used(line) == 5 * MB - 100
    assert books_hold()


def test_a_line_that_stands_twice_on_a_page_counts_its_highest(fleet: Fleet, line: Line) -> None:
    other = fleet.line(line.account)
    for one in (line, other):
        fleet.read(one, "2026-11-20T08:00", 100)
    page = [
        reading_of(one, counter, "2026-11-01") for one, counter in ((line, 150), (other, 7), (line, 190), (line, 150))
    ]
    applied = fleet.apply("simbase", "2026-11-20T09:00", page)
    assert (used(line), used(other)) == (90, 0)
    assert applied.bytes_moved == 90
    assert books_hold()


def test_a_line_may_stand_twice_already_on_its_first_page(fleet: Fleet, line: Line) -> None:
    fleet.apply(
        "simbase", "2026-11-20T09:00", [reading_of(line, 100, "2026-11-01"), reading_of(line, 100, "2026-11-01")]
    )
    assert used(line) == 0
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
def test_an_older_page_of_the_same_cycle_that_comes_after_a_newer_one_charges_nothing(fleet: Fleet, kind: str) -> None:
    line = fleet.line(fleet.account(), kind)
    fleet.read(line, "2026-11-20T08:00", 100)
    fleet.read(line, "2026-11-20T10:00", 900, status=OFF)
    fleet.read(line, "2026-11-20T09:00", 500, status=ON)
    assert used(line) == 800
    assert state(line).lower_at is None  # it was lower because it was older
    assert state(line).reported == Switch.OFF
    assert state(line).read_at == at("2026-11-20T10:00")
    assert books_hold()


def test_an_older_simbase_page_of_last_month_that_comes_after_this_months_counts_for_last_month(
    fleet: Fleet, line: Line
) -> None:
    fleet.read(line, "2026-11-20T08:00", 100)
    fleet.read(line, "2026-11-30T20:00", 1000)
    fleet.read(line, "2026-12-01T01:00", 50)
    fleet.read(line, "2026-11-30T23:00", 1500, "2026-11-01")
    assert days(line)["2026-11-30"][0] == 900 + 500
    assert days(line)["2026-12-01"][0] == 50
    fleet.read(line, "2026-11-30T22:00", 1200, "2026-11-01")
    assert used(line) == 1450
    assert state(line).counter == 50
    assert books_hold()


def test_a_new_simbase_month_begins_at_zero(fleet: Fleet, line: Line) -> None:
    fleet.read(line, "2026-11-20T08:00", 100 * MB)
    fleet.read(line, "2026-12-01T00:10", 100 * MB, "2026-11-01")  # silent since
    assert used(line) == 0
    fleet.read(line, "2026-12-05T00:10", 200 * MB)  # more than before, and all of it December's
    assert days(line) == {"2026-12-05": (200 * MB, Decimal("2.00"))}
    assert books_hold()


def test_a_portal_counter_that_is_not_lower_after_the_boundary_belongs_to_the_old_cycle(
    fleet: Fleet, portal: Line
) -> None:
    fleet.read(portal, "2026-11-30T20:00", 100)
    fleet.read(portal, "2026-12-01T00:30", 100)
    fleet.read(portal, "2026-12-01T01:00", 130)
    assert days(portal)["2026-11-30"][0] == 30
    fleet.read(portal, "2026-12-01T02:00", 20)
    fleet.read(portal, "2026-12-01T03:00", 25)
    assert {day: bytes_ for day, (bytes_, _) in days(portal).items()} == {"2026-11-30": 30, "2026-12-01": 25}
    assert books_hold()


def test_an_older_portal_page_that_comes_after_the_reset_charges_nothing(fleet: Fleet, portal: Line) -> None:
    """It was asked for before the new month's page and gives no time: its counter must not count as the new month's."""
    fleet.read(portal, "2026-11-30T20:00", 100)
    fleet.read(portal, "2026-11-30T23:00", 350)
    fleet.read(portal, "2026-12-01T06:00", 4)
    fleet.read(portal, "2026-11-30T22:00", 340)
    fleet.read(portal, "2026-12-01T05:00", 360)
    assert {day: bytes_ for day, (bytes_, _) in days(portal).items()} == {"2026-11-30": 250, "2026-12-01": 4}
    assert books_hold()


def test_a_portal_cycle_begins_on_its_carriers_cycle_day(fleet: Fleet) -> None:
    carrier = fleet.carriers["iotportal"]
    carrier.cycle_day = 15
    carrier.save()
    line = fleet.line(fleet.account(), "iotportal")
    fleet.read(line, "2026-11-10T00:00", 100)
    fleet.read(line, "2026-11-14T23:00", 300)
    fleet.read(line, "2026-11-15T01:00", 350)  # not reset yet: the 14th's
    fleet.read(line, "2026-11-15T02:00", 10)
    fleet.read(line, "2026-12-01T02:00", 5)  # no boundary between: lower, free
    fleet.read(line, "2026-12-14T02:00", 30)
    fleet.read(line, "2026-12-15T02:00", 8)
    assert {day: bytes_ for day, (bytes_, _) in days(line).items()} == {
        "2026-11-14": 250,
        "2026-11-15": 10,
        "2026-12-14": 20,
        "2026-12-15": 8,
    }
    assert books_hold()


def test_movement_found_late_is_charged_to_its_cycles_last_day_before_the_sealing(fleet: Fleet, line: Line) -> None:
    fleet.read(line, "2026-11-30T20:00", 0)
    fleet.read(line, "2026-11-30T21:00", MB)
    fleet.read(line, "2026-12-01T00:01", 3 * MB, "2026-11-01")
    seal_days(before=dt.date(2026, 12, 1))
    assert usage_rows(line.account) == [("2026-11-30", Decimal("-0.03"))]
    assert books_hold()


def test_movement_found_late_after_the_sealing_is_a_row_of_its_own(fleet: Fleet, line: Line) -> None:
    fleet.read(line, "2026-11-30T20:00", 0)
    fleet.read(line, "2026-11-30T21:00", MB)
    seal_days(before=dt.date(2026, 12, 1))
    fleet.read(line, "2026-12-03T00:01", 3 * MB, "2026-11-01")
    assert wallet(line.account).accrued == Decimal("0.02")
    seal_days(before=dt.date(2026, 12, 3))
    seal_days(before=dt.date(2026, 12, 4))
    assert usage_rows(line.account) == [("2026-11-30", Decimal("-0.01")), ("2026-11-30", Decimal("-0.02"))]
    assert books_hold()


def test_a_readings_day_is_utc_whatever_zone_its_time_has(fleet: Fleet, line: Line) -> None:
    fleet.read(line, "2026-11-20T08:00", 0)
    east = dt.datetime(2026, 11, 21, 1, 0, tzinfo=dt.timezone(dt.timedelta(hours=3)))
    fleet.apply("simbase", east, [reading_of(line, 5, "2026-11-01")])
    assert list(days(line)) == ["2026-11-20"]


def test_a_day_is_rounded_once_for_each_price_that_was_in_force_on_it(fleet: Fleet, line: Line) -> None:
    fleet.price("simbase", "2026-11-20T12:00", "0.03")
    fleet.read(line, "2026-11-20T08:00", 0)
    for minute in range(10):
        fleet.read(line, f"2026-11-20T09:{minute:02}", 60 * (minute + 1))
    for minute in range(10):
        fleet.read(line, f"2026-11-20T13:{minute:02}", 600 + 60 * (minute + 1))
    rows = LineDay.objects.filter(line=line).order_by("price__per_mb")
    # What was read at 13:00 was used since 09:09 and has the price of then.
    # 660 x 0.01 / 1,048,576 = 0.00000629...; 540 x 0.03 / 1,048,576 = 0.00001544...
    assert [(row.used, row.cost) for row in rows] == [(660, Decimal("0.000006")), (540, Decimal("0.000015"))]
    assert usage_days(line.account) == {"2026-11-20": Decimal("0.000021")}
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_price_holds_for_what_was_used_after_a_reading_from_its_very_moment(fleet: Fleet, kind: str) -> None:
    line = fleet.line(fleet.account(), kind)
    fleet.price(kind, "2026-11-20T12:00", "0.50")
    fleet.read(line, "2026-11-20T08:00", 0)
    fleet.read(line, "2026-11-20T11:59:59", MB)
    assert available(line.account) == Decimal("99.99")
    fleet.read(line, "2026-11-20T12:00:00", 2 * MB)  # used before it
    assert available(line.account) == Decimal("99.98")
    fleet.read(line, "2026-11-20T12:00:01", 3 * MB)
    assert available(line.account) == Decimal("99.48")
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
def test_a_price_of_the_middle_of_the_day_leaves_what_was_used_before_it_alone(fleet: Fleet, kind: str) -> None:
    """100 MB used from 02:00 to 12:00 at 0.01, and the price is 1.00 from noon on: $1.00, not $100."""
    line = fleet.line(fleet.account(), kind)
    fleet.price(kind, "2026-11-20T12:00", "1.00")
    fleet.read(line, "2026-11-20T02:00", 0)
    fleet.read(line, "2026-11-20T12:05", 100 * MB)
    assert available(line.account) == Decimal("99.00")
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("hours", "usd"), [(24, "1.00"), (25, "100.00")])
def test_movement_of_more_than_a_day_is_priced_by_the_day_that_it_is_dated_to(
    fleet: Fleet, kind: str, hours: int, usd: str
) -> None:
    line = fleet.line(fleet.account(credit="200"), kind)
    fleet.price(kind, "2026-11-20T00:00", "1.00")
    read = at("2026-11-20T08:00")
    fleet.apply(
        kind, read - dt.timedelta(hours=hours), [reading_of(line, 0, "2026-11-01" if kind == KINDS[0] else None)]
    )
    fleet.apply(kind, read, [reading_of(line, 100 * MB, "2026-11-01" if kind == KINDS[0] else None)])
    assert days(line) == {"2026-11-20": (100 * MB, Decimal(usd))}
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
def test_movement_of_more_than_a_day_has_the_plan_with_which_its_day_began(fleet: Fleet, kind: str) -> None:
    line = fleet.line(fleet.account(), kind)
    fleet.read(line, "2026-11-17T08:00", 0)
    dear = RatePlan.objects.create(name="dear", carrier=fleet.carriers[kind])
    dear.prices.create(per_mb=Decimal("1.00"))
    with clock.frozen(at("2026-11-20T07:00")):
        change_plan_of_lines(line_ids=[line.pk], plan=dear, by=OPERATOR)
    fleet.read(line, "2026-11-20T08:00", 50 * MB)
    assert days(line) == {"2026-11-20": (50 * MB, Decimal("0.50"))}
    fleet.read(line, "2026-11-22T08:00", 51 * MB)
    assert days(line)["2026-11-22"] == (MB, Decimal("1.00"))
    assert books_hold()


def test_late_movement_of_a_finished_month_has_that_months_price(fleet: Fleet, line: Line) -> None:
    fleet.price("simbase", "2026-12-01T00:00", "0.50")
    fleet.read(line, "2026-11-30T08:00", 0)
    fleet.read(line, "2026-12-01T00:10", MB, "2026-11-01")
    assert days(line) == {"2026-11-30": (MB, Decimal("0.01"))}
    fleet.read(line, "2026-12-01T00:20", MB)
    assert days(line)["2026-12-01"] == (MB, Decimal("0.50"))
    assert books_hold()


def test_a_line_on_another_plan_pays_the_new_plans_price_after_the_next_reading(fleet: Fleet, line: Line) -> None:
    fleet.read(line, "2026-11-20T08:00", 0)
    fleet.read(line, "2026-11-20T09:00", MB)
    dear = RatePlan.objects.create(name="dear", carrier=fleet.carriers["simbase"])
    dear.prices.create(per_mb=Decimal("1.00"))
    with clock.frozen(at("2026-11-20T09:30")):
        assert change_plan_of_lines(line_ids=[line.pk], plan=dear, by=OPERATOR)[line.pk] is Verdict.DO
    fleet.read(line, "2026-11-20T10:00", 2 * MB)
    assert days(line) == {"2026-11-20": (2 * MB, Decimal("0.02"))}
    fleet.read(line, "2026-11-20T11:00", 3 * MB)
    assert days(line) == {"2026-11-20": (3 * MB, Decimal("1.02"))}
    assert books_hold()


def test_half_a_millionth_is_rounded_up(fleet: Fleet) -> None:
    """1,048,576 bytes at 0.0000005 a MB would be below the ledger's places; 0.5 x 0.000001 is rounded to 0.000001."""
    line = fleet.line(fleet.account())
    fleet.price("simbase", "2026-11-01T00:00", "0.000001")
    fleet.read(line, "2026-11-20T08:00", 0)
    fleet.read(line, "2026-11-20T09:00", MB // 2 - 1)
    assert available(line.account) == Decimal("100")
    fleet.read(line, "2026-11-20T10:00", MB // 2)
    assert available(line.account) == Decimal("99.999999")
    assert books_hold()


def test_the_largest_counters_are_exact(fleet: Fleet, line: Line) -> None:
    petabyte = 1 << 50
    fleet.read(line, "2026-11-20T08:00", 1)
    fleet.read(line, "2026-11-20T09:00", petabyte + 1)
    assert days(line) == {}  # nobody believes it at once
    fleet.read(line, "2026-11-20T09:01", petabyte + 1)
    assert days(line)["2026-11-20"] == (petabyte, Decimal("10737418.24"))
    assert books_hold()


def test_a_line_in_stock_is_not_charged_and_begins_with_a_baseline_when_it_is_added(fleet: Fleet) -> None:
    line = fleet.line(None)
    account = fleet.account()
    fleet.read(line, "2026-11-18T08:00", 100)
    fleet.read(line, "2026-11-19T08:00", 900)
    assert (used(line), state(line).cycle) == (0, None)
    assert state(line).reported == Switch.ON  # what its carrier says is known
    Line.objects.filter(pk=line.pk).update(account=account, payer=account)
    fleet.read(line, "2026-11-20T08:00", 2000)
    assert used(line) == 0
    fleet.read(line, "2026-11-20T09:00", 2001)
    assert used(line) == 1
    assert books_hold()


def test_a_line_in_stock_is_never_driven(fleet: Fleet) -> None:
    line = fleet.line(None)
    fleet.read(line, "2026-11-18T08:00", 100, status=ON)
    assert not Drive.objects.exists()


def test_lines_that_are_not_ours_are_counted_and_left_alone(fleet: Fleet, line: Line) -> None:
    fleet.read(line, "2026-11-20T08:00", 0)
    strangers = [Reading("89999999999999999" + f"{n:02}", 5, dt.date(2026, 11, 1), ON) for n in range(3)]
    applied = fleet.apply("simbase", "2026-11-20T09:00", [*strangers, reading_of(line, 5, "2026-11-01")])
    assert (applied.readings, applied.unknown) == (1, 3)
    assert fleet.apply("simbase", "2026-11-20T09:00", strangers).unknown == 3
    assert Line.objects.count() == 1
    assert books_hold()


def test_a_carrier_cannot_move_another_carriers_line(fleet: Fleet, line: Line) -> None:
    fleet.read(line, "2026-11-20T08:00", 0)
    applied = fleet.apply("iotportal", "2026-11-20T09:00", [reading_of(line, 500)])
    assert (applied.readings, applied.unknown, used(line)) == (0, 1, 0)


def test_an_unknown_word_is_kept_as_it_came_and_drives_nothing(fleet: Fleet, line: Line) -> None:
    fleet.read(line, "2026-11-20T08:00", 0, status=Status(None, "HIBERNATING"))
    fleet.read(line, "2026-11-20T09:00", 9, status=Status(None, "HIBERNATING"))
    assert (state(line).reported, state(line).reported_word) == (None, "HIBERNATING")
    assert state(line).reported_at == at("2026-11-20T08:00")
    assert used(line) == 9
    assert LineState.objects.get(pk=line.pk).wanted == 1


def test_a_reading_without_a_state_is_a_reading(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-20T08:00", 100, status=None)
    fleet.read(line, "2026-11-20T09:00", 130, status=None)
    assert used(line) == 30
    assert state(line).read_at == at("2026-11-20T09:00")
    assert books_hold()


def test_a_carrier_that_has_a_line_on_which_is_wanted_off_is_driven(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(), active=False)
    assert not Drive.objects.exists()
    applied = fleet.read(line, "2026-11-20T08:00", 0, status=ON)
    assert applied.to_drive == 1
    assert Drive.objects.get().line == line
    fleet.read(line, "2026-11-20T09:00", 0, status=OFF)
    assert not Drive.objects.exists()


def test_a_final_total_settles_its_month_once_and_never_pays_back(fleet: Fleet, line: Line) -> None:
    fleet.read(line, "2026-11-20T08:00", 1000)
    fleet.read(line, "2026-11-30T08:00", 3000)
    fleet.read(line, "2026-12-01T08:00", 10)
    assert FinalTotal.objects.get().cycle == dt.date(2026, 11, 1)

    def final(total: int) -> None:
        fleet.apply(
            "simbase", "2026-12-01T09:00", [reading_of(line, total, "2026-11-01", status=None)], are_finals=True
        )

    for total in (3500, 3500, 2000, 3400):
        final(total)
        assert used(line) == 2500 + 10
    assert days(line)["2026-11-30"][0] == 2500
    assert state(line).read_at == at("2026-12-01T08:00")
    assert books_hold()


def test_a_final_total_of_a_month_before_the_line_was_ours_charges_nothing(fleet: Fleet, line: Line) -> None:
    final = [reading_of(line, 5000, "2026-10-01", status=None)]
    fleet.apply("simbase", "2026-11-20T07:00", final, are_finals=True)  # before its baseline
    assert state(line).cycle is None
    fleet.read(line, "2026-11-20T08:00", 1000)
    fleet.apply("simbase", "2026-11-20T09:00", final, are_finals=True)
    assert used(line) == 0
    assert not FinalTotal.objects.exists()
    assert books_hold()


def test_the_usage_of_a_sub_accounts_line_is_its_parents(fleet: Fleet) -> None:
    parent = fleet.account()
    child = fleet.account(parent=parent)
    line = fleet.line(child)
    fleet.read(line, "2026-11-20T08:00", 0)
    fleet.read(line, "2026-11-20T09:00", MB)
    row = LineDay.objects.get()
    assert (row.account, row.payer) == (child, parent)
    assert available(parent) == Decimal("99.99")
    assert books_hold()


def test_a_page_moves_many_accounts_at_once(fleet: Fleet) -> None:
    accounts = [fleet.account() for _ in range(5)]
    lines = [fleet.line(account) for account in accounts for _ in range(3)]
    for counter in (0, MB):
        applied = fleet.apply("simbase", "2026-11-20T08:00", [reading_of(one, counter, "2026-11-01") for one in lines])
    assert applied.charged == Decimal("0.15")
    assert applied.payer_ids == {account.pk for account in accounts}
    assert [available(account) for account in accounts] == [Decimal("99.97")] * 5
    assert books_hold()


def test_an_empty_page_does_nothing(fleet: Fleet) -> None:
    applied = fleet.apply("simbase", "2026-11-20T08:00", [])
    assert (applied.readings, applied.unknown, applied.charged) == (0, 0, Decimal(0))


def test_a_page_that_fails_in_the_middle_is_not_half_applied(fleet: Fleet) -> None:
    account = fleet.account()
    good, bad = fleet.lines(account, 2)
    for one in (good, bad):
        fleet.read(one, "2026-11-20T08:00", 0)
    page = [
        reading_of(good, 100, "2026-11-01"),
        reading_of(bad, -5, "2026-11-01"),
        reading_of(bad, 1 << 63, "2026-11-01"),
    ]
    from django.db import DatabaseError, transaction

    with pytest.raises(DatabaseError), transaction.atomic():
        fleet.apply("simbase", "2026-11-20T09:00", page)
    assert (used(good), used(bad)) == (0, 0)
    assert books_hold()
