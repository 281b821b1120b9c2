"""Rules see everything: fees and messages count in $, and a rule that meets a line which is off is not used up."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from kit import clock

from accounts.models import Account, Membership
from automation.policy import Action, Period, Then, Trigger, Unit
from automation.queries.scope import Scope
from automation.queries.tryout import Asked, try_out
from automation.work import rules
from billing.models import Notice
from lines.carriers.base import Sms
from lines.commands.fees import charge_fees
from lines.commands.holders import follow_holder
from lines.commands.sms import send_sms, sms_accepted
from lines.commands.wishes import activate, deactivate
from lines.models import HeldMovement, Line
from tests.automation.ruled import MIA, Ruled, fires, planned, wish
from tests.fleets import ON


@pytest.fixture
def dear(db: None, monkeypatch: pytest.MonkeyPatch) -> Ruled:
    """$0.01 a MB, $0.05 a message, $0.25 a day."""
    return Ruled(monkeypatch, "2026-11-20T12:00:00+00:00", per_day="0.25")


def sends(line: Line, messages: int) -> int:
    """The carrier takes so many messages, and rules look."""
    for number in range(messages):
        message = send_sms(line=line, text=f"status {number}", by=MIA, key=uuid.uuid4().hex)
        sms_accepted(message_id=message.pk, sms=Sms(f"r{message.pk}", True, message.text, None), follow=False)
    return rules.check_pages()


def test_messages_alone_come_to_a_limit_in_dollars_at_once(dear: Ruled) -> None:
    line = dear.line()
    dear.rule(unit="usd", limit=Decimal("0.12"))
    assert sends(line, 2) == 0  # $0.10
    assert sends(line, 1) == 1  # $0.15
    assert wish(line)[:2] == ("DEACTIVATED", "rule")
    assert fires() == [("day:2026-11-20", "deactivated")]


def test_data_fee_and_messages_are_one_sum_and_the_month_is_the_carriers(dear: Ruled) -> None:
    """$0.20 of data, $0.50 of two days' fees, $0.05 of a message: over $0.70 with the message."""
    line = dear.line()
    dear.told(line, ON)
    rule = dear.rule(unit="usd", period="month", limit=Decimal("0.70"), then=Then.NEXT_MONTH)
    dear.clock("2026-11-19T12:00:00")
    dear.clock("2026-11-20T13:00:00")
    charge_fees(today=dt.date(2026, 11, 21))
    assert dear.uses(line, 20) == 0
    dear.clock("2026-11-21T09:00:00")
    assert sends(line, 1) == 1
    assert fires(rule) == [("month:2026-11-01", "deactivated")]
    assert planned()[0][1] == dt.datetime(2026, 12, 1, tzinfo=dt.UTC)


def test_fees_alone_come_to_a_limit_though_the_line_never_moves(dear: Ruled) -> None:
    line = dear.line()
    dear.rule(unit="usd", period="month", limit=Decimal("0.60"))
    dear.told(line, ON)
    for day in (20, 21):
        dear.clock(f"2026-11-{day}T12:00:00")
        charge_fees(today=dt.date(2026, 11, day))
        assert rules.check_pages() == 0
    dear.clock("2026-11-22T12:00:00")
    charge_fees(today=dt.date(2026, 11, 22))
    assert rules.check_pages() == 1


def test_a_sub_accounts_cost_has_its_messages_and_nobody_elses(dear: Ruled) -> None:
    """$5.00 of messages of Harbour's line: over $4.99, and the limit of another sub-account is not touched."""
    harbour, other = dear.fleet.account(parent=dear.account), dear.fleet.account(parent=dear.account)
    line, far = dear.line(harbour), dear.line(other)
    for one in (line, far):
        dear.told(one, ON)
    costs = {"trigger": Trigger.COST, "period": "day", "limit": Decimal("4.99")}
    dear.rule(name="harbour", holder=harbour, **costs)
    dear.rule(name="other", holder=other, **costs)
    sends(line, 100)
    rules.check_slow()
    assert wish(line) == ("DEACTIVATED", "rule", "harbour")
    assert wish(far)[0] == "ACTIVE"


def test_a_rule_that_is_tried_counts_the_same_dollars(dear: Ruled) -> None:
    line = dear.line()
    dear.told(line, ON)
    charge_fees(today=dt.date(2026, 11, 20))
    sends(line, 3)
    dear.uses(line, 10)
    day: dict[str, Any] = {
        "period": Period.DAY,
        "unit": Unit.USD,
        "limit": Decimal("0.49"),
        "hours": 0,
        "word": "",
        "countries": [],
    }
    asked = Asked(Scope(dear.account.pk), Trigger.USAGE, deactivates=True, then=Then.NEVER, then_hours=None, **day)
    tried = try_out(asked, today=clock.today())
    assert [(row.iccid, row.value) for row in tried.rows] == [(line.iccid, Decimal("0.50"))]


