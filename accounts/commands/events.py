"""Writing down what happened, in the transaction of what happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

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


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened to one of many things."""

    account_id: int | None
    subject: str
    detail: dict[str, Any] = field(default_factory=dict)


def record_many(*, by: Actor, verb: str, things: Iterable[Happened]) -> None:
    """Write down that the same happened to many things at once; call it inside the transaction of what happened."""
    rows = [
        Event(
            account_id=thing.account_id,
            actor_kind=by.kind,
            actor_name=by.name,
            verb=verb,
            subject=thing.subject,
            detail=thing.detail,
        )
        for thing in things
    ]
    Event.objects.bulk_create(rows, batch_size=2000)


def seal(*, most: int = 5000) -> int:
    """Make the oldest events that are no links yet links of their chains; says how many.

    Harmless twice and beside another that does the same: one of them does it, the other does nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT seal_events(%s)", [most])
        return int(cursor.fetchone()[0])
