"""What Stripe tells us: written down once, then handled."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from kit import clock

from billing.models import WebhookEvent
from billing.stripe import Event

SHORTEST_PAUSE, LONGEST_PAUSE = dt.timedelta(seconds=15), dt.timedelta(hours=1)


@transaction.atomic
def receive(*, event: Event) -> bool:
    """False where we have it already."""
    _, is_new = WebhookEvent.objects.get_or_create(
        stripe_id=event.id, defaults={"type": event.type[:80], "thing": event.thing, "happened_at": event.created}
    )
    return is_new


@transaction.atomic
def take_up(*, pk: int) -> WebhookEvent:
    """An event that waits, its next turn set before this one begins: after as long as it has waited already, so that
    one that cannot be handled is tried ever less often."""
    event = WebhookEvent.objects.select_for_update().get(pk=pk)
    now = clock.now()
    event.try_at = now + min(max(now - event.received_at, SHORTEST_PAUSE), LONGEST_PAUSE)
    event.save(update_fields=["try_at"])
    return event


def mark_handled(*, event_id: str, result: str) -> None:
    WebhookEvent.objects.filter(stripe_id=event_id, handled_at=None).update(handled_at=clock.now(), result=result[:200])
