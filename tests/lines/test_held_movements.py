"""Counters that cannot be believed at once, and counters that a person puts right: with numbers."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from kit import clock

from accounts.models import Event
from accounts.policy import OPERATOR, Actor, ActorKind
from billing.models import Notice
from lines.commands.adding import NewLine, add_lines
from lines.commands.held import CycleUnsettled, HoldDecided, LineLeft, decide_held
from lines.commands.leaving import release_lines
from lines.commands.rebasing import OwnRebase, RebaseDecided, ask_rebase, decide_rebase
from lines.counting import PLAUSIBLE, is_plausible
from lines.models import FinalTotal, HeldMovement, Line, Rebase
from lines.policy import Hold
from tests.fleets import MB, Fleet, at, available, books_hold, days, reading_of, state, used

GB = 1024 * MB
KINDS = ["simbase", "iotportal"]
JANE, JOE = Actor(ActorKind.BACK_OFFICE, "jane"), Actor(ActorKind.BACK_OFFICE, "joe")


@pytest.mark.parametrize(
    ("moved", "largest", "is_so"),
    [(PLAUSIBLE, 0, True), (PLAUSIBLE + 1, 0, False), (20 * GB, GB, True), (20 * GB + 1, GB, False)],
)
def test_a_movement_is_plausible_up_to_5_gb_or_twenty_times_the_largest_day(
    moved: int, largest: int, is_so: bool
) -> None:
    assert is_plausible(moved, largest) is is_so


def started(fleet: Fleet, kind: str) -> Line:
    """10 MB used, then 100 GB in five minutes, as a carrier shows that sends kB for MB."""
    line = fleet.line(fleet.account(credit="5000"), kind)
    fleet.read(line, "2026-11-20T08:00", 0)
    fleet.read(line, "2026-11-20T09:00", 10 * MB)
    fleet.read(line, "2026-11-20T09:05", 100 * GB)
    return line


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_held_costs_nothing_yet_and_is_seen_at_once(fleet: Fleet, kind: str) -> None:
    line = started(fleet, kind)
    assert used(line) == 10 * MB
    assert (state(line).counter, state(line).held_bytes) == (10 * MB, 100 * GB - 10 * MB)
    assert state(line).day_bytes == 100 * GB  # this day, and rules of a day
    held = HeldMovement.objects.get()
    assert (held.state, held.bytes, held.counter, held.counter_before) == (
        "held",
        100 * GB - 10 * MB,
        100 * GB,
        10 * MB,
    )
    assert Event.objects.get(verb="usage.held").subject == f"line:{line.iccid}"
    told = Notice.objects.get(key__startswith="held:")
    assert (told.account, told.page) == (line.account, f"/lines/{line.iccid}/readings/")
    assert "102,390 MB" in told.text
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_page_again_is_no_second_reading(fleet: Fleet, kind: str) -> None:
    line = started(fleet, kind)
    fleet.read(line, "2026-11-20T09:05", 100 * GB)
    assert (used(line), HeldMovement.objects.get().state) == (10 * MB, Hold.HELD)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_reading_that_agrees_charges_it_as_if_it_had_never_been_held(fleet: Fleet, kind: str) -> None:
    line = started(fleet, kind)
    fleet.price(kind, "2026-11-20T09:04", "1.00")
    fleet.read(line, "2026-11-20T09:10", 100 * GB + MB)
    # 102,400 MB at 0.01, the price of the reading before it, and 1 MB at 1.00.
    assert available(line.account) == Decimal("5000") - Decimal("1024.00") - Decimal("1.00")
    assert (HeldMovement.objects.get().state, state(line).held_bytes) == (Hold.CHARGED, 0)
    assert state(line).day_bytes == 100 * GB + MB
    assert Event.objects.filter(verb="usage.released").count() == 1
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
def test_a_reading_that_takes_it_back_leaves_no_money_and_a_mark(fleet: Fleet, kind: str) -> None:
    line = started(fleet, kind)
    fleet.read(line, "2026-11-20T09:10", 11 * MB)
    assert days(line) == {"2026-11-20": (11 * MB, Decimal("0.11"))}
    assert (HeldMovement.objects.get().state, state(line).held_bytes) == (Hold.TAKEN_BACK, 0)
    assert state(line).day_bytes == 11 * MB
    fleet.read(line, "2026-11-20T09:15", 12 * MB)  # and the month goes on from the true counter
    assert used(line) == 12 * MB
    assert books_hold()


def test_another_absurd_counter_is_held_anew(fleet: Fleet) -> None:
    line = started(fleet, "simbase")
    fleet.read(line, "2026-11-20T09:10", 50 * GB)
    fleet.read(line, "2026-11-20T09:15", 51 * GB)
    assert list(HeldMovement.objects.order_by("pk").values_list("state", "counter")) == [
        ("taken back", 100 * GB),
        ("charged", 50 * GB),
    ]
    assert used(line) == 51 * GB
    assert books_hold()


def test_a_counter_that_begins_anew_takes_back_what_was_held_and_is_held_itself(fleet: Fleet) -> None:
    """Hours after a boundary: what is read is less than half of the absurd one, and too much for a day."""
    line = fleet.line(fleet.account(credit="9000"), "iotportal")
    for when, counter in (("10:00", 2 * GB), ("10:05", 2000 * GB), ("10:10", 6 * GB)):
        fleet.read(line, f"2026-12-01T{when}", counter)
    assert used(line) == 0
    for day in (2, 3):
        fleet.read(line, f"2026-12-0{day}T10:00", 6 * GB)
    held = HeldMovement.objects.order_by("pk").values_list("state", "counter")
    assert list(held) == [("taken back", 2000 * GB), ("charged", 6 * GB)]
    assert {day: moved for day, (moved, _) in days(line).items()} == {"2026-12-01": 6 * GB}
    assert books_hold()


def test_a_line_of_large_days_is_not_held_for_a_large_one(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(credit="9000"))
    fleet.read(line, "2026-11-10T08:00", 0)
    fleet.read(line, "2026-11-10T09:00", 4 * GB)
    fleet.read(line, "2026-11-20T09:00", 84 * GB)
    assert used(line) == 84 * GB
    fleet.read(line, "2026-11-20T09:05", 165 * GB)
    assert used(line) == 84 * GB
    assert books_hold()


def test_a_new_cycle_that_opens_with_an_absurd_counter_is_held_whole(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(credit="9000"))
    fleet.read(line, "2026-11-30T20:00", MB)
    fleet.read(line, "2026-12-01T00:05", 40 * GB)
    assert (used(line), state(line).cycle, state(line).counter) == (0, at("2026-12-01T00:00").date(), 0)
    fleet.read(line, "2026-12-01T00:10", 3 * MB)
    assert used(line) == 3 * MB
    assert books_hold()


def test_a_final_total_that_is_absurd_waits_for_a_second_answer(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(credit="9000"))
    fleet.read(line, "2026-11-20T08:00", 0)
    fleet.read(line, "2026-12-01T08:00", 10)
    final = [reading_of(line, 30 * GB, "2026-11-01", status=None)]
    fleet.apply("simbase", "2026-12-02T01:00", final, are_finals=True)
    from lines.commands.passes import final_totals_done

    with clock.frozen(at("2026-12-02T01:00")):
        final_totals_done(totals=[(FinalTotal.objects.get(), 30 * GB)])
    waiting = FinalTotal.objects.get()
    assert (used(line), waiting.done_at, waiting.due_at) == (10, None, at("2026-12-02T02:00"))
    fleet.apply("simbase", "2026-12-02T02:00", final, are_finals=True)
    with clock.frozen(at("2026-12-02T02:00")):
        final_totals_done(totals=[(waiting, 30 * GB)])
    assert (used(line), FinalTotal.objects.get().done_at) == (30 * GB + 10, at("2026-12-02T02:00"))
    assert books_hold()


def test_a_final_total_below_what_was_charged_is_listed_also_months_later(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-20T08:00", 0)
    fleet.read(line, "2026-11-20T09:00", 90 * MB)
    fleet.read(line, "2026-12-05T08:00", 10)
    from lines.commands.passes import final_totals_done

    with clock.frozen(at("2027-03-01T00:00")):
        fleet.apply(
            "simbase", "2027-03-01T00:00", [reading_of(line, 80 * MB, "2026-11-01", status=None)], are_finals=True
        )
        final_totals_done(totals=[(FinalTotal.objects.get(cycle="2026-11-01"), 80 * MB)])
    row = FinalTotal.objects.get(cycle="2026-11-01")
    assert (row.total, row.charged) == (80 * MB, 90 * MB)
    assert Event.objects.get(verb="final_total.below_charged").detail["charged"] == 90 * MB
    assert used(line) == 90 * MB + 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_charges_a_held_movement_once(fleet: Fleet, kind: str) -> None:
    line = started(fleet, kind)
    held = HeldMovement.objects.get()
    decide_held(held_id=held.pk, charge=True, by=JANE)
    with pytest.raises(HoldDecided):
        decide_held(held_id=held.pk, charge=True, by=JANE)
    assert available(line.account) == Decimal("5000") - Decimal("1024.00")
    fleet.read(line, "2026-11-20T09:10", 100 * GB)
    assert used(line) == 100 * GB
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_lets_a_held_movement_go(fleet: Fleet, kind: str) -> None:
    line = started(fleet, kind)
    decide_held(held_id=HeldMovement.objects.get().pk, charge=False, by=JANE)
    fleet.read(line, "2026-11-20T09:10", 100 * GB + 2 * MB)
    assert used(line) == 12 * MB
    assert HeldMovement.objects.get().after_reading_id is not None
    assert books_hold()


def test_while_a_cycle_turns_nobody_decides_about_what_is_held(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(credit="9000"), "iotportal")
    fleet.read(line, "2026-11-30T20:00", MB)
    fleet.read(line, "2026-12-01T20:00", 40 * GB)
    with clock.frozen(at("2026-12-01T21:00")), pytest.raises(CycleUnsettled):
        decide_held(held_id=HeldMovement.objects.get().pk, charge=True, by=JANE)
    assert used(line) == 0


def test_what_is_held_of_a_line_that_left_is_never_charged_to_its_next_account(fleet: Fleet) -> None:
    line, other = started(fleet, "simbase"), fleet.account()
    with clock.frozen(at("2026-11-20T09:06")):
        Line.objects.filter(pk=line.pk).update(account=None, payer=None)
        add_lines(account=other, rows=[NewLine(1, line.iccid, "simbase")], active=True, by=OPERATOR)
    fleet.read(line, "2026-11-20T09:10", 100 * GB)
    fleet.read(line, "2026-11-20T09:15", 100 * GB + MB)
    assert available(other) == Decimal("99.99")
    held = HeldMovement.objects.get()
    assert held.state == Hold.HELD
    with pytest.raises(LineLeft):
        decide_held(held_id=held.pk, charge=True, by=JANE)
    assert decide_held(held_id=held.pk, charge=False, by=JANE).state == Hold.DISMISSED


# A counter that is put right


def key() -> uuid.UUID:
    return uuid.uuid4()


def test_a_counter_that_is_put_right_charges_what_is_used_from_there_on(fleet: Fleet) -> None:
    """3,000 MB stand in the counter by a fault of the carrier's, 100 MB are true: worth $29, one person is enough."""
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-20T08:00", 0)
    fleet.read(line, "2026-11-20T09:00", 3000 * MB)
    again = key()
    for _ in range(2):  # a second click
        ask_rebase(iccid=line.iccid, counter=100 * MB, reason="kB for MB", key=again, by=JANE)
    assert Rebase.objects.get().agreed_by == ""
    assert available(line.account) == Decimal("70.00")  # it moves no money itself
    fleet.read(line, "2026-11-20T10:00", 150 * MB)
    assert used(line) == 3050 * MB
    assert books_hold()


