"""One currency for an installation: how its amounts read, its coins, what Stripe is told, and no other beside it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from babel.numbers import format_currency
from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from kit import money
from kit.amounts import AmountField

from billing import currency, stripe
from billing.commands import lock_wallets
from billing.commands.payments import check_amount
from billing.models import Entry, KeptCurrency
from billing.policy import PaymentState, tax_on
from billing.stripe.amounts import coins
from tests.tills import Till, standin_fixture, stripe_server_fixture, till_fixture  # noqa: F401


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    yield
    money.use("USD")
    currency._kept.clear()


NO_BREAK = "\xa0"


@pytest.mark.parametrize(
    ("code", "locale", "amount", "said"),
    [
        ("USD", "en_US", "-1234.565", "-$1,234.57"),
        ("USD", "en_US", "0.4", "$0.40"),
        ("EUR", "en_US", "1234.5", "€1,234.50"),
        ("EUR", "de_DE", "-1234.5", f"-1.234,50{NO_BREAK}€"),
        ("JPY", "en_US", "1234.5", "¥1,235"),
        ("KWD", "en_US", "1.2345", "KWD1.235"),
    ],
)
def test_amounts_are_written_as_their_locale_does(code: str, locale: str, amount: str, said: str) -> None:
    money.use(code, locale)
    assert money.shown(Decimal(amount)) == said


def test_the_quick_way_to_write_dollars_is_the_locales() -> None:
    for amount in ("0", "-0.004", "5", "-3", "1234567.891", "999999999.994999"):
        exact = money.to_coins(Decimal(amount)) + 0
        plain = format_currency(exact, "USD", locale="en_US", decimal_quantization=False)
        assert money.shown(Decimal(amount)).replace("-$0.00", "$0.00") == plain.replace("-$0.00", "$0.00")


def test_coins_are_those_of_the_currency() -> None:
    money.use("JPY")
    assert (tax_on(Decimal(105), Decimal(10)), money.shown_up(Decimal("7.01"))) == (Decimal(11), "¥8")
    assert check_amount(amount=Decimal(500)) == 500
    with pytest.raises(Exception, match="at most 0 decimals, like 50"):
        check_amount(amount=Decimal("500.5"))
    with pytest.raises(forms.ValidationError):
        AmountField().clean("12.5")
    money.use("KWD")
    assert AmountField().clean("12.125") == Decimal("12.125")


@pytest.mark.parametrize(("code", "sent"), [("USD", 5000), ("JPY", 50), ("KWD", 50000), ("ISK", 5000), ("UGX", 5000)])
def test_stripe_is_told_in_its_own_smallest_unit(code: str, sent: int) -> None:
    """ISK and UGX have no coins and two digits at Stripe: https://docs.stripe.com/currencies#special-cases"""
    money.use(code)
    assert coins(Decimal(50)) == sent


def test_news_in_another_currency_credits_nothing(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.give_card()
    till.add("50")
    real = till.standin.call("GET", f"/v1/payment_intents/{till.payment.stripe_id}").json()
    assert real["currency"] == "usd"
    money.use("EUR")
    with pytest.raises(stripe.Refused, match="is in USD; this installation keeps EUR"):
        stripe.ask(till.payment.stripe_id)


def test_a_payment_in_yen_is_charged_in_yen(till: Till) -> None:
    KeptCurrency.objects.all().delete()
    currency._kept.clear()
    money.use("JPY")
    till.give_card()
    till.add("500")
    (charged,) = till.standin.events("payment_intent.succeeded")
    thing = charged["data"]["object"]
    assert (thing["currency"], thing["amount"]) == ("jpy", 500)
    assert (till.payment.state, Entry.objects.get().amount) == (PaymentState.SUCCEEDED, 500)


def test_money_of_another_currency_is_refused_for_good(till: Till, settings: Any) -> None:
    till.credit("5")
    assert KeptCurrency.objects.get().code == "USD"
    money.use("EUR")
    with pytest.raises(ImproperlyConfigured, match="set CURRENCY=USD"):
        till.credit("5")
    with pytest.raises(ImproperlyConfigured, match="money is USD, and CURRENCY says EUR"):
        currency.check_at_start()
    with pytest.raises(ImproperlyConfigured), transaction.atomic():
        lock_wallets(account_ids=[till.account.pk])
    assert Entry.objects.count() == 1


def test_what_is_rolled_back_keeps_nothing(till: Till) -> None:
    KeptCurrency.objects.all().delete()
    currency._kept.clear()
    with transaction.atomic():
        lock_wallets(account_ids=[till.account.pk])
        transaction.set_rollback(True)
    assert not KeptCurrency.objects.exists()
    lock_wallets(account_ids=[till.account.pk])
    assert KeptCurrency.objects.get().code == "USD"


@pytest.mark.parametrize(("code", "locale"), [("XYZ", "en_US"), ("usd", "en_US"), ("EUR", "nowhere")])
def test_what_is_no_currency_or_locale_stops_the_start(code: str, locale: str) -> None:
    with pytest.raises(money.BadCurrency):
        money.use(code, locale)
