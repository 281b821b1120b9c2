"""Lines that leave who paid for them in the middle of a cycle: each payer has what was used in their time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from kit import clock
from kit.errors import Invalid

from accounts.models import Event
from accounts.policy import OPERATOR
from lines.commands.adding import NewLine, add_lines
from lines.commands.fees import charge_fees
from lines.commands.held import decide_held
from lines.commands.keeping import stand_openings
from lines.commands.leaving import release_lines
from lines.commands.offers import offer_plan
from lines.commands.tags import tag_lines
from lines.commands.wishes import activate_lines, deactivate_next_day, edit_notes
from lines.models import FinalTotal, HeldMovement, Line, LineCycle, LineDay, LineState, LineTag, NotesLeft
from lines.policy import Wanted
from tests.fleets import MB, Fleet, at, available, books_hold, reading_of, state
from tests.lines.test_second_books import second_books
from tests.worlds import operator

GB = 1024 * MB


def used_by(line: Line) -> dict[int, int]:
    """Payer -> MB."""
    found: dict[int, int] = {}
    for row in LineDay.objects.filter(line=line, used__gt=0):
        found[row.payer_id] = found.get(row.payer_id, 0) + row.used // MB
    return found


def take(line: Line, account: object, when: str) -> None:
    with clock.frozen(at(when)):
        added = add_lines(account=account, rows=[NewLine(1, line.iccid, line.plan.name)], active=True, by=OPERATOR)  # type: ignore[arg-type]
    assert added.lines


def release(line: Line, when: str, to: object = None) -> None:
    with clock.frozen(at(when)):
        assert release_lines(line_ids=[line.pk], to=to, by=OPERATOR) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["simbase", "iotportal"])
def test_a_line_that_returns_to_inventory_leaves_its_usage_with_who_paid(fleet: Fleet, kind: str) -> None:
    """100 MB are the first one's, 50 nobody's, 20 the next one's; December is read as any month."""
    first, second = fleet.account(), fleet.account()
    line = fleet.line(first, kind)
    fleet.read(line, "2026-11-10T08:00", 5 * MB)
    fleet.read(line, "2026-11-11T08:00", 105 * MB)
    release(line, "2026-11-12T00:00")
    row = LineCycle.objects.get()
    assert (row.payer_id, row.cycle, row.used, row.counter) == (first.pk, dt.date(2026, 11, 1), 100 * MB, 105 * MB)
    assert (state(line).cycle, Wanted(state(line).wanted)) == (None, Wanted.DEACTIVATED)
    fleet.read(line, "2026-11-13T08:00", 130 * MB)
    take(line, second, "2026-11-14T00:00")
    fleet.read(line, "2026-11-15T08:00", 155 * MB)
    fleet.read(line, "2026-11-16T08:00", 175 * MB)
    assert used_by(line) == {first.pk: 100, second.pk: 20}
    fleet.read(line, "2026-12-05T08:00", 3 * MB)
    assert used_by(line) == {first.pk: 100, second.pk: 23}
    assert [available(one) for one in (first, second)] == [Decimal(99), Decimal(100) - Decimal("0.23")]
    assert books_hold()
    assert second_books(dt.date(2026, 12, 6)).differences == 0


def test_a_line_moves_to_another_account_and_back_in_one_cycle(fleet: Fleet) -> None:
    """10 MB, then 20 of the other, then 30: the first one's November has 40 in all."""
    first, second = fleet.account(), fleet.account()
    line = fleet.line(first)
    fleet.read(line, "2026-11-10T08:00", 0)
    fleet.read(line, "2026-11-10T09:00", 10 * MB)
    release(line, "2026-11-10T10:00", second)
    assert Line.objects.get().payer_id == second.pk
    fleet.read(line, "2026-11-10T11:00", 10 * MB)
    fleet.read(line, "2026-11-10T12:00", 30 * MB)
    release(line, "2026-11-10T13:00", first)
    fleet.read(line, "2026-11-10T14:00", 30 * MB)
    fleet.read(line, "2026-11-10T15:00", 60 * MB)
    fleet.read(line, "2026-12-02T15:00", MB)
    assert used_by(line) == {first.pk: 41, second.pk: 20}
    november = LineCycle.objects.filter(cycle="2026-11-01")
    assert dict(november.values_list("payer", "used")) == {first.pk: 40 * MB, second.pk: 20 * MB}
    assert books_hold()
    assert second_books(dt.date(2026, 12, 3)).differences == 0


