"""The console in a real Chromium: walked on a desk and on a phone, in both themes, with and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from billing.models import Wallet
from lines.models import Line, LineState
from lines.policy import MEGABYTE
from tests.console.axe_checks import wrong_in_any_look
from tests.console.console_people import DESK, PASSWORD, PHONE, MakeLine, Visit, fits, log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EVERY = 5_000  # milliseconds: numbers are asked for anew
OWNER, SUB = "jane@acme.example", "sub@harbour.example"


def test_a_person_signs_up_logs_out_and_logs_in(visit: Visit) -> None:
    page = visit(to="/")
    page.get_by_role("link", name="Open an account").click()
    page.get_by_label("Company or project").fill("Acme")
    page.get_by_label("Email").fill("new@acme.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Open the account").click()
    expect(page.get_by_role("heading", name="No lines yet")).to_be_visible()
    page.locator("details.who summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_label("Email").fill("new@acme.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def test_what_a_page_says_in_trouble_fits_and_is_accessible_in_any_look(
    acme: Account, fleet: dict[str, Line], visit: Visit
) -> None:
    Wallet.objects.update(posted=Decimal("3.20"))
    page = visit(login=OWNER)
    for path in ("/", "/lines/?q=nothing-like-this", f"/lines/{fleet['stopping'].iccid}/"):
        page.goto(path)
        assert wrong_in_any_look(page) == [], path
    page.locator("details.who summary").click()
    assert wrong_in_any_look(page) == []


def test_no_page_scrolls_sideways_between_a_small_phone_and_a_wide_screen(
    acme: Account, fleet: dict[str, Line], visit: Visit
) -> None:
    page = visit(login=OWNER)
    for path in ("/", "/lines/", f"/lines/{fleet['running'].iccid}/"):
        page.goto(path)
        for width in (320, 480, 768, 1024, 1280, 1440, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            assert fits(page), (path, width)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_door_follows_the_systems_theme(visit: Visit, theme: str) -> None:
    page = visit(color_scheme=theme, to="/accounts/login/")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(21, 23, 27)") == (theme == "dark")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_console_works_without_javascript(
    acme: Account, fleet: dict[str, Line], visit: Visit, size: dict[str, int]
) -> None:
    page = visit(login=OWNER, viewport=size, java_script_enabled=False, to="/")
    if size is PHONE:
        page.locator("details.fold summary").click()
    page.locator(".side, .fold").get_by_role("link", name="Lines", exact=True).click()
    page.get_by_role("searchbox", name="Search", exact=True).fill("truck")
    page.keyboard.press("Enter")  # on a phone the button is in the sheet of filters
    expect(page.locator("#rows tr")).to_have_count(1)
    page.locator("#rows .c-iccid a").click()
    expect(page.get_by_text("On: confirmed by Simbase")).to_be_visible()
    page.locator("details.balance summary").click()
    expect(page.locator(".balance .sum")).to_be_visible()
    page.locator("details.who summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_what_is_typed_filters_in_place_and_the_address_follows(
    acme: Account, fleet: dict[str, Line], visit: Visit
) -> None:
    page = visit(login=OWNER)
    page.goto("/lines/")
    page.keyboard.press("/")
    page.keyboard.type("crane", delay=30)
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/lines/\?q=crane"))
    expect(page.locator("#q")).to_be_focused()
    page.locator("#q").fill("")
    expect(page.locator("#rows tr")).to_have_count(len(fleet))
    page.locator("#status").select_option("suspended")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.go_back()
    expect(page.locator("#rows tr")).to_have_count(len(fleet))


def test_a_column_sorts_and_the_filters_keep_it(acme: Account, fleet: dict[str, Line], visit: Visit) -> None:
    page = visit(login=OWNER)
    page.goto("/lines/")
    page.get_by_role("columnheader", name=re.compile("This month")).get_by_role("link").click()
    expect(page.locator("#rows tr").first).to_have_id(f"line-{fleet['running'].iccid}")
    expect(page.get_by_role("columnheader", name=re.compile("This month"))).to_have_attribute("aria-sort", "descending")
    page.locator("#status").select_option("activated")
    expect(page.locator("#rows tr")).to_have_count(2)
    expect(page).to_have_url(re.compile("sort=-month"))


def test_numbers_change_in_place_and_what_a_person_does_stays(
    acme: Account, fleet: dict[str, Line], make_line: MakeLine, visit: Visit
) -> None:
    page = visit(login=OWNER)
    page.clock.install()
    page.goto("/lines/")
    row = page.locator(f"#line-{fleet['by person'].iccid}")
    expect(row.locator(".c-today")).to_contain_text("0")
    page.evaluate("document.querySelector('#q').value = 'half a wor'")
    page.evaluate("document.querySelector('#rows tr').kept = true")
    page.locator("details.balance summary").click()
    LineState.objects.filter(line=fleet["by person"]).update(day_bytes=42 * MEGABYTE)
    make_line(acme)
    page.clock.run_for(EVERY)
    expect(row.locator(".c-today")).to_contain_text("42.0")
    expect(page.get_by_text("1 more line now: show")).to_be_visible()
    assert page.evaluate("document.querySelector('#rows tr').kept")
    expect(page.locator("#q")).to_have_value("half a wor")
    expect(page.locator("details.balance")).to_have_attribute("open", "")
    expect(page.locator("#rows tr")).to_have_count(len(fleet))


def test_a_line_follows_its_carrier_without_a_reload(acme: Account, fleet: dict[str, Line], visit: Visit) -> None:
    page = visit(login=OWNER)
    page.clock.install()
    page.goto(f"/lines/{fleet['activating'].iccid}/")
    expect(page.get_by_text("Activation Ready")).to_be_visible()
    page.get_by_text("The same as a table").first.click()
    LineState.objects.filter(line=fleet["activating"]).update(reported=1, reported_word="enabled")
    page.clock.run_for(EVERY)
    expect(page.get_by_text("On: confirmed by Simbase")).to_be_visible()
    expect(page.locator("details.behind").first).to_have_attribute("open", "")


def test_an_iccid_is_copied_whole_with_a_click(acme: Account, fleet: dict[str, Line], visit: Visit) -> None:
    page = visit(login=OWNER, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/lines/?q=truck")
    page.get_by_role("button", name=re.compile("Copy ICCID")).click()
    page.wait_for_function("async iccid => await navigator.clipboard.readText() === iccid", arg=fleet["running"].iccid)


def test_the_keyboard_walks_from_line_to_line(acme: Account, fleet: dict[str, Line], visit: Visit) -> None:
    page = visit(login=OWNER)
    page.goto("/lines/")
    page.locator("#rows .c-iccid a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#rows .c-iccid a").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/lines/\d+/"))


def test_a_menu_closes_with_escape_and_outside(acme: Account, visit: Visit) -> None:
    page = visit(login=OWNER, to="/")
    menu = page.locator("details.who")
    ways: list[Callable[[], None]] = [lambda: page.keyboard.press("Escape"), lambda: page.locator("h1").click()]
    for close in ways:
        menu.locator("summary").click()
        expect(menu.locator(".panel")).to_be_visible()
        close()
        expect(menu.locator(".panel")).to_be_hidden()


def test_on_a_phone_a_line_is_found_by_its_last_digits(
    acme: Account, make_line: MakeLine, fleet: dict[str, Line], visit: Visit
) -> None:
    line = make_line(acme, iccid="8931081234567894711")
    page = visit(login=OWNER, viewport=PHONE, has_touch=True, to="/")
    page.get_by_role("combobox", name=re.compile("Search lines")).fill("4711")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(line.iccid))
    expect(page.get_by_text("Activated")).to_be_visible()


def test_a_subaccounts_person_walks_without_meeting_money(
    harbour: Account, fleet: dict[str, Line], visit: Visit
) -> None:
    page, own = visit(login=SUB), fleet["harbour's"]
    for path in ("/", "/lines/", f"/lines/{own.iccid}/"):
        page.goto(path)
        assert "$" not in page.inner_text("body")
        expect(page.locator(".balance")).to_have_count(0)


def test_numbers_that_stand_still_say_so(
    acme: Account, fleet: dict[str, Line], page: Page, live_server: LiveServer
) -> None:
    log_in(page.context, OWNER, live_server.url)
    page.clock.install()
    page.goto("/lines/")
    page.route("**/lines/?rows=*", lambda route: route.abort())
    page.clock.run_for(EVERY)
    expect(page.get_by_text("the numbers below stand still")).to_be_visible()
    page.unroute("**/lines/?rows=*")
    page.clock.run_for(EVERY)
    expect(page.get_by_text("the numbers below stand still")).to_be_hidden()
