"""Months of kept readings: made ahead, dropped when they are old, and what stands for those that are gone."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from kit import clock
from kit.errors import Invalid
from pytest_django import Settings

from accounts.policy import OPERATOR
from lines.commands.keeping import drop_months, forget_openings, make_months, stand_openings
from lines.commands.tuning import cycle_change, tune_carrier
from lines.models import CycleDay, KeptReading, Line, Opening, OpeningDay
from tests.fleets import MB, Fleet, at, books_hold, days, state


def months() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'lines_reading'::regclass")
        return {row[0].removeprefix("lines_reading_") for row in cursor.fetchall()}


def test_months_are_made_ahead_and_for_what_waits(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    fleet.read(line, "2031-05-20T08:00", 0)
    assert make_months(today=dt.date(2031, 12, 20)) == 5
    assert {"y2031m05", "y2031m12", "y2032m01", "y2032m02", "y2032m03", "default"} <= months()
    assert make_months(today=dt.date(2031, 12, 20)) == 0
    assert KeptReading.objects.count() == 1


def test_a_month_is_dropped_when_it_is_old_and_its_counters_stand_elsewhere(fleet: Fleet, settings: Settings) -> None:
    settings.READINGS_KEPT_MONTHS = 1  # three are kept in any case
    line = fleet.line(fleet.account())
    for when, counter in (("2031-01-20T08:00", 0), ("2031-01-20T09:00", MB), ("2031-02-06T09:00", 5)):
        fleet.read(line, when, counter)
    make_months(today=dt.date(2031, 2, 20))
    assert drop_months(today=dt.date(2031, 4, 20)) == 0
    assert drop_months(today=dt.date(2031, 5, 20)) == 0  # nothing stands for it yet
    assert stand_openings(now=at("2031-02-03T00:00")) == 0  # the cycle has hardly begun
    assert stand_openings(now=at("2031-02-06T10:00")) == 1
    assert stand_openings(now=at("2031-02-07T10:00")) == 0
    open_, finished = Opening.objects.filter(line=line).order_by("-is_open")
    assert (open_.counter, open_.used, open_.reading_id) == (5, 5, state(line).reading_id)
    assert (finished.cycle, finished.counter, finished.used) == (dt.date(2031, 1, 1), MB, MB)
    assert OpeningDay.objects.get().day == dt.date(2031, 2, 6)
    assert drop_months(today=dt.date(2031, 5, 20)) >= 1
    assert "y2031m01" not in months()
    assert "y2031m02" in months()
    assert KeptReading.objects.count() == 1


@pytest.fixture
def two_openings(fleet: Fleet, settings: object) -> Line:
    """A line with an opening of February and one of March; the readings of January and February are gone."""
    settings.READINGS_KEPT_MONTHS = 3  # type: ignore[attr-defined]
    line = fleet.line(fleet.account())
    for when, counter in (("2031-01-20T08:00", 0), ("2031-02-06T09:00", 5), ("2031-03-06T09:00", MB)):
        fleet.read(line, when, counter)
    make_months(today=dt.date(2031, 3, 20))
    for when in ("2031-02-06T10:00", "2031-03-06T10:00"):
        assert stand_openings(now=at(when)) == 1
    with connection.cursor() as cursor:  # which the suite's own months do not stand in the way of
        for month in sorted(months() - {"default"}):
            if month < "y2031m03":
                cursor.execute(f"DROP TABLE lines_reading_{month}")
    return line


def test_openings_of_months_that_are_gone_go_where_a_later_one_stands(two_openings: Line) -> None:
    assert set(Opening.objects.values_list("at", flat=True)) == {at("2031-02-06T10:00"), at("2031-03-06T10:00")}
    februarys = Opening.objects.filter(at=at("2031-02-06T10:00")).count()
    assert februarys >= 2  # the cycle that was open then, and a finished one
    assert forget_openings() == februarys
    assert set(Opening.objects.values_list("at", flat=True)) == {at("2031-03-06T10:00")}
    assert set(OpeningDay.objects.values_list("at", flat=True)) == {at("2031-03-06T10:00")}
    assert forget_openings() == 0


@pytest.mark.parametrize(
    ("table", "when", "may_go"),
    [
        ("lines_openingday", "2031-02-06T10:00", True),
        ("lines_opening", "2031-02-06T10:00", True),
        ("lines_openingday", "2031-03-06T10:00", False),  # the last one, and of a month that is kept
        ("lines_opening", "2031-03-06T10:00", False),
    ],
)
def test_the_database_lets_no_other_opening_go(two_openings: Line, table: str, when: str, may_go: bool) -> None:
    delete = f"DELETE FROM {table} WHERE at = %s"
    with connection.cursor() as cursor:
        if may_go:
            cursor.execute(delete, [at(when)])
            assert cursor.rowcount
            return
        for sql in (delete, f"UPDATE {table} SET used = 0 WHERE at = %s"):
            with pytest.raises(IntegrityError, match=f"{table} is append-only"), transaction.atomic():
                cursor.execute(sql, [at(when)])


def test_an_opening_stays_while_its_month_is_kept_or_none_comes_after(fleet: Fleet) -> None:
    """The first of them has a later one, but its readings are there; the only one of a line always stays."""
    line = fleet.line(fleet.account())
    for when, counter in (("2031-02-05T08:00", 0), ("2031-03-06T09:00", MB)):
        fleet.read(line, when, counter)
    make_months(today=dt.date(2031, 3, 20))
    for when in ("2031-02-06T10:00", "2031-03-06T10:00"):
        stand_openings(now=at(when))
    before = Opening.objects.count()
    assert before >= 2
    assert forget_openings() == 0
    with connection.cursor() as cursor, pytest.raises(IntegrityError), transaction.atomic():
        cursor.execute("DELETE FROM lines_opening WHERE at = %s", [at("2031-02-06T10:00")])
    assert Opening.objects.count() == before


# The carrier's cycle day


def test_another_cycle_day_counts_from_the_next_time_it_comes(fleet: Fleet) -> None:
    carrier = fleet.carriers["iotportal"]
    line = fleet.line(fleet.account(), "iotportal")
    fleet.read(line, "2026-11-10T08:00", 0)
    fleet.read(line, "2026-11-19T08:00", 100 * MB)
    change = cycle_change(carrier=carrier, cycle_day=15, today=dt.date(2026, 11, 20))
    assert change.says == (
        "The cycle of 1 Nov 2026 stays open until 15 Dec 2026 instead of 1 Dec 2026, for 1 lines."
        " Nothing that is charged changes."
    )
    with clock.frozen(at("2026-11-20T12:00")):
        for _ in range(2):  # harmless twice
            carrier = tune_carrier(carrier=carrier, cycle_day=15, by=OPERATOR)
    fleet.carriers["iotportal"] = carrier
    assert (carrier.cycle_day, carrier.cycle_since, carrier.cycle_before) == (
        15,
        dt.date(2026, 12, 15),
        dt.date(2026, 11, 1),
    )
    assert CycleDay.objects.filter(carrier=carrier).count() == 2
    fleet.read(line, "2026-12-05T08:00", 120 * MB)  # no boundary on the 1st any more
    fleet.read(line, "2026-12-14T20:00", 130 * MB)
    fleet.read(line, "2026-12-15T00:30", 131 * MB)  # not reset yet: the old cycle's last day
    fleet.read(line, "2026-12-15T01:30", MB)
    assert {day: used // MB for day, (used, _) in days(line).items()} == {
        "2026-11-19": 100,
        "2026-12-05": 20,
        "2026-12-14": 11,
        "2026-12-15": 1,
    }
    assert state(line).cycle == dt.date(2026, 12, 15)
    assert books_hold()


@pytest.mark.parametrize(("kind", "day", "why"), [("simbase", 15, "says itself"), ("iotportal", 29, "from 1 to 28")])
def test_a_cycle_day_that_cannot_be_is_refused(fleet: Fleet, kind: str, day: int, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        tune_carrier(carrier=fleet.carriers[kind], cycle_day=day, by=OPERATOR)