def test_above_the_credit_limit_a_second_person_agrees(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(credit="5000"))
    fleet.read(line, "2026-11-20T08:00", 0)
    fleet.read(line, "2026-11-20T09:00", 100 * GB)
    fleet.read(line, "2026-11-20T09:05", 100 * GB)
    asked = ask_rebase(iccid=line.iccid, counter=100 * MB, reason="kB for MB", key=key(), by=JANE)
    assert (asked.state, asked.worth) == ("open", Decimal("1023.00"))
    assert not Rebase.objects.exists()
    with pytest.raises(OwnRebase):
        decide_rebase(request_id=asked.pk, agreed=True, by=JANE)
    decide_rebase(request_id=asked.pk, agreed=True, by=JOE)
    with pytest.raises(RebaseDecided):
        decide_rebase(request_id=asked.pk, agreed=True, by=JOE)
    done = Rebase.objects.get()
    assert (done.by, done.agreed_by, done.counter_before, done.counter) == ("jane", "joe", 100 * GB, 100 * MB)
    fleet.read(line, "2026-11-20T10:00", 110 * MB)
    assert used(line) == 100 * GB + 10 * MB
    assert books_hold()


def test_many_small_ones_are_no_way_around_the_limit(fleet: Fleet) -> None:
    lines = fleet.lines(fleet.account(credit="5000"), 2)
    for line in lines:
        fleet.read(line, "2026-11-20T08:00", 0)
        fleet.read(line, "2026-11-20T09:00", 4900 * MB)
    done, asked, third = [
        ask_rebase(iccid=line.iccid, counter=counter, reason="a fault", key=key(), by=by)
        for line, counter, by in ((lines[0], 0, JANE), (lines[1], 0, JOE), (lines[0], 4950 * MB, JANE))
    ]
    assert (done.worth, done.state, asked.state) == (Decimal("49.00"), "done", "done")  # another person's own limit
    assert (third.worth, third.state) == (Decimal("49.50"), "done")
    fourth = ask_rebase(iccid=lines[1].iccid, counter=200 * MB, reason="a fault", key=key(), by=JANE)
    assert (fourth.worth, fourth.state) == (Decimal("2.00"), "open")


