"""Invoices print names of every script whole, shaped and in their direction."""

from __future__ import annotations

import datetime as dt
import io
import unicodedata
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from fontTools.ttLib import TTFont
from kit.errors import Invalid
from kit.fonts import as_printed, fonts_for, small_font, unprintable
from pypdf import PdfReader

from accounts.commands import sign_up
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from billing.models import Customer, Invoice, Payment
from billing.paper import _letters, invoice_pdf, not_printed
from tests.fleets import Fleet

NAMES = [
    "深圳市物联网科技有限公司",
    "繁體中文電信股份有限公司",
    "株式会社エヌ・ティ・ティ",
    "한국통신 주식회사",
    "บริษัท ไอโอที จำกัด",
    "हिन्दी संचार",
    'שלום תקשורת בע"מ',
    "شركة الاتصالات",
    "Smart 📡 Farms",
    "বাংলা টেলিকম",
    "தமிழ் நிறுவனம்",
    "Ελληνική Εταιρεία",
    "Հայաստան",
]
MOMENT = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)


def printed(name: str, **buyer: Any) -> str:
    payment = Payment(is_auto=False, ended_at=MOMENT, brand="visa", last4="4242")
    invoice = Invoice(
        number=1, issued_at=MOMENT, amount=Decimal(50), seller={"name": "Seller"}, buyer={"name": name} | buyer
    )
    invoice.payment = payment
    return PdfReader(io.BytesIO(invoice_pdf(invoice))).pages[0].extract_text()


def letters(text: str) -> list[str]:
    """Those that a reader of the file finds as they were: shaping takes some of Thai apart."""
    return [one for one in text if not one.isspace() and unicodedata.normalize("NFKD", one)[0] == one]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_script_is_printed_whole(name: str) -> None:
    assert unprintable(name) == ""
    text = printed(name)
    for character in set(letters(name)):
        assert text.count(character) >= name.count(character), (character, text)


def test_a_long_name_is_wrapped_and_never_cut() -> None:
    name = "深圳市物联网科技有限公司" * 8 + " Ltd"
    text = printed(name, address={"line1": "A very long street with a very long name, building " * 3})
    assert text.replace("\n", "").count("深圳市物联网科技有限公司") == 8
    assert "Ltd" in text
    assert text.count("building") == 3


def test_a_word_is_never_parted_between_a_letter_and_its_marks() -> None:
    assert _letters("จำกัด") == ["จ", "ำ", "กั", "ด"]
    assert _letters("हिन्दी") == ["हि", "न्दी"]
    assert _letters("👩\u200d🔧x") == ["👩\u200d🔧", "x"]


def test_what_shaping_makes_of_letters_is_in_the_font() -> None:
    """Joined forms of Arabic, what Thai is taken apart into, and conjuncts of Hindi."""
    for name, more in (("شركة", 4), ("ำ", 2), ("न्दी", 1)):
        ((font, characters),) = fonts_for(name).items()
        with TTFont(io.BytesIO(small_font(font, characters))) as small:
            assert len(small.getGlyphOrder()) > len(characters) + more
            assert {0x0E4D, 0x0E32} <= set(small.getBestCmap()) or "ำ" not in name


def test_hebrew_runs_from_the_right() -> None:
    text = printed("שלום")
    assert "שלום" in text or "םולש" in text


@pytest.mark.django_db
def test_what_no_font_has_is_refused_when_it_is_typed() -> None:
    with pytest.raises(Invalid, match="can’t print “𓀀”"):
        sign_up(name="Nile 𓀀", email="a@nile.example", password="long enough a password", by=OPERATOR)


LOST = "\U00014400"  # a hieroglyph of Anatolia, which no font of ours has


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (f"1 {LOST} Street", "1 [U+14400] Street"),
        ("Straße 5, Łódź", "Straße 5, Łódź"),
        ("深圳市", "深圳市"),
        ("two\nlines\tand more", "two lines and more"),
        ("abc\u202edef\u200b", "abcdef"),
        ("\ue000", "[U+E000]"),
        ("", ""),
    ],
)
def test_what_has_no_font_is_shown_by_its_number(text: str, right: str) -> None:
    assert as_printed(text) == right


def test_a_buyers_name_and_address_are_never_empty_boxes() -> None:
    text = printed(f"Acme {LOST}", contact=f"A {LOST}", address={"line1": f"{LOST} Street", "city": "Łódź\u202e"})
    assert text.count("[U+14400]") == 3
    assert "Łódź" in text
    assert LOST not in text


def test_the_page_of_the_card_says_what_invoices_cannot_print(fleet: Fleet, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_test_1", "whsec_1"
    account = fleet.account()
    Customer.objects.create(
        account=account, stripe_id="cus_1", card_id="pm_1", brand="visa", last4="4242", exp_month=1, exp_year=2030,
        name="Ann", address={"line1": f"{LOST} Street", "city": "Łódź"},
    )  # fmt: skip
    client = Client()
    client.force_login(owner_of(account))
    assert f"We can’t print “{LOST}” on invoices" in client.get("/billing/payment-method/").content.decode()
    Customer.objects.update(address={"line1": "Straße 5"})
    assert "We can’t print" not in client.get("/billing/payment-method/").content.decode()
    assert not_printed("Straße", f"a{LOST}b{LOST}") == LOST
