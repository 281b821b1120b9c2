"""In a browser: the tutorial's daily rule is written and tried, a line passes it, and the next day runs again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer
from simulator import Running, running

from lines.work.clients import close_clients
from tests.console.console_people import log_in
from tests.worlds import Story


@pytest.mark.browser
def test_the_daily_rule_from_its_form_to_the_day_after(
    page: Page, live_server: LiveServer, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automation.tasks.act.delay", lambda: None)
    with running(simbase=2, iotportal=0, quiet=True, clock="2026-11-01") as sim:
        _walk(page, live_server.url, sim, lambda now: Story(sim, monkeypatch, now))
    close_clients()


def _walk(page: Page, address: str, sim: Running, begin: Callable[[str], Story]) -> None:
    tale = begin("2026-11-10T08:00")
    tracker = sim.iccids("simbase", 1)[0]
    tale.carrier("simbase", per_mb="0.01")
    tale.account("acme", credit="100.00")
    tale.lines("acme", "simbase", [tracker])
    tale.sync(compare=False)
    for day, megabytes in ((11, 700), (12, 100)):
        tale.at(f"2026-11-{day}T12:00")
        tale.uses(tracker, megabytes)
        tale.sync(compare=False)
    log_in(page.context, "owner@acme.example", address)
    page.goto("/automation/rules/")
    page.get_by_role("link", name="512 MB a day, on again the next day").click()
    page.wait_for_url("**/automation/rules/new/**")  # and its scripts: what is typed before them changes no preview
    expect(page.locator("#preview")).to_contain_text("1 line is looked at now")
    page.locator("#id_limit").fill("5000")
    expect(page.locator("#preview")).to_contain_text("more than 5,000 MB in a day")
    page.locator("#id_limit").fill("512")
    page.get_by_role("button", name="Try it").click()
    tried = page.locator("#tried")
    expect(tried).to_contain_text("fired 1 time for 1 line and saved about $1.88")  # (700 - 512) x 0.01
    expect(tried).to_contain_text("11 November 2026")
    page.get_by_role("button", name="Save rule").click()
    expect(page.locator("table.rules")).to_contain_text("When a line uses more than 512 MB in a day")

    tale.at("2026-11-13T15:00")
    tale.uses(tracker, 600)
    tale.sync(compare=False)
    assert tale.word(tracker) == "disabled"
    log_in(page.context, "owner@acme.example", address)  # a session ends when nobody came for a day
    page.goto("/automation/activity/")
    expect(page.locator("#listing")).to_contain_text("Used 600 MB on 13 November 2026, over 512 MB")
    expect(page.locator("#listing")).to_contain_text("Deactivated")
    expect(page.locator("#listing")).to_contain_text("Activate at 14 Nov 2026, 00:00 UTC: planned")

    tale.at("2026-11-14T00:00")
    tale.sync(compare=False)
    assert tale.word(tracker) == "enabled"
    page.reload()
    expect(page.locator("#listing")).to_contain_text("Activate at 14 Nov 2026, 00:00 UTC: done")
