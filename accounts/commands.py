"""What can happen to people and accounts. Each command is one transaction and writes one event."""

from __future__ import annotations

from typing import Any

from accounts.models import Event
from accounts.policy import Actor


def record(
    *,
    by: Actor,
    verb: str,
    account_id: int | None = None,
    subject: str = "",
    detail: dict[str, Any] | None = None,
) -> Event:
    """Write down that something happened; call it inside the transaction of what happened."""
    return Event.objects.create(
        account_id=account_id,
        actor_kind=by.kind,
        actor_name=by.name,
        verb=verb,
        subject=subject,
        detail=detail or {},
    )
