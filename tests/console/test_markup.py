"""What somebody wrote is never markup: every text of every row has some in it, and Chromium looks at every page."""

from __future__ import annotations

import os
from email.message import Message as Mail

import pytest
from allauth.mfa.models import Authenticator
from console.desks import DESKS
from django.core import mail
from django.urls import reverse
from playwright.sync_api import Page

from accounts.commands.desk import let_into_back_office
from accounts.models import Brand, User
from accounts.policy import OPERATOR
from accounts.tasks import mail_invitations
from billing.mail import letter_of
from billing.models import Notice
from lines.models import Line
from tests.console.console_people import Visit
from tests.console.marked import MARK, PAYLOAD, mark_everything
from tests.console.test_every_page import NO_PAGES, SUBS, address
from tests.tenants.tenant_people import World
from tests.tenants.tenant_table import PUBLIC, ROWS
from tests.tenants.tenant_world import build

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OFFICE = "anna@office.example"
IS_LONG = "HOSTILE" in os.environ  # all pages of all people; the suite's run takes those that show the most
MOST_TELLING = {
    "lines", "line", "line-sms", "line-settings", "line-connections", "line-audit", "sms", "home", "audit", "rules",
    "rule_activity", "webhook", "job", "jobs", "staff", "subaccounts", "subaccount", "orders", "transactions",
    "api_keys", "coverage", "white_label", "billing_details", "payment",
}  # fmt: skip


@pytest.fixture
def world() -> World:
    world = build()
    Brand.objects.all().delete()
    marked = mark_everything()
    expected = {
        "lines.Line.notes", "lines.SmsMessage.text", "lines.Tag.name", "lines.Sighting.network", "lines.Order.contact",
        "lines.RatePlan.name", "lines.Carrier.name", "lines.Job.selection", "lines.JobItem.note", "accounts.User.name",
        "accounts.Account.name", "accounts.ApiKey.name", "automation.Rule.name", "automation.RuleFire.because",
        "automation.WebhookDelivery.body", "billing.Notice.text", "billing.Customer.name", "lines.LineState.why_who",
        "lines.LineState.reported_word", "lines.Coverage.network",
    }  # fmt: skip
    assert expected - marked == set(), sorted(marked)
    return world


def wrong_in(page: Page) -> str:
    """What of the texts became part of the page."""
    found: str = page.evaluate(
        f"""() => [
            [...document.querySelectorAll('{MARK}')].map(one => 'an element: ' + one.parentElement.outerHTML)[0],
            window.zqRan && 'a script ran',
            [...document.querySelectorAll('[onclick],[onerror]')].map(one => 'an attribute: ' + one.outerHTML)[0],
            document.body.innerText.includes('zq49') && 'a template ran',
        ].filter(Boolean).join('; ').slice(0, 400)"""
    )
    return found


def looked_at(page: Page, paths: list[str]) -> str:
    wrong, seen = [], 0
    for path in paths:
        answer = page.goto(path, wait_until="domcontentloaded")
        if answer is None or not answer.ok:
            wrong.append(f"{path} answers {answer and answer.status}")
        elif what := wrong_in(page):
            wrong.append(f"{path}: {what}")
        seen += page.content().count(MARK)
    assert seen > len(paths), "pages without a mark prove nothing"
    return "\n".join(wrong)


def test_no_page_of_an_owner_makes_markup_of_a_text(world: World, visit: Visit) -> None:
    names = [name for name, row in ROWS.items() if row.get is not None and name not in NO_PAGES and row.right != PUBLIC]
    shown = sorted(names if IS_LONG else MOST_TELLING & set(names))
    owner = world.people["owner"]
    owner.set_password("orbit-lantern-42")  # who has none is asked for none again
    owner.save()
    assert looked_at(visit(login=owner.email), [address(name, world) for name in shown]) == ""


def test_no_page_of_a_sub_account_does(world: World, visit: Visit) -> None:
    line = world.harbour.objects["line"]
    paths = [reverse(name, args=[line] if name.startswith("line-") or name == "line" else []) for name in SUBS]
    assert looked_at(visit(login=world.people["sub-account"].email), paths) == ""


def test_no_desk_of_the_back_office_does(world: World, visit: Visit) -> None:
    let_into_back_office(email=OFFICE, password="orbit-lantern-42", by=OPERATOR)
    Authenticator.objects.create(user=User.objects.get(email=OFFICE), type="totp", data={"secret": "x"})
    paths = [reverse(f"admin:{name}") for _, desks in DESKS for name, _, _ in desks]
    paths += [
        reverse("admin:lines_line_change", args=[Line.objects.earliest("pk").pk]),
        reverse("admin:accounts_account_change", args=[world.acme.account.pk]),
        reverse("admin:index"),
    ]
    assert looked_at(visit(login=OFFICE), paths if IS_LONG else paths[::2]) == ""


def test_no_mail_does(world: World, page: Page) -> None:
    """The HTML part of each, as a reader of mails shows it; and no header has a line of its own."""
    mail_invitations()
    letters: list[Mail] = [letter.message() for letter in mail.outbox]
    letters += [letter_of(notice).message() for notice in Notice.objects.all()]
    assert len(letters) > 3
    seen = 0
    for letter in letters:
        html = next(part for part in letter.walk() if part.get_content_type() == "text/html")
        content = html.get_payload(decode=True)
        assert isinstance(content, bytes)
        text = content.decode()
        seen += MARK in text
        page.set_content(text)
        assert wrong_in(page) == ""
        assert not any("\n" in str(value).replace("\n ", "") for value in letter.values())
    assert seen > 1


def test_the_payload_is_markup_where_nobody_escapes_it(page: Page) -> None:
    """What the others look for is there to be found."""
    page.set_content(f"<p>{PAYLOAD}</p>")
    assert "an element" in wrong_in(page)
    page.set_content(f'<p title="{PAYLOAD}">a</p>')
    assert "an element" in wrong_in(page)
