"""Payments from a saved card."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import stripe
from kit.money import currency

from billing.stripe.amounts import coins
from billing.stripe.client import client
from billing.stripe.failures import Declined, NeedsConfirmation, Outcome
from billing.stripe.outcomes import failure, outcome


def charge(*, payment: str, customer: str, card: str, amount: Decimal, return_url: str, description: str) -> Outcome:
    """Charges a saved card; without a `return_url` its owner is not there (off-session).

    The payment's id is the idempotency key: asked again within a day, Stripe gives its first answer again, also a 500:
    look it up before you ask again.
    Raises Declined, NeedsConfirmation, Unknown, Refused.
    """
    asked: Any = {
        "amount": coins(amount),
        "currency": currency().code.lower(),
        "customer": customer,
        "payment_method": card,
        "payment_method_types": ["card"],
        "confirm": True,
        "description": description,
        "metadata": {"payment": payment},
    }
    asked |= {"return_url": return_url} if return_url else {"off_session": True}
    try:
        return outcome(
            client().v1.payment_intents.create(
                asked, {"idempotency_key": f"payment:{payment}", "max_network_retries": 0}
            )
        )
    except stripe.StripeError as error:
        raise failure(error) from error


def confirm(*, intent: str, card: str, return_url: str) -> Outcome:
    """Brings a payment that waits for its owner to the bank's page: the outcome's `confirm_url`."""
    asked: Any = {"payment_method": card, "return_url": return_url}
    try:
        return outcome(client().v1.payment_intents.confirm(intent, asked))
    except stripe.StripeError as error:
        failed = failure(error)
        if isinstance(failed, Declined | NeedsConfirmation):
            return failed.outcome
        raise failed from error


def ask(intent: str) -> Outcome:
    """What became of a payment."""
    try:
        return outcome(client().v1.payment_intents.retrieve(intent))
    except stripe.StripeError as error:
        raise failure(error) from error


def find(*, customer: str, payment: str) -> Outcome | None:
    """The payment that we told Stripe of by this id, if it ever heard of it (a list is never behind)."""
    try:
        recent = client().v1.payment_intents.list({"customer": customer, "limit": 100})
    except stripe.StripeError as error:
        raise failure(error) from error
    outcomes = [outcome(intent) for intent in recent.data]
    return next((outcome for outcome in outcomes if outcome.payment == payment), None)


def cancel(intent: str) -> Outcome:
    """Takes a payment back that has not succeeded; the outcome says what it was when that came too late."""
    try:
        return outcome(client().v1.payment_intents.cancel(intent))
    except stripe.InvalidRequestError:
        return ask(intent)
    except stripe.StripeError as error:
        raise failure(error) from error
