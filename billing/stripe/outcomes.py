"""What Stripe says of a payment, in our words."""

from __future__ import annotations

from typing import Any

import stripe

from billing.policy import PaymentState
from billing.stripe.amounts import amount_of
from billing.stripe.client import metadata
from billing.stripe.failures import Declined, NeedsConfirmation, Outcome, Refused, StripeFailure, Unknown

# https://docs.stripe.com/declines/codes; what a thief should not learn is said in general words, as Stripe advises.
DECLINES = {
    "insufficient_funds": "the card has not enough funds",
    "expired_card": "the card has expired",
    "card_velocity_exceeded": "the card is over its limit",
    "incorrect_cvc": "the security code is wrong",
    "processing_error": "the bank could not process it",
    "currency_not_supported": "the card does not take this currency",
    "payment_intent_authentication_failure": "it was not confirmed with the bank",
}
DECLINED_BY_BANK = "the card's bank declined it"


def failure(error: stripe.StripeError) -> StripeFailure:
    """The failure in our words; a 409 or 429 says only that now was not the moment."""
    if isinstance(error, stripe.APIConnectionError | stripe.APIError | stripe.RateLimitError):
        return Unknown(error.user_message or "no answer")
    if error.http_status in (409, 429) or (error.http_status or 500) >= 500:
        return Unknown(error.user_message or "not now")
    if isinstance(error, stripe.CardError) and error.error is not None and error.error.payment_intent is not None:
        found = outcome(error.error.payment_intent, error.error)
        return NeedsConfirmation(found) if found.state is PaymentState.CONFIRMING else Declined(found)
    return Refused(error.user_message or str(error))


def outcome(intent: Any, error: Any = None) -> Outcome:
    """https://docs.stripe.com/payments/paymentintents/lifecycle"""
    failure = error or intent.last_payment_error
    code = getattr(failure, "code", None) or ""
    action = intent.next_action
    redirect = getattr(action, "redirect_to_url", None) if action else None
    state = {
        "succeeded": PaymentState.SUCCEEDED,
        "canceled": PaymentState.CANCELLED,
        "requires_action": PaymentState.CONFIRMING,
    }.get(intent.status, PaymentState.PENDING)
    if intent.status == "requires_payment_method" and failure:
        state = PaymentState.CONFIRMING if code == "authentication_required" else PaymentState.DECLINED
    decline = getattr(failure, "decline_code", None) or code
    return Outcome(
        state=state,
        intent=intent.id,
        amount=amount_of(intent),
        payment=metadata(intent).get("payment", ""),
        reason=DECLINES.get(decline, DECLINED_BY_BANK) if state is PaymentState.DECLINED else "",
        confirm_url=(redirect.url or "") if redirect else "",
    )
