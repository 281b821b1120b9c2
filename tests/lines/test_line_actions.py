"""What a person does with one line, through the doors of the console."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from kit.errors import Invalid

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from billing.commands import adjust
from lines.commands.wishes import AlreadyDeactivated, deactivate_due, deactivate_next_day, edit_notes, enforce
from lines.models import Drive, Line
from lines.policy import Wanted, Why
from tests.fleets import Fleet, state


def browser(account: Account) -> Client:
    client = Client()
    client.force_login(owner_of(account))
    return client


def press(account: Account, line: Line, action: str, **data: str) -> str:
    """What the page says after a button is pressed."""
    response = browser(account).post(f"/lines/{line.iccid}/{action}/", data, follow=True)
    return response.content.decode() if response.status_code == 200 else str(response.status_code)


def test_deactivate_takes_effect_at_the_next_midnight_and_can_be_taken_back(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    assert "deactivated on 21 November at 00:00 UTC" in press(account, line, "deactivate")
    line.refresh_from_db()
    assert line.deactivation_date == dt.date(2026, 11, 21)
    assert state(line).wanted == Wanted.ACTIVE
    assert "Scheduled deactivation canceled" in press(account, line, "keep")
    line.refresh_from_db()
    assert line.deactivation_date is None
    assert deactivate_due(today=dt.date(2026, 11, 21)) == 0


def test_the_day_comes_once_in_the_name_of_who_chose_it(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    press(account, line, "deactivate")
    assert deactivate_due(today=dt.date(2026, 11, 20)) == 0
    assert deactivate_due(today=dt.date(2026, 11, 21)) == 1
    assert deactivate_due(today=dt.date(2026, 11, 21)) == 0
    now = state(line)
    assert (now.wanted, now.why, now.why_who) == (Wanted.DEACTIVATED, Why.PERSON, owner_of(account).email)
    line.refresh_from_db()
    assert line.deactivation_date is None
    assert Drive.objects.filter(pk=line.pk).exists()


def test_the_second_click_keeps_the_first_day(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    press(account, line, "deactivate")
    press(account, line, "deactivate")
    assert Event.objects.filter(verb="line.deactivation_date_set", subject=f"line:{line.iccid}").count() == 1


def test_a_suspended_line_is_deactivated_at_once_and_stays_off_after_a_refill(fleet: Fleet) -> None:
    account = fleet.account(credit="0")
    line = fleet.line(account)
    assert state(line).wanted == Wanted.SUSPENDED
    assert "stays off until somebody activates it" in press(account, line, "deactivate")
    adjust(account=account, amount=Decimal(50), reason="refill", by=OPERATOR)
    enforce()
    assert state(line).wanted == Wanted.DEACTIVATED


def test_activating_needs_the_minimum_balance_and_says_so(fleet: Fleet) -> None:
    account = fleet.account(credit="4.99")
    line = fleet.line(account, active=False)
    assert "below its minimum; add funds first" in press(account, line, "activate")
    assert state(line).wanted == Wanted.DEACTIVATED
    adjust(account=account, amount=Decimal("0.01"), reason="a cent", by=OPERATOR)
    assert "Activating" in press(account, line, "activate")
    assert state(line).wanted == Wanted.ACTIVE


def test_a_deactivated_line_cannot_be_deactivated_again(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(), active=False)
    with pytest.raises(AlreadyDeactivated):
        deactivate_next_day(line=line, by=OPERATOR)


def test_activating_takes_the_deactivation_date_away(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    press(account, line, "deactivate")
    deactivate_due(today=dt.date(2026, 11, 21))
    press(account, line, "activate")
    assert deactivate_due(today=dt.date(2026, 11, 22)) == 0
    assert state(line).wanted == Wanted.ACTIVE


def test_a_subaccounts_person_activates_and_edits_notes_and_does_no_more(fleet: Fleet) -> None:
    account = fleet.account()
    sub = fleet.account(parent=account)
    line, off = fleet.line(sub), fleet.line(sub, active=False)
    assert press(sub, line, "deactivate") == "404"
    deactivate_next_day(line=line, by=OPERATOR)
    assert press(sub, line, "keep") == "404"
    assert "Activating" in press(sub, off, "activate")
    assert "The notes are saved" in press(sub, line, "notes", notes="  north   gate ")
    line.refresh_from_db()
    assert line.notes == "north gate"


def test_a_subaccounts_person_hears_of_no_balance(fleet: Fleet) -> None:
    account = fleet.account(credit="0")
    sub = fleet.account(parent=account)
    line = fleet.line(sub, active=False)
    said = press(sub, line, "activate")
    assert "ask there" in said
    assert "balance" not in said
    assert state(line).wanted == Wanted.DEACTIVATED
    fleet.line(sub)
    listed = browser(sub).get("/lines/?why=balance").content.decode()
    assert "1 line matches, suspended by your provider" in " ".join(listed.split())


def test_no_order_tells_a_subaccount_which_plan_and_carrier_its_lines_have(fleet: Fleet) -> None:
    account = fleet.account()
    sub = fleet.account(parent=account)
    first, second = fleet.line(sub, "simbase"), fleet.line(sub, "iotportal")  # the plan iotportal comes first by name
    for holder, wanted in ((account, [second, first]), (sub, [first, second])):
        for sort in ("plan", "carrier"):
            rows = browser(holder).get(f"/lines/?sort={sort}").context["rows"]
            assert [row.line.iccid for row in rows] == [line.iccid for line in wanted]


@pytest.mark.parametrize("action", ["activate", "deactivate", "keep", "notes"])
def test_a_stranger_finds_no_such_line(fleet: Fleet, action: str) -> None:
    line = fleet.line(fleet.account(), active=False)
    assert press(fleet.account(), line, action) == "404"
    before = state(line)
    assert before.wanted == Wanted.DEACTIVATED


@pytest.mark.parametrize("action", ["activate", "deactivate", "keep", "notes"])
def test_an_action_is_never_a_link(fleet: Fleet, action: str) -> None:
    account = fleet.account()
    line = fleet.line(account)
    assert browser(account).get(f"/lines/{line.iccid}/{action}/").status_code == 405


def test_notes_that_are_too_long_are_refused_and_a_nul_is_left_out(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    with pytest.raises(Invalid):
        edit_notes(line=line, notes="x" * 501, by=OPERATOR)
    line.refresh_from_db()
    assert line.notes == ""
    assert edit_notes(line=line, notes="van\0 7", by=OPERATOR).notes == "van 7"
