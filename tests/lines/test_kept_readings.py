"""What a carrier told is kept as told, and what of a line has a date keeps its history."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.policy import OPERATOR
from lines.commands.adding import NewLine, add_lines
from lines.commands.holders import assign
from lines.commands.plans import change_plan_of_lines
from lines.commands.stock import add_rate_plan
from lines.models import CycleDay, KeptReading, LineHolding, LinePlan
from lines.policy import Verdict
from tests.fleets import Fleet, at, books_hold, reading_of, state

NOON = at("2026-11-20T12:00")


def test_every_answer_is_kept_as_it_was_told_in_the_order_in_which_it_was_applied(fleet: Fleet) -> None:
    one, two = fleet.lines(fleet.account(), 2)
    seen = at("2026-11-20T07:59")
    page = [reading_of(two, 7, "2026-11-01"), reading_of(one, 100, "2026-10-01", last_seen=seen)]
    fleet.apply("simbase", "2026-11-20T08:00", page)
    fleet.apply("simbase", "2026-11-20T09:00", [reading_of(two, 5, "2026-11-01")])
    fleet.apply("simbase", "2026-11-20T09:00", [reading_of(two, 5, "2026-11-01")])
    first, second, third = KeptReading.objects.order_by("id")
    assert (first.asked_at, first.call, first.are_finals) == (at("2026-11-20T08:00"), "list", False)
    assert (first.line_ids, first.counters) == ([one.pk, two.pk], [100, 7])
    assert first.cycles == [dt.date(2026, 10, 1), dt.date(2026, 11, 1)]
    assert (first.seen, first.asked) == ([seen, None], None)
    assert (
        (second.line_ids, second.counters, second.seen)
        == (third.line_ids, third.counters, None)
        == ([two.pk], [5], None)
    )
    assert (state(one).reading_id, state(two).reading_id) == (first.pk, third.pk)


def test_a_portals_answer_and_a_final_total_say_what_they_are(fleet: Fleet) -> None:
    portal, line = fleet.line(fleet.account(), "iotportal"), fleet.line(fleet.account())
    fleet.read(portal, "2026-11-20T08:00", 5)
    fleet.apply("simbase", "2026-12-01T08:00", [reading_of(line, 9, "2026-11-01", status=None)], are_finals=True)
    told, final = KeptReading.objects.order_by("id")
    assert (told.call, told.cycles, told.are_finals) == ("line", [None], False)
    assert (final.call, final.are_finals) == ("final", True)


@pytest.mark.parametrize("act", ["UPDATE {} SET asked_at = now()", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["lines_reading", "lines_reading_default"])
def test_the_database_refuses_to_change_a_reading(fleet: Fleet, act: str, table: str) -> None:
    line = fleet.line(fleet.account())
    fleet.read(line, "2021-01-20T08:00", 5)  # a month that nobody has made
    with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(act.format(table))
    assert KeptReading.objects.count() == 1


def test_a_month_that_is_made_late_takes_its_readings_over(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    for when in ("2021-01-31T23:59", "2021-02-01T00:00", "2021-02-28T23:59", "2021-03-01T00:00"):
        fleet.read(line, when, 5)
    with connection.cursor() as cursor:
        for made in (True, False):
            cursor.execute("SELECT make_reading_month('2021-02-01')")
            assert cursor.fetchone() == (made,)
        cursor.execute("SELECT count(*) FROM lines_reading_y2021m02")
        assert cursor.fetchone() == (2,)
        cursor.execute("SELECT count(*) FROM lines_reading_default")
        assert cursor.fetchone() == (2,)
    fleet.read(line, "2021-02-15T00:00", 5)
    assert KeptReading.objects.count() == 5


def test_a_line_keeps_every_plan_and_holder_with_its_moment(fleet: Fleet) -> None:
    acme = fleet.account()
    north = fleet.account(parent=acme)
    line = fleet.line(None)
    plan = fleet.plans["simbase"]
    dear = add_rate_plan(name="dear", carrier=plan.carrier, per_mb=1, per_sms=0, per_day=0, by=OPERATOR)  # type: ignore[arg-type]
    add_lines(account=acme, rows=[NewLine(1, line.iccid, "dear")], active=False, by=OPERATOR)
    assign(line_ids=[line.pk], holder=north, by=OPERATOR)
    for _ in range(2):  # harmless twice
        assert change_plan_of_lines(line_ids=[line.pk], plan=plan, by=OPERATOR)[line.pk] in (Verdict.DO, Verdict.SAME)
    change_plan_of_lines(line_ids=[line.pk], plan=dear, by=OPERATOR)
    plans = list(LinePlan.objects.filter(line=line).order_by("id").values_list("plan", "since"))
    assert [number for number, _ in plans] == [plan.pk, dear.pk, plan.pk, dear.pk]
    assert [moment - NOON for _, moment in plans[1:]] == [dt.timedelta(microseconds=n) for n in (0, 1, 2)]
    holdings = LineHolding.objects.filter(line=line).order_by("id").values_list("payer", "account")
    assert list(holdings) == [(None, None), (acme.pk, acme.pk), (acme.pk, north.pk)]
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        LinePlan.objects.update(since=NOON)
    assert books_hold()


def test_a_change_by_sql_is_kept_too(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    other = fleet.account()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE lines_line SET payer_id = %s, account_id = %s", [other.pk, other.pk])
    assert LineHolding.objects.filter(line=line).order_by("id").last().payer_id == other.pk  # type: ignore[union-attr]


def test_a_carriers_cycle_day_has_its_history(fleet: Fleet) -> None:
    rows = CycleDay.objects.filter(carrier=fleet.carriers["iotportal"])
    assert list(rows.values_list("cycle_day", "since")) == [(1, None)]
