"""Adding a card and funds: through Stripe's API as the SDK speaks it, against the stand-in."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from stripe_proxy import Running

from accounts.models import Event, Membership, User
from accounts.policy import Role
from billing import stripe, tasks, work
from billing.commands import payments
from billing.models import Customer, Payment, WebhookEvent
from billing.policy import PaymentState
from billing.stripe import client as stripe_client
from tests.tills import DECLINED, GOOD, SECURE, Till, link, standin_fixture, stripe_server_fixture, till_fixture  # noqa: F401

# 1. Stripe for real


def test_a_card_is_given_on_stripes_page_and_only_its_facts_come_to_us(till: Till) -> None:
    till.give_card(GOOD)
    customer = Customer.objects.get(account=till.account)
    assert (customer.brand, customer.last4, customer.expiry) == ("visa", "4242", "12/2031")
    assert customer.address["city"] == "Rotterdam"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM billing_customer c WHERE c::text LIKE %s", [f"%{GOOD}%"])
        assert cursor.fetchone() == (0,)


def test_the_page_that_leads_to_stripe_needs_no_script_and_no_other_policy(till: Till) -> None:
    page = till.client.post(reverse("give_card"))
    assert link(page).startswith(till.standin.url)
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert b"<script" not in page.content


def test_a_card_that_only_the_webhook_tells_of_is_saved_too_and_once(till: Till) -> None:
    till.give_card(hear=False)
    assert not Customer.objects.get(account=till.account).has_card
    assert set(till.deliver()) == {200}
    till.deliver(again=True)
    assert Customer.objects.get(account=till.account).has_card
    assert Event.objects.filter(verb="card.added").count() == 1


def test_late_news_of_a_card_that_was_replaced_does_not_bring_it_back(till: Till) -> None:
    till.give_card(DECLINED)
    till.give_card(GOOD)
    assert set(till.deliver()) == {200}
    assert Customer.objects.get(account=till.account).last4 == "4242"
    assert Event.objects.filter(verb="card.replaced").count() == 1


def test_funds_are_charged_to_the_saved_card_and_credited(till: Till) -> None:
    till.give_card()
    answer = till.add("75.50")
    assert answer.status_code == 302
    assert till.states() == ["succeeded"]
    assert till.ledger() == [("top-up", "75.50")]
    assert till.available == "75.50"
    page = till.client.get(answer.headers["Location"])
    assert b"$75.50 is on your balance" in page.content


def test_a_card_that_wants_3d_secure_leads_to_the_bank_and_back(till: Till) -> None:
    till.give_card(SECURE)
    bank = till.add("50")
    assert till.available == "0.00"
    back = till.standin.confirm(link(bank))
    page = till.client.get(back.removeprefix("http://testserver"))
    assert b"$50.00 is on your balance" in page.content
    till.deliver()
    assert till.ledger() == [("top-up", "50.00")]


def test_3d_secure_that_fails_charges_nothing_and_says_so(till: Till) -> None:
    till.give_card(SECURE)
    back = till.standin.confirm(link(till.add("50")), succeed=False)
    page = till.client.get(back.removeprefix("http://testserver"))
    assert b"it was not confirmed with the bank" in page.content
    assert till.states() == ["declined"]
    assert till.add("50").status_code == 200  # to the bank again


# 2. Credited once


def test_webhook_return_page_and_janitor_credit_once_in_any_order(till: Till) -> None:
    till.give_card(SECURE)
    back = till.standin.confirm(link(till.add("50")))
    payment = till.payment
    till.later(minutes=10)
    tasks.ask_stripe()
    assert till.available == "50.00"
    till.deliver()
    till.deliver(again=True)
    till.client.get(back.removeprefix("http://testserver"))
    work.ask_about(payment)
    assert till.ledger() == [("top-up", "50.00")]
    assert len(till.invoices()) == 1


def test_old_news_that_is_told_after_newer_changes_nothing(till: Till) -> None:
    """Who asked Stripe before the payment succeeded may write down what they heard after somebody else did."""
    till.give_card()
    till.add("50")
    payment = till.payment
    for state in PaymentState:
        outcome = stripe.Outcome(state, payment.stripe_id, payment.amount, payment.uuid.hex)
        payments.settle(payment_id=payment.pk, outcome=outcome)
    assert (till.states(), till.ledger()) == (["succeeded"], [("top-up", "50.00")])


def test_events_in_reverse_order_end_the_same(till: Till) -> None:
    till.give_card(SECURE)
    till.standin.confirm(link(till.add("50")))
    for event in reversed(till.standin.events("payment_intent")):
        assert till.webhook(event).status_code == 200
    assert till.states() == ["succeeded"]
    assert till.ledger() == [("top-up", "50.00")]


def test_an_event_that_comes_before_our_own_answer_finds_its_payment(till: Till) -> None:
    till.give_card()
    till.standin.fail_next("lost")
    till.add("50")
    assert till.states() == ["pending"]
    assert till.payment.stripe_id == ""
    till.deliver()
    assert till.states() == ["succeeded"]
    assert till.payment.stripe_id.startswith("pi_")


def _event(**changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "id": "evt_1", "object": "event", "api_version": "2026-10-28.endive", "created": 1_795_000_000,
        "data": {"object": {"id": "pi_1", "object": "payment_intent", "metadata": {}}}, "livemode": False,
        "pending_webhooks": 1, "request": None, "type": "payment_intent.succeeded",
    }  # fmt: skip
    return event | changes


def test_forged_stale_and_wrong_mode_events_are_refused_and_logged(
    till: Till, caplog: pytest.LogCaptureFixture
) -> None:
    assert till.webhook(_event(), secret="whsec_wrong").status_code == 400
    assert till.webhook(_event(), at=int(time.time()) - 301).status_code == 400
    assert till.webhook(_event(livemode=True)).status_code == 400
    door = reverse("stripe_webhook")
    assert Client().post(door, data=b"\xff\xfe", content_type="application/json").status_code == 400
    assert Client().get(door).status_code == 405
    assert not WebhookEvent.objects.exists()
    assert sum("refused a webhook" in line for line in caplog.messages) == 4


def test_an_event_just_under_300_seconds_old_is_taken(till: Till) -> None:
    event = _event(type="charge.updated")  # whatever it is called
    assert till.webhook(event, at=int(time.time()) - 290).status_code == 200
    assert WebhookEvent.objects.get().result == "not a payment of ours"


def test_an_event_waits_while_stripe_cannot_be_asked(till: Till, settings: Any) -> None:
    till.give_card(SECURE)
    till.standin.confirm(link(till.add("50")))
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    assert till.deliver("payment_intent.succeeded") == [200]
    assert WebhookEvent.objects.filter(handled_at=None).count() == 1
    assert till.available == "0.00"
    settings.STRIPE_API_BASE = till.standin.url
    tasks.ask_stripe()
    assert till.available == "50.00"
    assert not WebhookEvent.objects.filter(handled_at=None).exists()


def test_a_payment_of_another_installation_is_nothing_to_us(till: Till) -> None:
    assert till.webhook(_event()).status_code == 200
    assert WebhookEvent.objects.get().result == "not a payment of ours"


def test_the_answer_that_was_lost_is_asked_for_with_the_same_key(till: Till) -> None:
    till.give_card()
    till.standin.fail_next("lost")
    page = till.client.get(till.add("50").headers["Location"])
    assert b"Stripe has not answered yet" in page.content
    assert till.charged_at_stripe() == 1
    till.later(minutes=2)
    tasks.ask_stripe()
    tasks.ask_stripe()
    assert (till.charged_at_stripe(), till.available, till.states()) == (1, "50.00", ["succeeded"])


def test_what_stripe_never_heard_of_is_charged_once_when_it_is_back(till: Till) -> None:
    till.give_card()
    till.standin.fail_next("down")
    till.add("50")
    assert till.charged_at_stripe() == 0
    till.later(minutes=2)
    tasks.ask_stripe()
    assert (till.charged_at_stripe(), till.available) == (1, "50.00")


def test_after_a_day_it_is_looked_up_and_given_up_where_stripe_knows_nothing(till: Till) -> None:
    till.give_card()
    till.standin.fail_next("down")
    till.add("50")
    till.later(hours=25)
    tasks.ask_stripe()
    assert (till.states(), till.charged_at_stripe()) == (["failed"], 0)


def test_after_a_day_it_is_looked_up_and_credited_where_stripe_has_it(till: Till) -> None:
    till.give_card()
    till.standin.fail_next("lost")
    till.add("50")
    till.later(hours=25)
    tasks.ask_stripe()
    assert (till.states(), till.available) == (["succeeded"], "50.00")


def test_a_refill_that_nobody_confirms_is_cancelled_after_a_quarter_of_an_hour(till: Till) -> None:
    till.give_card(SECURE)
    till.add("50")
    till.later(minutes=14)
    tasks.ask_stripe()
    assert till.states() == ["confirming"]
    till.later(minutes=6)
    tasks.ask_stripe()
    assert till.states() == ["cancelled"]
    assert b"It was cancelled" in till.client.get(reverse("payment", args=[till.payment.uuid.hex])).content


def test_a_payment_that_was_given_up_and_succeeds_after_all_is_credited(till: Till) -> None:
    till.give_card(SECURE)
    bank = link(till.add("50"))
    till.standin.confirm(bank)
    Payment.objects.update(state="cancelled", ended_at=till.now, ask_at=None)
    till.deliver()
    assert (till.states(), till.available) == (["succeeded"], "50.00")


def test_one_open_payment_for_an_account_also_against_auto_refill(till: Till) -> None:
    till.give_card(SECURE)
    till.turn_on()
    till.add("50")
    assert till.states() == ["confirming"]
    tasks.refill_balances()  # red, and yet nothing: a refill by hand is open
    assert till.states() == ["confirming"]
    assert "still under way" in till.add("60").content.decode()


def test_another_account_cannot_see_or_touch_a_payment(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.give_card(SECURE)
    till.add("50")
    key = till.payment.uuid.hex
    other = Till(till.standin, monkeypatch, name="bolt").at("2026-11-20T12:00")
    for name in ("payment", "confirm_payment", "cancel_payment"):
        address = reverse(name, args=[key])
        assert (other.client.get(address) if name == "payment" else other.client.post(address)).status_code == 404
    assert till.states() == ["confirming"]


def test_a_user_sees_money_and_moves_none(till: Till) -> None:
    user = User.objects.create_user("user@acme.example", "a-long-secret")
    Membership.objects.create(user=user, account=till.account, role=Role.USER)
    client = Client()
    client.force_login(user)
    for name in ("billing", "transactions", "billing_details", "explain"):
        assert client.get(reverse(name)).status_code == 200, name
    for name in ("add_funds", "payment_method", "auto_refill"):
        assert client.get(reverse(name)).status_code == 404, name
    for name in ("give_card", "remove_card", "auto_refill", "add_funds"):
        assert client.post(reverse(name)).status_code == 404, name
    assert b"Refill</a>" not in client.get(reverse("billing")).content


@pytest.mark.django_db(transaction=True)
def test_fifty_requests_at_once_with_one_key_make_one_payment(
    standin: Running,
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
) -> None:
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:00:00+00:00")
    till = Till(standin, monkeypatch).at("2026-11-20T12:00")
    till.give_card()
    key, clients = uuid.uuid4(), [Client() for _ in range(50)]
    for client in clients:
        client.cookies = till.client.cookies

    def send(client: Client) -> int:
        try:
            data = {"choice": "50", "other": "", "key": str(key)}
            return client.post(reverse("add_funds"), data).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(send, clients)) == {302}
    till.deliver()
    assert (till.charged_at_stripe(), till.states(), till.ledger()) == (1, ["succeeded"], [("top-up", "50.00")])


@pytest.mark.django_db(transaction=True)
def test_stripe_is_never_called_inside_a_transaction(
    standin: Running,
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
) -> None:
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:00:00+00:00")
    real, calls = stripe_client._client_for, []

    def watched(key: str, base: str) -> Any:
        assert not connection.in_atomic_block
        calls.append(1)
        return real(key, base)

    monkeypatch.setattr(stripe_client, "_client_for", watched)
    till = Till(standin, monkeypatch).at("2026-11-20T12:00")
    till.give_card(SECURE)
    back = till.standin.confirm(link(till.add("50")))
    till.client.get(back.removeprefix("http://testserver"))
    till.deliver()
    till.turn_on()
    till.uses("48", day="2026-11-19")
    till.ring()
    till.client.post(reverse("cancel_payment", args=[till.payment.uuid.hex]))
    till.client.post(reverse("auto_refill"), {"do": "off"})
    till.client.post(reverse("remove_card"))
    assert len(calls) > 8
