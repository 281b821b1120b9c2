"""Movements that are too large to be believed at once."""

from __future__ import annotations

from django.db.models import Q

from accounts.commands import Happened, record_many
from accounts.policy import SYSTEM
from lines.models import HeldMovement
from lines.policy import Hold

VERBS = {Hold.HELD: "usage.held", Hold.CHARGED: "usage.released", Hold.TAKEN_BACK: "usage.taken_back"}


def note_held(*, reading_id: int) -> None:
    """Writes down which movements a reading held, confirmed or took back. In its transaction."""
    rows = HeldMovement.objects.filter(Q(reading_id=reading_id) | Q(decided_reading_id=reading_id))
    told: dict[str, list[Happened]] = {}
    for row in rows.select_related("line").order_by("pk"):
        verb = VERBS[Hold(row.state)]
        told.setdefault(verb, []).append(
            Happened(row.payer_id, f"line:{row.line.iccid}", {"bytes": row.bytes, "counter": row.counter})
        )
    for verb, things in told.items():
        record_many(by=SYSTEM, verb=verb, things=things)
