"""Stripe's balance and payouts beside our ledger: what agrees, what differs, and how that is settled."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from kit.errors import Invalid

from accounts.models import Event
from accounts.policy import OPERATOR
from billing import stripe, tasks
from billing.commands import reconciling
from billing.models import BalanceMovement, Comparison, MoneyDifference, Payment, Payout, WebhookEvent
from billing.policy import PaymentState
from tests.tills import Till, standin_fixture, stripe_server_fixture, till_fixture, usd  # noqa: F401


@pytest.fixture(autouse=True)
def empty(till: Till) -> None:
    """What other tests left at the stand-in is paid out, looked at and settled before."""
    till.standin.control("POST", "payouts", {})
    look()
    MoneyDifference.objects.update(settled_at=till.now, settled_by="another test")


def look() -> list[tuple[str, Decimal | None, Decimal | None]]:
    """A day's comparison; what is open after it."""
    Comparison.objects.all().delete()
    tasks.compare_payments()
    assert list(Comparison.objects.values_list("failed", flat=True)) == [""]
    rows = MoneyDifference.objects.filter(settled_at=None).order_by("pk")
    return list(rows.values_list("says", "ours", "theirs"))


def test_a_charge_a_refund_and_a_dispute_agree(till: Till) -> None:
    till.give_card()
    till.add("50")
    till.add("80")
    till.standin.call("POST", "/v1/refunds", {"payment_intent": till.payment.stripe_id, "amount": "2000"})
    till.standin.control("POST", "disputes", {"payment_intent": till.payment.stripe_id})
    till.deliver()
    assert look() == []
    kept = BalanceMovement.objects.filter(payment__account=till.account).order_by("amount")
    assert [(row.kind, row.amount, row.fee) for row in kept] == [
        ("adjustment", usd("-80"), usd("15")),
        ("refund", usd("-20"), usd("0")),
        ("charge", usd("50"), usd("1.75")),
        ("charge", usd("80"), usd("2.62")),
    ]
    assert look() == []
    assert kept.count() == 4


def test_a_charge_that_is_on_no_balance_is_listed_and_settled_with_a_note(till: Till) -> None:
    till.give_card()
    customer = till.account.customer
    asked = {
        "amount": "7000", "currency": "usd", "customer": customer.stripe_id, "payment_method": customer.card_id,
        "confirm": "true", "off_session": "true",
    }  # fmt: skip
    till.standin.call("POST", "/v1/payment_intents", asked)
    assert look() == [("A charge at Stripe is not on any balance", None, usd("70"))]
    row = MoneyDifference.objects.get(settled_at=None)
    with pytest.raises(Invalid, match="Say what it was"):
        reconciling.settle(difference_id=row.pk, note=" ", by=OPERATOR)
    reconciling.settle(difference_id=row.pk, note="A sale of the shop", by=OPERATOR)
    with pytest.raises(Invalid, match="settled it already"):
        reconciling.settle(difference_id=row.pk, note="again", by=OPERATOR)
    assert look() == []
    assert Event.objects.filter(verb="difference.settled").count() == 1


def test_a_payment_that_stripe_does_not_know_is_listed_until_it_does(till: Till) -> None:
    till.give_card()
    paid = Payment.objects.create(
        account=till.account, amount=usd("50"), state=PaymentState.SUCCEEDED, card_id="pm_1", last4="4242", by="x",
        stripe_id="pi_gone", ended_at=till.now - dt.timedelta(days=2),
    )  # fmt: skip
    assert look() == [("A payment on a balance is not in Stripe’s", usd("50"), None)]
    BalanceMovement.objects.create(
        stripe_id="txn_late", kind="charge", amount=usd("50"), fee=usd("1"), payment=paid, moved_at=till.now
    )
    assert look() == []
    assert MoneyDifference.objects.get(key=f"payment:{paid.pk}").settled_by == "system"


def test_another_amount_than_ours_is_listed(till: Till) -> None:
    till.give_card()
    till.add("50")
    Payment.objects.update(tax=usd("1"))
    assert look() == [("A charge at Stripe has another amount", usd("51"), usd("50"))]


def test_a_payout_is_the_sum_of_its_movements_less_their_fees(till: Till) -> None:
    """50.00 and 80.00, less 1.75 and 2.62 of fees: 125.63 arrive. The next one of 100.00 brings a cent too little."""
    till.give_card()
    till.add("50")
    till.add("80")
    till.deliver()
    till.standin.control("POST", "payouts", {})
    assert look() == []
    assert [(out.amount, out.summed, out.status) for out in Payout.objects.order_by("pk")][-1] == (
        usd("125.63"), usd("125.63"), "paid",
    )  # fmt: skip
    till.add("100")
    till.deliver()
    till.standin.control("POST", "payouts", {"amount": 9679})
    assert look() == [("A payout is not the sum of its movements", usd("96.80"), usd("96.79"))]
    assert BalanceMovement.objects.filter(payout__isnull=True, payment__account=till.account).count() == 0


def test_a_key_that_may_not_read_the_balance_leaves_the_comparison_made(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise stripe.Refused("this key may not read the balance")

    monkeypatch.setattr(stripe, "movements", refuse)
    Comparison.objects.all().delete()
    tasks.compare_payments()
    made = Comparison.objects.get()
    assert made.done_at is not None
    assert made.failed == "Balance not compared: this key may not read the balance"


def test_charges_of_another_business_in_another_currency_are_passed_over(till: Till) -> None:
    till.give_card()
    customer = till.account.customer
    asked = {
        "amount": "7000", "currency": "eur", "customer": customer.stripe_id, "payment_method": customer.card_id,
        "confirm": "true", "off_session": "true",
    }  # fmt: skip
    made = till.standin.call("POST", "/v1/payment_intents", asked).json()
    till.standin.call("POST", "/v1/refunds", {"payment_intent": made["id"], "amount": "1000"})
    assert till.deliver() != []
    assert not WebhookEvent.objects.filter(handled_at=None).exists()
    Comparison.objects.all().delete()
    tasks.compare_payments()
    assert Comparison.objects.get().failed == ""
    assert not MoneyDifference.objects.filter(settled_at=None).exists()
    assert not Payment.objects.exists()
