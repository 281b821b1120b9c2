"""A payment given back by the back office: a wish before Stripe is asked, a debit once, whoever hears of it first."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from kit.errors import Invalid

from accounts.policy import Actor, ActorKind
from billing import queries, stripe, tasks, work
from billing.commands.refunds import ask_refund
from billing.commands.reversals import reverse, undo_reversal
from billing.models import Refund
from billing.policy import Decision
from tests.tills import Till, standin_fixture, stripe_server_fixture, till_fixture  # noqa: F401

ANNA = Actor(ActorKind.BACK_OFFICE, "anna@office.example")


def paid(till: Till) -> None:
    till.give_card()
    till.add("75.50")


def ask(till: Till, amount: str, *, key: uuid.UUID | None = None) -> Refund:
    return ask_refund(
        payment_id=till.payment.pk, amount=Decimal(amount), reason="a mistake", key=key or uuid.uuid4(), by=ANNA
    )


def test_a_part_goes_back_once_also_when_the_webhook_tells_of_it_too(till: Till) -> None:
    paid(till)
    key = uuid.uuid4()
    first, again = ask(till, "25.50", key=key), ask(till, "25.50", key=key)
    assert first == again
    for _ in range(2):
        assert work.give_back(first).state == Decision.DONE
    till.deliver()
    till.deliver(again=True)
    assert till.ledger() == [("top-up", "75.50"), ("refund", "-25.50")]
    assert queries.refundable(till.payment) == 50


def test_more_than_was_paid_never_goes_back(till: Till) -> None:
    paid(till)
    for amount in ("0", "-1", "75.51", "1.005"):
        with pytest.raises(Invalid):
            ask(till, amount)
    ask(till, "75.50")
    with pytest.raises(Invalid, match="nothing to give back"):
        ask(till, "0.01")


def test_a_refund_whose_answer_was_lost_is_asked_again_with_its_key(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(till)
    refund, real = ask(till, "75.50"), stripe.refund

    def lost(**asked: object) -> stripe.Refunded:
        real(**asked)  # type: ignore[arg-type]
        raise stripe.Unknown("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(stripe, "refund", lost)
        assert work.give_back(refund).state == Decision.OPEN
    assert till.ledger() == [("top-up", "75.50")]
    till.later(hours=1)
    tasks.ask_stripe()
    refund.refresh_from_db()
    assert refund.state == Decision.DONE
    assert till.ledger() == [("top-up", "75.50"), ("refund", "-75.50")]


@pytest.mark.parametrize("arrived", [True, False])
def test_after_a_day_a_lost_refund_is_looked_up_and_never_asked_for_again(
    till: Till, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    """Stripe keeps keys for a day: the same key later would be another refund."""
    paid(till)
    refund = ask(till, "25.50")
    if arrived:
        stripe.refund(intent=till.payment.stripe_id, amount=refund.amount, key=refund.uuid.hex)
    till.later(hours=30)
    monkeypatch.setattr(stripe, "refund", lambda **_asked: pytest.fail("asked for again"))
    tasks.ask_stripe()
    refund.refresh_from_db()
    assert refund.state == (Decision.DONE if arrived else Decision.REFUSED)
    till.deliver()
    assert till.ledger() == [("top-up", "75.50")] + [("refund", "-25.50")] * arrived


def test_a_refund_that_stripe_refuses_moves_nothing(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    paid(till)

    def refuse(**_asked: object) -> stripe.Refunded:
        raise stripe.Refused("it is too old")

    monkeypatch.setattr(stripe, "refund", refuse)
    refund = work.give_back(ask(till, "10"))
    assert (refund.state, refund.why_refused) == (Decision.REFUSED, "it is too old")
    assert till.ledger() == [("top-up", "75.50")]
    assert queries.refundable(till.payment) == Decimal("75.50")


def test_what_did_not_arrive_can_be_given_back_again(till: Till) -> None:
    paid(till)
    of: dict[str, Any] = {
        "payment_id": till.payment.pk,
        "stripe_id": "re_1",
        "kind": "refund",
        "amount": Decimal("75.50"),
    }
    reverse(**of)
    assert queries.refundable(till.payment) == 0
    undo_reversal(**of)
    assert queries.refundable(till.payment) == Decimal("75.50")
    assert work.give_back(ask(till, "75.50")).state == Decision.DONE
