"""Rules meet the lines that moved: they fire once, hold the line, and give it back when they said."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from kit import clock

from accounts.models import Event, Membership
from accounts.policy import OPERATOR, Actor, ActorKind
from automation.commands.erasing import forget_messages
from automation.commands.follow_ups import FollowUpEnded, cancel_follow_up, run_follow_up_now
from automation.commands.rules import BadRule, Draft, change_rule, delete_rule, switch_rule
from automation.models import FollowUp, LineGuard, Rule, RuleFire
from automation.policy import Action, Then, Trigger
from automation.work import rules
from billing.commands import adjust
from billing.models import Notice
from lines.carriers.base import Sms
from lines.commands.changes import take_changed_lines
from lines.commands.fields import FieldInUse, add_field, change_field, remove_field, set_fields
from lines.commands.inbox import received
from lines.commands.tags import tag_lines
from lines.commands.wishes import activate, deactivate, enforce
from lines.models import ChangedLines, CustomField, Drive, Line, LineSetting, SmsLook
from lines.policy import Why
from lines.policy.fields import FieldKind
from tests.automation.ruled import MIA, Ruled, fires, planned, wish
from tests.fleets import at


def test_a_line_over_its_limit_is_off_at_once_in_the_rules_name(ruled: Ruled) -> None:
    line, other = ruled.line(), ruled.line()
    ruled.daily()
    assert ruled.uses(line, 512) == 0  # not more than 512
    assert fires() == []
    assert ruled.uses(line, 0.001) == 1
    assert wish(line) == ("DEACTIVATED", "rule", "512 MB a day")
    assert wish(other)[0] == "ACTIVE"
    assert Drive.objects.filter(line=line, due_at=None).exists()  # the carrier's command is due now
    fire = RuleFire.objects.get()
    assert (fire.period, fire.outcome, fire.value) == ("day:2026-11-20", "deactivated", Decimal("512.000999"))
    assert fire.because == "Used 512.001 MB on 20 November 2026, over 512 MB"
    assert planned() == [("activate", at("2026-11-21"), "open")]
    event = Event.objects.get(verb="line.deactivated")
    assert (event.actor_kind, event.actor_name, event.subject) == ("rule", "512 MB a day", f"line:{line.iccid}")
    assert Event.objects.get(verb="rule.fired").detail["lines"][0]["iccid"] == line.iccid


def test_it_is_given_back_at_the_first_moment_of_the_next_day(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily()
    ruled.uses(line, 600)
    assert ruled.at("2026-11-20T23:59:59") == 0
    assert wish(line)[0] == "DEACTIVATED"
    assert ruled.at("2026-11-21T00:00:00") == 1
    assert wish(line) == ("ACTIVE", "", "512 MB a day")
    assert planned() == [("activate", at("2026-11-21"), "done")]
    assert ruled.at("2026-11-21T00:00:00") == 0
    assert ruled.uses(line, 1) == 0  # a day of its own


def test_a_page_that_comes_again_or_twice_at_once_fires_nothing_again(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily()
    ruled.uses(line, 600)
    for _ in range(2):
        assert ruled.uses(line, 10) == 0
        ChangedLines.objects.create(read_at=ruled.now, line_ids=[line.pk])
        assert rules.check_pages() == 0
    assert rules.check_all() == 0
    assert fires() == [("day:2026-11-20", "deactivated")]


def test_what_people_do_stands(ruled: Ruled) -> None:
    """Activated by hand, the line runs on over its limit; switched off by hand, the rule's follow-up leaves it off."""
    run_on, stays_off = ruled.line(), ruled.line()
    ruled.daily()
    ruled.uses(run_on, 600)
    ruled.uses(stays_off, 600)
    ruled.at("2026-11-20T13:00")
    activate(line=run_on, by=MIA)
    deactivate(line=stays_off, by=MIA)
    assert ruled.uses(run_on, 600) == 0
    assert wish(run_on)[0] == "ACTIVE"
    ruled.at("2026-11-21T00:00")
    assert wish(stays_off) == ("DEACTIVATED", "person", "mia@acme.example")
    assert [state for _, _, state in planned()] == ["changed", "changed"]


