"""Stripe: the only package that talks to it. It knows nothing of the database; card numbers never come here.

Which call, which status and which error code: https://docs.stripe.com/api, .../payments/off-session-payments,
.../payments/3d-secure/authentication-flow, .../api/idempotent_requests, .../webhooks.
"""

from billing.stripe.balance import Moved, PaidOut, movements, payouts
from billing.stripe.cards import Card, card_of_page, create_customer, forget_card, open_card_page, read_card
from billing.stripe.client import is_configured
from billing.stripe.events import Event, read_event
from billing.stripe.failures import (
    Declined,
    Forged,
    NeedsConfirmation,
    NotConfigured,
    OtherCurrency,
    Outcome,
    Refused,
    StripeFailure,
    Unknown,
    WrongMode,
)
from billing.stripe.payments import ask, cancel, charge, confirm, find
from billing.stripe.refunds import Back, Refunded, backs_of, find_refund, moved_since, refund

__all__ = [
    "Back", "Card", "Declined", "Event", "Forged", "Moved", "NeedsConfirmation", "NotConfigured", "OtherCurrency",
    "Outcome", "PaidOut", "Refunded", "Refused", "StripeFailure", "Unknown", "WrongMode", "ask", "backs_of", "cancel",
    "card_of_page", "charge", "confirm", "create_customer", "find", "find_refund", "forget_card", "is_configured",
    "moved_since", "movements", "open_card_page", "payouts", "read_card", "read_event", "refund",
]  # fmt: skip