def test_another_payer_or_another_mail_address_is_no_way_around_the_limit(fleet: Fleet) -> None:
    asked = []
    for number in range(3):
        line = fleet.line(fleet.account(credit="5000"))
        fleet.read(line, "2026-11-20T08:00", 0)
        fleet.read(line, "2026-11-20T09:00", 4900 * MB)
        jane = Actor(ActorKind.BACK_OFFICE, f"jane{number}", person=77)  # who changes her address in between
        asked.append(ask_rebase(iccid=line.iccid, counter=0, reason="a fault", key=key(), by=jane).state)
    assert asked == ["done", "done", "open"]  # $49.00 each, $100.00 the limit


def test_a_rebase_dismisses_what_is_held(fleet: Fleet) -> None:
    line = started(fleet, "simbase")
    ask_rebase(iccid=line.iccid, counter=5 * MB, reason="a fault", key=key(), by=JANE)
    assert (HeldMovement.objects.get().state, state(line).held_bytes) == (Hold.DISMISSED, 0)
    fleet.read(line, "2026-11-20T09:10", 7 * MB)
    assert used(line) == 12 * MB
    assert books_hold()


def test_a_rebase_leaves_what_is_held_of_who_had_the_line_before(fleet: Fleet) -> None:
    line, other = started(fleet, "simbase"), fleet.account()
    with clock.frozen(at("2026-11-20T09:06")):
        assert release_lines(line_ids=[line.pk], to=other, by=OPERATOR) == 1
    fleet.read(line, "2026-11-20T09:10", 100 * MB)
    ask_rebase(iccid=line.iccid, counter=101 * MB, reason="kB for MB", key=key(), by=JANE)
    assert HeldMovement.objects.get().state == Hold.HELD
