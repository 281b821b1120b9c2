"""Amounts are read by one strict grammar, in the console, the back office and by commands."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.management.base import CommandError
from django.forms import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from kit.amounts import AmountField
from kit.money import BadAmount, parse

from accounts.models import Account
from billing.models import Entry
from tests.tills import Till, standin_fixture, stripe_server_fixture, till_fixture  # noqa: F401
from tests.worlds import operator

RIGHT = [
    ("50", "50"), ("50.5", "50.5"), ("50.00", "50"), ("0050.00", "50"), ("$50", "50"), ("  50 ", "50"), ("-50", "-50"),
    ("-$3.50", "-3.50"), ("1,250.00", "1250"), ("1,000,000", "1000000"),
    ("0.05", "0.05"), ("999999999.99", "999999999.99"),
]  # fmt: skip
WRONG = [
    "1e1", "1e3", "1_00", "5$0", "$$50", "\uff11\uff10\uff10", "50.", "50..0", "50,00", "1,25", "1.250,00", ",500",
    "1,00,000", "1250,000", ".50", "5 0", "5\u00a00", "+50", "--50", "-", "$", "", "NaN", "Infinity", "0x10",
    "\u0661\u0660",
    "50%", "USD 50", "50 USD", "fifty", "1/2", "50.0\n", "\t50", "50\u200b", "\u221250",
    "12.345", "1000000000", "9" * 400,
]  # fmt: skip


@pytest.mark.parametrize(("text", "amount"), RIGHT)
def test_an_amount_as_people_write_it(text: str, amount: str) -> None:
    assert parse(text, places=2) == Decimal(amount)
    assert AmountField().clean(text) == Decimal(amount)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_amount_is_said_in_one_sentence_and_never_guessed(text: str) -> None:
    with pytest.raises(BadAmount) as bad:
        parse(text, places=2)
    assert "\n" not in str(bad.value)
    if text.strip():
        with pytest.raises(ValidationError):
            AmountField(strip=False, max_length=500).clean(text)


@given(text=st.text(alphabet="0123456789.,$-+eE_ \uff11\u0661", max_size=12))
def test_whatever_is_taken_has_digits_thousands_in_threes_and_one_point(text: str) -> None:
    try:
        amount = parse(text, places=2)
    except BadAmount:
        return
    plain = text.strip(" ").replace("$", "", 1).replace(",", "")
    assert Decimal(plain) == amount
    assert set(plain) <= set("0123456789.-")


@pytest.mark.parametrize("text", ["1e1", "1_00", "5$0", "$$50", "\uff11\uff10\uff10", "50."])
def test_no_door_charges_or_credits_what_was_not_written(till: Till, text: str) -> None:
    till.give_card()
    assert till.add(text).status_code == 422
    assert till.turn_on(text).status_code == 422
    with pytest.raises(CommandError):
        operator("credit", till.account.uuid, text, "--note", "x")
    assert (till.states(), till.ledger()) == ([], [])


def test_a_command_takes_what_the_console_takes(account: Account) -> None:
    operator("credit", account.uuid, "$1,250.00", "--note", "x")
    assert Entry.objects.get().amount == 1250
