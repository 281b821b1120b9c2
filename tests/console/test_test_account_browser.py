"""The test account in Chromium: made, entered, used and left, on a desk and on a phone, in both themes."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import Account
from lines.models import LineDay
from tests.console.axe_checks import wrong_in_any_look
from tests.console.console_people import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_test_account_is_made_entered_used_and_left(acme: Account, visit: Visit) -> None:
    address = reverse("test_account")
    page = visit(login="jane@acme.example", to=address)
    assert wrong_in_any_look(page, within="main") == []
    page.get_by_role("button", name="Make test account").click()
    expect(page.locator(".said")).to_contain_text("Test account made.")
    assert wrong_in_any_look(page, within="main") == []
    page.get_by_role("button", name="Open test account").click()
    page.wait_for_url(re.compile("/$"))
    expect(page.locator(".acting")).to_contain_text("Test account. Nothing here is real.")
    assert wrong_in_any_look(page) == []
    page.goto(address)
    assert wrong_in_any_look(page, within="main") == []
    page.get_by_label("Data, MB").fill("25")
    page.get_by_role("button", name="Use data").click()
    expect(page.locator(".said")).to_contain_text("25 MB used.")
    assert LineDay.objects.get().used == 25 * 1_048_576
    page.get_by_role("spinbutton", name="Days").fill("3")
    page.get_by_role("button", name="Turn clock").click()
    expect(page.locator(".said")).to_contain_text("It is now")
    page.get_by_role("button", name="Switch to Acme").click()
    expect(page.locator(".acting")).to_have_count(0)
