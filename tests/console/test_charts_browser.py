"""Charts to touch: pointer and keys tell the day, the legend takes parts away, a bar leads to its day."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from accounts.models import Account
from tests.console.axe_checks import wrong_in_any_look
from tests.console.console_people import MakeLine, Visit
from tests.fleets import sum_day_rows

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_chart_tells_its_days_toggles_its_parts_and_leads_to_them(
    acme: Account, harbour: Account, make_line: MakeLine, visit: Visit
) -> None:
    make_line(acme, megabytes=120)
    make_line(harbour, megabytes=30)
    sum_day_rows()
    page = visit(login="jane@acme.example", to="/usage/?by=subaccount&range=7d")
    chart = page.locator(".live-chart")
    expect(chart).to_have_count(1)
    expect(page.locator(".plot")).to_be_hidden()
    chart.focus()
    page.keyboard.press("End")
    expect(page.locator(".chart-told")).to_contain_text("Acme 120 MB")
    expect(page.locator(".chart-told")).to_contain_text("Harbour Cranes 30 MB")
    page.get_by_role("button", name="Harbour Cranes").click()
    expect(page.get_by_role("button", name="Harbour Cranes")).to_have_attribute("aria-pressed", "false")
    chart.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".chart-told")).not_to_contain_text("Harbour")
    page.get_by_role("link", name="Cost", exact=True).click()
    page.wait_for_url(re.compile("unit=usd"))
    expect(page.locator(".live-chart")).to_have_count(1)
    assert wrong_in_any_look(page) == []
    page.locator(".live-chart").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/billing/explain/\?day="))


def test_without_a_script_the_picture_and_the_table_are_there(acme: Account, make_line: MakeLine, visit: Visit) -> None:
    make_line(acme, megabytes=120)
    sum_day_rows()
    page = visit(login="jane@acme.example", to="/usage/?by=line&range=7d", java_script_enabled=False)
    expect(page.locator(".plot")).to_be_visible()
    expect(page.locator(".live-chart")).to_have_count(0)
    page.get_by_text("View as table").click()
    expect(page.get_by_role("row").filter(has_text="120")).not_to_have_count(0)
