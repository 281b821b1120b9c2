"""A rule that would act as soon as it is saved says so before, waits for readings if asked, and can be taken back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.queries import owner_of
from automation.models import FollowUp, Rule
from automation.policy import FollowState, Trigger
from automation.queries.due import Written, lines_over_now
from automation.queries.scope import Scope
from automation.work import rules
from lines.commands.wishes import activate, deactivate
from tests.automation.ruled import MIA, Ruled, fires, planned, wish
from tests.evenly import evenly

DAILY: dict[str, Any] = {
    "name": "512 MB a day",
    "trigger": "usage",
    "limit": "512",
    "unit": "mb",
    "period": "day",
    "action": "deactivate",
    "then": "next-day",
}


@pytest.fixture
def browser(ruled: Ruled) -> Client:
    client = Client()
    client.force_login(owner_of(ruled.account))
    return client


def over(ruled: Ruled, count: int) -> list[Any]:
    lines = [ruled.line() for _ in range(count)]
    for line in lines:
        ruled.uses(line, 600)
    return lines


def test_preview_and_button_say_how_many_lines_stop_now(ruled: Ruled, browser: Client) -> None:
    lines = over(ruled, 3)
    ruled.line()
    deactivate(line=lines[2], by=MIA)  # off already: saving does not stop it
    part = browser.post("/automation/rules/new/", DAILY | {"do": "preview"}, headers={"HX-Request": "true"})
    text = evenly(part.content.decode())
    assert "2 lines</strong> are over the limit now" in text
    assert "Save and deactivate 2 lines" in text
    assert 'name="over" value="2"' in text


def test_nothing_stops_that_was_not_said_before(ruled: Ruled, browser: Client) -> None:
    """Without JavaScript the first click shows it, the second does it; one line more meanwhile is shown again."""
    lines = over(ruled, 2)
    first = browser.post("/automation/rules/new/", DAILY | {"do": "save"})
    assert first.status_code == 422
    assert "Saving deactivates them at once" in first.content.decode()
    assert not Rule.objects.exists()
    ruled.uses(late := ruled.line(), 600)
    assert browser.post("/automation/rules/new/", DAILY | {"do": "save", "over": "2"}).status_code == 422
    saved = browser.post("/automation/rules/new/", DAILY | {"do": "save", "over": "3"}, follow=True)
    assert "3 lines are being deactivated" in saved.content.decode()
    assert rules.check_new_rules() == 3
    assert {wish(line)[1] for line in (*lines, late)} == {"rule"}


def test_from_the_next_reading_on_leaves_lines_until_they_are_read(ruled: Ruled, browser: Client) -> None:
    one, other = over(ruled, 2)
    browser.post("/automation/rules/new/", DAILY | {"do": "save", "over": "2", "starts": "next"})
    assert rules.check_rest() == 0
    assert ruled.uses(one, 1) == 1
    assert (wish(one)[0], wish(other)[0]) == ("DEACTIVATED", "ACTIVE")


def noted(page: str) -> str:
    """What the message of a page offers to undo."""
    return page.split('name="note" value="')[1].split('"')[0]


def test_undo_switches_the_rule_off_and_gives_its_lines_back(ruled: Ruled, browser: Client) -> None:
    lines = over(ruled, 3)
    page = browser.post("/automation/rules/new/", DAILY | {"do": "save", "over": "3"}, follow=True).content.decode()
    note = noted(page)
    rules.check_new_rules()
    activate(line=lines[0], by=MIA)
    deactivate(line=lines[0], by=MIA)  # a person's since
    for _ in range(2):  # the second click
        assert "Rule switched off" in browser.post("/undo/", {"note": note}, follow=True).content.decode()
    assert [wish(line)[0] for line in lines] == ["DEACTIVATED", "ACTIVE", "ACTIVE"]
    assert wish(lines[1])[2] == owner_of(ruled.account).email
    assert {state for _, _, state in planned()} == {"cancelled"}
    assert not FollowUp.objects.filter(state=FollowState.OPEN).exists()
    ruled.at("2026-11-21T00:00:00")
    assert len(fires()) == 3


def test_undo_is_for_an_hour(ruled: Ruled, browser: Client) -> None:
    over(ruled, 1)
    saved = browser.post("/automation/rules/new/", DAILY | {"do": "save", "over": "1"}, follow=True).content.decode()
    rules.check_new_rules()
    ruled.clock("2026-11-20T13:00:01")
    page = browser.post("/undo/", {"note": noted(saved)}, follow=True).content.decode()
    assert "more than an hour ago" in page
    assert Rule.objects.get().is_on


def test_a_change_counts_only_lines_that_its_rule_has_not_met_in_the_period(ruled: Ruled) -> None:
    line, fresh = ruled.line(), ruled.line()
    rule = ruled.daily()
    ruled.uses(line, 600)
    activate(line=line, by=MIA)
    ruled.uses(fresh, 300)
    written = Written(Scope(ruled.account.pk), Trigger.USAGE, "day", "mb", Decimal(256), None, rule.pk)
    assert lines_over_now(written, today=ruled.now.date()) == [fresh.pk]


def test_silence_and_cost_are_said_too(ruled: Ruled) -> None:
    line = ruled.line()
    ruled.uses(line, 100)  # $1.00
    cost = Written(Scope(ruled.account.pk), Trigger.COST, "day", "usd", Decimal("0.99"), None)
    assert lines_over_now(cost, today=ruled.now.date()) == [line.pk]
    ruled.clock("2026-11-20T18:00:01")
    ruled.reads(line, 0)
    silent = Written(Scope(ruled.account.pk), Trigger.SILENCE, "", "", None, 6)
    assert lines_over_now(silent, today=ruled.now.date()) == [line.pk]
