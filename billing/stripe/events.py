"""What Stripe tells by itself: signed events."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import stripe
from django.conf import settings

from billing.stripe.failures import Forged, WrongMode

STALE = 300  # seconds after which a signed event is refused


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at Stripe; `thing` is the object as it was then."""

    id: str
    type: str
    created: dt.datetime
    thing: dict[str, Any]


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