def test_what_a_month_of_an_earlier_stay_shows_late_is_nobodys(fleet: Fleet) -> None:
    """Away from 20 November to 3 December: what November shows after that, or its final total, was used while away."""
    account = fleet.account()
    line = fleet.line(account)
    fleet.read(line, "2026-11-10T08:00", 0)
    fleet.read(line, "2026-11-19T08:00", 10 * MB)
    release(line, "2026-11-20T00:00")
    take(line, account, "2026-12-03T00:00")
    fleet.read(line, "2026-12-03T08:00", 5 * MB)
    fleet.read(line, "2026-12-03T09:00", 90 * MB, "2026-11-01")
    fleet.apply("simbase", "2026-12-04T09:00", [reading_of(line, 95 * MB, "2026-11-01", status=None)], are_finals=True)
    fleet.read(line, "2026-12-04T10:00", 6 * MB)
    assert used_by(line) == {account.pk: 11}
    assert not FinalTotal.objects.filter(done_at=None, cycle__lt=dt.date(2026, 12, 1)).exists()
    assert books_hold()
    assert second_books(dt.date(2026, 12, 5)).differences == 0


def test_each_pays_the_fee_of_a_day_that_the_line_was_on_in_their_time(db: None) -> None:
    """Two days of the first, charged when the line has left; the day it moves is each one's, the next the second's."""
    fleet = Fleet(per_day="0.25")
    first, second = fleet.account(), fleet.account()
    with clock.frozen(at("2026-11-09T08:00")):
        line = fleet.line(first)
    fleet.read(line, "2026-11-10T08:00", 0)
    release(line, "2026-11-11T10:00", second)
    with clock.frozen(at("2026-11-11T10:00")):
        activate_lines(line_ids=[line.pk], by=OPERATOR)
        charge_fees(today=clock.today())
    fleet.read(line, "2026-11-11T10:10", 0)
    with clock.frozen(at("2026-11-12T10:00")):
        charge_fees(today=clock.today())
    fees = LineDay.objects.filter(fee__gt=0).order_by("day", "payer")
    assert [(row.payer_id, row.account_id, row.day.day) for row in fees] == [
        (first.pk, first.pk, 10),
        (first.pk, first.pk, 11),
        (second.pk, second.pk, 11),
        (second.pk, second.pk, 12),
    ]
    assert books_hold()
    assert second_books(dt.date(2026, 11, 12)).differences == 0


@pytest.mark.parametrize("charge", [True, False])
def test_a_held_movement_is_decided_after_the_line_has_left(fleet: Fleet, charge: bool) -> None:
    first, second = fleet.account(credit="900"), fleet.account()
    line = fleet.line(first)
    fleet.read(line, "2026-11-10T08:00", 0)
    fleet.read(line, "2026-11-10T09:00", 30 * GB)
    release(line, "2026-11-10T10:00", second)
    fleet.read(line, "2026-11-10T11:00", 30 * GB)
    fleet.read(line, "2026-11-10T12:00", 30 * GB + MB)
    with clock.frozen(at("2026-11-10T13:00")):
        decide_held(held_id=HeldMovement.objects.get().pk, charge=charge, by=OPERATOR)
    fleet.read(line, "2026-11-10T14:00", 30 * GB + 2 * MB)
    assert used_by(line) == {second.pk: 2} | ({first.pk: 30 * 1024} if charge else {})
    assert books_hold()
    assert second_books(dt.date(2026, 11, 11)).differences == 0


@pytest.mark.parametrize("has_left", [False, True])
def test_what_an_answer_that_came_late_has_charged_of_a_held_movement_is_charged_once(
    fleet: Fleet, has_left: bool
) -> None:
    """4 GB are told after the 30 GB that they are part of."""
    first, second = fleet.account(credit="900"), fleet.account()
    line = fleet.line(first)
    fleet.read(line, "2026-11-10T08:00", 0)
    fleet.read(line, "2026-11-10T09:00", 30 * GB)
    fleet.read(line, "2026-11-10T08:30", 4 * GB)
    assert used_by(line) == {first.pk: 4 * 1024}
    if has_left:
        release(line, "2026-11-10T10:00", second)
    with clock.frozen(at("2026-11-10T13:00")):
        decide_held(held_id=HeldMovement.objects.get().pk, charge=True, by=OPERATOR)
    assert used_by(line) == {first.pk: 30 * 1024}
    assert books_hold()
    assert second_books(dt.date(2026, 11, 11)).differences == 0


def test_what_is_held_of_a_finished_cycle_and_came_late_is_charged_once_though_the_line_left(fleet: Fleet) -> None:
    first, second = fleet.account(credit="900"), fleet.account()
    line = fleet.line(first)
    fleet.read(line, "2026-11-30T08:00", 0)
    fleet.read(line, "2026-11-30T09:00", 30 * GB)
    fleet.apply("simbase", "2026-12-01T09:00", [reading_of(line, MB, "2026-12-01")])
    fleet.apply("simbase", "2026-11-30T08:30", [reading_of(line, 4 * GB, "2026-11-01")])
    assert used_by(line) == {first.pk: 4 * 1024 + 1}
    release(line, "2026-12-01T10:00", second)
    with clock.frozen(at("2026-12-01T13:00")):
        decide_held(held_id=HeldMovement.objects.get().pk, charge=True, by=OPERATOR)
    assert used_by(line) == {first.pk: 30 * 1024 + 1}
    assert books_hold()
    assert second_books(dt.date(2026, 12, 2)).differences == 0


