"""An owner adds a card and funds in Chromium: the balance turns from red to green and the lines come back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer
from stripe_proxy import Running as Standin

from accounts.commands import open_account
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from billing import tasks
from lines.commands.wishes import enforce
from lines.models import Carrier, Line, LineState, Price, RatePlan
from lines.policy import Wanted, Why
from tests.answering import Answering
from tests.conftest import WELL_WITHIN
from tests.console.console_people import log_in
from tests.tills import standin_fixture, stripe_server_fixture, usd  # noqa: F401

CARD = {"number": "4242 4242 4242 4242", "expiry": "12/31", "cvc": "123", "name": "Ada Byron", "line1": "1 Quay",
        "postal_code": "3011", "city": "Rotterdam", "country": "NL"}  # fmt: skip


@pytest.fixture(params=["with scripts", "without scripts"])
def owner_page(request: Any, chromium: Browser, live_server: LiveServer, answering: Answering, standin: Standin) -> Any:
    """A page that may go to Stripe's and back; any complaint about our policy fails the test."""
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=request.param == "with scripts")
    context.set_default_timeout(WELL_WITHIN)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    context.close()
    answering.wait()
    assert complaints == []


def _line(account: Any) -> LineState:
    carrier = Carrier.objects.create(name="simbase", kind="simbase", url="http://127.0.0.1:9", secrets="x")
    plan = RatePlan.objects.create(name="World", carrier=carrier)
    Price.objects.create(plan=plan, per_mb=usd("0.01"))
    line = Line.objects.create(iccid="8944538415800000001", carrier=carrier, plan=plan, account=account, payer=account)
    return LineState.objects.create(line=line, wanted=Wanted.SUSPENDED, why=Why.BALANCE)


@pytest.mark.browser
def test_a_card_and_funds_turn_the_balance_green_and_bring_the_lines_back(
    owner_page: Page, live_server: LiveServer, transactional_db: None
) -> None:
    page = owner_page
    account = open_account(name="acme", owner_email="owner@acme.example", by=OPERATOR)
    state = _line(account)
    log_in(page.context, owner_of(account).email, live_server.url)
    page.goto("/")
    expect(page.locator("#balance")).to_contain_text("Too low")
    page.click("a.refill")
    page.click("main button:has-text('Give a card')")
    page.wait_for_url("**/c/pay/**")
    for name, value in CARD.items():
        page.fill(f"[name={name}]", value)
    page.click("button:has-text('Save card')")
    page.wait_for_url("**/billing/add-funds/")
    expect(page.locator("main")).to_contain_text("The card ending in 4242 is saved")
    page.fill("#id_other", "12.345")
    page.click("main button:has-text('Add funds')")
    expect(page.locator("main")).to_contain_text("more than 2 decimals")
    page.fill("#id_other", "75.50")
    page.click("main button:has-text('Add funds')")
    page.wait_for_url("**/billing/payments/**")
    expect(page.locator("main")).to_contain_text("$75.50 is on your balance")
    expect(page.locator("#balance")).to_contain_text("$75.50 Good")
    assert enforce().reactivated == 1  # what the bell of the books does every ten seconds
    state.refresh_from_db()
    assert state.wanted == Wanted.ACTIVE
    page.goto("/billing/auto-refill/")
    page.click("main button:has-text('Turn on auto-refill')")
    expect(page.locator("main")).to_contain_text("Auto-refill is on")
    expect(page.locator("#balance")).to_have_count(0)
    tasks.refill_balances()
    page.goto("/billing/transactions/")
    expect(page.locator(".rows tbody tr")).to_have_count(1)
