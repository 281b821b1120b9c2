"""What a page says of a line that a rule holds is made from what is planned."""

from __future__ import annotations

import datetime as dt
from typing import Any

from allauth.account.models import EmailAddress

from accounts.models import Membership
from accounts.queries import owner_of
from automation.commands.follow_ups import cancel_follow_up
from automation.models import FollowUp
from automation.policy import Action, Then
from lines.commands.wishes import deactivate
from lines.models import DoneOfDay, Line, LineSetting
from lines.policy.budget import Costly
from lines.queries import fleet_of
from lines.queries.shown import line_of
from lines.sentences import explain, group_off
from tests.automation.ruled import MIA, Ruled, fires, planned, wish
from tests.fleets import at

STAYS = "It stays off until somebody activates it."


def said(ruled: Ruled, line: Line) -> str:
    viewer = Membership.objects.get(account=ruled.account)
    shown = line_of(viewer, line.iccid, today=ruled.now.date())
    assert shown is not None
    return explain(shown).lifts


def test_a_line_says_when_it_comes_back_and_not_that_it_stays_off(ruled: Ruled) -> None:
    line, other, kept = ruled.line(), ruled.line(), ruled.line()
    ruled.daily()
    for one in (line, other, kept):
        ruled.uses(one, 600)
    assert said(ruled, line) == "Reactivation is scheduled for 21 November 2026, 00:00 UTC."
    cancel_follow_up(account=ruled.account, follow_up_id=FollowUp.objects.get(line=other).pk, by=MIA)
    assert said(ruled, other) == STAYS
    (group,) = fleet_of(Membership.objects.get(account=ruled.account), today=dt.date(2026, 11, 20)).off
    assert group_off(group).lifts == (
        "2 are scheduled to be reactivated. The others stay off until somebody activates them."
    )
    deactivate(line=kept, by=MIA)
    assert said(ruled, kept) == STAYS


def test_a_rule_for_good_says_so(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.rule(period="month")
    ruled.uses(line, 600)
    assert said(ruled, line) == STAYS


def test_what_rules_give_back_counts_and_waits_for_the_next_day(ruled: Ruled, settings: Any) -> None:
    """A line that may be activated no more today is not forgotten: it comes back tomorrow."""
    settings.COSTLY_A_LINE_AND_DAY = dict.fromkeys(Costly, 1)
    line = ruled.line()
    ruled.daily(then=Then.HOURS, then_hours=6)
    ruled.uses(line, 600)
    DoneOfDay.objects.create(account=ruled.account, kind=Costly.ACTIVATION, day="2026-11-20", done=10)
    ruled.at("2026-11-20T18:00:00")
    assert (wish(line)[0], planned()) == ("DEACTIVATED", [("activate", at("2026-11-21T00:00:00"), "open")])
    ruled.at("2026-11-21T00:00:00")
    assert (wish(line)[0], planned()[0][2]) == ("ACTIVE", "done")


def test_rules_of_an_unconfirmed_account_set_nothing(ruled: Ruled) -> None:
    slow = ruled.line()
    ruled.rule(name="slow", action=Action.THROTTLE, kbps=100)
    EmailAddress.objects.filter(email=owner_of(ruled.account).email).update(verified=False)
    ruled.uses(slow, 600)
    assert not LineSetting.objects.filter(line=slow).exists()
    assert [outcome for _, outcome in fires()] == ["refused"]


def test_a_rule_of_an_unconfirmed_account_gives_back_once_it_is_confirmed(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily()
    ruled.uses(line, 600)
    address = EmailAddress.objects.filter(email=owner_of(ruled.account).email)
    address.update(verified=False)
    ruled.at("2026-11-21T00:00:00")
    assert (wish(line)[0], planned()[0][1:]) == ("DEACTIVATED", (at("2026-11-22T00:00:00"), "open"))
    address.update(verified=True)
    ruled.at("2026-11-22T00:00:00")
    assert (wish(line)[0], planned()[0][2]) == ("ACTIVE", "done")
