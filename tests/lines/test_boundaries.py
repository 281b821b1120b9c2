"""Which cycle a counter without a time is of, and what a late or missing reset costs: with numbers."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lines import counting
from lines.carriers.base import Reading
from lines.counting import Cycles, Judgement, Standing, Turns, cycles_around, judge_without_time, unwrapped
from lines.models import BoundaryUse, Line, LineCycle, LineState
from tests.fleets import MB, Fleet, at, available, books_hold, days, state, used

DECEMBER, NOVEMBER = dt.date(2026, 12, 1), dt.date(2026, 11, 1)


@pytest.fixture
def portal(fleet: Fleet) -> Line:
    return fleet.line(fleet.account(credit="1000"), "iotportal")


def used_on(line: Line) -> dict[str, int]:
    return {day: bytes_ // MB for day, (bytes_, _) in days(line).items() if bytes_}


def standing(
    counter: int, read: str, *, shown: int | None = None, cycle: dt.date = NOVEMBER, **more: object
) -> Standing:
    return Standing(cycle, counter, counter if shown is None else shown, at(read), **more)  # type: ignore[arg-type]


SOON, LATE = "2026-12-02T08:00", "2026-12-04T00:00"
BEFORE = "2026-11-30T20:00"


@pytest.mark.parametrize(
    ("told", "when", "line", "is_"),
    [
        (100, "2026-11-30T19:00", standing(100, BEFORE), Judgement.STALE),
        (0, "2026-11-30T21:00", standing(100, BEFORE), Judgement.SAME),
        (49, SOON, standing(100, BEFORE), Judgement.OPENS),  # below half
        (50, SOON, standing(100, BEFORE), Judgement.LAGS),  # a correction
        (99, SOON, standing(100, BEFORE), Judgement.LAGS),
        (130, SOON, standing(100, BEFORE), Judgement.LAGS),  # higher
        (29, SOON, standing(100, BEFORE, shown=60), Judgement.OPENS),  # of what was shown last
        (30, SOON, standing(100, BEFORE, shown=60), Judgement.LAGS),
        (0, SOON, standing(0, BEFORE), Judgement.OPENS),  # a counter of nothing speaks for no cycle
        (9, SOON, standing(0, BEFORE), Judgement.OPENS),
        (130, "2026-12-03T23:59:59", standing(100, BEFORE), Judgement.LAGS),
        (130, LATE, standing(100, SOON), Judgement.RETOLD),
        (3, LATE, standing(100, SOON), Judgement.RETOLD),
        (130, LATE, standing(100, BEFORE), Judgement.OPENS),  # nothing was read since the boundary
        (3, SOON, standing(100, BEFORE, cycle=DECEMBER), Judgement.SAME),
        (3, SOON, standing(100, BEFORE, cycle=DECEMBER, baseline_at=at("2026-12-01T02:00")), Judgement.RESTARTS),
        (60, SOON, standing(100, BEFORE, cycle=DECEMBER, baseline_at=at("2026-12-01T02:00")), Judgement.SAME),
        (3, LATE, standing(100, BEFORE, cycle=DECEMBER, baseline_at=at("2026-12-01T02:00")), Judgement.SAME),
        (3, SOON, standing(100, BEFORE, cycle=DECEMBER, baseline_at=at("2026-11-30T23:00")), Judgement.SAME),
        (3, SOON, standing(100, BEFORE, cycle=dt.date(2027, 1, 1)), Judgement.SAME),  # a clock that went back
    ],
)
def test_which_case_a_counter_without_a_time_is(told: int, when: str, line: Standing, is_: Judgement) -> None:
    moment = at(when)
    running = cycles_around(moment.date(), Turns()).running
    assert judge_without_time(told, moment, running, line) is is_


@pytest.mark.parametrize(
    ("day", "turns", "around"),
    [
        ("2026-11-20", Turns(), ("2026-10-01", "2026-11-01", "2026-12-01")),
        ("2026-11-14", Turns(15), ("2026-09-15", "2026-10-15", "2026-11-15")),
        ("2027-01-01", Turns(28), ("2026-11-28", "2026-12-28", "2027-01-28")),
        # On 20 November the day became the 15th: November goes on until 14 December.
        ("2026-11-20", Turns(15, dt.date(2026, 12, 15), NOVEMBER), ("2026-10-01", "2026-11-01", "2026-12-15")),
        ("2026-12-14", Turns(15, dt.date(2026, 12, 15), NOVEMBER), ("2026-10-01", "2026-11-01", "2026-12-15")),
        ("2026-12-15", Turns(15, dt.date(2026, 12, 15), NOVEMBER), ("2026-11-01", "2026-12-15", "2027-01-15")),
        ("2027-01-15", Turns(15, dt.date(2026, 12, 15), NOVEMBER), ("2026-12-15", "2027-01-15", "2027-02-15")),
    ],
)
def test_the_cycles_around_a_day(day: str, turns: Turns, around: tuple[str, str, str]) -> None:
    assert cycles_around(dt.date.fromisoformat(day), turns) == Cycles(*map(dt.date.fromisoformat, around))


def test_the_database_says_the_same_of_any_counter(fleet: Fleet) -> None:
    """The statement of the hot path beside the rule in Python, for counters around every limit."""
    account = fleet.account()
    moments = ["2026-11-30T19:00", "2026-12-01T00:00", SOON, "2026-12-03T23:59", LATE, "2026-12-09T00:00"]
    cases = [
        (told, when, counter, read, cycle, baseline)
        for counter in (0, 1, 100)
        for told in (0, 1, counter // 2, counter // 2 + 1, counter + 7)
        for when in moments
        for read in (BEFORE, "2026-12-01T01:00")
        for cycle in (NOVEMBER, DECEMBER)
        for baseline in ("2026-11-15T00:00", "2026-12-01T01:00")
    ]
    lines = fleet.lines(account, len(cases), "iotportal")
    given = LineState.objects.in_bulk([line.pk for line in lines])
    for line, (_, _, counter, read, cycle, baseline) in zip(lines, cases, strict=True):
        one = given[line.pk]
        one.cycle, one.counter, one.since_cycle = cycle, counter, NOVEMBER
        one.read_at, one.baseline_at = at(read), at(baseline)
    LineState.objects.bulk_update(given.values(), ["cycle", "counter", "since_cycle", "read_at", "baseline_at"])
    for moment in moments:
        page = [_told(line, case[0]) for line, case in zip(lines, cases, strict=True) if case[1] == moment]
        fleet.apply("iotportal", moment, page)
    finished = Counter(LineCycle.objects.values_list("line", flat=True))
    states = LineState.objects.in_bulk([line.pk for line in lines])
    for line, (told, when, counter, read, cycle, baseline) in zip(lines, cases, strict=True):
        running = cycles_around(at(when).date(), Turns()).running
        known = Standing(cycle, counter, counter, at(read), at(baseline))
        verdict = judge_without_time(told, at(when), running, known)
        found = states[line.pk]
        highest = {
            Judgement.STALE: (cycle, counter),
            Judgement.SAME: (cycle, max(counter, told)),
            Judgement.LAGS: (cycle, max(counter, told)),
            Judgement.OPENS: (running, told),
            Judgement.RETOLD: (running, told),
            Judgement.RESTARTS: (cycle, told),
        }[verdict]
        assert (found.cycle, found.counter) == highest, (verdict, told, when, known)
        assert (finished[line.pk] == 1) is (verdict in (Judgement.OPENS, Judgement.RETOLD))


@given(before=st.integers(0, 1 << 40), moved=st.integers(0, (1 << 31) - 1))
def test_a_counter_is_followed_over_every_wrap(before: int, moved: int) -> None:
    assert unwrapped((before + moved) % 2**32, before, 2**32) == before + moved


@given(before=st.integers(0, 1 << 40), lower=st.integers(1, 1 << 31))
@settings(max_examples=50)
def test_a_correction_is_no_wrap(before: int, lower: int) -> None:
    told = max(0, before % 2**32 - lower)
    assert unwrapped(told, before, 2**32) <= before


def test_a_line_is_followed_over_the_wrap_of_its_counter(fleet: Fleet, portal: Line) -> None:
    turn = 1 << 32
    for when, told in [("08:00", turn - MB), ("09:00", MB), ("09:00", MB), ("10:00", MB - 5), ("11:00", 2 * MB)]:
        fleet.apply("iotportal", f"2026-11-20T{when}", [_told(portal, told)], wraps_at=turn)
    assert used(portal) == 3 * MB
    assert (state(portal).counter, state(portal).lower_counter) == (turn + 2 * MB, MB - 5)
    assert books_hold()


def _told(line: Line, counter: int) -> Reading:
    from tests.fleets import reading_of

    return reading_of(line, counter)


# Stories


def test_a_sim_put_in_use_on_the_last_day_of_a_month_is_charged_in_the_month_it_was_used(fleet: Fleet) -> None:
    """1 MB on 30 Nov, 2 MB at 00:40, then 3 GB in December at a price that rose from 0.01 to 0.10 on the 1st."""
    line = fleet.line(fleet.account(credit="1000"), "iotportal")
    fleet.price("iotportal", "2026-12-01T00:00", "0.10")
    fleet.read(line, "2026-11-30T23:00", MB)
    fleet.read(line, "2026-12-01T00:40", 2 * MB)
    assert used_on(line) == {"2026-11-30": 1}  # the old cycle's, as far as can be known
    assert state(line).day_bytes == MB
    for day, counter in ((1, 502), (2, 1502), (3, 2502)):
        fleet.read(line, f"2026-12-0{day}T20:00", counter * MB)
        assert state(line).day_bytes == (501 if day == 1 else 1000) * MB  # "this day" and the rules of a day
        assert state(line).boundary_bytes == (counter - 1) * MB
        assert books_hold()
    assert used_on(line) == {"2026-11-30": 2501}
    fleet.read(line, "2026-12-04T00:00", 3002 * MB)
    # 1 MB that stood in the counter at the boundary is the new cycle's too: the sum since then is exactly the counter.
    assert used_on(line) == {"2026-12-01": 502, "2026-12-02": 1000, "2026-12-03": 1000, "2026-12-04": 500}
    assert sum(cost for _, cost in days(line).values()) == Decimal("300.20")
    assert available(line.account) == Decimal("1000") - Decimal("300.20")
    assert (state(line).cycle, state(line).counter, state(line).baseline) == (DECEMBER, 3002 * MB, 0)
    assert LineCycle.objects.get().used == 0
    assert not BoundaryUse.objects.exists()
    assert books_hold()
    fleet.read(line, "2026-12-04T01:00", 3003 * MB)
    assert used_on(line)["2026-12-04"] == 501
    assert books_hold()


def test_a_reset_six_hours_late_after_a_correction_charges_the_month_once(fleet: Fleet, portal: Line) -> None:
    """1000 MB = $10.00; corrected by 1 MB at 02:00, reset at 06:00."""
    fleet.read(portal, "2026-11-29T20:00", 0)
    fleet.read(portal, "2026-11-30T20:00", 1000 * MB)
    fleet.read(portal, "2026-12-01T02:00", 999 * MB)
    assert state(portal).lower_counter == 999 * MB
    fleet.read(portal, "2026-12-01T03:00", 1001 * MB)
    fleet.read(portal, "2026-12-01T06:10", 2 * MB)
    assert used_on(portal) == {"2026-11-30": 1001, "2026-12-01": 2}
    assert available(portal.account) == Decimal("1000") - Decimal("10.03")
    assert not BoundaryUse.objects.exists()
    assert books_hold()


def test_lines_added_two_hours_before_a_late_reset_pay_for_the_month_from_then_on(fleet: Fleet, portal: Line) -> None:
    """Added on 1 Dec at 02:00 with 3 GB in the counter, reset at 06:00; 2,900 MB used after it."""
    fleet.read(portal, "2026-12-01T02:00", 3000 * MB)
    fleet.read(portal, "2026-12-01T04:00", 3001 * MB)
    fleet.read(portal, "2026-12-01T06:10", 0)
    fleet.read(portal, "2026-12-02T06:10", 1450 * MB)
    fleet.read(portal, "2026-12-09T06:10", 2900 * MB)
    assert used_on(portal) == {"2026-12-01": 1, "2026-12-02": 1450, "2026-12-09": 1450}
    assert state(portal).counter - state(portal).baseline == 2901 * MB
    assert books_hold()


def test_a_cycle_that_begins_on_the_15th(fleet: Fleet) -> None:
    carrier = fleet.carriers["iotportal"]
    carrier.cycle_day = 15
    carrier.save()
    line = fleet.line(fleet.account(), "iotportal")
    fleet.read(line, "2026-11-14T20:00", MB)
    fleet.read(line, "2026-11-15T00:40", 2 * MB)
    fleet.read(line, "2026-11-16T00:00", 102 * MB)
    fleet.read(line, "2026-11-18T00:00", 152 * MB)
    assert used_on(line) == {"2026-11-15": 2, "2026-11-16": 100, "2026-11-18": 50}
    assert state(line).cycle == dt.date(2026, 11, 15)
    assert books_hold()


def test_after_72_hours_without_a_reset_the_counter_is_the_new_cycles_whole(fleet: Fleet, portal: Line) -> None:
    fleet.read(portal, "2026-11-29T20:00", 0)
    fleet.read(portal, "2026-11-30T20:00", 30 * MB)
    fleet.read(portal, "2026-12-01T20:00", 40 * MB)
    fleet.read(portal, "2026-12-03T20:00", 39 * MB)
    fleet.read(portal, "2026-12-05T20:00", 39 * MB)  # lower than the highest: what was charged since is cut to it
    assert used_on(portal) == {"2026-11-30": 30, "2026-12-01": 39}
    assert books_hold()
    fleet.read(portal, "2026-12-06T20:00", 45 * MB)
    assert used_on(portal)["2026-12-06"] == 6
    assert books_hold()


def test_an_outage_over_the_boundary_opens_the_new_cycle_with_the_first_reading(fleet: Fleet, portal: Line) -> None:
    fleet.read(portal, "2026-11-29T20:00", 0)
    fleet.read(portal, "2026-11-30T20:00", 30 * MB)
    fleet.read(portal, "2026-12-05T20:00", 40 * MB)
    assert used_on(portal) == {"2026-11-30": 30, "2026-12-05": 40}
    assert books_hold()


def test_two_readers_at_the_reset_charge_the_month_once(fleet: Fleet, portal: Line) -> None:
    """One chunk began first and asked for the line last; each line's own moment decides."""
    fleet.read(portal, "2026-11-30T20:00", 500 * MB)
    new = _told(portal, 5 * MB)
    old = _told(portal, 501 * MB)
    from dataclasses import replace

    fleet.apply("iotportal", "2026-12-01T00:00:00", [replace(new, asked_at=at("2026-12-01T00:00:05"))])
    fleet.apply("iotportal", "2026-12-01T00:00:01", [replace(old, asked_at=at("2026-12-01T00:00:03"))])
    assert used_on(portal) == {"2026-12-01": 5}
    assert books_hold()


def test_a_carriers_clock_that_is_ahead_opens_no_cycle(fleet: Fleet) -> None:
    """1 GB of November; on 30 Nov at 22:00 the carrier dates its record 1 Dec already."""
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-29T20:00", 0)
    fleet.read(line, "2026-11-30T21:00", 1024 * MB)
    fleet.read(line, "2026-11-30T22:00", 1025 * MB, "2026-12-01")
    assert used_on(line) == {"2026-11-30": 1025}
    fleet.read(line, "2026-12-01T00:05", MB, "2026-12-01")
    assert used_on(line) == {"2026-11-30": 1025, "2026-12-01": 1}
    assert books_hold()


def test_grace_and_plausibility_are_what_the_rules_say() -> None:
    assert (dt.timedelta(days=3), 5 * 1024 * MB, 20) == (counting.GRACE, counting.PLAUSIBLE, counting.TIMES_LARGEST_DAY)
