"""Search and commands: each kind is found by who may see it, and only theirs; keys open, choose and go."""

from __future__ import annotations

import re

import pytest
from console.palette import ACTIONS, SETTINGS, found_for
from django.urls import reverse
from kit import clock
from playwright.sync_api import expect

from accounts.models import Account
from automation.models import Rule
from lines.models import Line, Tag
from tests.console.console_people import MakeLine, Visit, client_of, place_of


def found(account: Account, text: str) -> dict[str, list[str]]:
    return {kind: [one.label for one in rows] for kind, rows in found_for(place_of(account), text, today=clock.today())}


@pytest.mark.django_db
def test_everything_with_a_name_is_found_by_it(acme: Account, harbour: Account, fleet: dict[str, Line]) -> None:
    Rule.objects.create(account=acme, name="SOS from a device", trigger="sms", word="SOS")
    Tag.objects.create(account=acme, name="north quay")
    assert found(acme, "harbour")["Sub-accounts"] == ["Harbour Cranes"]
    assert found(acme, "sos")["Rules"] == ["SOS from a device"]
    assert found(acme, "jane@")["People"] == ["jane@acme.example"]
    assert found(acme, "north")["Tags"] == ["north quay"]
    assert found(acme, "truck 14")["Lines"] == [fleet["running"].iccid]
    assert found(acme, "time zone")["Settings"] == ["Time zone and language"]
    assert found(acme, "white label")["Settings"] == ["White label"]
    assert found(acme, "suspended")["Pages"] == ["Suspended lines"]
    assert "Transactions" in found(acme, "trans")["Pages"]
    assert found(acme, "refill")["Actions"] == ["Add funds", "Set up auto-refill"]
    digits = fleet["running"].iccid[-6:]
    assert found(acme, f"deactivate {digits}")["Lines"] == [f"Deactivate {fleet['running'].iccid}"]
    assert "Actions" in found(acme, "")


@pytest.mark.django_db
def test_a_sub_accounts_people_find_theirs_and_no_money(
    acme: Account, harbour: Account, fleet: dict[str, Line], stranger: Account
) -> None:
    Rule.objects.create(account=acme, name="Crane watch", trigger="sms", word="SOS")
    assert set(found(harbour, "crane")) == {"Lines"}
    assert found(harbour, "truck") == {}
    assert found(harbour, "deactivate crane") == {}
    assert not {"Add funds", "New rule", "Invite team members"} & set(found(harbour, "").get("Actions", []))
    assert found(acme, "CANARY") == {}


def test_each_action_and_setting_leads_to_a_page() -> None:
    for one in (*ACTIONS, *SETTINGS):
        assert reverse(one.page)


@pytest.mark.django_db
def test_htmx_gets_the_results_alone(acme: Account, fleet: dict[str, Line]) -> None:
    answer = client_of(acme).get("/search/?q=<b>", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in answer
    assert "No results for “&lt;b&gt;”" in answer


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_keys_open_the_search_choose_and_go(acme: Account, make_line: MakeLine, visit: Visit) -> None:
    first = make_line(acme, notes="Truck 14")
    make_line(acme, notes="Van 2")
    page = visit(login="jane@acme.example", to="/audit/")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option", name="Add funds")).to_be_visible()
    page.keyboard.type("truck")
    expect(page.get_by_role("option", name=re.compile("Truck 14"))).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/lines/{first.iccid}/$"))
    page.goto("/lines/")
    page.locator("main").click(position={"x": 5, "y": 5})
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#rows .c-tick input").nth(1)).to_be_checked()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/lines/{first.iccid}/$"))  # and its scripts: keys pressed before them go nowhere
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_form_is_sent_once_however_often_it_is_pressed(acme: Account, make_line: MakeLine, visit: Visit) -> None:
    line = make_line(acme, notes="Truck 14")
    page = visit(login="jane@acme.example", to=f"/lines/{line.iccid}/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.evaluate(
        """() => { const button = [...document.querySelectorAll("form[action$='/deactivate/'] button")][0];
                   button.click(); button.click(); button.click(); }"""
    )
    expect(page.locator(".said").first).to_be_visible()
    assert len(sent) == 1
    expect(page.locator("#tray summary")).to_be_visible()
