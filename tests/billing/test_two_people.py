"""What one person moves by hand: above a limit over all accounts in 24 hours a second one agrees."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.management.base import CommandError

from accounts.models import Account
from accounts.policy import Actor, ActorKind
from billing import queries, work
from billing.commands.credits import Decided, OwnRequest, TooMuch, ask_credit, decide_credit
from billing.commands.refunds import ask_refund, decide_refund
from billing.models import CreditRequest, Entry, Refund
from billing.policy import Decision, EntryKind
from tests.tills import Till, standin_fixture, stripe_server_fixture, till_fixture  # noqa: F401
from tests.worlds import operator

ANNA, BEN = (Actor(ActorKind.BACK_OFFICE, f"{name}@office.example") for name in ("anna", "ben"))


def refund(till: Till, amount: str, by: Actor = ANNA) -> Refund:
    return ask_refund(payment_id=till.payment.pk, amount=Decimal(amount), reason="a mistake", key=uuid.uuid4(), by=by)


def credit(account: Account, amount: str, by: Actor = ANNA) -> CreditRequest:
    return ask_credit(
        account=account, kind=EntryKind.ADJUSTMENT, amount=Decimal(amount), reason="x", key=uuid.uuid4(), by=by
    )


def test_a_refund_above_the_limit_waits_for_a_second_person(till: Till) -> None:
    till.give_card()
    till.add("5000")
    asked = refund(till, "5000")
    assert asked.state == Decision.WAITING
    assert queries.refundable(till.payment) == 0
    assert queries.refunds_to_ask(now=till.later(days=2).now) == []  # nobody asks Stripe meanwhile
    with pytest.raises(OwnRequest):
        decide_refund(refund_id=asked.pk, agreed=True, by=ANNA)
    agreed = decide_refund(refund_id=asked.pk, agreed=True, by=BEN)
    assert work.give_back(agreed).state == Decision.DONE
    with pytest.raises(Decided):
        decide_refund(refund_id=asked.pk, agreed=False, by=BEN)
    assert till.ledger() == [("top-up", "5000.00"), ("refund", "-5000.00")]


def test_a_refund_that_the_second_person_refuses_moves_nothing(till: Till) -> None:
    till.give_card()
    till.add("200")
    refused = decide_refund(refund_id=refund(till, "150").pk, agreed=False, by=BEN)
    assert (refused.state, queries.refundable(till.payment)) == (Decision.REFUSED.value, Decimal(200))
    assert till.ledger() == [("top-up", "200.00")]


def test_the_limit_is_a_persons_over_all_accounts_with_their_refunds(
    till: Till, open_one: Callable[..., Account]
) -> None:
    """100.00 a person and 24 hours: 60 to one account, 40 to another; then one cent more waits, wherever."""
    others = [open_one() for _ in range(3)]
    till.give_card()
    till.add("50")
    assert credit(others[0], "60").state == Decision.DONE
    assert credit(others[1], "-30").state == Decision.DONE
    assert refund(till, "10").state == Decision.OPEN
    assert credit(others[2], "0.01").state == Decision.OPEN  # of a credit: it waits
    assert credit(others[2], "0.01", by=BEN).state == Decision.DONE
    till.later(days=1, minutes=1)
    assert credit(others[2], "100").state == Decision.DONE


def test_nobody_moves_more_than_the_installations_bound(account: Account, settings: Any) -> None:
    settings.CREDIT_MOST = Decimal(1000)
    with pytest.raises(TooMuch):
        credit(account, "-1000.01")
    with pytest.raises(CommandError, match=r"over the most by hand, \$1,000\.00"):
        operator("credit", account.uuid, "100000000", "--note", "a slip")
    asked = credit(account, "1000")
    decide_credit(request_id=asked.pk, agreed=True, by=BEN)
    assert Entry.objects.get().amount == 1000


def test_the_same_key_credits_once(account: Account) -> None:
    for _ in range(3):
        answer = operator("credit", account.uuid, "25", "--note", "outage of May", "--key", "outage-2026-05")
    assert answer["available"] == "25.000000"
    assert Entry.objects.count() == 1
    with pytest.raises(CommandError, match="was used for another credit"):
        operator("credit", account.uuid, "26", "--note", "outage of May", "--key", "outage-2026-05")
    operator("credit", account.uuid, "25", "--note", "another", "--key", "outage-2026-06")
    assert Entry.objects.count() == 2
