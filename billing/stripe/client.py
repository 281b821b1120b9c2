"""The one client of Stripe, and what every answer has."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

import stripe
from django.conf import settings

from billing.stripe.failures import NotConfigured

TIMEOUT = 12.0  # seconds for each try


def is_configured() -> bool:
    return bool(settings.STRIPE_SECRET_KEY)


@cache
def _client_for(key: str, base: str) -> stripe.StripeClient:
    http = stripe.HTTPXClient(timeout=TIMEOUT, allow_sync_methods=True)
    bases: Any = {"api": base} if base else {}
    return stripe.StripeClient(key, base_addresses=bases, max_network_retries=1, http_client=http)


def client() -> stripe.StripeClient:
    if not is_configured():
        raise NotConfigured("This installation takes no card payments: it has no Stripe keys")
    return _client_for(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


def since_then(moment: dt.datetime) -> Any:
    return {"created": {"gte": int(moment.timestamp())}, "limit": 100}


def id_of(thing: Any) -> str:
    return thing if isinstance(thing, str) else str(thing.id)


def metadata(intent: Any) -> dict[str, str]:
    found = intent.metadata
    return {} if found is None else dict(found.to_dict() if hasattr(found, "to_dict") else found)
