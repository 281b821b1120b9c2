"""Both sides of a move side by side: what Keepgo says of each day is kept, and a difference settled or dismissed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from kit import clock
from kit.errors import Invalid, Refusal
from kit.money import plain, shown

from accounts.commands import record
from accounts.policy import Actor
from billing.commands import lock_wallets
from billing.commands.credits import ask_credit
from billing.policy import EntryKind
from lines.models import Move, MoveDay
from lines.policy import Settled
from lines.queries.clearing import with_ours

LONGEST_NOTE = 200


class IsSettled(Refusal):
    """Somebody has decided about this day already."""


@transaction.atomic
def keep_days(
    *,
    move: Move,
    days: Mapping[tuple[int, dt.date], tuple[int, Decimal | None]],
    balance: Decimal | None,
) -> int:
    """Keeps what Keepgo says that lines used and cost on days; says of how many. What was decided stays. Harmless
    twice."""
    now = clock.now()
    decided = set(MoveDay.objects.filter(move=move).exclude(settled="").values_list("line", "day"))
    rows = [
        MoveDay(move=move, line_id=line, day=day, used=used, cost=cost, told_at=now)
        for (line, day), (used, cost) in sorted(days.items())
        if (line, day) not in decided
    ]
    MoveDay.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["move", "line", "day"],
        update_fields=["used", "cost", "told_at"],
        batch_size=2000,
    )
    Move.objects.filter(pk=move.pk).update(compared_at=now, balance_there=balance)
    return len(rows)


@transaction.atomic
def settle_days(*, days: Sequence[MoveDay], note: str, by: Actor) -> Decimal:
    """Credits, or debits, what was charged here beyond what Keepgo charged, a row of the ledger for each day; says how
    much. Above a person's limit a second one has to agree. Raises IsSettled, and Invalid where money is the same or
    not known."""
    total = Decimal(0)
    for row in _open(days, note):
        moved_on, owed = row.moved_on, row.charged - (row.cost or 0)
        if row.cost is None or moved_on is None or row.day <= moved_on:
            raise Invalid(f"What {row.line.iccid} cost at Keepgo on {row.day:%-d %b} is not known. Dismiss it.")
        if not owed:
            raise Invalid(f"{row.line.iccid} cost the same on {row.day:%-d %b}. Dismiss it.")
        reason = (
            f"{row.line.iccid}, {row.day:%-d %b %Y}: {plain(row.charged)} here, {plain(row.cost)} at Keepgo. {note}"
        )
        key = uuid.uuid5(row.move.uuid, f"{row.line_id}:{row.day}")
        asked = ask_credit(
            account=row.move.account, kind=EntryKind.ADJUSTMENT, amount=owed, reason=reason[:300], key=key, by=by
        )
        _decide(row, Settled.CREDITED, note, by, entry_id=asked.entry_id)
        total += owed
    return total


@transaction.atomic
def dismiss_days(*, days: Sequence[MoveDay], note: str, by: Actor) -> int:
    """Leaves differences as they are, with the reason; says how many. Raises IsSettled, Invalid."""
    rows = _open(days, note)
    for row in rows:
        _decide(row, Settled.DISMISSED, note, by)
    return len(rows)


def _open(days: Sequence[MoveDay], note: str) -> list[Any]:
    """Locked, with what stands here; see queries.clearing.with_ours."""
    if not note.strip() or len(note) > LONGEST_NOTE:
        raise Invalid(f"Give a note of 1 to {LONGEST_NOTE} characters.")
    ids = [row.pk for row in days]
    lock_wallets(account_ids=set(MoveDay.objects.filter(pk__in=ids).values_list("move__account", flat=True)))
    locked = MoveDay.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    rows = list(with_ours(locked.select_related("move__account", "line")))
    if done := next((row for row in rows if row.settled), None):
        raise IsSettled(f"{done.settled_by} has {done.settled} {done.line.iccid}, {done.day:%-d %b} already.")
    return rows


def _decide(row: Any, how: Settled, note: str, by: Actor, *, entry_id: int | None = None) -> None:
    MoveDay.objects.filter(pk=row.pk).update(
        settled=how, note=note.strip(), settled_by=by.name, settled_at=clock.now(), entry=entry_id
    )
    record(
        by=by,
        verb=f"move.day_{how}",
        account_id=row.move.account_id,
        subject=f"line:{row.line.iccid}",
        detail={"day": row.day.isoformat(), "note": note.strip(), "charged": shown(row.charged)},
    )
