"""In a real browser: what stands behind the # of a mailed link opens it, and leaves the address."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.commands import open_account
from accounts.commands.invitations import invite
from accounts.policy import OPERATOR, Role
from accounts.queries import owner_of
from tests.letters import posted
from tests.links import link_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_mailed_link_opens_and_its_token_is_in_no_address(page: Page, live_server: LiveServer) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    acme = open_account(name="Acme", owner_email="jane@acme.example", by=OPERATOR)
    invite(account=acme, email="tom@acme.example", role=Role.USER, address=live_server.url, by=owner_of(acme).actor)
    link = link_in(str(posted()[-1].body), "invitation")
    token = link.partition("#")[2]
    page.goto(link)
    page.wait_for_url("**/accounts/invitation/")
    expect(page.locator("body")).to_contain_text("Join Acme")
    assert [url for url in asked if token in url.partition("#")[0]] == []
    page.go_back()
    assert token not in page.url


def test_without_a_token_the_page_asks_for_the_link(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/accounts/open/reset/")
    expect(page.get_by_label("Link")).to_be_visible()
    if folder := os.environ.get("SHOTS"):
        for width in (1280, 390):
            for theme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": 700})
                page.emulate_media(color_scheme=theme)
                page.screenshot(path=str(Path(folder) / f"open-{width}-{theme}.png"))
