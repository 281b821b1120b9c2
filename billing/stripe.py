"""Stripe: the only module that talks to it. It knows nothing of the database; card numbers never come here.

Which call, which status and which error code: https://docs.stripe.com/api, .../payments/off-session-payments,
.../payments/3d-secure/authentication-flow, .../api/idempotent_requests, .../webhooks.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import stripe
from django.conf import settings
from kit.money import currency

from billing.policy import PaymentState

TIMEOUT = 12.0  # seconds for each try
STALE = 300  # seconds after which a signed event is refused

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


class StripeFailure(Exception):
    """A call to Stripe did not end in success."""


class NotConfigured(StripeFailure):
    """This installation has no Stripe keys."""


class Unknown(StripeFailure):
    """Stripe does not answer, or says that it is down: what was asked may have happened or not."""


class Refused(StripeFailure):
    """Stripe will not do it, whoever asks again: a mistake of ours, a wrong key, a thing that is gone."""


class OtherCurrency(Refused):
    """Money in a currency that this installation does not keep: it is none of ours."""


class Forged(StripeFailure):
    """An event whose signature is not Stripe's, or too old."""


class WrongMode(StripeFailure):
    """A test event for a live installation, or the other way round."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a payment: `intent` is Stripe's id of it, `reason` says in words why it was declined."""

    state: PaymentState
    intent: str
    amount: Decimal
    payment: str  # our id of it, as we told Stripe
    reason: str = ""
    confirm_url: str = ""


class Declined(StripeFailure):
    """The bank said no."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class NeedsConfirmation(StripeFailure):
    """The bank wants the card's owner before it pays."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("the bank wants a confirmation")
        self.outcome = outcome


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


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at Stripe; `thing` is the object as it was then."""

    id: str
    type: str
    created: dt.datetime
    thing: dict[str, Any]


def is_configured() -> bool:
    return bool(settings.STRIPE_SECRET_KEY)


@cache
def _client_for(key: str, base: str) -> stripe.StripeClient:
    http = stripe.HTTPXClient(timeout=TIMEOUT, allow_sync_methods=True)
    bases: Any = {"api": base} if base else {}
    return stripe.StripeClient(key, base_addresses=bases, max_network_retries=1, http_client=http)


def _client() -> stripe.StripeClient:
    if not is_configured():
        raise NotConfigured("This installation takes no card payments: it has no Stripe keys")
    return _client_for(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


def _failure(error: stripe.StripeError) -> StripeFailure:
    """The failure in our words; a 409 or 429 says only that now was not the moment."""
    if isinstance(error, stripe.APIConnectionError | stripe.APIError | stripe.RateLimitError):
        return Unknown(error.user_message or "no answer")
    if error.http_status in (409, 429) or (error.http_status or 500) >= 500:
        return Unknown(error.user_message or "not now")
    if isinstance(error, stripe.CardError) and error.error is not None and error.error.payment_intent is not None:
        outcome = _outcome(error.error.payment_intent, error.error)
        return NeedsConfirmation(outcome) if outcome.state is PaymentState.CONFIRMING else Declined(outcome)
    return Refused(error.user_message or str(error))


# How many digits Stripe's amounts have, where not two: https://docs.stripe.com/currencies
_WHOLE = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THREE = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def _digits(code: str) -> int:
    return 0 if code in _WHOLE else 3 if code in _THREE else 2


def _coins(amount: Decimal) -> int:
    return int(amount.scaleb(_digits(currency().code)))


def _is_ours(thing: Any) -> bool:
    """Another business on the same Stripe account may take other currencies."""
    return bool(thing.currency.upper() == currency().code)


def _amount(thing: Any) -> Decimal:
    """A thing's amount in our currency. Raises OtherCurrency: sums are never mixed."""
    if not _is_ours(thing):
        raise OtherCurrency(f"{thing.id} is in {thing.currency.upper()}; this installation keeps {currency().code}")
    return _of(thing.amount, thing.currency)


def _of(amount: int, code: str) -> Decimal:
    """An amount of a currency as Stripe writes it."""
    return Decimal(amount).scaleb(-_digits(code.upper()))


def create_customer(*, account: str, name: str, email: str) -> str:
    """Stripe's id for an account of ours. Raises Unknown, Refused."""
    digest = hashlib.sha256(f"{name}\n{email}".encode()).hexdigest()[:12]
    try:
        found = _client().v1.customers.create(
            {"name": name, "email": email, "metadata": {"account": account}},
            {"idempotency_key": f"customer:{account}:{digest}"},
        )
    except stripe.StripeError as error:
        raise _failure(error) from error
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
        session = _client().v1.checkout.sessions.create(asked)
    except stripe.StripeError as error:
        raise _failure(error) from error
    return session.url or ""