def test_what_a_payer_wrote_and_planned_about_a_line_does_not_go_along(fleet: Fleet) -> None:
    first = fleet.account()
    line = fleet.line(first)
    with clock.frozen(at("2026-11-10T08:00")):
        edit_notes(line=line, notes="under the roof", by=OPERATOR)
        tag_lines(line_ids=[line.pk], account=first, names=["roof"], by=OPERATOR)
        deactivate_next_day(line=line, by=OPERATOR)
    release(line, "2026-11-10T09:00")
    line.refresh_from_db()
    assert (line.payer, line.account, line.notes, line.deactivation_date) == (None, None, "", None)
    assert not LineTag.objects.exists()
    assert NotesLeft.objects.get().notes == "under the roof"
    assert Event.objects.get(verb="line.released").account_id == first.pk
    with clock.frozen(at("2026-11-10T09:30")):
        assert release_lines(line_ids=[line.pk], to=None, by=OPERATOR) == 0  # harmless twice
    assert books_hold()


def test_a_date_that_has_come_counts_from_its_midnight_though_nobody_worked_then(db: None) -> None:
    fleet = Fleet(per_day="0.25")
    with clock.frozen(at("2026-11-09T08:00")):
        line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-10T08:00", 0)
    with clock.frozen(at("2026-11-10T09:00")):
        deactivate_next_day(line=line, by=OPERATOR)
    release(line, "2026-11-12T09:00")
    with clock.frozen(at("2026-11-12T10:00")):
        charge_fees(today=clock.today())
    assert [row.day.day for row in LineDay.objects.filter(fee__gt=0)] == [10]
    assert books_hold()


def test_who_does_not_pay_or_may_not_have_the_plan_gets_no_line(fleet: Fleet) -> None:
    first, second = fleet.account(), fleet.account()
    line = fleet.line(first)
    with pytest.raises(Invalid, match="doesn’t pay for lines"):
        release_lines(line_ids=[line.pk], to=fleet.account(parent=second), by=OPERATOR)
    offer_plan(plan=fleet.plans["simbase"], accounts=[first], by=OPERATOR)
    with pytest.raises(Invalid, match="Rate plan simbase is not offered to account 2"):
        release_lines(line_ids=[line.pk], to=second, by=OPERATOR)
    assert Line.objects.get().payer_id == first.pk


def test_the_second_books_go_on_from_openings_over_lines_that_have_left(fleet: Fleet) -> None:
    """One moved on 2 December and one returned, a few days before counters are written down; then more is used."""
    first, second = fleet.account(), fleet.account()
    moved, returned = fleet.line(first), fleet.line(first)
    for line in (moved, returned):
        fleet.read(line, "2026-11-20T08:00", 0)
        fleet.read(line, "2026-11-20T09:00", 10 * MB)
        fleet.read(line, "2026-12-01T09:00", MB)
    release(moved, "2026-12-02T00:00", second)
    release(returned, "2026-12-02T00:00")
    fleet.read(moved, "2026-12-02T08:00", 2 * MB)
    fleet.read(moved, "2026-12-03T08:00", 5 * MB)
    assert stand_openings(now=at("2026-12-06T00:00")) == 1
    fleet.read(moved, "2026-12-07T08:00", 9 * MB)
    fleet.read(returned, "2026-12-07T08:00", 9 * MB)
    take(returned, second, "2026-12-08T00:00")
    fleet.read(returned, "2026-12-08T08:00", 9 * MB)
    fleet.read(returned, "2026-12-08T09:00", 11 * MB)
    for since in (None, dt.date(2026, 12, 10), dt.date(2026, 12, 1)):
        found = second_books(dt.date(2026, 12, 11), since=since)
        assert found.differences == 0, (since, found.first)
    assert books_hold()


def test_the_command_releases_the_lines_of_a_file(fleet: Fleet, tmp_path: Path) -> None:
    first, second = fleet.account(), fleet.account()
    lines = fleet.lines(first, 3)
    file = tmp_path / "lines.csv"
    file.write_text("iccid\n" + "\n".join(line.iccid for line in lines[:2]) + "\n")
    answer = operator("release_lines", str(file), "--account", second.uuid)
    assert answer == {"rows": 2, "released": 2, "account": second.name}
    assert operator("release_lines", str(file))["released"] == 2
    assert LineState.objects.filter(line__payer=None).count() == 2