def test_a_line_that_somebody_switched_off_is_not_switched_on_by_a_follow_up(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily()
    deactivate(line=line, by=MIA)
    assert ruled.uses(line, 600) == 0  # read late
    assert fires() == [("day:2026-11-20", "stands-by")]
    assert planned() == []
    assert wish(line)[1] == "person"


def test_a_balance_suspension_is_never_lifted_by_a_follow_up(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily()
    ruled.uses(line, 600)
    adjust(account=ruled.account, amount=Decimal(-1000), reason="a test", by=OPERATOR)
    enforce()
    ruled.at("2026-11-21T00:00")
    assert wish(line) == ("SUSPENDED", Why.BALANCE.value, "")
    assert planned()[0][2] == "by-balance"
    adjust(account=ruled.account, amount=Decimal(1000), reason="a test", by=OPERATOR)
    enforce()
    assert wish(line)[0] == "ACTIVE"


def test_a_suspended_line_over_its_limit_stays_off_when_the_balance_recovers(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily()
    adjust(account=ruled.account, amount=Decimal(-1000), reason="a test", by=OPERATOR)
    enforce()
    ruled.uses(line, 600)
    adjust(account=ruled.account, amount=Decimal(1000), reason="a test", by=OPERATOR)
    enforce()
    assert wish(line)[:2] == ("DEACTIVATED", "rule")


def test_lines_of_a_subaccount_that_is_off_come_back_with_it(ruled: Ruled) -> None:
    harbour = ruled.fleet.account(parent=ruled.account)
    line = ruled.line(harbour)
    ruled.daily()
    ruled.uses(line, 600)
    harbour.is_active = False
    harbour.save()
    ruled.at("2026-11-21T00:00")
    assert wish(line)[:2] == ("DEACTIVATED", Why.SUBACCOUNT.value)
    assert planned()[0][2] == "by-subaccount"


def test_of_two_rules_the_one_that_holds_longer_gives_the_line_back(ruled: Ruled) -> None:
    """The monthly limit is passed on a day whose daily limit is passed too: the next day must not lift it."""
    line = ruled.line()
    ruled.daily()
    month = ruled.rule(name="1 GB a month", period="month", limit=Decimal(1000), then=Then.NEXT_MONTH)
    ruled.uses(line, 300)
    ruled.clock("2026-11-22T10:00")
    ruled.uses(line, 600)
    assert wish(line)[2] == "512 MB a day"
    ruled.uses(line, 200)  # seen later, though it is off
    assert wish(line) == ("DEACTIVATED", "rule", "1 GB a month")
    assert fires(month) == [("month:2026-11-01", "deactivated")]
    assert [(due, state) for _, due, state in planned()] == [(at("2026-11-23"), "held"), (at("2026-12-01"), "open")]
    ruled.at("2026-11-23T00:00")
    assert wish(line)[0] == "DEACTIVATED"
    ruled.at("2026-12-01T00:00")
    assert wish(line)[0] == "ACTIVE"


def test_two_rules_on_one_page_plan_one_follow_up(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily()
    ruled.rule(name="for good", limit=Decimal(100))
    assert ruled.uses(line, 600) == 1
    assert wish(line)[2] == "for good"
    assert sorted(outcome for _, outcome in fires()) == ["already-off", "deactivated"]
    assert planned() == []
    assert LineGuard.objects.get().times == 1


def test_money_limits_are_what_the_usage_costs(ruled: Ruled) -> None:
    """0.01 a MB: $2.00 is 200 MB. A reading of 200 MB is not over it."""
    line = ruled.line()
    rule = ruled.rule(name="two dollars", period="month", unit="usd", limit=Decimal("2.00"))
    ruled.uses(line, 150)
    ruled.clock("2026-11-21T10:00")
    ruled.uses(line, 50)
    assert fires() == []
    ruled.uses(line, 0.1)
    assert fires(rule) == [("month:2026-11-01", "deactivated")]
    assert RuleFire.objects.get().because == "Used $2.001 in the month from 1 November 2026, over $2.00"


def test_filters_keep_a_rule_to_its_lines(ruled: Ruled) -> None:
    harbour = ruled.fleet.account(parent=ruled.account)
    stranger = ruled.fleet.account()
    lines = {"own": ruled.line(), "theirs": ruled.line(harbour), "portal": ruled.line(kind="iotportal")}
    foreign = ruled.line(stranger)
    wanted = {
        "all": {"own", "theirs", "portal"},
        "holder": {"theirs"},
        "own": {"own", "portal"},
        "plan": {"portal"},
        "only": {"own"},
        "except": {"theirs", "portal"},
        "tags": {"theirs"},
        "field": {"portal"},
    }
    seats = add_field(account=ruled.account, name="Seats", kind=FieldKind.NUMBER, by=MIA)
    for name, number in (("portal", "49"), ("own", "5")):
        set_fields(line_ids=[lines[name].pk], account=ruled.account, values={seats.pk: number}, by=MIA)
    tag_lines(line_ids=[lines["theirs"].pk], account=ruled.account, names=["crane", "north"], by=MIA)
    made = {
        "all": ruled.rule(),
        "holder": ruled.rule(holder=harbour),
        "own": ruled.rule(holder=ruled.account),
        "plan": ruled.rule(plan=ruled.fleet.plans["iotportal"]),
        "only": ruled.rule(only_iccids=[lines["own"].iccid]),
        "except": ruled.rule(except_iccids=[lines["own"].iccid]),
        "tags": ruled.rule(tags=["crane"]),
        "field": ruled.rule(of_field=seats, field_value="49.0"),
    }
    for line in [*lines.values(), foreign]:
        ruled.uses(line, 600)
    names: dict[int | None, str] = {line.pk: name for name, line in lines.items()}
    for name, rule in made.items():
        assert {names.get(fire.line_id) for fire in RuleFire.objects.filter(rule=rule)} == wanted[name], name
    with pytest.raises(FieldInUse, match="Change or delete the rule first"):
        remove_field(field=seats, by=MIA)
    delete_rule(account=ruled.account, rule=made["field"], by=MIA)
    assert remove_field(field=seats, by=MIA) == 2


def test_a_choice_that_a_rule_names_stays_until_the_rule_is_changed(ruled: Ruled) -> None:
    kept: dict[str, Any] = {"name": "Depot", "shown": False, "by": MIA}
    depot = add_field(account=ruled.account, name="Depot", kind=FieldKind.CHOICE, choices=["Berlin", "Porto"], by=MIA)
    rule = ruled.rule(of_field=depot, field_value="porto")
    with pytest.raises(FieldInUse, match="A rule is narrowed by Depot: “Porto”"):
        change_field(field=depot, choices=["Berlin"], **kept)
    depot.refresh_from_db()
    assert depot.choices == ["Berlin", "Porto"]
    change_field(field=depot, choices=["PORTO", "Rome"], **kept)  # another spelling, and one that no rule names
    stale = CustomField(pk=depot.pk, account=ruled.account, name="Depot", kind="choice", choices=["Berlin"])
    with pytest.raises(BadRule):
        ruled.rule(name="late", of_field=stale, field_value="Berlin")
    delete_rule(account=ruled.account, rule=rule, by=MIA)
    change_field(field=depot, choices=["Rome"], **kept)


def test_what_is_foreign_or_makes_no_sense_is_refused_at_its_field(ruled: Ruled) -> None:
    stranger = ruled.fleet.account()
    foreign = ruled.line(stranger)
    theirs, ours = (
        add_field(account=one, name="Seats", kind=FieldKind.NUMBER, by=MIA) for one in (stranger, ruled.account)
    )
    for facts, field in (
        ({"limit": Decimal(0)}, "limit"),
        ({"limit": Decimal(-1)}, "limit"),
        ({"limit": Decimal("NaN")}, "limit"),
        ({"limit": None}, "limit"),
        ({"name": "  "}, "name"),
        ({"holder": stranger}, "holder"),
        ({"plan": ruled.fleet.plans["iotportal"]}, "plan"),  # no line of ours has it
        ({"only_iccids": [foreign.iccid]}, "only_iccids"),
        ({"tags": ["nobody's"]}, "tags"),
        ({"of_field": theirs, "field_value": "x"}, "field"),
        ({"of_field": ours, "field_value": "many"}, "field_value"),
        ({"of_field": ours}, "field_value"),
        ({"action": Action.TELL}, "tells"),
        ({"then": Then.HOURS, "then_hours": 0}, "then_hours"),
        ({"trigger": Trigger.SILENCE}, "hours"),
        ({"trigger": Trigger.SMS, "word": " "}, "word"),
        ({"trigger": Trigger.COUNTRY}, "countries"),
        ({"tells": [stranger.memberships.get()]}, "tells"),
    ):
        with pytest.raises(BadRule) as refused:
            ruled.rule(**facts)
        assert list(refused.value.problems) == [field]
    assert not Rule.objects.exists()


def test_switched_off_or_deleted_it_fires_no_more_and_its_follow_ups_still_run(ruled: Ruled) -> None:
    first, second = ruled.line(), ruled.line()
    rule = ruled.daily()
    ruled.uses(first, 600)
    switch_rule(account=ruled.account, rule=rule, on=False, by=MIA)
    assert ruled.uses(second, 600) == 0
    delete_rule(account=ruled.account, rule=rule, by=MIA)
    assert ruled.at("2026-11-21T00:00") == 1
    assert wish(first)[0] == "ACTIVE"


def test_a_rule_that_is_written_when_a_line_is_over_already_fires_at_once(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.uses(line, 600)
    rule = ruled.rule(limit=Decimal(700), then=Then.NEXT_DAY)
    assert rules.check_new_rules() == 0
    draft = Draft(
        name="lower", trigger=Trigger.USAGE, action=Action.DEACTIVATE, period="day", unit="mb", limit=Decimal(500)
    )
    change_rule(account=ruled.account, rule=rule, draft=draft, by=MIA)
    assert rules.check_new_rules() == 1
    assert wish(line)[2] == "lower"
    assert rules.check_new_rules() == 0


def test_shadow_mode_records_and_does_nothing(ruled: Ruled) -> None:
    line = ruled.line()
    rule = ruled.daily(is_shadow=True)
    assert ruled.uses(line, 600) == 0
    assert fires() == [("day:2026-11-20", "shadow")]
    assert (wish(line)[0], planned()) == ("ACTIVE", [])
    assert not Event.objects.filter(verb="rule.fired").exists()
    Rule.objects.filter(pk=rule.pk).update(is_shadow=False)
    assert ruled.uses(line, 1) == 1  # what it recorded in the shadow does not count


def test_a_day_that_was_over_before_its_last_page_was_met_stops_nothing(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily()
    ruled.clock("2026-11-20T23:59:59")
    ruled.reads(line, 600)
    ruled.clock("2026-11-21T00:00:01")
    assert rules.check_pages() == 0
    assert fires() == [("day:2026-11-20", "over")]
    assert wish(line)[0] == "ACTIVE"


def test_a_line_is_changed_once_in_fifteen_minutes(ruled: Ruled) -> None:
    """Given back at midnight and over the limit at 00:05: it waits until 00:15."""
    line = ruled.line()
    ruled.daily()
    ruled.uses(line, 600)
    ruled.at("2026-11-21T00:00")
    ruled.clock("2026-11-21T00:05")
    assert ruled.uses(line, 600) == 0
    assert wish(line)[0] == "ACTIVE"
    assert fires()[-1] == ("day:2026-11-21", "waits")
    assert planned()[-1] == ("deactivate", at("2026-11-21T00:15"), "open")
    assert ruled.at("2026-11-21T00:14:59") == 0
    assert ruled.at("2026-11-21T00:15") == 1
    assert wish(line)[:2] == ("DEACTIVATED", "rule")
    assert fires()[-1] == ("day:2026-11-21", "deactivated")
    assert planned()[-1] == ("activate", at("2026-11-22"), "open")
    assert ruled.at("2026-11-22T00:00") == 1


def test_what_waited_is_dropped_when_somebody_changed_the_line_meanwhile(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.daily()
    ruled.uses(line, 600)
    ruled.at("2026-11-21T00:00")
    ruled.clock("2026-11-21T00:05")
    ruled.uses(line, 600)
    ruled.clock("2026-11-21T00:10")
    deactivate(line=line, by=MIA)
    activate(line=line, by=MIA)
    ruled.at("2026-11-21T00:15")
    assert wish(line)[0] == "ACTIVE"
    assert fires()[-1] == ("day:2026-11-21", "dropped")


def test_a_line_changed_six_times_a_day_is_left_flagged_and_told_about(ruled: Ruled) -> None:
    line = ruled.line()
    for number in range(1, 6):
        ruled.rule(name=f"rule {number}", limit=Decimal(100 * number), then=Then.HOURS, then_hours=1)
    ruled.clock("2026-11-20T01:00")
    for hour in range(1, 8, 2):
        ruled.at(f"2026-11-20T{hour:02}:00")
        ruled.uses(line, 110)
        ruled.at(f"2026-11-20T{hour + 1:02}:00")
    # Three times off and three times on; the fourth rule leaves it.
    assert LineGuard.objects.get().times == 6
    assert fires()[-1] == ("day:2026-11-20", "left")
    assert wish(line)[0] == "ACTIVE"
    assert Event.objects.filter(verb="line.left_alone", subject=f"line:{line.iccid}").count() == 1
    assert line.iccid in Notice.objects.get(account=ruled.account).subject
    ruled.uses(line, 110)
    assert Notice.objects.filter(key__startswith="left-alone").count() == 1


def test_a_follow_up_is_cancelled_or_run_by_hand(ruled: Ruled) -> None:
    stays, back = ruled.line(), ruled.line()
    ruled.daily()
    ruled.uses(stays, 600)
    ruled.uses(back, 600)
    of_line = {one.line_id: one.pk for one in FollowUp.objects.all()}
    cancel_follow_up(account=ruled.account, follow_up_id=of_line[stays.pk], by=MIA)
    run_follow_up_now(account=ruled.account, follow_up_id=of_line[back.pk], by=MIA)
    assert wish(back) == ("ACTIVE", "", "mia@acme.example")
    with pytest.raises(FollowUpEnded):
        run_follow_up_now(account=ruled.account, follow_up_id=of_line[stays.pk], by=MIA)
    with pytest.raises(FollowUp.DoesNotExist):
        cancel_follow_up(account=ruled.fleet.account(), follow_up_id=of_line[back.pk], by=MIA)
    ruled.at("2026-11-21T00:00")
    assert wish(stays)[0] == "DEACTIVATED"


def test_silence_is_told_only_by_what_was_read(ruled: Ruled) -> None:
    line = ruled.line()
    rule = ruled.rule(name="silent", trigger=Trigger.SILENCE, hours=6)
    ruled.uses(line, 1)
    ruled.at("2026-11-20T20:00")
    assert fires() == []  # the carrier has not answered since: nobody knows
    ruled.reads(line, 0)
    rules.check_slow()
    assert [period.split(":")[0] for period, _ in fires(rule)] == ["silence"]
    ruled.at("2026-11-20T21:00")
    assert len(fires()) == 1


def test_an_imei_that_changes_fires_and_the_first_one_does_not(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.rule(name="another device", trigger=Trigger.IMEI)
    happened(line.iccid, "imei.changed", {"before": "", "after": "356789012345678"})
    assert rules.check_events() == 0
    happened(line.iccid, "imei.changed", {"before": "356789012345678", "after": "356789012345679"})
    assert rules.check_events() == 1
    assert rules.check_events() == 0
    assert wish(line) == ("DEACTIVATED", "rule", "another device")
    assert RuleFire.objects.get().because == "IMEI changed from 356789012345678 to 356789012345679"


def test_a_message_with_the_word_fires_for_each_message(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.rule(name="alarm", trigger=Trigger.SMS, word="ALARM", action=Action.TELL, tells=[owner(ruled)])
    happened(line.iccid, "sms.received", {"text": "alarm of a version before"})
    for text in ("all is well", "alarming", "Alarm! door 3", "alarm again"):
        came(line, text)
    rules.check_events()
    rules.check_events()
    assert list(RuleFire.objects.order_by("pk").values_list("because", "outcome", "mail_due")) == [
        ("Message: alarm of a version before", "told", True),
        ("Message: Alarm! door 3", "told", True),
        ("Message: alarm again", "told", True),
    ]
    assert [one["because"] for one in Event.objects.get(verb="rule.fired").detail["lines"]] == [
        "Message with “ALARM”"
    ] * 3


def test_what_a_device_wrote_is_forgotten_by_rules_when_messages_are(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.rule(name="alarm", trigger=Trigger.SMS, word="ALARM", action=Action.TELL, tells=[owner(ruled)])
    came(line, "Alarm! door 3")
    rules.check_events()
    assert forget_messages(today=dt.date(2028, 11, 30)) == 0
    assert forget_messages(today=dt.date(2028, 12, 1)) == 1
    assert forget_messages(today=dt.date(2028, 12, 1)) == 0
    assert RuleFire.objects.get().because == "Message: (removed)"


def test_a_line_is_slowed_or_put_on_another_plan_where_its_carrier_can(ruled: Ruled) -> None:
    cheap = ruled.fleet.plans["iotportal"]
    simbase, portal = ruled.line(), ruled.line(kind="iotportal")
    slow = ruled.rule(name="slow", action=Action.THROTTLE, kbps=100)
    move = ruled.rule(name="move", action=Action.PLAN, to_plan=cheap, limit=Decimal(600))
    ruled.uses(simbase, 700)
    ruled.uses(portal, 700)
    ruled.at("2026-11-20T12:15")
    outcome = {(fire.rule_id, fire.line_id): fire.outcome for fire in RuleFire.objects.all()}
    assert outcome[move.pk, simbase.pk] == "refused"  # the plan is another carrier's
    assert outcome[move.pk, portal.pk] == "set"
    assert (outcome[slow.pk, simbase.pk], outcome[slow.pk, portal.pk]) == ("set", "refused")
    assert list(LineSetting.objects.values_list("line_id", "wanted")) == [(simbase.pk, "100")]
    assert {wish(line)[0] for line in (simbase, portal)} == {"ACTIVE"}
    for facts, field in (({"action": Action.THROTTLE, "kbps": 0}, "kbps"), ({"action": Action.PLAN}, "to_plan")):
        with pytest.raises(BadRule) as refused:
            ruled.rule(**facts)
        assert list(refused.value.problems) == [field]


def test_people_are_told_once_of_all_lines_and_again_only_after_a_pause(ruled: Ruled) -> None:
    lines = [ruled.line() for _ in range(3)]
    rule = ruled.daily(tells=[owner(ruled)])
    for line in lines[:2]:
        ruled.uses(line, 600)
    assert rules.tell_people() == 1
    assert rules.tell_people() == 0
    notice = Notice.objects.get(key__startswith=f"rule:{rule.pk}:")
    assert notice.subject == "The rule “512 MB a day” fired for 2 lines"
    assert notice.to == [owner(ruled).user.email]
    assert f"{lines[0].iccid}: Used 600 MB on 20 November 2026, over 512 MB. Deactivated." in notice.text
    ruled.uses(lines[2], 600)
    assert rules.tell_people() == 0
    ruled.clock("2026-11-20T12:15")
    assert rules.tell_people() == 1


def test_an_accounts_cost_tells_once_and_stops_all_its_lines(ruled: Ruled) -> None:
    lines = [ruled.line(), ruled.line()]
    tell = ruled.rule(
        name="tell", trigger=Trigger.COST, period="day", limit=Decimal(5), action=Action.TELL, tells=[owner(ruled)]
    )
    stop = ruled.rule(name="stop", trigger=Trigger.COST, period="day", limit=Decimal(6), then=Then.NEXT_DAY)
    ruled.uses(lines[0], 550)
    for _ in range(2):
        rules.check_slow()
    assert fires() == [("day:2026-11-20", "told")]
    assert RuleFire.objects.get(rule=tell).line is None
    ruled.uses(lines[1], 100)
    assert rules.check_slow() == 2
    assert {wish(line)[2] for line in lines} == {"stop"}
    assert len(fires(stop)) == 2
    ruled.at("2026-11-21T00:00")
    assert {wish(line)[0] for line in lines} == {"ACTIVE"}


def test_a_page_is_met_with_few_statements_however_many_rules_there_are(ruled: Ruled) -> None:
    lines = ruled.fleet.lines(ruled.account, 5)
    for number in range(10):
        ruled.rule(name=f"rule {number}", limit=Decimal(100 + number))
    for line in lines:
        ruled.reads(line, 0)
        ruled.reads(line, 50)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert rules.check_pages() == 0
    assert len([query for query in queries if "automation_rule" in query["sql"]]) <= 8  # a call for 8 pages


def test_pages_come_again_where_what_was_done_about_them_failed(ruled: Ruled, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ruled.line()
    ruled.daily()
    ruled.reads(line, 600)

    def fails(**_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(rules, "fire", fails)
        with pytest.raises(RuntimeError):
            rules.check_pages()
    assert ChangedLines.objects.exists()
    assert rules.check_pages() == 1
    assert take_changed_lines(pages=1) is None


def owner(ruled: Ruled) -> Membership:
    return ruled.account.memberships.get()


def came(line: Line, text: str) -> None:
    """A message that the device sent now, as its carrier lists it."""
    now = clock.now()
    SmsLook.objects.get_or_create(line=line, defaults={"carrier": line.carrier})
    listed = [Sms(f"ref {text}", False, text, now, None, "received")]
    assert received(line_id=line.pk, listed=listed, looked_at=now) == 1


def happened(iccid: str, verb: str, detail: dict[str, str]) -> None:
    by = Actor(ActorKind.CARRIER, "Simbase")
    Event.objects.create(actor_kind=by.kind, actor_name=by.name, verb=verb, subject=f"line:{iccid}", detail=detail)
