"""Money that goes back: refunds and disputes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import stripe

from billing.stripe.amounts import amount_of, coins, is_ours
from billing.stripe.client import client, id_of, metadata, since_then
from billing.stripe.failures import Outcome
from billing.stripe.outcomes import failure, outcome


@dataclass(frozen=True, slots=True)
class Refunded:
    """What became of a refund: `refused` says in a word why it failed."""

    id: str
    refused: str


def refund(*, intent: str, amount: Decimal, key: str) -> Refunded:
    """Gives back a payment or a part of it; with the same key it is the same refund. Raises Unknown, Refused."""
    asked: Any = {"payment_intent": intent, "amount": coins(amount), "metadata": {"refund": key}}
    try:
        made = client().v1.refunds.create(asked, {"idempotency_key": f"refund:{key}", "max_network_retries": 0})
    except stripe.StripeError as error:
        raise failure(error) from error
    return _refunded(made)


def find_refund(*, intent: str, key: str) -> Refunded | None:
    """The refund that we asked for by this key, if Stripe ever heard of it."""
    try:
        made = client().v1.refunds.list({"payment_intent": intent, "limit": 100})
    except stripe.StripeError as error:
        raise failure(error) from error
    return next((_refunded(one) for one in made.data if metadata(one).get("refund") == key), None)


@dataclass(frozen=True, slots=True)
class Back:
    """Money of a payment that went back, or was on its way: a refund or a dispute, as Stripe knows it now."""

    id: str
    kind: str  # refund, dispute
    amount: Decimal
    is_gone: bool  # the account has it no longer; False: it failed, or was won
    was_gone: bool  # it has been gone: what is back by now was taken once


def backs_of(intent: str) -> list[Back]:
    """Every refund and dispute of a payment. Raises Unknown, Refused."""
    asked: Any = {"payment_intent": intent, "limit": 100}
    try:
        refunds = [_refund_back(one) for one in client().v1.refunds.list(asked).auto_paging_iter()]
        disputes = [_dispute_back(one) for one in client().v1.disputes.list(asked).auto_paging_iter()]
    except stripe.StripeError as error:
        raise failure(error) from error
    return refunds + disputes


def _refund_back(made: Any) -> Back:
    is_gone = made.status not in ("failed", "canceled")
    return Back(made.id, "refund", amount_of(made), is_gone, was_gone=False)


def _dispute_back(made: Any) -> Back:
    """A warning is an inquiry: nothing was withdrawn. https://docs.stripe.com/disputes/how-disputes-work"""
    is_gone = made.status in ("needs_response", "under_review", "lost")
    return Back(made.id, "dispute", amount_of(made), is_gone, was_gone=is_gone or made.status == "won")


def moved_since(*, intents: dt.datetime, backs: dt.datetime) -> Iterator[tuple[str, Outcome | None, Back | None]]:
    """Every payment that succeeded, and every refund and dispute, that was made since: with the id of its payment
    intent. Raises Unknown, Refused."""
    asked = client().v1
    try:
        for intent in asked.payment_intents.list(since_then(intents)).auto_paging_iter():
            if intent.status == "succeeded" and is_ours(intent):
                yield intent.id, outcome(intent), None
        for refund in asked.refunds.list(since_then(backs)).auto_paging_iter():
            if refund.payment_intent and is_ours(refund):
                yield id_of(refund.payment_intent), None, _refund_back(refund)
        for dispute in asked.disputes.list(since_then(backs)).auto_paging_iter():
            if dispute.payment_intent and is_ours(dispute):
                yield id_of(dispute.payment_intent), None, _dispute_back(dispute)
    except stripe.StripeError as error:
        raise failure(error) from error


def _refunded(made: Any) -> Refunded:
    failed = made.status in ("failed", "canceled")
    return Refunded(made.id, (getattr(made, "failure_reason", None) or made.status or "") if failed else "")
