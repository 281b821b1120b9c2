"""The feed of events as it is read."""

from __future__ import annotations

from accounts.models import Account
from automation.models import FeedEvent, Swept

GONE = "feed dropped"  # the Swept row that says up to which event the feed was dropped


def page(account: Account, *, after: int, topic: str | None, kind: str | None, limit: int) -> list[FeedEvent]:
    """Events of an account behind this one, the earliest first."""
    rows = FeedEvent.objects.filter(account=account, pk__gt=after)
    if topic is not None:
        rows = rows.filter(topic=topic)
    if kind is not None:
        rows = rows.filter(type=kind)
    return list(rows.order_by("pk")[:limit])


def newest() -> int:
    """The place behind everything that was told by now, whoever it was told to."""
    last = FeedEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    return last if last is not None else is_dropped_to()


def is_dropped_to() -> int:
    return Swept.objects.filter(name=GONE).values_list("last_event", flat=True).first() or 0


def is_too_old(cursor: int) -> bool:
    """Whether events behind this place have left the feed; the place of none, 0, is that of everything kept."""
    return 0 < cursor < is_dropped_to()
