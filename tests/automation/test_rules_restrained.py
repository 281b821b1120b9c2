"""Rules change a line once in a quarter of an hour and six times a day, whatever it is that they change."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import connections

from accounts.models import Event
from accounts.policy import OPERATOR
from automation.commands.follow_ups import cancel_follow_up, run_follow_up_now
from automation.commands.rules import Draft, change_rule
from automation.models import FollowUp, LineGuard, RuleFire
from automation.policy import Action, Changes, Outcome, Then, Trigger, free_from, restraint
from automation.work import rules
from billing.commands import adjust
from billing.models import Notice
from lines.carriers.base import Setting
from lines.commands.settings import set_on_line, throttles_of
from lines.commands.wishes import enforce
from lines.models import ChangedLines, Line, RatePlan
from tests.automation.ruled import MIA, Ruled, fires, planned, wish
from tests.fleets import at

MIDNIGHT = at("2026-11-21T00:00")


@pytest.mark.parametrize(
    ("last", "today", "now", "why", "free"),
    [
        (None, 0, "2026-11-20T12:00", None, "2026-11-20T12:00"),
        ("2026-11-20T11:45", 1, "2026-11-20T12:00", None, "2026-11-20T12:00"),
        ("2026-11-20T11:45:01", 1, "2026-11-20T12:00", Outcome.WAITS, "2026-11-20T12:00:01"),
        ("2026-11-20T11:00", 5, "2026-11-20T12:00", None, "2026-11-20T12:00"),
        ("2026-11-20T11:00", 6, "2026-11-20T12:00", Outcome.LEFT, "2026-11-21T00:00"),
        ("2026-11-20T23:55", 6, "2026-11-20T23:59", Outcome.LEFT, "2026-11-21T00:10"),
        ("2026-11-20T23:55", 0, "2026-11-21T00:00", Outcome.WAITS, "2026-11-21T00:10"),
    ],
)
def test_when_rules_may_change_a_line_again(
    last: str | None, today: int, now: str, why: Outcome | None, free: str
) -> None:
    changes = Changes(at(last) if last else None, today)
    assert restraint(changes, at(now)) == why
    assert free_from(changes, at(now)) == at(free)


@pytest.fixture
def cheap(ruled: Ruled) -> RatePlan:
    plan = RatePlan.objects.create(name="cheap", carrier=ruled.fleet.carriers["simbase"])
    Line.objects.filter(pk=ruled.line().pk).update(plan=plan)  # a plan of theirs
    return plan


def as_it_is(line: Line) -> tuple[str, str, str]:
    """Its wish, its speed and its plan."""
    return wish(line)[0], throttles_of(line_ids=[line.pk])[line.pk], Line.objects.get(pk=line.pk).plan.name


def counted(line: Line) -> int:
    return LineGuard.objects.get(line=line).times


def test_off_slower_and_another_plan_are_three_changes_with_a_quarter_between(ruled: Ruled, cheap: RatePlan) -> None:
    line = ruled.line()
    dear = line.plan.name
    ruled.rule(name="slow", action=Action.THROTTLE, kbps=100, then=Then.NEXT_DAY)
    ruled.rule(name="plan", action=Action.PLAN, to_plan=cheap, then=Then.NEXT_DAY)
    ruled.rule(name="off", then=Then.NEXT_DAY)
    ruled.uses(line, 600)
    assert as_it_is(line) == ("DEACTIVATED", "", dear)
    assert [outcome for _, outcome in fires()] == ["waits", "waits", "deactivated"]
    ChangedLines.objects.create(read_at=ruled.now, line_ids=[line.pk])
    ruled.at("2026-11-20T12:14:59")
    assert (as_it_is(line), counted(line)) == (("DEACTIVATED", "", dear), 1)
    ruled.at("2026-11-20T12:15")
    ruled.at("2026-11-20T12:15")
    assert (as_it_is(line), counted(line)) == (("DEACTIVATED", "100", dear), 2)
    ruled.at("2026-11-20T12:30")
    assert (as_it_is(line), counted(line)) == (("DEACTIVATED", "100", "cheap"), 3)
    assert [outcome for _, outcome in fires()] == ["set", "set", "deactivated"]
    # All three are to be put back at midnight: one is, the others a quarter of an hour later each.
    for minutes, left in ((0, 2), (14, 2), (15, 1), (30, 0)):
        ruled.at((MIDNIGHT + dt.timedelta(minutes=minutes)).isoformat())
        assert FollowUp.objects.filter(state="open").count() == left
    assert (as_it_is(line), counted(line)) == (("ACTIVE", "", dear), 3)
    assert {state for _, _, state in planned()} == {"done"}


def test_what_changes_nothing_neither_counts_nor_waits(ruled: Ruled) -> None:
    line = ruled.line()
    set_on_line(line=line, setting=Setting.THROTTLE, value="100", by=MIA)
    ruled.rule(name="off", limit=Decimal(500))
    ruled.rule(name="slow", action=Action.THROTTLE, kbps=100)
    ruled.uses(line, 600)
    assert [outcome for _, outcome in fires()] == ["deactivated", "set"]
    assert counted(line) == 1


def test_after_six_changes_a_line_is_left_told_about_and_put_back_the_next_day(ruled: Ruled) -> None:
    line = ruled.line()
    for number in range(6):
        ruled.rule(name=f"rule {number}", action=Action.THROTTLE, kbps=100, limit=Decimal(100 * number + 50),
                   then=Then.HOURS, then_hours=1)  # fmt: skip
    ruled.rule(name="plain", action=Action.THROTTLE, kbps=200, limit=Decimal(620))
    for hour in range(1, 6, 2):
        ruled.at(f"2026-11-20T{hour:02}:00")
        ruled.uses(line, 100)
        ruled.at(f"2026-11-20T{hour + 1:02}:00")
    ruled.clock("2026-11-20T06:20")  # slowed and put back three times; now one more of each
    assert (counted(line), as_it_is(line)[1]) == (6, "")
    ruled.uses(line, 100)
    assert fires()[-1] == ("day:2026-11-20", "left")
    LineGuard.objects.filter(line=line).update(times=5)
    ruled.uses(line, 100)
    assert (counted(line), as_it_is(line)[1]) == (6, "100")
    ruled.at("2026-11-20T07:20")
    ruled.at("2026-11-20T23:59:59")
    assert as_it_is(line)[1] == "100"
    assert planned()[-1] == ("speed", MIDNIGHT, "open")
    assert Event.objects.filter(verb="line.left_alone", subject=f"line:{line.iccid}").count() == 1
    assert Notice.objects.filter(key__startswith="left-alone").count() == 1
    ruled.at("2026-11-21T00:00")
    assert (as_it_is(line)[1], counted(line), planned()[-1][2]) == ("", 1, "done")


def test_what_waited_sets_what_it_fired_with_unless_somebody_set_it_meanwhile(ruled: Ruled) -> None:
    waits, by_hand, now = ruled.line(), ruled.line(), ruled.line()
    ruled.rule(name="first", action=Action.THROTTLE, kbps=200, limit=Decimal(500))
    slow = ruled.daily(action=Action.THROTTLE, kbps=100)
    for line in (waits, by_hand, now):
        ruled.uses(line, 600)
    assert fires(slow) == [("day:2026-11-20", "waits")] * 3
    changed = Draft(name="off", trigger=Trigger.USAGE, action=Action.DEACTIVATE, period="day", unit="mb",
                    limit=Decimal(512))  # fmt: skip
    change_rule(account=ruled.account, rule=slow, draft=changed, by=MIA)
    ruled.clock("2026-11-20T12:05")
    set_on_line(line=by_hand, setting=Setting.THROTTLE, value="500", by=MIA)
    follow_up = FollowUp.objects.get(line=now, state="open", act="set")
    run_follow_up_now(account=ruled.account, follow_up_id=follow_up.pk, by=MIA)
    assert throttles_of(line_ids=[now.pk]) == {now.pk: "100"}
    ruled.at("2026-11-20T12:15")
    speeds = throttles_of(line_ids=[waits.pk, by_hand.pk])
    assert speeds == {waits.pk: "100", by_hand.pk: "500"}
    assert sorted(RuleFire.objects.filter(rule=slow).values_list("line_id", "outcome")) == [
        (waits.pk, "set"),
        (by_hand.pk, "dropped"),
        (now.pk, "set"),
    ]
    follow_up.refresh_from_db()
    assert (follow_up.state, follow_up.done_by) == ("done", MIA.name)


def test_what_waits_and_is_cancelled_waits_no_more(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.rule(name="slow", action=Action.THROTTLE, kbps=100, limit=Decimal(500))
    ruled.daily()
    ruled.uses(line, 600)
    assert fires() == [("day:2026-11-20", "waits"), ("day:2026-11-20", "deactivated")]
    waiting = FollowUp.objects.get(act="set")
    cancel_follow_up(account=ruled.account, follow_up_id=waiting.pk, by=MIA)
    ruled.at("2026-11-20T12:15")
    assert (fires()[0][1], as_it_is(line)[1]) == ("dropped", "")


def test_a_balance_that_comes_and_goes_drops_nothing_that_waits(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.rule(name="slow", action=Action.THROTTLE, kbps=100, limit=Decimal(500))
    ruled.uses(line, 505)
    ruled.daily()
    ruled.uses(line, 10)
    assert fires()[-1][1] == "waits"
    ruled.clock("2026-11-20T12:05")
    for amount, became in ((-1000, "SUSPENDED"), (1000, "ACTIVE")):
        adjust(account=ruled.account, amount=Decimal(amount), reason="a test", by=OPERATOR)
        enforce()
        assert wish(line)[0] == became
    ruled.at("2026-11-20T12:15")
    assert (wish(line)[:2], fires()[-1][1]) == (("DEACTIVATED", "rule"), "deactivated")


def test_a_rule_that_is_run_by_hand_does_not_shorten_a_longer_ones_hold(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.rule(name="slow", action=Action.THROTTLE, kbps=100, limit=Decimal(500))
    ruled.uses(line, 505)
    ruled.daily()
    ruled.uses(line, 10)
    waiting = FollowUp.objects.get(act="deactivate")
    LineGuard.objects.all().delete()  # what slowed it is long ago
    ruled.rule(name="month", limit=Decimal(514), period="month", then=Then.NEXT_MONTH)
    rules.check_all()
    run_follow_up_now(account=ruled.account, follow_up_id=waiting.pk, by=MIA)
    assert fires()[1] == ("day:2026-11-20", "already-off")
    ruled.at("2026-11-21T00:00")
    assert wish(line)[0] == "DEACTIVATED"


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_change_a_line_once(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily()
    ruled.rule(name="slow", action=Action.THROTTLE, kbps=100)
    ruled.reads(line, 600)

    def work() -> None:
        try:
            rules.check_all()
            rules.follow_up()
        finally:
            connections.close_all()

    for minutes, changes in ((0, 1), (14, 1), (15, 2)):
        ruled.clock((at("2026-11-20T12:00") + dt.timedelta(minutes=minutes)).isoformat())
        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert counted(line) == changes
    assert as_it_is(line)[:2] == ("DEACTIVATED", "100")
    assert [outcome for _, outcome in fires()] == ["deactivated", "set"]
