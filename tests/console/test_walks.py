"""Each chapter of the tutorial walked in Chromium by who may, on a desk and a phone, in both themes; core acts without
JavaScript. An error in a console or a request to another host fails a walk."""

from __future__ import annotations

import gzip
import re

import pytest
from allauth.mfa.models import Authenticator
from console.tutorial import CHAPTERS, chapters_for
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.commands.desk import let_into_back_office
from accounts.models import Account, Membership, User
from accounts.policy import OPERATOR, Role
from lines.models import Line, LineState, Order
from lines.policy import Wanted
from tests.console.console_people import DESK, PASSWORD, PHONE, Visit, fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OWNER, USER, SUB = "jane@acme.example", "tom@acme.example", "sub@harbour.example"
OFFICE = "anna@office.example"
MOST_BYTES = 300_000  # of a first load, compressed


@pytest.fixture
def tom(acme: Account) -> User:
    user = User.objects.create_user(USER, PASSWORD)
    Membership.objects.create(user=user, account=acme, role=Role.USER)
    return user


@pytest.mark.parametrize(
    ("login", "theme"), [(OWNER, "light"), (USER, "dark"), (SUB, "light")], ids=["owner", "user", "sub-account"]
)
def test_every_chapter_is_walked_by_who_may_on_a_desk_and_on_a_phone(
    acme: Account, tom: User, fleet: dict[str, Line], visit: Visit, login: str, theme: str
) -> None:
    page = visit(login=login, color_scheme=theme, to="/tutorial/")
    place = Membership.objects.select_related("account").get(user__email=login)
    mine = chapters_for(place)
    for chapter in mine:
        expect(page.locator(f"#about-{chapter.slug}")).to_have_text(chapter.title)
    for name in dict.fromkeys(chapter.page for chapter in mine):
        answer = page.goto(reverse(name))
        assert answer is not None, name
        assert answer.status == 200, name
        expect(page.locator("h1, h2"), name).not_to_have_count(0)
        for size in (PHONE, DESK):
            page.set_viewport_size(size)
            assert fits(page), (name, size)
    client = Client()
    client.force_login(User.objects.get(email=login))
    for name in {chapter.page for chapter in CHAPTERS} - {chapter.page for chapter in mine}:
        assert client.get(reverse(name)).status_code == 404, name


def test_core_acts_work_without_javascript(acme: Account, fleet: dict[str, Line], visit: Visit) -> None:
    line = fleet["running"]
    page = visit(login=OWNER, java_script_enabled=False, to="/")
    page.get_by_label("Search lines, customers, rules, pages and actions").fill(line.iccid[-6:])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/lines/{line.iccid}/$"))
    page.get_by_role("button", name="Deactivate").first.click()
    expect(page.locator(".said")).to_contain_text("Deactivation scheduled for")
    off = fleet["by person"]
    page.goto(f"/lines/{off.iccid}/")
    page.get_by_role("button", name="Activate").first.click()
    expect(page.locator(".said")).to_contain_text("Activating")
    assert LineState.objects.get(line=off).wanted == Wanted.ACTIVE
    page.goto("/coverage/")
    page.goto("/orders/")
    page.get_by_label("How many").fill("40")
    page.get_by_label("Your name").fill("Jane")
    page.get_by_label("Where they go").fill("Quay 1, Rotterdam")
    page.get_by_role("button", name="Send the request").click()
    expect(page.locator(".said")).to_contain_text("Your request is kept")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator(".said")).to_contain_text("The request is withdrawn")
    assert Order.objects.get().state == "withdrawn"
    page.goto("/search/?q=trans")
    expect(page).to_have_url(re.compile(f"{reverse('transactions')}$"))


def test_a_first_load_weighs_little_and_text_of_twice_the_size_fits(
    acme: Account, fleet: dict[str, Line], visit: Visit
) -> None:
    page = visit(login=OWNER, viewport={"width": 720, "height": 450})  # a desk's window at 200%
    for path in ("/", "/lines/", f"/lines/{fleet['running'].iccid}/", "/billing/"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert fits(page), path
        parts = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
        weight = sum(_weight(page, url) for url in {page.url, *parts})
        assert weight < MOST_BYTES, (path, weight)


def _weight(page: Page, url: str) -> int:
    """Bytes of a part of a page as a server that compresses sends it."""
    body = page.request.get(url).body() if url.startswith("http") else b""
    return min(len(body), len(gzip.compress(body, 6)))


def test_the_back_office_is_walked_and_its_scripts_run(acme: Account, fleet: dict[str, Line], visit: Visit) -> None:
    user = let_into_back_office(email=OFFICE, password=PASSWORD, by=OPERATOR)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    page: Page = visit(login=OFFICE, color_scheme="dark")
    page.goto("/back-office/")
    expect(page.get_by_role("heading", name="What waits for you")).to_be_visible()
    page.goto("/back-office/lines/line/")
    expect(page.get_by_text(fleet["running"].iccid)).to_be_visible()
    page.goto(reverse("admin:accounts_account_act_for", args=[acme.pk]))
    page.get_by_label("Why").fill("their call of today")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator(".acting")).to_contain_text("You act for Acme")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("link", name="Act for this account")).to_be_visible()
