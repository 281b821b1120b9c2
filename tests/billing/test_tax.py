"""Whose tax is taken, how much of it, and on which papers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from kit.errors import Invalid

from billing.policy import Rate, Terms, expires_on, expiry_warning, net_of, read_tax_id, tax_on, tax_within, terms_for

TODAY = dt.date(2026, 11, 20)
LONG_AGO = dt.date(2020, 1, 1)
RATES = [
    Rate("DE", Decimal(19), LONG_AGO),
    Rate("FR", Decimal(20), LONG_AGO),
    Rate("GB", Decimal(20), LONG_AGO, reverses=True),
    Rate("CH", Decimal("8.1"), LONG_AGO, reverses=False),
]


@pytest.mark.parametrize(
    ("seller", "buyer", "tax_id", "category", "percent", "country"),
    [
        ("DE", "DE", "", "S", 19, "DE"),
        ("DE", "DE", "DE136695976", "S", 19, "DE"),  # at home a business pays, too
        ("DE", "FR", "", "S", 20, "FR"),  # a consumer: where they are
        ("DE", "FR", "FR23334175221", "AE", 0, ""),
        ("DE", "ES", "", "S", 19, "DE"),  # no rate of Spain is kept: under the threshold the seller's
        ("DE", "ES", "ESB58378431", "AE", 0, ""),
        ("DE", "US", "", "O", 0, ""),
        ("DE", "GB", "GB980780684", "AE", 0, ""),
        ("DE", "CH", "CHE107787577IVA", "S", "8.1", "CH"),
        ("US", "FR", "", "S", 20, "FR"),
        ("US", "US", "", "O", 0, ""),
    ],
)
def test_whose_tax_is_taken(seller: str, buyer: str, tax_id: str, category: str, percent: object, country: str) -> None:
    terms = terms_for(seller=seller, buyer=buyer, tax_id=tax_id, rates=RATES, on=TODAY)
    assert (terms.category, terms.percent, terms.country) == (category, Decimal(str(percent)), country)
    assert bool(terms.note) is (category in ("AE", "O"))


def test_a_rate_counts_from_its_day_on() -> None:
    rates = [Rate("DE", Decimal(19), LONG_AGO), Rate("DE", Decimal(16), dt.date(2026, 12, 1))]
    before = terms_for(seller="DE", buyer="DE", tax_id="", rates=rates, on=dt.date(2026, 11, 30))
    after = terms_for(seller="DE", buyer="DE", tax_id="", rates=rates, on=dt.date(2026, 12, 1))
    assert (before.percent, after.percent) == (Decimal(19), Decimal(16))


def test_tax_is_in_whole_cents_half_up() -> None:
    assert tax_on(Decimal("50"), Decimal(19)) == Decimal("9.50")
    assert tax_on(Decimal("0.50"), Decimal(5)) == Decimal("0.03")
    assert net_of(Decimal("119"), Decimal(19)) == Decimal(100)
    assert net_of(Decimal("100"), Decimal(19)) == Decimal("84.03")


def test_parts_that_go_back_have_all_the_tax_together() -> None:
    total, tax, gone, taxed = Decimal("59.50"), Decimal("9.50"), Decimal(0), Decimal(0)
    for part in ("13.33", "13.33", "13.33", "19.51"):
        one = tax_within(Decimal(part), total=total, tax=tax, back_before=gone, tax_before=taxed)
        gone, taxed = gone + Decimal(part), taxed + one
    assert (gone, taxed) == (total, tax)


@pytest.mark.parametrize(
    ("country", "said", "kept"),
    [
        ("DE", "DE 136 695 976", "DE136695976"),
        ("DE", "136695976", "DE136695976"),
        ("GR", "EL 094259216", "EL094259216"),
        ("GB", "GB 980 7806 84", "GB980780684"),
        ("CH", "CHE-107.787.577 IVA", "CHE107787577IVA"),
        ("US", "12-3456789", "US123456789"),
        ("FR", "", ""),
    ],
)
def test_a_tax_id_is_kept_with_its_country(country: str, said: str, kept: str) -> None:
    assert read_tax_id(country, said) == kept


@pytest.mark.parametrize(
    ("country", "said"), [("DE", "DE136695975"), ("FR", "DE136695976"), ("DE", "none"), ("GB", "GB1"), ("US", "-")]
)
def test_a_tax_id_of_a_wrong_form_is_refused(country: str, said: str) -> None:
    with pytest.raises(Invalid, match="tax ID"):
        read_tax_id(country, said)


@pytest.mark.parametrize(
    ("terms", "word"),
    [
        (Terms("S", Decimal("8.10"), "CH"), "VAT 8.1 %"),
        (Terms("Z", Decimal(0), "FI"), "VAT 0 %"),
        (Terms("AE", Decimal(0), "", "why"), "VAT, reverse charge"),
    ],
)
def test_terms_are_kept_with_a_paper_and_read_again(terms: Terms, word: str) -> None:
    assert Terms.read(terms.kept()) == terms
    assert terms.word == word
    assert Terms.read({}) is None


def test_where_no_tax_was_taken_none_goes_back() -> None:
    nothing = Decimal(0)
    assert tax_within(Decimal(20), total=Decimal(50), tax=nothing, back_before=nothing, tax_before=nothing) == 0


@pytest.mark.parametrize(
    ("today", "due"),
    [
        ("2027-01-28", None),  # 31 days before 28 February
        ("2027-01-29", 30),
        ("2027-02-20", 30),
        ("2027-02-21", 7),
        ("2027-02-28", 7),
        ("2027-03-01", None),  # over
    ],
)
def test_which_warning_is_due(today: str, due: int | None) -> None:
    assert expires_on(2027, 2) == dt.date(2027, 2, 28)
    assert expiry_warning(2027, 2, today=dt.date.fromisoformat(today)) == due
