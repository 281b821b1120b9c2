"""What Stripe tells us: written down once, then handled."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from kit import clock

from billing.models import Comparison, WebhookEvent
from billing.stripe import Event

SHORTEST_PAUSE, LONGEST_PAUSE = dt.timedelta(seconds=15), dt.timedelta(hours=1)
COMPARE_AGAIN = dt.timedelta(minutes=30)
FIRST_LOOK = dt.timedelta(days=30)  # where it was never compared


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


@transaction.atomic
def claim_comparison() -> tuple[Comparison, dt.datetime] | None:
    """Today's comparison with Stripe where nobody has made it, and since when to look: a day before the last one that
    was made whole. One that failed, or whose worker died, is made again after a while."""
    now = clock.now()
    made, is_new = Comparison.objects.get_or_create(day=now.date(), defaults={"started_at": now})
    made = Comparison.objects.select_for_update().get(pk=made.pk)
    if not is_new and (made.done_at is not None or made.started_at > now - COMPARE_AGAIN):
        return None
    made.started_at, made.failed = now, ""
    made.save(update_fields=["started_at", "failed"])
    last = Comparison.objects.filter(done_at__isnull=False).order_by("-day").first()
    return made, (last.started_at if last else now - FIRST_LOOK) - dt.timedelta(days=1)


def end_comparison(*, comparison_id: int, looked: int = 0, found: int = 0, failed: str = "", unread: str = "") -> None:
    """`failed`: it is made again. `unread`: it is made, and Stripe's balance could not be read beside it."""
    done = None if failed else clock.now()
    said = (failed or unread)[:200]
    Comparison.objects.filter(pk=comparison_id).update(looked=looked, found=found, failed=said, done_at=done)


def mark_handled(*, event_id: str, result: str) -> None:
    WebhookEvent.objects.filter(stripe_id=event_id, handled_at=None).update(handled_at=clock.now(), result=result[:200])
