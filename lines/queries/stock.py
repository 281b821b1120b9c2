"""Reads about stock: what is kept for whom, and which line is proved to be whose."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import Account
from lines.models import Line, LineDay, LineProof, OnSpan, Reservation


def reserved_for(account: Account) -> QuerySet[Reservation]:
    """Lines in stock that an account may take without a code, with their lines, by ICCID."""
    return (
        Reservation.objects.filter(account=account)
        .select_related("line__plan", "line__carrier")
        .order_by("line__iccid")
    )


def is_proved(line: Line) -> bool:
    """Whether a line is known to be rightly its payer's: its carrier confirmed it on for them, or the office did."""
    of_line = {"line": line, "payer_id": line.payer_id}
    return any(model.objects.filter(**of_line).exists() for model in (LineProof, OnSpan, LineDay))
