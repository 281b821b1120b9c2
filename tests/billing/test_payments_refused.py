"""Payments by Stripe: bad input, cards that go, and what cannot be handled."""

from __future__ import annotations

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from billing import stripe, tasks
from billing.models import Customer, Payment, WebhookEvent
from tests.tills import DECLINED, GOOD, SECURE, Till, link, standin_fixture, stripe_server_fixture, till_fixture  # noqa: F401

# 1. Bad input


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        ("0", "over 0"),
        ("-5", "over 0"),
        ("12.345", "more than 2 decimals"),
        ("4.99", "$5.00 to $5,000.00"),
        ("5000.01", "$5.00 to $5,000.00"),
        ("1000000000000", "over the limit"),
        ("1e12", "not an amount"),
        ("NaN", "not an amount"),
        ("Infinity", "not an amount"),
        ("ten", "not an amount"),
        ("", "Give the amount"),
        ("50,00", "write it like 1,250.00"),  # fifty in half of the world, and not five thousand
        ("1.250,00", "write it like 1,250.00"),
        ("1,25", "write it like 1,250.00"),
    ],
)
def test_an_amount_that_cannot_be_says_what_is_wrong(till: Till, amount: str, says: str) -> None:
    till.give_card()
    page = till.add(amount)
    assert page.status_code == 422
    assert says in page.content.decode()
    assert not Payment.objects.exists()


def test_an_amount_may_be_written_with_its_dollar_and_thousands(till: Till) -> None:
    till.give_card()
    till.add("$1,250.50")
    assert till.ledger() == [("top-up", "1250.50")]


def test_a_declined_card_charges_nothing_and_can_be_tried_again(till: Till) -> None:
    till.give_card(DECLINED)
    page = till.client.get(till.add("50").headers["Location"])
    assert "the card&#x27;s bank declined it" in page.content.decode()
    assert (till.states(), till.available) == (["declined"], "0.00")
    till.give_card(GOOD)
    till.add("50")
    assert (till.states(), till.available) == (["declined", "succeeded"], "50.00")


def test_an_expired_card_is_refused_before_stripe_is_asked(till: Till) -> None:
    till.give_card()
    till.at("2032-01-01T00:00")
    till.client.force_login(till.owner)
    assert "expired in 12/2031; replace it" in till.add("50").content.decode()
    assert not Payment.objects.exists()


def test_a_card_that_stripe_refuses_never_comes_to_us(till: Till) -> None:
    page = link(till.client.post(reverse("give_card")))
    assert till.standin.fill_in(page, "4000000000000002") == ""
    assert till.standin.fill_in(page, GOOD, year=2020) == ""
    assert till.standin.fill_in(page, "1234") == ""
    assert not Customer.objects.get(account=till.account).has_card


def test_the_same_form_twice_is_one_payment(till: Till) -> None:
    till.give_card()
    key = uuid.uuid4()
    first, second = till.add("50", key=key), till.add("50", key=key)
    assert first.headers["Location"] == second.headers["Location"]
    assert till.ledger() == [("top-up", "50.00")]


def test_stripe_down_is_said_and_nothing_is_lost(till: Till, settings: Any) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    page = till.client.post(reverse("give_card"), follow=True)
    assert "does not answer right now" in page.content.decode()


def test_an_installation_without_stripe_says_so_everywhere(till: Till, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    for name in ("add_funds", "payment_method", "auto_refill"):
        assert "not connected to Stripe" in till.client.get(reverse(name)).content.decode()
    assert "no Stripe keys" in till.client.post(reverse("give_card"), follow=True).content.decode()
    assert till.client.post(reverse("stripe_webhook"), data=b"{}", content_type="application/json").status_code == 400
    till.ring()


# 2. The payment method


def test_a_replaced_card_is_forgotten_at_stripe(till: Till) -> None:
    till.give_card(GOOD)
    old = Customer.objects.get(account=till.account).card_id
    till.give_card(SECURE)
    assert Customer.objects.get(account=till.account).last4 == "3184"
    assert [event["data"]["object"]["id"] for event in till.standin.events("payment_method.detached")] == [old]
    till.deliver()
    assert Customer.objects.get(account=till.account).last4 == "3184"


def test_a_card_is_removed_but_not_while_auto_refill_needs_it(till: Till) -> None:
    till.give_card()
    till.credit("100")
    till.turn_on()
    page = till.client.post(reverse("remove_card"), follow=True)
    assert "turn auto-refill off first" in page.content.decode()
    till.client.post(reverse("auto_refill"), {"do": "off"})
    till.client.post(reverse("remove_card"))
    assert not Customer.objects.get(account=till.account).has_card


def test_a_card_that_is_removed_at_stripe_is_removed_here(till: Till) -> None:
    till.give_card()
    card = Customer.objects.get(account=till.account).card_id
    till.standin.call("POST", f"/v1/payment_methods/{card}/detach")
    till.deliver()
    assert not Customer.objects.get(account=till.account).has_card


def test_somebody_elses_session_gives_me_no_card(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Till(till.standin, monkeypatch, name="bolt").at("2026-11-20T12:00")
    back = till.standin.fill_in(link(other.client.post(reverse("give_card"))), GOOD)
    till.client.get(back.removeprefix("http://testserver"))
    assert not Customer.objects.filter(last4="4242").exists()
    other.client.get(back.removeprefix("http://testserver"))
    assert Customer.objects.get(last4="4242").account == other.account


def test_events_that_cannot_be_handled_keep_no_later_one_from_it(till: Till) -> None:
    """A hundred refunds of payments that Stripe does not show us, and one of a payment of ours after them."""
    till.give_card()
    till.add("50")

    def refunded(number: int, intent: str, amount: int) -> WebhookEvent:
        thing = {"id": f"re_{number}", "payment_intent": intent, "status": "succeeded", "amount": amount}
        return WebhookEvent(stripe_id=f"evt_{number}", type="refund.created", thing=thing, happened_at=till.now)

    WebhookEvent.objects.bulk_create(refunded(number, f"pi_gone{number}", 100) for number in range(100))
    till.later(minutes=1)
    till.standin.call("POST", "/v1/refunds", {"payment_intent": till.payment.stripe_id, "amount": "2000"})
    refunded(100, till.payment.stripe_id, 2000).save()
    for _ in range(3):
        tasks.ask_stripe()
    assert till.ledger() == [("top-up", "50.00"), ("refund", "-20.00")]
    assert WebhookEvent.objects.filter(handled_at=None, try_at__gte=till.later(minutes=1).now).count() == 100


def test_another_amount_at_stripe_is_a_sentence_and_no_broken_page(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.give_card()
    real = stripe.charge
    monkeypatch.setattr(stripe, "charge", lambda **asked: replace(real(**asked), amount=Decimal(49)))
    page = till.client.get(till.add("50").headers["Location"])
    assert "doesn’t match this payment" in page.content.decode()
    assert (till.states(), till.available) == (["pending"], "0.00")
