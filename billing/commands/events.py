"""What Stripe tells us: written down once, then handled."""

from __future__ import annotations

from django.db import transaction
from kit import clock

from billing.models import WebhookEvent
from billing.stripe import Event


@transaction.atomic
def receive(*, event: Event) -> bool:
    """False where we have it already."""
    _, is_new = WebhookEvent.objects.get_or_create(
        stripe_id=event.id, defaults={"type": event.type[:80], "thing": event.thing, "happened_at": event.created}
    )
    return is_new


def mark_handled(*, event_id: str, result: str) -> None:
    WebhookEvent.objects.filter(stripe_id=event_id, handled_at=None).update(handled_at=clock.now(), result=result[:200])
