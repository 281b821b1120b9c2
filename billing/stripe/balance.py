"""Stripe's own balance: what moved it, and what was paid out of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import stripe
from kit.money import currency

from billing.stripe.amounts import money
from billing.stripe.client import client, id_of, since_then
from billing.stripe.outcomes import failure


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
    asked: Any = (since_then(since) if since else {"payout": payout, "limit": 100}) | {"expand": ["data.source"]}
    try:
        for one in client().v1.balance_transactions.list(asked).auto_paging_iter():
            yield _moved(one)
    except stripe.StripeError as error:
        raise failure(error) from error


def _moved(one: Any) -> Moved:
    source = one.source
    intent = getattr(source, "payment_intent", None)
    paid = getattr(source, "amount", None)
    code = getattr(source, "currency", None) or one.currency
    return Moved(
        id=one.id,
        kind=one.type,
        amount=money(one.amount, one.currency),
        fee=money(one.fee, one.currency),
        source=id_of(source) if source is not None else "",
        intent=id_of(intent) if intent else "",
        paid=money(one.amount if paid is None else paid, code),
        is_ours=code.upper() == currency().code,
        at=dt.datetime.fromtimestamp(one.created, dt.UTC),
    )


def payouts(*, since: dt.datetime) -> Iterator[PaidOut]:
    """That were made since then. Raises Unknown, Refused."""
    try:
        for one in client().v1.payouts.list(since_then(since)).auto_paging_iter():
            arrives = dt.datetime.fromtimestamp(one.arrival_date, dt.UTC).date()
            made = dt.datetime.fromtimestamp(one.created, dt.UTC)
            yield PaidOut(one.id, money(one.amount, one.currency), one.status, arrives, one.automatic, made)
    except stripe.StripeError as error:
        raise failure(error) from error