def test_a_monthly_rule_that_met_a_line_off_with_its_sub_account_acts_when_that_is_on_again(ruled: Ruled) -> None:
    harbour = ruled.fleet.account(parent=ruled.account)
    line = ruled.line(harbour)
    ruled.rule(name="cap", period="month")
    switch(harbour, on=False)
    ruled.uses(line, 600)  # read late
    assert fires() == [("month:2026-11-01", "stands-by")]
    ruled.at("2026-11-20T12:30:00")
    assert wish(line)[:2] == ("DEACTIVATED", "sub-account")
    switch(harbour, on=True)
    assert wish(line)[0] == "ACTIVE"
    assert ruled.at("2026-11-25T08:00:00") == 1
    assert wish(line) == ("DEACTIVATED", "rule", "cap")
    assert fires() == [("month:2026-11-01", "deactivated")]
    activate(line=line, by=MIA)  # a person's order stands: the rule has acted
    assert ruled.at("2026-11-26T08:00:00") == 0
    assert wish(line)[0] == "ACTIVE"


def test_a_daily_rule_that_stood_by_gives_the_line_back_the_next_day(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily()
    deactivate(line=line, by=MIA)
    ruled.uses(line, 600)
    activate(line=line, by=MIA)
    ruled.at("2026-11-20T18:00:00")
    assert wish(line)[:2] == ("DEACTIVATED", "rule")
    ruled.at("2026-11-21T00:00:00")
    assert wish(line)[0] == "ACTIVE"


@pytest.mark.parametrize("change", ["period over", "limit raised", "rule off"])
def test_a_rule_stands_by_no_longer_than_it_would_act(ruled: Ruled, change: str) -> None:
    line = ruled.line()
    rule = ruled.daily()
    deactivate(line=line, by=MIA)
    ruled.uses(line, 600)
    if change == "limit raised":
        type(rule).objects.filter(pk=rule.pk).update(limit=601)
    elif change == "rule off":
        type(rule).objects.filter(pk=rule.pk).update(is_on=False)
    if change == "period over":
        ruled.clock("2026-11-21T00:10:00")
    activate(line=line, by=MIA)
    assert ruled.at(ruled.now.isoformat()) == 0
    assert wish(line)[0] == "ACTIVE"
    assert fires() == [("day:2026-11-20", "already-off" if change == "period over" else "stands-by")]


def test_a_line_of_another_account_meanwhile_is_left_alone(ruled: Ruled) -> None:
    line, heir = ruled.line(), ruled.fleet.account()
    ruled.daily()
    deactivate(line=line, by=MIA)
    ruled.uses(line, 600)
    Line.objects.filter(pk=line.pk).update(account=heir, payer=heir)
    activate(line=Line.objects.get(pk=line.pk), by=MIA)
    assert ruled.at("2026-11-20T18:00:00") == 0


def test_who_is_told_is_told_when_it_acts(ruled: Ruled) -> None:
    line = ruled.line()
    place = Membership.objects.get(account=ruled.account)
    ruled.rule(period="month", tells=[place], action=Action.DEACTIVATE)
    deactivate(line=line, by=MIA)
    ruled.uses(line, 600)
    ruled.at("2026-11-20T13:00:00")
    activate(line=line, by=MIA)
    ruled.at("2026-11-20T18:00:00")
    assert Notice.objects.filter(key__startswith="rule:").count() == 2


def switch(holder: Account, *, on: bool) -> None:
    Account.objects.filter(pk=holder.pk).update(is_active=on)
    follow_holder(holder=Account.objects.get(pk=holder.pk))


@pytest.mark.parametrize(
    "limit", [{"unit": "mb", "limit": Decimal(5000)}, {"unit": "usd", "limit": Decimal("59.99")}], ids=["mb", "usd"]
)
@pytest.mark.parametrize("period", ["day", "month"])
def test_rules_act_at_once_on_a_movement_that_money_still_holds(
    ruled: Ruled, period: str, limit: dict[str, object]
) -> None:
    """6,000 MB at once are $60.00 that wait for a second reading; the rule does not wait."""
    line = ruled.line()
    ruled.rule(period=period, **limit)
    assert ruled.uses(line, 6000) == 1
    assert HeldMovement.objects.get().state == "held"
    assert wish(line)[:2] == ("DEACTIVATED", "rule")
