"""The second books: they agree with every history that was charged rightly, and find what was not."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.core.management import CommandError
from django.db import connection
from kit import clock

from accounts.policy import OPERATOR
from lines.commands.keeping import stand_openings
from lines.commands.rebasing import ask_rebase
from lines.models import Line, LineDay, Price, RatePlan
from lines.recount.audit import Found, Scope, recompute
from tests.fleets import MB, Fleet, reading_of, used
from tests.worlds import operator

TODAY = dt.date(2026, 11, 25)


def second_books(today: dt.date = TODAY, **scope: object) -> Found:
    found = Found()
    for part in recompute(scope=Scope(**scope), today=today):  # type: ignore[arg-type]
        found.add(part)
    return found


def test_books_of_nothing_agree(db: None) -> None:
    assert second_books() == Found(is_whole=True)


@pytest.mark.parametrize("kind", ["simbase", "iotportal"])
def test_an_ordinary_line_agrees(db: None, kind: str) -> None:
    fleet = Fleet()
    line = fleet.line(fleet.account(), kind)
    for hour in range(8, 20):
        fleet.read(line, f"2026-11-20T{hour:02}:00", hour * MB)
    found = second_books()
    assert (found.lines, found.line_days, found.readings, found.one_by_one) == (1, 1, 12, 0)
    assert found.differences == 0, found.first


def test_half_a_millionth_is_rounded_up_in_both_books(db: None) -> None:
    """3 bytes at half a millionth of a USD each."""
    fleet = Fleet(per_mb="0.524288")
    line = fleet.line(fleet.account())
    for hour, counter in ((8, 0), (9, 3)):
        fleet.read(line, f"2026-11-20T{hour:02}:00", counter)
    assert LineDay.objects.get().cost == Decimal("0.000002")
    assert second_books().differences == 0


def charged(fleet: Fleet) -> Line:
    """A line with two days of usage and fees, sealed, and more of today."""
    dear = RatePlan.objects.create(name="dear", carrier=fleet.carriers["simbase"])
    Price.objects.create(plan=dear, valid_from=None, per_mb=1)
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-19T08:00", 5)
    for day, megabytes in ((19, 3), (20, 7)):
        fleet.read(line, f"2026-11-{day}T20:00", 5 + megabytes * MB)
    return line


PLANTS = {
    "a charge for a plan that the line never had": "UPDATE lines_lineday SET cost = cost * 100,"
    " price_id = (SELECT id FROM lines_price WHERE per_mb = 1) WHERE day = '2026-11-20'",
    "a day moved": "UPDATE lines_lineday SET day = '2026-11-18' WHERE day = '2026-11-20'",
    "a price changed afterwards": "ALTER TABLE lines_price DISABLE TRIGGER USER;"
    "UPDATE lines_price SET per_mb = 0.02 WHERE per_mb = 0.01",
    "a price of the past put in afterwards": "INSERT INTO lines_price (plan_id, valid_from, per_mb, per_sms, per_day)"
    " SELECT plan_id, '2026-11-19 09:00+00', 0.02, 0, 0 FROM lines_price WHERE per_mb = 0.01",
    "a day in another zone": "UPDATE lines_lineday SET day = day + 1 WHERE day = '2026-11-20'",
    "a kept reading that nobody charged": "DELETE FROM lines_lineday WHERE day = '2026-11-19'",
    "a charge without a kept reading": "ALTER TABLE lines_reading DISABLE TRIGGER USER;"
    "DELETE FROM lines_reading WHERE asked_at = '2026-11-19 20:00+00'",
    "a reading applied twice": "UPDATE lines_lineday SET used = used * 2, cost = cost * 2 WHERE day = '2026-11-20'",
    "a reading dropped": "DELETE FROM lines_lineday WHERE day = '2026-11-20'",
    "bytes that moved to a neighbour's line": "UPDATE lines_lineday d SET line_id = o.id"
    " FROM lines_line o WHERE o.id <> d.line_id AND day = '2026-11-20'",
    "somebody else pays": "UPDATE lines_lineday d SET payer_id = o.payer_id"
    " FROM lines_line o WHERE o.id <> d.line_id AND day = '2026-11-20'",
    "a fee for a day off": "UPDATE lines_lineday SET fee = 0.25 WHERE day = '2026-11-20'",
    "a cost that was rounded twice": "UPDATE lines_lineday SET cost = cost + 0.000001 WHERE day = '2026-11-20'",
}


@pytest.mark.parametrize("fault", PLANTS)
def test_what_was_charged_wrongly_is_found(db: None, fault: str) -> None:
    fleet = Fleet()
    line = charged(fleet)
    other = fleet.line(fleet.account())
    assert second_books().differences == 0
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(PLANTS[fault])
        assert cursor.rowcount
    found = second_books()
    assert found.differences >= 1
    assert {row["iccid"] for row in found.first} <= {line.iccid, other.iccid}


def test_a_charge_for_a_plan_that_the_line_never_had_is_named(db: None) -> None:
    line = charged(Fleet())
    with connection.cursor() as cursor:
        cursor.execute(PLANTS["a charge for a plan that the line never had"])
    named = {row["plan"]: row for row in second_books().first}
    assert named["dear"]["says"] == "charged for a plan that it did not have then"
    assert named["dear"]["charged"] == {"bytes": 4 * MB, "cost": "4.000000", "fee": "0.000000"}
    assert named["simbase"]["says"] == "used and not charged"
    assert named["simbase"]["recomputed"]["cost"] == "0.040000"
    assert {row["iccid"] for row in named.values()} == {line.iccid}


def test_the_second_books_go_on_where_they_stopped(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lines.recount.audit.FEWEST_LINES", 2)
    monkeypatch.setattr("lines.recount.audit.MOST_LINES", 2)
    fleet = Fleet()
    for line in fleet.lines(fleet.account(), 5):
        fleet.read(line, "2026-11-20T08:00", 0)
        fleet.read(line, "2026-11-20T09:00", MB)
    parts = recompute(scope=Scope(), today=TODAY)
    first = next(parts)
    assert (first.lines, first.is_whole) == (2, False)
    rest = list(recompute(scope=Scope(), today=TODAY, after=first.through))
    assert [part.lines for part in rest] == [2, 1]
    assert sum(part.line_days for part in rest) == 3


def test_only_one_line_one_payer_or_some_days_are_asked_for(db: None) -> None:
    fleet = Fleet()
    line = charged(fleet)
    fleet.line(fleet.account())
    assert second_books(iccid=line.iccid).lines == 1
    assert (second_books(payer=line.payer_id).lines, second_books(payer=line.payer_id).line_days) == (1, 2)
    found = second_books(since=dt.date(2026, 11, 20))
    assert (found.lines, found.line_days, found.differences) == (2, 1, 0)


def test_the_command_recomputes_says_how_far_it_is_and_refuses_what_is_not(db: None) -> None:
    line = charged(Fleet())
    with clock.frozen(dt.datetime(2026, 11, 25, tzinfo=dt.UTC)):
        answer = operator("check_books", "--recompute", "--line", line.iccid)
    checks = {one["name"]: one for one in answer["checks"]}
    assert (checks["second_books_agree"]["ok"], checks["second_books_agree"]["line_days"]) == (True, 2)
    with pytest.raises(CommandError, match="give --recompute too"):
        operator("check_books", "--line", line.iccid)
    for options in (["--line", "8900"], ["--since", "yesterday"], ["--account", "nobody"]):
        with pytest.raises(CommandError):
            operator("check_books", "--recompute", *options)


HUGE = 6 * 1024 * MB


def test_a_held_movement_that_was_charged_is_found(db: None) -> None:
    fleet = Fleet()
    line = charged(fleet)
    fleet.read(line, "2026-11-21T08:00", HUGE)
    assert used(line) == 7 * MB
    assert second_books().differences == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lines_lineday (line_id, day, payer_id, price_id, account_id, cycle, used, cost, fee)"
            " SELECT line_id, '2026-11-21', payer_id, price_id, account_id, cycle, %s, 61, 0 FROM lines_lineday"
            " LIMIT 1",
            [HUGE - 5 - 7 * MB],
        )
    assert [row["says"] for row in second_books().first] == ["charged for a day without usage"]


@pytest.mark.parametrize(
    ("second", "moved"), [(HUGE + MB, HUGE + MB - 5), (8 * MB, 8 * MB - 5)], ids=["agrees", "less"]
)
def test_a_second_reading_decides_about_a_held_movement(db: None, second: int, moved: int) -> None:
    fleet = Fleet()
    line = charged(fleet)
    fleet.read(line, "2026-11-21T08:00", HUGE)
    fleet.read(line, "2026-11-21T09:00", second)
    assert used(line) == second - 5
    assert second_books().differences == 0


@pytest.mark.parametrize("then", [2, 4])  # MB: a correction, or not
@pytest.mark.parametrize("kind", ["simbase", "iotportal"])
def test_from_an_opening_on_the_books_agree_and_find_what_is_wrong(db: None, kind: str, then: int) -> None:
    """Where counters stood is written down each month; what was before it is believed."""
    fleet = Fleet()
    line = fleet.line(fleet.account(), kind)
    for day in (2, 9, 15):
        fleet.read(line, f"2026-10-{day:02}T08:00", day * MB)
    fleet.read(line, "2026-11-01T08:00", 2 * MB)
    fleet.read(line, "2026-11-03T08:00", 3 * MB)
    assert stand_openings(now=dt.datetime(2026, 11, 6, tzinfo=dt.UTC)) >= 1
    fleet.read(line, "2026-11-07T08:00", then * MB)
    fleet.read(line, "2026-11-07T09:00", 9 * MB)
    assert second_books(since=dt.date(2026, 11, 7)).differences == 0
    assert second_books().differences == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE lines_lineday SET used = used + 1 WHERE day = '2026-11-07'")
    assert second_books().differences == 1
    assert second_books(since=dt.date(2026, 11, 7)).differences == 1


def test_a_counter_that_was_put_right_is_counted_from_there(db: None) -> None:
    fleet = Fleet()
    line = charged(fleet)
    ask_rebase(iccid=line.iccid, counter=5 + 3 * MB, reason="kB for MB", key=uuid.uuid4(), by=OPERATOR)
    fleet.read(line, "2026-11-21T08:00", 5 + 8 * MB)
    assert used(line) == 12 * MB
    assert second_books().differences == 0


def test_counters_put_right_again_and_again_count_in_the_order_of_the_decisions(db: None) -> None:
    """Without a reading between them."""
    fleet = Fleet()
    lines = fleet.lines(fleet.account(), 4)
    for line in lines:
        fleet.read(line, "2026-11-20T08:00", 5 + MB)
    for step in range(12):
        for place, line in enumerate(lines):
            counter = 5 + (3 + (step * 5 + place) % 12) * MB
            ask_rebase(iccid=line.iccid, counter=counter, reason="again", key=uuid.uuid4(), by=OPERATOR)
    for line in lines:
        fleet.read(line, "2026-11-21T08:00", 5 + 20 * MB)
    found = second_books()
    assert found.differences == 0, found.first


def test_a_counter_put_right_past_its_wraps_opens_no_cycle_at_a_boundary(db: None) -> None:
    """What the carrier shows next is compared with what it would show of that counter."""
    fleet = Fleet()
    line = fleet.line(fleet.account(), "iotportal")
    for day, counter in ((20, 0), (21, 100 * MB)):
        fleet.apply("iotportal", f"2026-11-{day}T08:00", [reading_of(line, counter)], wraps_at=2**32)
    ask_rebase(iccid=line.iccid, counter=2**32 + 200 * MB, reason="wrapped", key=uuid.uuid4(), by=OPERATOR)
    for day, counter in ((1, 1500 * MB), (6, 1600 * MB)):
        fleet.apply("iotportal", f"2026-12-{day:02}T08:00", [reading_of(line, counter)], wraps_at=2**32)
    found = second_books(today=dt.date(2026, 12, 10))
    assert found.differences == 0, found.first