def card_of_page(session_id: str) -> tuple[str, Card] | None:
    """The customer and the card that was given on the page; None while it is not complete, or once the card is gone.

    A card that was replaced and detached belongs to no customer: late news of its page brings nothing back.
    """
    try:
        session = _client().v1.checkout.sessions.retrieve(session_id, {"expand": ["setup_intent.payment_method"]})
    except stripe.StripeError as error:
        raise _failure(error) from error
    method: Any = getattr(session.setup_intent, "payment_method", None)
    if session.status != "complete" or method is None or method.card is None or method.customer is None:
        return None
    return _id(session.customer), read_card(method)


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
        _client().v1.payment_methods.detach(card)
    except stripe.InvalidRequestError:
        return
    except stripe.StripeError as error:
        raise _failure(error) from error


def charge(*, payment: str, customer: str, card: str, amount: Decimal, return_url: str, description: str) -> Outcome:
    """Charges a saved card; without a `return_url` its owner is not there (off-session).

    The payment's id is the idempotency key: asked again within a day, Stripe gives its first answer again, also a 500:
    look it up before you ask again.
    Raises Declined, NeedsConfirmation, Unknown, Refused.
    """
    asked: Any = {
        "amount": _coins(amount),
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
        return _outcome(
            _client().v1.payment_intents.create(
                asked, {"idempotency_key": f"payment:{payment}", "max_network_retries": 0}
            )
        )
    except stripe.StripeError as error:
        raise _failure(error) from error


def confirm(*, intent: str, card: str, return_url: str) -> Outcome:
    """Brings a payment that waits for its owner to the bank's page: the outcome's `confirm_url`."""
    asked: Any = {"payment_method": card, "return_url": return_url}
    try:
        return _outcome(_client().v1.payment_intents.confirm(intent, asked))
    except stripe.StripeError as error:
        failure = _failure(error)
        if isinstance(failure, Declined | NeedsConfirmation):
            return failure.outcome
        raise failure from error


def ask(intent: str) -> Outcome:
    """What became of a payment."""
    try:
        return _outcome(_client().v1.payment_intents.retrieve(intent))
    except stripe.StripeError as error:
        raise _failure(error) from error


def find(*, customer: str, payment: str) -> Outcome | None:
    """The payment that we told Stripe of by this id, if it ever heard of it (a list is never behind)."""
    try:
        recent = _client().v1.payment_intents.list({"customer": customer, "limit": 100})
    except stripe.StripeError as error:
        raise _failure(error) from error
    outcomes = [_outcome(intent) for intent in recent.data]
    return next((outcome for outcome in outcomes if outcome.payment == payment), None)


def cancel(intent: str) -> Outcome:
    """Takes a payment back that has not succeeded; the outcome says what it was when that came too late."""
    try:
        return _outcome(_client().v1.payment_intents.cancel(intent))
    except stripe.InvalidRequestError:
        return ask(intent)
    except stripe.StripeError as error:
        raise _failure(error) from error


@dataclass(frozen=True, slots=True)
class Refunded:
    """What became of a refund: `refused` says in a word why it failed."""

    id: str
    refused: str


def refund(*, intent: str, amount: Decimal, key: str) -> Refunded:
    """Gives back a payment or a part of it; with the same key it is the same refund. Raises Unknown, Refused."""
    asked: Any = {"payment_intent": intent, "amount": _coins(amount), "metadata": {"refund": key}}
    try:
        made = _client().v1.refunds.create(asked, {"idempotency_key": f"refund:{key}", "max_network_retries": 0})
    except stripe.StripeError as error:
        raise _failure(error) from error
    return _refunded(made)


def find_refund(*, intent: str, key: str) -> Refunded | None:
    """The refund that we asked for by this key, if Stripe ever heard of it."""
    try:
        made = _client().v1.refunds.list({"payment_intent": intent, "limit": 100})
    except stripe.StripeError as error:
        raise _failure(error) from error
    return next((_refunded(one) for one in made.data if _metadata(one).get("refund") == key), None)


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
        refunds = [_refund_back(one) for one in _client().v1.refunds.list(asked).auto_paging_iter()]
        disputes = [_dispute_back(one) for one in _client().v1.disputes.list(asked).auto_paging_iter()]
    except stripe.StripeError as error:
        raise _failure(error) from error
    return refunds + disputes


def _refund_back(made: Any) -> Back:
    is_gone = made.status not in ("failed", "canceled")
    return Back(made.id, "refund", _amount(made), is_gone, was_gone=False)


def _dispute_back(made: Any) -> Back:
    """A warning is an inquiry: nothing was withdrawn. https://docs.stripe.com/disputes/how-disputes-work"""
    is_gone = made.status in ("needs_response", "under_review", "lost")
    return Back(made.id, "dispute", _amount(made), is_gone, was_gone=is_gone or made.status == "won")


def moved_since(*, intents: dt.datetime, backs: dt.datetime) -> Iterator[tuple[str, Outcome | None, Back | None]]:
    """Every payment that succeeded, and every refund and dispute, that was made since: with the id of its payment
    intent. Raises Unknown, Refused."""
    client = _client().v1
    try:
        for intent in client.payment_intents.list(_since(intents)).auto_paging_iter():
            if intent.status == "succeeded" and _is_ours(intent):
                yield intent.id, _outcome(intent), None
        for refund in client.refunds.list(_since(backs)).auto_paging_iter():
            if refund.payment_intent and _is_ours(refund):
                yield _id(refund.payment_intent), None, _refund_back(refund)
        for dispute in client.disputes.list(_since(backs)).auto_paging_iter():
            if dispute.payment_intent and _is_ours(dispute):
                yield _id(dispute.payment_intent), None, _dispute_back(dispute)
    except stripe.StripeError as error:
        raise _failure(error) from error


def _since(moment: dt.datetime) -> Any:
    return {"created": {"gte": int(moment.timestamp())}, "limit": 100}


def _refunded(made: Any) -> Refunded:
    failed = made.status in ("failed", "canceled")
    return Refunded(made.id, (getattr(made, "failure_reason", None) or made.status or "") if failed else "")


@dataclass(frozen=True, slots=True)
class Moved:
    """A balance transaction: what Stripe's balance gained or lost, in the currency of the payout."""

    id: str
    kind: str
    amount: Decimal
    fee: Decimal
    source: str
    intent: str  # of the payment it belongs to; empty: of none
    paid: Decimal  # of the source, in the currency in which it was charged
    is_ours: bool  # that is the currency of this installation
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A payout to the bank."""

    id: str
    amount: Decimal
    status: str
    arrives_on: dt.date
    is_automatic: bool  # only of these Stripe tells the movements
    at: dt.datetime


def movements(*, since: dt.datetime | None = None, payout: str = "") -> Iterator[Moved]:
    """Of Stripe's balance, since then or of one payout. Raises Unknown, Refused."""
    asked: Any = (_since(since) if since else {"payout": payout, "limit": 100}) | {"expand": ["data.source"]}
    try:
        for one in _client().v1.balance_transactions.list(asked).auto_paging_iter():
            yield _moved(one)
    except stripe.StripeError as error:
        raise _failure(error) from error


def _moved(one: Any) -> Moved:
    source = one.source
    intent = getattr(source, "payment_intent", None)
    paid = getattr(source, "amount", None)
    code = getattr(source, "currency", None) or one.currency
    return Moved(
        id=one.id,
        kind=one.type,
        amount=_of(one.amount, one.currency),
        fee=_of(one.fee, one.currency),
        source=_id(source) if source is not None else "",
        intent=_id(intent) if intent else "",
        paid=_of(one.amount if paid is None else paid, code),
        is_ours=code.upper() == currency().code,
        at=dt.datetime.fromtimestamp(one.created, dt.UTC),
    )


def payouts(*, since: dt.datetime) -> Iterator[PaidOut]:
    """That were made since then. Raises Unknown, Refused."""
    try:
        for one in _client().v1.payouts.list(_since(since)).auto_paging_iter():
            arrives = dt.datetime.fromtimestamp(one.arrival_date, dt.UTC).date()
            made = dt.datetime.fromtimestamp(one.created, dt.UTC)
            yield PaidOut(one.id, _of(one.amount, one.currency), one.status, arrives, one.automatic, made)
    except stripe.StripeError as error:
        raise _failure(error) from error


def read_event(payload: bytes, signature: str) -> Event:
    """A webhook's event. Raises Forged (also over 300 s old), WrongMode."""
    try:
        event: Any = stripe.Webhook.construct_event(
            payload, signature, settings.STRIPE_WEBHOOK_SECRET, tolerance=STALE, api_key=settings.STRIPE_SECRET_KEY
        )
    except (stripe.SignatureVerificationError, ValueError, UnicodeDecodeError) as error:
        raise Forged(str(error).splitlines()[0][:200]) from error
    is_live = settings.STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
    if bool(event.livemode) is not is_live:
        raise WrongMode(f"event {event.id} is {'live' if event.livemode else 'a test'}, this installation is not")
    created = dt.datetime.fromtimestamp(event.created, dt.UTC)
    return Event(event.id, event.type, created, event.data.object.to_dict())


def _id(thing: Any) -> str:
    return thing if isinstance(thing, str) else str(thing.id)


def _outcome(intent: Any, error: Any = None) -> Outcome:
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
        amount=_amount(intent),
        payment=_metadata(intent).get("payment", ""),
        reason=DECLINES.get(decline, DECLINED_BY_BANK) if state is PaymentState.DECLINED else "",
        confirm_url=(redirect.url or "") if redirect else "",
    )


def _metadata(intent: Any) -> dict[str, str]:
    found = intent.metadata
    return {} if found is None else dict(found.to_dict() if hasattr(found, "to_dict") else found)
