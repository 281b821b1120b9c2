"""Sending webhooks: what happened becomes messages, and each is sent until it is taken."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from kit import clock, crypto

from automation import outbound
from automation.commands import feed, webhooks
from automation.models import WebhookDelivery, WebhookEndpoint
from automation.outbound import Message, Undeliverable
from automation.work.events import new_events

AT_ONCE = 8

log = logging.getLogger(__name__)


def plan() -> int:
    """What is new is told: in the feed, and in messages to addresses; says how many events."""
    told = 0
    with new_events("feed") as after:
        while new := feed.publish(after=after):
            told += new
    return told + feed.publish_carriers() + feed.publish_notifications()


def send(*, stop: Callable[[], bool] = lambda: False) -> int:
    """Sends what is due; says how much was taken. No call is made inside a transaction."""
    taken = 0
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="webhook") as pool:
        while not stop() and (due := webhooks.claim_deliveries(limit=AT_ONCE)):
            for delivery, answer in zip(due, pool.map(_try, due), strict=True):
                if isinstance(answer, Undeliverable):
                    webhooks.not_delivered(
                        delivery=delivery, reason=str(answer), status=answer.status, wait=answer.wait
                    )
                else:
                    webhooks.delivered(delivery=delivery, status=answer)
                    taken += 1
    return taken


def _message(delivery: WebhookDelivery) -> Message:
    endpoint = delivery.endpoint
    return Message(
        endpoint.url,
        f"msg_{delivery.uuid.hex}",
        delivery.body,
        _secrets(endpoint),
    )


def _secrets(endpoint: WebhookEndpoint) -> list[str]:
    """The secret, and the one before while it signs, too."""
    kept = [endpoint.secret]
    if endpoint.former_until is not None and clock.now() < endpoint.former_until:
        kept.append(endpoint.former_secret)
    return [crypto.decrypt(one, row=f"webhook:{endpoint.uuid.hex}") for one in kept]


def _try(delivery: WebhookDelivery) -> int | Undeliverable:
    """Whatever goes wrong with one is that one's alone."""
    timestamp = int(clock.now().timestamp())
    try:
        return outbound.deliver(_message(delivery), timestamp=timestamp, allow_private=settings.WEBHOOKS_TO_PRIVATE)
    except Undeliverable as undeliverable:
        return undeliverable
    except Exception:
        log.exception("message %s could not be sent", delivery.uuid)
        return Undeliverable("It could not be sent; whoever runs this installation finds the reason in its log")
