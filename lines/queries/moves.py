"""What an account brought along from Keepgo that is shown to itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from accounts.models import Account
from lines.carriers import CLIENTS
from lines.models import Move


@dataclass(frozen=True, slots=True)
class PaidBefore:
    """A payment that was made to the former provider, USD. It is no money of ours."""

    day: dt.date
    amount: Decimal
    paid_to: str


def payments_before(account: Account) -> list[PaidBefore]:
    """Those of all the account's moves, newest first; a payment that two moves tell counts once."""
    moves = Move.objects.filter(account=account).exclude(payments_there=[]).select_related("carrier").order_by("pk")
    known: dict[int, list[PaidBefore]] = {}
    for move in moves:
        known[move.carrier_id] = [
            PaidBefore(dt.date.fromisoformat(day), Decimal(amount), CLIENTS[move.carrier.kind].title)
            for day, amount in move.payments_there
        ]
    rows = [row for some in known.values() for row in some]
    return sorted(rows, key=lambda row: row.day, reverse=True)
