"""Customers and their saved cards."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import stripe
from kit.money import currency

from billing.stripe.client import client, id_of
from billing.stripe.outcomes import failure


@dataclass(frozen=True, slots=True)
class Card:
    """A saved card with its billing address, as Stripe tells."""

    id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    name: str
    address: dict[str, str]


def create_customer(*, account: str, name: str, email: str) -> str:
    """Stripe's id for an account of ours. Raises Unknown, Refused."""
    digest = hashlib.sha256(f"{name}\n{email}".encode()).hexdigest()[:12]
    try:
        found = client().v1.customers.create(
            {"name": name, "email": email, "metadata": {"account": account}},
            {"idempotency_key": f"customer:{account}:{digest}"},
        )
    except stripe.StripeError as error:
        raise failure(error) from error
    return found.id


def open_card_page(*, customer: str, success_url: str, cancel_url: str) -> str:
    """The address of Stripe's own page where a card is given; {CHECKOUT_SESSION_ID} in `success_url` is filled in."""
    asked: Any = {
        "mode": "setup",
        "customer": customer,
        "currency": currency().code.lower(),
        "payment_method_types": ["card"],
        "billing_address_collection": "required",
        "success_url": success_url,
        "cancel_url": cancel_url,
    }
    try:
        session = client().v1.checkout.sessions.create(asked)
    except stripe.StripeError as error:
        raise failure(error) from error
    return session.url or ""


def card_of_page(session_id: str) -> tuple[str, Card] | None:
    """The customer and the card that was given on the page; None while it is not complete, or once the card is gone.

    A card that was replaced and detached belongs to no customer: late news of its page brings nothing back.
    """
    try:
        session = client().v1.checkout.sessions.retrieve(session_id, {"expand": ["setup_intent.payment_method"]})
    except stripe.StripeError as error:
        raise failure(error) from error
    method: Any = getattr(session.setup_intent, "payment_method", None)
    if session.status != "complete" or method is None or method.card is None or method.customer is None:
        return None
    return id_of(session.customer), read_card(method)


def read_card(method: Any) -> Card:
    """A payment method of Stripe's as a card."""
    details = method["billing_details"]
    address = details["address"] or {}
    names = ("line1", "line2", "city", "state", "postal_code", "country")
    return Card(
        id=method["id"],
        brand=method["card"]["brand"],
        last4=method["card"]["last4"],
        exp_month=method["card"]["exp_month"],
        exp_year=method["card"]["exp_year"],
        name=details["name"] or "",
        address={name: address.get(name) or "" for name in names} if isinstance(address, dict) else _plain(address),
    )


def _plain(address: Any) -> dict[str, str]:
    names = ("line1", "line2", "city", "state", "postal_code", "country")
    return {name: getattr(address, name, None) or "" for name in names}


def forget_card(card: str) -> None:
    """Harmless where Stripe does not know the card any more."""
    try:
        client().v1.payment_methods.detach(card)
    except stripe.InvalidRequestError:
        return
    except stripe.StripeError as error:
        raise failure(error) from error
