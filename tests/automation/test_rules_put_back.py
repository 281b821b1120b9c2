"""What a rule slowed or put on another plan gets back what it had, at its moment, unless somebody changed it since."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.models import Event
from accounts.policy import OPERATOR
from automation import words
from automation.commands.follow_ups import cancel_follow_up, run_follow_up_now
from automation.commands.rules import BadRule
from automation.models import FollowUp
from automation.policy import Action, Then
from lines.carriers.base import Setting
from lines.commands.plans import change_plan_of_lines
from lines.commands.settings import set_on_line
from lines.commands.stock import add_rate_plan
from lines.models import Line, LineSetting, RatePlan
from tests.automation.ruled import MIA, Ruled, fires, planned
from tests.fleets import at


@pytest.fixture
def cheap(ruled: Ruled) -> RatePlan:
    plan = add_rate_plan(
        name="cheap", carrier=ruled.fleet.carriers["simbase"], per_mb=Decimal("0.001"), per_sms=Decimal("0.05"),
        per_day=Decimal(0), by=OPERATOR,
    )  # fmt: skip
    Line.objects.filter(pk=ruled.line().pk).update(plan=plan)  # a plan of theirs
    return plan


def speed(line: Line) -> str:
    return LineSetting.objects.get(line=line, name=Setting.THROTTLE).wanted


def test_a_slowed_line_has_its_speed_again_the_next_day(ruled: Ruled) -> None:
    free, slow = ruled.line(), ruled.line()
    set_on_line(line=slow, setting=Setting.THROTTLE, value="500", by=MIA)
    rule = ruled.daily(action=Action.THROTTLE, kbps=100)
    assert words.sentence(rule) == (
        "When a line uses more than 512 MB in a day, it is slowed to 100 kbps where its carrier can, and put back as it"
        " was at 00:00 UTC of the next day."
    )
    for line in (free, slow):
        ruled.uses(line, 600)
        assert speed(line) == "100"
    ruled.at("2026-11-20T23:59:59")
    assert speed(free) == "100"
    for _ in range(2):
        ruled.at("2026-11-21T00:00:00")
    assert (speed(free), speed(slow)) == ("", "500")
    assert [state for _, _, state in planned()] == ["done", "done"]
    last = Event.objects.filter(verb="line.throttle_set", subject=f"line:{slow.iccid}").latest("pk")
    assert (last.actor_kind, last.actor_name, last.detail) == ("rule", rule.name, {"before": "100", "after": "500"})


def test_a_line_has_its_plan_again_after_some_hours(ruled: Ruled, cheap: RatePlan) -> None:
    line = ruled.line()
    dear = line.plan
    ruled.rule(name="cheaper", action=Action.PLAN, to_plan=cheap, then=Then.HOURS, then_hours=6)
    ruled.uses(line, 600)
    assert Line.objects.get(pk=line.pk).plan == cheap
    assert planned() == [("plan", at("2026-11-20T18:00:00"), "open")]
    ruled.at("2026-11-20T18:00:00")
    assert Line.objects.get(pk=line.pk).plan == dear
    assert planned()[0][2] == "done"


def test_what_somebody_changed_since_stays(ruled: Ruled, cheap: RatePlan) -> None:
    line, other = ruled.line(), ruled.line()
    dear = line.plan
    ruled.daily(action=Action.THROTTLE, kbps=100)
    ruled.rule(name="cheaper", action=Action.PLAN, to_plan=cheap, then=Then.NEXT_DAY)
    for one in (line, other):
        ruled.uses(one, 600)
    ruled.at("2026-11-20T12:15:00")
    ruled.clock("2026-11-20T15:00:00")
    set_on_line(line=line, setting=Setting.THROTTLE, value="500", by=MIA)
    for plan in (dear, cheap):  # away and back: it is a choice of theirs now
        change_plan_of_lines(line_ids=[other.pk], plan=plan, by=MIA)
        ruled.clock("2026-11-20T16:00:00")
    ruled.at("2026-11-21T00:00:00")
    assert (speed(line), speed(other)) == ("500", "")
    assert {one.pk: one.plan for one in Line.objects.filter(pk__in=[line.pk, other.pk])} == {
        line.pk: dear,
        other.pk: cheap,
    }
    assert sorted(state for act, _, state in planned() if act != "set") == ["changed", "changed", "done", "done"]


def test_of_two_rules_the_longer_puts_back_what_was_there_before_both(ruled: Ruled) -> None:
    line = ruled.line()
    set_on_line(line=line, setting=Setting.THROTTLE, value="500", by=MIA)
    ruled.rule(name="month", action=Action.THROTTLE, kbps=200, limit=Decimal(500), then=Then.NEXT_MONTH)
    ruled.uses(line, 501)
    ruled.clock("2026-11-20T13:00:00")
    ruled.rule(name="day", action=Action.THROTTLE, kbps=100, limit=Decimal(600), then=Then.NEXT_DAY)
    ruled.uses(line, 100)
    assert planned() == [("speed", at("2026-12-01"), "held"), ("speed", at("2026-12-01"), "open")]
    ruled.at("2026-11-21T00:00:00")
    assert speed(line) == "100"
    ruled.at("2026-12-01T00:00:00")
    assert speed(line) == "500"


def test_what_a_line_had_already_is_not_undone_and_hours_are_asked_for(ruled: Ruled) -> None:
    line = ruled.line()
    set_on_line(line=line, setting=Setting.THROTTLE, value="100", by=MIA)
    ruled.daily(action=Action.THROTTLE, kbps=100)
    ruled.uses(line, 600)
    assert (fires(), planned()) == ([("day:2026-11-20", "set")], [])
    for facts in ({"then": Then.HOURS, "then_hours": 0}, {"then": Then.HOURS}):
        with pytest.raises(BadRule) as bad:
            ruled.rule(action=Action.THROTTLE, kbps=100, **facts)
        assert list(bad.value.problems) == ["then_hours"]


def test_it_is_run_now_or_cancelled_by_hand(ruled: Ruled) -> None:
    first, second = ruled.line(), ruled.line()
    ruled.daily(action=Action.THROTTLE, kbps=100)
    for line in (first, second):
        ruled.uses(line, 600)
    run, cancelled = FollowUp.objects.order_by("pk")
    run_follow_up_now(account=ruled.account, follow_up_id=run.pk, by=MIA)
    cancel_follow_up(account=ruled.account, follow_up_id=cancelled.pk, by=MIA)
    assert (speed(first), speed(second)) == ("", "100")
    ruled.at("2026-11-21T00:00:00")
    assert speed(second) == "100"
    assert list(FollowUp.objects.order_by("pk").values_list("state", "done_by")) == [
        ("done", MIA.name),
        ("cancelled", MIA.name),
    ]
