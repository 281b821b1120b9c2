"""What a page says of a line that a rule holds is made from what is planned."""

from __future__ import annotations

import datetime as dt

from accounts.models import Membership
from automation.commands.follow_ups import cancel_follow_up
from automation.models import FollowUp
from lines.commands.wishes import deactivate
from lines.models import Line
from lines.queries import fleet_of
from lines.queries.scope import line_of
from lines.sentences import explain, group_off
from tests.automation.ruled import MIA, Ruled

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
