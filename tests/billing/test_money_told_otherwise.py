"""Events only say that something happened: Stripe is asked what is true, and once a day without any event."""

from __future__ import annotations

from typing import Any

import pytest

from billing import tasks
from billing.models import Comparison, Payment
from tests.tills import Till, standin_fixture, stripe_server_fixture, till_fixture  # noqa: F401

CHARGE: dict[str, Any] = {
    "id": "ch_field1", "object": "charge", "amount": 5000, "amount_refunded": 2500, "currency": "usd",
    "refunded": False, "status": "succeeded", "captured": True,
}  # fmt: skip
CHARGE_REFUNDED: dict[str, Any] = {
    "id": "evt_field_1", "object": "event", "api_version": "2023-10-16", "created": 1795780000, "livemode": False,
    "type": "charge.refunded", "pending_webhooks": 1, "request": None,
}  # fmt: skip


def paid(till: Till, amount: str = "50") -> None:
    till.give_card()
    till.add(amount)


def test_a_refund_told_only_as_a_charge_of_an_older_api_version_is_posted_once(till: Till) -> None:
    """charge.refunded names no refund: Stripe is asked which there are."""
    paid(till)
    till.standin.call("POST", "/v1/refunds", {"payment_intent": till.payment.stripe_id, "amount": "2500"})
    event = CHARGE_REFUNDED | {"data": {"object": CHARGE | {"payment_intent": till.payment.stripe_id}}}
    for told in (event, event | {"id": "evt_field_2"}):
        assert till.webhook(told).status_code == 200
    assert till.ledger() == [("top-up", "50.00"), ("refund", "-25.00")]
    till.deliver()  # and the events that newer endpoints get
    assert till.ledger() == [("top-up", "50.00"), ("refund", "-25.00")]


@pytest.mark.parametrize("kind", ["charge.updated", "charge.dispute.closed", "radar.early_fraud_warning.created"])
def test_whatever_event_names_a_payment_makes_us_ask(till: Till, kind: str) -> None:
    paid(till)
    till.standin.call("POST", "/v1/refunds", {"payment_intent": till.payment.stripe_id})
    thing = {"id": "thing_1", "object": "thing", "payment_intent": till.payment.stripe_id}
    assert till.webhook(CHARGE_REFUNDED | {"type": kind, "data": {"object": thing}}).status_code == 200
    assert till.ledger() == [("top-up", "50.00"), ("refund", "-50.00")]


def test_a_dispute_that_is_won_and_then_lost_is_gone_again_once(till: Till) -> None:
    paid(till, "100")
    dispute = till.standin.control("POST", "disputes", {"payment_intent": till.payment.stripe_id})
    till.deliver()
    for status in ("won", "lost"):
        till.standin.control("POST", "disputes", {"id": dispute["id"], "status": status})
        till.deliver()
        till.deliver(again=True)
    assert till.ledger()[1:] == [("dispute", "-100.00"), ("dispute", "100.00"), ("dispute", "-100.00")]


def test_the_daily_comparison_finds_what_no_event_told(till: Till) -> None:
    """A payment that was given up, a refund and a dispute: all are posted, once; the next day nothing is found."""
    paid(till)
    till.standin.call("POST", "/v1/refunds", {"payment_intent": till.payment.stripe_id, "amount": "1000"})
    till.add("30")
    till.standin.control("POST", "disputes", {"payment_intent": till.payment.stripe_id})
    till.standin.fail_next("lost")
    till.add("25")
    Payment.objects.filter(amount=25).update(state="failed", ended_at=till.now, ask_at=None)
    assert tasks.compare_payments() == 3
    rows = [("top-up", "50.00"), ("top-up", "30.00"), ("top-up", "25.00"), ("refund", "-10.00"), ("dispute", "-30.00")]
    assert sorted(till.ledger()) == sorted(rows)
    assert tasks.compare_payments() == 0  # once a day
    till.later(days=1)
    assert tasks.compare_payments() == 0
    assert sorted(till.ledger()) == sorted(rows)
    assert list(Comparison.objects.order_by("day").values_list("found", flat=True)) == [3, 0]


def test_a_comparison_that_fails_is_made_again(till: Till, settings: Any) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    assert tasks.compare_payments() == 0
    assert Comparison.objects.get().failed
    settings.STRIPE_API_BASE = till.standin.url
    till.later(minutes=31)
    tasks.compare_payments()
    assert Comparison.objects.get().done_at is not None


def test_one_movement_that_cannot_be_settled_stops_no_other(till: Till) -> None:
    """Another amount at Stripe than we wished: said in the log, and the others are settled."""
    paid(till)
    Payment.objects.update(amount=49, state="failed", ended_at=till.now)
    till.add("30")
    till.standin.call("POST", "/v1/refunds", {"payment_intent": till.payment.stripe_id})
    assert tasks.compare_payments() == 1
    assert ("refund", "-30.00") in till.ledger()
