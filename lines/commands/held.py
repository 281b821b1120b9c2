"""Movements that are too large to be believed at once: what readings said of them, and what a person decides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q
from kit import clock
from kit.errors import Refusal

from accounts.commands import Happened, record, record_many
from accounts.policy import SYSTEM, Actor
from billing.commands import Charge, charge_usage, lock_wallets
from billing.commands.notices import tell
from billing.words import Told
from lines import counting, policy
from lines.carriers import CLIENTS
from lines.models import HeldMovement, HolderDay, LineCycle, LineDay, LineState
from lines.policy import Hold

VERBS = {Hold.HELD: "usage.held", Hold.CHARGED: "usage.released", Hold.TAKEN_BACK: "usage.taken_back"}


class HoldDecided(Refusal):
    """A reading or a person has decided already."""


class LineLeft(Refusal):
    """The line is another one's now, and nobody keeps its counter for who had it."""


class CycleUnsettled(Refusal):
    """Nobody knows yet which cycle the line's counter is of."""


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
    _tell_owners([row for row in rows if row.state == Hold.HELD], reading_id)


def _tell_owners(rows: Sequence[HeldMovement], reading_id: int) -> None:
    """The owners hear of it at once, one mail for each page of readings: a device may really have run away."""
    for payer_id in sorted({row.payer_id for row in rows}):
        theirs = [row for row in rows if row.payer_id == payer_id]
        largest = max(theirs, key=lambda row: row.bytes)
        more = f" and {len(theirs) - 1:,} other lines" if len(theirs) > 1 else ""
        iccid = largest.line.iccid
        told = Told(
            "Unusually large data usage",
            f"Line {iccid}{more} used {largest.bytes / policy.MEGABYTE:,.0f} MB since the last reading. That is far"
            " more than usual. It will be charged once the next reading confirms it. Your rules see this usage already."
            " If you don’t expect it, deactivate the line.",
        )
        tell(
            account_id=payer_id,
            key=f"held:{reading_id}:{payer_id}",
            told=told,
            page=f"/lines/{iccid}/readings/",
            about=f"held:{iccid}",
        )


@transaction.atomic
def decide_held(*, held_id: int, charge: bool, by: Actor) -> HeldMovement:
    """A person charges a held movement, or lets it go: then it costs nothing, and the counter goes on from there.

    Raises HoldDecided, CycleUnsettled, LineLeft.
    """
    payer_id = HeldMovement.objects.values_list("payer_id", flat=True).get(pk=held_id)
    lock_wallets(account_ids=[payer_id])
    row = HeldMovement.objects.select_related("line__carrier", "price").get(pk=held_id)
    state = LineState.objects.select_for_update().get(pk=row.line_id)
    row = HeldMovement.objects.select_for_update(of=["self"]).select_related("line__carrier", "price").get(pk=held_id)
    if row.state != Hold.HELD:
        raise HoldDecided(f"This is decided already: {row.state}")
    if _is_unsettled(row, state):
        raise CycleUnsettled(
            "The billing cycle has just turned and the carrier hasn’t shown which cycle this counter is in."
            " Decide once the line is read in the new cycle, after 72 hours at most."
        )
    counter = _go_on_from(row, state, charge=charge)
    if charge and row.counter > counter:
        _charge(row, row.counter - counter)
    row.state = Hold.CHARGED if charge else Hold.DISMISSED
    row.decided_at, row.decided_by, row.after_reading_id = clock.now(), by.name, state.reading_id
    row.save(update_fields=["state", "decided_at", "decided_by", "after_reading_id"])
    record(
        by=by,
        verb="usage.released" if charge else "usage.dismissed",
        account_id=row.payer_id,
        subject=f"line:{row.line.iccid}",
        detail={"bytes": row.bytes, "counter": row.counter},
    )
    return row


def _is_theirs(row: HeldMovement) -> bool:
    """Whether the line is with its payer still, and was ever since."""
    return row.line.payer_id == row.payer_id and row.asked_at >= row.line.added_at


def _is_unsettled(row: HeldMovement, state: LineState) -> bool:
    running = counting.cycles_around(clock.today(), row.line.carrier.turns).running
    tells_cycle = CLIENTS[row.line.carrier.kind].abilities.tells_cycle
    return _is_theirs(row) and state.cycle is not None and state.cycle < running and not tells_cycle


def _go_on_from(row: HeldMovement, state: LineState, *, charge: bool) -> int:
    """The counter of the movement's cycle is the held one from now on; what it was."""
    if _is_theirs(row) and state.cycle == row.cycle:
        before, after = state.counter, max(state.counter, row.counter)
        state.counter = after
        state.held_bytes = 0
        if not charge:
            state.baseline += after - before
        state.save(update_fields=["counter", "held_bytes", "baseline"])
        return before
    cycle = LineCycle.objects.select_for_update().filter(line=row.line, cycle=row.cycle, payer=row.payer_id).first()
    if cycle is None and charge:
        raise LineLeft("The line has left this account. Dismiss the movement; a charge that is owed goes by hand.")
    if cycle is None:
        return row.counter_before
    before = cycle.counter if _is_theirs(row) else row.counter_before
    after = max(before, row.counter)
    cycle.counter = max(cycle.counter, after)
    cycle.used += after - before if charge else 0
    cycle.save(update_fields=["counter", "used"])
    return before


def _charge(row: HeldMovement, used: int) -> None:
    """Puts bytes on the day and the price that the movement has; the wallet is locked."""
    key = {"line_id": row.line_id, "day": row.day, "payer_id": row.payer_id, "price_id": row.price_id}
    line, since = row.line, row.line.held_since
    is_held = _is_theirs(row) and not (since and row.day < since.astimezone(dt.UTC).date())
    holder = line.account_id if is_held and line.account_id else row.payer_id
    day, made = LineDay.objects.select_for_update().get_or_create(
        **key, defaults={"account_id": holder, "cycle": row.cycle}
    )
    cost = policy.data_cost(day.used + used, row.price.per_mb)
    more = cost - day.cost
    day.used, day.cost = day.used + used, cost
    day.save(update_fields=["used", "cost"])
    _sum(day, rows=int(made), used=used, cost=more)
    charge_usage(charges=[Charge(row.payer_id, row.day, more)])


def _sum(day: LineDay, *, rows: int, used: int, cost: Decimal) -> None:
    key = {"payer_id": day.payer_id, "day": day.day, "account_id": day.account_id, "price_id": day.price_id}
    HolderDay.objects.get_or_create(**key, defaults={"days": 0, "used": 0, "cost": 0})
    HolderDay.objects.filter(**key).update(days=F("days") + rows, used=F("used") + used, cost=F("cost") + cost)
