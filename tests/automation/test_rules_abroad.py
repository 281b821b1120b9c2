"""Rules about countries: a line that connects outside them fires once a day, and a try-out counts its days."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.queries import owner_of
from automation.commands.rules import BadRule, switch_rule
from automation.models import Rule, RuleFire
from automation.policy import Then, Trigger
from automation.work import rules
from lines.carriers.base import Device
from lines.commands.devices import keep_device
from lines.models import Line, LineState, Sighting
from tests.automation.ruled import MIA, Ruled, fires, planned, wish
from tests.evenly import evenly
from tests.fleets import at

NEW = "/automation/rules/new/"
FILLED = {"do": "save", "name": "At home", "trigger": "country", "countries": ["DE", "FR"], "action": "deactivate"}


def seen(line: Line, country: str, when: str, **more: Any) -> None:
    """The carrier is asked about a line, and says where it is."""
    device = Device(country=country, network=f"{country} Mobile", **more)
    keep_device(line_id=line.pk, device=device, asked_at=at(when))


def abroad(ruled: Ruled, **facts: Any) -> Rule:
    return ruled.rule(**({"name": "At home", "trigger": Trigger.COUNTRY, "countries": ["DE", "FR"]} | facts))


def test_a_line_that_connects_outside_the_countries_is_off_once_a_day(ruled: Ruled) -> None:
    away, home, unknown = ruled.line(), ruled.line(), ruled.line()
    rule = abroad(ruled, then=Then.NEXT_DAY)
    for line, country in ((away, "CH"), (home, "FR"), (unknown, "")):
        seen(line, country, "2026-11-20T12:00")
    assert rules.check_slow() == 1
    assert rules.check_slow() == 0
    assert wish(away) == ("DEACTIVATED", "rule", "At home")
    assert {wish(line)[0] for line in (home, unknown)} == {"ACTIVE"}
    assert (fires(rule), RuleFire.objects.get().because) == (
        [("country:2026-11-20", "deactivated")],
        "Connected in Switzerland",
    )
    assert planned() == [("activate", at("2026-11-21"), "open")]
    assert ruled.at("2026-11-21T00:00") == 1
    seen(away, "CH", "2026-11-21T08:00")  # the same stay goes on
    ruled.clock("2026-11-21T08:00")
    assert rules.check_slow() == 1
    assert fires(rule)[1:] == [("country:2026-11-21", "deactivated")]


def test_only_what_was_seen_since_the_rule_is_on_counts_and_only_of_who_pays_now(ruled: Ruled) -> None:
    line, foreign = ruled.line(), ruled.line(ruled.fleet.account())
    seen(line, "CH", "2026-11-20T11:00")
    seen(foreign, "CH", "2026-11-20T12:00")
    rule = abroad(ruled)
    assert rules.check_slow() == 0
    switch_rule(account=ruled.account, rule=rule, on=False, by=MIA)
    seen(line, "CH", "2026-11-20T12:00")
    assert rules.check_slow() == 0
    switch_rule(account=ruled.account, rule=rule, on=True, by=MIA)
    assert rules.check_slow() == 1
    Sighting.objects.update(payer=foreign.payer, account=foreign.account)
    ruled.clock("2026-11-20T13:00")
    abroad(ruled, name="another")
    assert rules.check_slow() == 0


def test_a_session_that_had_ended_before_is_no_connection_of_today(ruled: Ruled) -> None:
    """The carrier goes on telling of it when it is asked again; what ended just before midnight is yesterday's."""
    line = ruled.line()
    abroad(ruled, then=Then.NEXT_DAY)
    session = {"session_started": at("2026-11-20T13:00"), "session_ended": at("2026-11-20T23:59")}
    ruled.clock("2026-11-21T00:01")
    seen(line, "US", "2026-11-21T00:01", **session)
    rules.check_slow()
    assert fires() == [("country:2026-11-20", "over")]
    ruled.clock("2026-11-21T09:00")
    seen(line, "US", "2026-11-21T09:00", **session)
    rules.check_slow()
    assert len(fires()) == 1
    assert wish(line)[0] == "ACTIVE"


def test_unknown_letters_are_refused(ruled: Ruled) -> None:
    with pytest.raises(BadRule) as refused:
        abroad(ruled, countries=["DE", "XX"])
    assert refused.value.problems == {"countries": "No country has these two letters: XX"}


def test_the_form_offers_countries_and_its_try_out_counts_days_abroad(
    ruled: Ruled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.01 a MB. Abroad on the 5th and from the 10th to the 12th with 100 MB on the 11th and 12th; off for 24 hours
    each time: the 5th, the 10th, the 11th, the 12th. Off for good after the 5th: $2.00 are saved."""
    monkeypatch.setattr("automation.tasks.act.delay", lambda: None)
    line = ruled.line()
    LineState.objects.filter(pk=line.pk).update(counter=0)
    for day in (11, 12):
        ruled.clock(f"2026-11-{day}T12:00")
        ruled.reads(line, 100)
    ruled.clock("2026-11-20T12:00")
    usual = {"line": line, "account": ruled.account, "payer": ruled.account, "cycle": at("2026-11-01").date()}
    for country, first, last in (("CH", 5, 5), ("DE", 6, 9), ("US", 10, 12), ("AT", 1, 1)):
        start, end = at(f"2026-11-{first:02}T10:00"), at(f"2026-11-{last:02}T15:00")
        if country == "AT":
            start, end = at("2026-10-01"), at("2026-10-02")  # long ago
        Sighting.objects.create(**usual, started_at=start, ended_at=end, seen_at=end, is_session=False, country=country)
    client = Client()
    client.force_login(owner_of(ruled.account))
    page = evenly(client.post(NEW, FILLED | {"do": "try", "then": "next-day"}).content.decode())
    assert "When a line connects outside Germany, France, it is deactivated at once" in page
    assert "<strong>4 times</strong> for <strong>1 line</strong>." in page
    assert ">Switzerland<" in page
    assert ">United States<" in page
    assert "<strong>1 time</strong> for <strong>1 line</strong> and saved about <strong>$2.00</strong>" in evenly(
        client.post(NEW, FILLED | {"do": "try"}).content.decode()
    )
    refused = client.post(NEW, FILLED | {"countries": []})
    assert refused.status_code == 422
    assert "Choose at least one country" in refused.content.decode()
    assert client.post(NEW, FILLED | {"limit": "what is hidden is not looked at"}).status_code == 302
    rule = Rule.objects.get()
    assert (rule.trigger, rule.countries, rule.limit) == ("country", ["DE", "FR"], None)
    again = client.get(f"/automation/rules/{rule.uuid.hex}/").content.decode()
    assert again.index("France") < again.index("Afghanistan")  # the chosen come first
