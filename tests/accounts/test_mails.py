"""Every mail is plain and HTML, in one branding, and asks no other host for anything."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from kit import clock
from kit.errors import Invalid
from pytest_django import Settings

from accounts.commands import invitations, open_account, waiting_letters
from accounts.mails import mail
from accounts.models import Account, Brand, BrandLogo, Invitation, PostedLetter, WaitingLetter
from accounts.policy import OPERATOR, Role
from tests.letters import posted

pytestmark = pytest.mark.django_db

TEXT = "Tom invites you.\n\nhttps://console.example/i/abc\n\nIt works once."
PASSWORD = "orbit-lantern-42"


@pytest.fixture
def account() -> Account:
    return open_account(name="Acme <b>& Sons", owner_email="jane@acme.example", password=PASSWORD, by=OPERATOR)


def html_of(message: EmailMultiAlternatives) -> str:
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    return " ".join(str(html).split())


def test_a_mail_says_the_same_in_plain_and_in_html(account: Account, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Somebody <post@console.example>"
    letter = mail.Letter(
        "come in", "Tom invites you.\n\nhttps://console.example/i/abc\n\nIt works once.", button="Join"
    )
    sent = mail.made(to="tom@acme.example", letter=letter, account=account)
    assert (sent.subject, sent.to, sent.from_email) == (
        "Linekeeper: come in",
        ["tom@acme.example"],
        "Linekeeper <post@console.example>",
    )
    html = html_of(sent)
    for said in ("Tom invites you.", "https://console.example/i/abc", "It works once.", "Linekeeper · account Acme"):
        assert said in sent.body
        assert said in html
    assert '<a href="https://console.example/i/abc"' in html
    assert ">Join</a>" in html


def test_what_people_named_things_cannot_become_markup_or_a_header(account: Account) -> None:
    letter = mail.Letter("a rule\r\nBcc: all@example.com", '<img src="https://evil.example/x.png"> fired')
    sent = mail.made(to="tom@acme.example", letter=letter, account=account)
    assert sent.subject == "Linekeeper: a rule Bcc: all@example.com"
    assert "Acme <b>& Sons" in sent.body
    assert "<img" not in html_of(sent)
    assert "Acme &lt;b&gt;&amp; Sons" in html_of(sent)


def test_a_branding_of_ones_own_brings_name_colour_and_logo_and_no_other_host(
    account: Account, settings: Settings
) -> None:
    settings.DEFAULT_FROM_EMAIL = "Somebody <post@console.example>"
    png = b"\x89PNG\r\n\x1a\n" + bytes(20)
    brand = Brand.objects.create(
        account=account, name="Harbour", accent="#ffcc00", logo_digest="a" * 64, support_mail="help@harbour.example"
    )
    BrandLogo.objects.create(brand=brand, image=png)
    papers = [mail.Attachment("INV-000001.pdf", b"%PDF", "application/pdf")]
    sent = mail.made(to="tom@acme.example", letter=mail.Letter("hello", "Text."), account=account, attachments=papers)
    html = html_of(sent)
    assert (sent.subject, sent.reply_to) == ("Harbour: hello", ["help@harbour.example"])
    assert sent.from_email == "Harbour <post@console.example>"
    assert "Linekeeper" not in html + sent.body
    assert 'src="cid:logo"' in html
    assert not re.search(r"""(src|href)=["']https?:""", html)
    parts = [part.get_content_type() for part in sent.message().walk()]
    assert parts[-2:] == ["image/png", "application/pdf"]


def test_a_password_is_reset_from_a_button(account: Account, client: Client) -> None:
    client.post("/accounts/password/reset/", {"email": "jane@acme.example"})
    [sent] = posted()
    assert isinstance(sent, EmailMultiAlternatives)
    assert sent.subject == "Linekeeper: set a new password"
    link = re.search(r"http://\S+/accounts/open/reset/#\S+", str(sent.body))
    assert link is not None
    assert f'href="{link.group()}"' in html_of(sent)
    assert "Set a new password</a>" in html_of(sent)


def test_links_to_the_console_are_left_out_where_nobody_said_where_it_is(settings: Settings) -> None:
    settings.CONSOLE_URL = ""
    assert mail.console_url("/billing/") == ""
    settings.CONSOLE_URL = "https://console.example"
    assert mail.console_url("/billing/") == "https://console.example/billing/"


def test_links_lead_to_the_domain_of_a_brand_once_it_is_live(account: Account, settings: Settings) -> None:
    settings.CONSOLE_URL = "https://console.example"
    brand = Brand.objects.create(account=account, name="Harbour", domain="sims.harbour.example")
    assert mail.console_url("/billing/", account) == "https://console.example/billing/"
    brand.domain_live_at = clock.now()
    assert mail.console_url("/billing/", account) == "https://sims.harbour.example/billing/"


def test_a_mail_with_a_link_is_tried_for_three_days_and_never_readable(
    account: Account, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no mail server")

    now = clock.now()
    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend.open", refuse)
        client.post("/accounts/password/reset/", {"email": "jane@acme.example"})
        for hours in (0, 1, 5, 30, 60, 73):
            with clock.frozen(now + dt.timedelta(hours=hours, minutes=1)):
                assert posted() == []
    waiting = PostedLetter.objects.get()
    assert "no mail server" in waiting.why
    assert waiting.failed_at is not None
    assert "/accounts/open/" not in str(PostedLetter.objects.values())
    with clock.frozen(now + dt.timedelta(hours=80)):
        assert posted() == []  # not by itself
        waiting_letters.send_again(letter_id=waiting.pk, by=OPERATOR)
        with pytest.raises(Invalid):
            waiting_letters.send_again(letter_id=waiting.pk, by=OPERATOR)
        [sent] = posted()
    assert "/accounts/open/reset/#" in sent.body
    assert not PostedLetter.objects.exists()


def test_a_mail_whose_worker_died_as_it_was_handed_over_is_not_sent_again_by_itself(
    account: Account, client: Client
) -> None:
    client.post("/accounts/password/reset/", {"email": "jane@acme.example"})
    PostedLetter.objects.update(handed_at=clock.now() - dt.timedelta(minutes=6), tries=1)
    assert posted() == []
    assert PostedLetter.objects.get().failed_at is not None


def test_mails_of_the_version_before_leave_too(account: Account) -> None:
    WaitingLetter.objects.create(account=account, to="tom@acme.example", subject="keys", text="They ended.")
    asked = Invitation.objects.create(account=account, email="kim@acme.example", role="user", mail_after=clock.now())
    assert sorted(sent.to[0] for sent in posted()) == ["kim@acme.example", "tom@acme.example"]
    asked.refresh_from_db()
    assert (WaitingLetter.objects.count(), PostedLetter.objects.count()) == (0, 0)
    assert asked.mailed_at is not None
    assert asked.token_hash


def test_an_invitation_that_was_withdrawn_is_not_mailed(account: Account) -> None:
    asked = invitations.invite(
        account=account, email="kim@acme.example", role=Role.USER, address="https://console.example", by=OPERATOR
    )
    invitations.withdraw(invitation=asked, by=OPERATOR)
    assert posted() == []
    assert not PostedLetter.objects.exists()
