"""A rate plan is public, or for named accounts only: who may take it, and what becomes of those who have it."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from kit.errors import Invalid

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from automation.commands.rules import BadRule, Draft, add_rule
from automation.policy import Action as RuleAction
from automation.policy import Trigger
from lines.commands.adding import NewLine, add_lines
from lines.commands.offers import offer_plan, offered_to
from lines.commands.plans import change_plan_of_lines
from lines.commands.stock import add_rate_plan, import_lines
from lines.models import RatePlan
from lines.policy import Verdict
from lines.queries.plans import may_take, plans_for, plans_known_to
from tests.fleets import Fleet


def private(fleet: Fleet, *accounts: Account, name: str = "acme only") -> RatePlan:
    return add_rate_plan(
        name=name,
        carrier=fleet.carriers["simbase"],
        per_mb=Decimal("0.000001"),
        per_sms=Decimal(0),
        per_day=Decimal(0),
        accounts=list(accounts),
        by=OPERATOR,
    )


def names(account: Account) -> set[str]:
    return set(plans_for(account).values_list("name", flat=True))


def test_a_plan_for_named_accounts_is_theirs_and_their_sub_accounts_and_nobody_elses(fleet: Fleet) -> None:
    acme, beta = fleet.account(), fleet.account()
    plan = private(fleet, acme)
    sub = fleet.account(parent=acme)
    assert names(acme) == names(sub) == {"simbase", "iotportal", "acme only"}
    assert names(beta) == {"simbase", "iotportal"}
    for account in (acme, beta):  # the two ways in which the rule is said agree
        assert may_take(plan=plan, payer_ids={account.pk}) == ({account.pk} if plan in plans_for(account) else set())


def test_a_line_is_not_put_on_a_plan_that_is_not_offered_to_who_pays(fleet: Fleet) -> None:
    acme, beta = fleet.account(), fleet.account()
    plan = private(fleet, acme)
    ours, theirs = fleet.line(acme), fleet.line(beta)
    verdicts = change_plan_of_lines(line_ids=[ours.pk, theirs.pk], plan=plan, by=OPERATOR)
    assert verdicts == {ours.pk: Verdict.DO, theirs.pk: Verdict.NOT_OFFERED}
    theirs.refresh_from_db()
    assert theirs.plan.name == "simbase"


def test_stock_is_not_taken_at_a_plan_of_others(fleet: Fleet) -> None:
    acme, beta = fleet.account(), fleet.account()
    private(fleet, acme)
    row = [NewLine(2, fleet.line(None).iccid, "ACME only"), NewLine(3, fleet.line(None).iccid, "nothing")]
    said = [why for _, why in add_lines(account=beta, rows=row, active=True, by=OPERATOR).bad]
    assert said == ["there is no rate plan “ACME only”", "there is no rate plan “nothing”"]
    assert not add_lines(account=acme, rows=row[:1], active=True, by=OPERATOR).bad


def test_what_is_withdrawn_stays_with_the_lines_that_have_it_and_is_taken_by_no_more(fleet: Fleet) -> None:
    acme = fleet.account()
    plan = private(fleet, acme)
    on_it, other = fleet.lines(acme, 2)
    change_plan_of_lines(line_ids=[on_it.pk], plan=plan, by=OPERATOR)
    offer_plan(plan=plan, accounts=[], by=OPERATOR)
    on_it.refresh_from_db()
    assert on_it.plan == plan
    assert plan in plans_known_to(acme)
    assert plan not in plans_for(acme)
    verdicts = change_plan_of_lines(line_ids=[on_it.pk, other.pk], plan=plan, by=OPERATOR)
    assert verdicts == {on_it.pk: Verdict.SAME, other.pk: Verdict.NOT_OFFERED}


def test_a_rule_takes_no_plan_that_is_not_offered(fleet: Fleet) -> None:
    acme = fleet.account()
    plan = private(fleet, acme)
    line = fleet.line(acme)
    change_plan_of_lines(line_ids=[line.pk], plan=plan, by=OPERATOR)
    draft = Draft(name="cheap", trigger=Trigger.IMEI, action=RuleAction.PLAN, to_plan=plan)
    offer_plan(plan=plan, accounts=[], by=OPERATOR)
    with pytest.raises(BadRule):
        add_rule(account=acme, draft=draft, by=OPERATOR)


def test_an_import_says_that_the_plan_is_not_offered(fleet: Fleet) -> None:
    plan = private(fleet, fleet.account())
    with pytest.raises(Invalid, match="not offered"):
        import_lines(
            rows=[(2, "8944999999999999999")],
            carrier=fleet.carriers["simbase"],
            plan=plan,
            account=fleet.account(),
            active=False,
            by=OPERATOR,
        )


def test_to_offer_twice_is_one_event_and_a_sub_account_is_no_payer(fleet: Fleet) -> None:
    acme = fleet.account()
    plan = private(fleet, acme)
    offer_plan(plan=plan, accounts=[acme, acme], by=OPERATOR)
    assert Event.objects.filter(verb="rate_plan.offered").count() == 1
    with pytest.raises(Invalid, match="sub-account"):
        offer_plan(plan=plan, accounts=[fleet.account(parent=acme)], by=OPERATOR)
    offer_plan(plan=plan, accounts=None, by=OPERATOR)
    assert offered_to(plan=plan) is None


def test_an_operator_says_it_by_command(fleet: Fleet) -> None:
    acme, beta = fleet.account(), fleet.account()
    call_command(
        "add_rate_plan", "negotiated", "--carrier", "simbase", "--per-mb", "0.001", "--for", acme.uuid.hex,
        stdout=StringIO(),
    )  # fmt: skip
    assert "negotiated" in names(acme) - names(beta)
    said = StringIO()
    call_command("offer_rate_plan", "negotiated", "--to", beta.uuid.hex, "--json", stdout=said)
    assert beta.uuid.hex in said.getvalue()
    assert "negotiated" in names(beta) - names(acme)
    call_command("offer_rate_plan", "negotiated", "--public", stdout=StringIO())
    assert "negotiated" in names(acme) & names(beta)
