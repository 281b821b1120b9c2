"""Final totals of a large fleet: what the list has shown is not asked for, and the rest fits into a month's calls."""

from __future__ import annotations

import datetime as dt

from kit import clock

from accounts.models import Event
from lines import policy
from lines.commands.passes import plan_final_totals, settle_by_list
from lines.models import CarrierHealth, FinalTotal
from tests.fleets import MB, Fleet, at, books_hold

NOVEMBER = "2026-11-01"


def test_a_line_that_has_not_moved_since_is_settled_by_the_list_a_day_after_the_month(fleet: Fleet) -> None:
    """Of three lines one moves in December, one stays as it was, one is shown lower than what was charged."""
    account = fleet.account()
    moved, still, lower = fleet.lines(account, 3)
    for line in (moved, still, lower):
        fleet.read(line, "2026-11-20T08:00", 0)
        fleet.read(line, "2026-11-30T08:00", 9 * MB)
    carrier = fleet.carriers["simbase"]
    CarrierHealth.objects.get_or_create(carrier=carrier)
    fleet.read(moved, "2026-12-01T08:00", MB)
    fleet.read(still, "2026-12-01T08:00", 9 * MB, NOVEMBER)
    with clock.frozen(at("2026-12-01T08:01")):
        plan_final_totals(carrier=carrier)
        assert settle_by_list(carrier=carrier) == 0  # late records may still come
    fleet.read(still, "2026-12-02T00:30", 10 * MB, NOVEMBER)
    fleet.read(lower, "2026-12-02T00:30", 8 * MB, NOVEMBER)
    with clock.frozen(at("2026-12-02T00:31")):
        assert settle_by_list(carrier=carrier) == 2
        assert settle_by_list(carrier=carrier) == 0
    done = {row.line_id: (row.total, row.charged) for row in FinalTotal.objects.exclude(done_at=None)}
    assert done == {still.pk: (10 * MB, 10 * MB), lower.pk: (8 * MB, 9 * MB)}
    assert FinalTotal.objects.get(done_at=None).line_id == moved.pk
    assert Event.objects.get(verb="final_total.below_charged").subject == f"line:{lower.iccid}"
    assert books_hold()


def test_a_fleet_of_100_000_is_settled_within_the_month_and_read_all_day_long() -> None:
    """5,000 calls a day, 250 lines a page: 400 calls a pass. 60,000 lines move every day: one call each. A day's totals
    are half of its calls less a pass before them; with reading and a tenth for all else they are never over 5,000."""
    calls, lines, waiting, days, fewest = 5_000, 100_000, 60_000, 0, 99
    a_pass = policy.calls_a_pass(lines, by_page=True)
    while waiting:
        interval = policy.read_interval(300, a_pass, calls, waiting)
        passes = 86_400 // interval
        assert passes * a_pass + policy.finals_today(waiting, calls) <= calls * 9 // 10
        waiting -= min(waiting, policy.finals_today(lines, calls) - a_pass)
        days, fewest = days + 1, min(fewest, passes)
    assert (a_pass, fewest, days) == (400, 5, 29)
    assert dt.timedelta(seconds=policy.read_interval(300, a_pass, calls)) == dt.timedelta(hours=2, minutes=24)
    assert policy.read_interval(300, 4, calls, waiting) == 300  # a small fleet is read as wanted
