"""The hot path: a page of readings becomes day usage, counters, charges and balance in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from kit.identifiers import asked
from kit.money import ZERO
from kit.sql import array, prepared, seconds

from billing.commands import Charge, charge_usage, lock_wallets
from lines import counting
from lines.carriers.base import Reading
from lines.commands.counts import keep_counts
from lines.commands.held import note_held
from lines.commands.identity import Told, hold_locked, keep_identity, keep_spellings
from lines.commands.inbox import note_marks
from lines.commands.ordinary_sql import APPLY_ORDINARY
from lines.commands.reading_sql import APPLY, FIND, LOCK
from lines.models import Carrier


@dataclass(slots=True)
class Applied:
    """What a page did: lines we know and do not know, bytes moved, USD charged, and to whom."""

    readings: int = 0
    unknown: int = 0
    strangers: list[Reading] = field(default_factory=list)  # the unknown ones themselves
    bytes_moved: int = 0
    charged: Decimal = ZERO
    payer_ids: set[int] = field(default_factory=set)
    to_drive: int = 0  # lines whose carrier's state is not what we want, newly found

    def add(self, other: Applied) -> None:
        self.readings += other.readings
        self.unknown += other.unknown
        self.strangers += other.strangers
        self.bytes_moved += other.bytes_moved
        self.charged += other.charged
        self.payer_ids |= other.payer_ids
        self.to_drive += other.to_drive


@dataclass(frozen=True, slots=True)
class Asked:
    """How an answer came."""

    carrier: Carrier
    read_at: dt.datetime
    has_finals: bool
    are_finals: bool
    wraps_at: int | None
    are_days: bool = False

    @property
    def cycles(self) -> counting.Cycles:
        return counting.cycles_around(self.read_at.astimezone(dt.UTC).date(), self.carrier.turns)

    @property
    def boundary(self) -> dt.datetime:
        """When the running cycle began."""
        return dt.datetime.combine(self.cycles.running, dt.time(), dt.UTC)


def apply_readings(
    *,
    carrier: Carrier,
    readings: Iterable[Reading],
    read_at: dt.datetime,
    has_finals: bool = False,
    are_finals: bool = False,
    wraps_at: int | None = None,
    are_days: bool = False,
) -> Applied:
    """Applies one answer of a carrier, asked for at `read_at`: all of it or nothing, and twice the same as once.

    A line may stand in it several times. Lines that we do not have are counted and left alone. `has_finals`: the
    carrier gives final totals of months; `are_finals`: these readings are such totals; `wraps_at`: where the carrier's
    counters begin again at 0; `are_days`: they are what it tells of days that are before the moment of asking.
    """
    how = Asked(carrier, read_at, has_finals, are_finals, wraps_at, are_days)
    batches = _without_repeats(readings)
    if not are_finals and read_at >= how.boundary + counting.GRACE:
        with suppress(NotOrdinary):
            return _apply_all(how, batches, APPLY_ORDINARY)
    return _apply_all(how, batches, APPLY)


class NotOrdinary(Exception):
    """A page has a line on it that APPLY_ORDINARY cannot do."""


@transaction.atomic
def _apply_all(how: Asked, batches: Sequence[Sequence[Reading]], statement: str) -> Applied:
    applied = Applied()
    for batch in batches:
        applied.add(_apply(how, batch, statement))
    return applied


def _without_repeats(readings: Iterable[Reading]) -> list[list[Reading]]:
    """The readings in as few batches as have each line once, in their order."""
    batches: list[dict[str, Reading]] = []
    for reading in readings:
        for batch in batches:
            if reading.iccid not in batch:
                batch[reading.iccid] = reading
                break
        else:
            batches.append({reading.iccid: reading})
    return [list(batch.values()) for batch in batches]


def _apply(how: Asked, batch: Sequence[Reading], statement: str) -> Applied:
    carrier = how.carrier
    by_iccid = {reading.iccid: reading for reading in batch}
    rows = prepared(FIND, [carrier.pk, array(by_iccid)])
    known = [(row[0], by_iccid[row[1]]) for row in rows]
    if len(known) < len(batch):
        rows, by_iccid = _by_other_spellings(carrier, rows, by_iccid)
        known = [(row[0], by_iccid[row[1]]) for row in rows]
    if not known:
        return Applied(unknown=len(batch), strangers=list(batch))
    lock_wallets(account_ids={row[2] for row in rows if row[2] is not None})
    states = prepared(LOCK, [array(line_id for line_id, _ in known)])
    if any(state[1] and row[2] is not None for row, state in zip(rows, states, strict=True)):
        statement = APPLY  # some are read for the first time
    sums = prepared(statement, _parameters(how, known))
    if sums[-1][6]:
        raise NotOrdinary
    told = [one for row in rows for one in _told(row[0], row[3], row[4], by_iccid[row[1]])]
    keep_identity(carrier=carrier, told=told)
    if not how.are_finals:  # those were asked for, and are told under our own
        there = [(row[0], by_iccid[row[1]].iccid) for row in rows if by_iccid[row[1]].iccid != (row[5] or row[1])]
        keep_spellings(spelled=there)
    if sums[-1][4]:
        hold_locked(carrier=carrier, line_ids=[row[0] for row in rows], read_at=how.read_at)
    if sums[-1][5]:
        note_held(reading_id=sums[-1][5])
    note_marks(
        carrier=carrier,
        marked=[
            (row[0], state[0], row[2] is not None, by_iccid[row[1]]) for row, state in zip(rows, states, strict=True)
        ],
    )
    keep_counts(told=[(row[0], by_iccid[row[1]]) for row in rows], read_at=how.read_at)
    charges = [Charge(payer, day, amount) for payer, day, amount, *_ in sums if payer is not None]
    charge_usage(charges=charges)
    return Applied(
        readings=len(known),
        unknown=len(batch) - len(known),
        strangers=_strangers(batch, known) if len(known) < len(batch) else [],
        bytes_moved=sum(int(moved) for _, _, _, moved, *_ in sums),
        charged=sum((charge.amount for charge in charges), ZERO),
        payer_ids={charge.account_id for charge in charges},
        to_drive=sums[-1][4],
    )


def _by_other_spellings(
    carrier: Carrier, rows: list[tuple[Any, ...]], by_iccid: dict[str, Reading]
) -> tuple[list[tuple[Any, ...]], dict[str, Reading]]:
    """With our lines that the carrier spells otherwise, such as with their check digit; only strangers are asked for.

    Where it tells a SIM in two spellings, ours counts.
    """
    ours = {row[1] for row in rows}
    others: dict[str, Reading] = {}
    for iccid, reading in by_iccid.items():
        if iccid not in ours:
            for spelled in asked(iccid):
                if spelled not in by_iccid:
                    others.setdefault(spelled, reading)
    more = prepared(FIND, [carrier.pk, array(others)]) if others else []
    if not more:
        return rows, by_iccid
    return sorted([*rows, *more]), by_iccid | others  # by id, as their states are locked


def _strangers(batch: Sequence[Reading], known: Sequence[tuple[int, Reading]]) -> list[Reading]:
    ours = {id(reading) for _, reading in known}
    return [reading for reading in batch if id(reading) not in ours]


def _told(line_id: int, imei: str, msisdn: str, reading: Reading) -> list[Told]:
    """The IMEI and MSISDN that a carrier gives with a reading, for a line where they have changed."""
    is_so = (reading.imei or imei, reading.msisdn or msisdn) == (imei, msisdn)
    return [] if is_so else [Told(line_id, reading.imei, reading.msisdn)]


def _parameters(how: Asked, known: Sequence[tuple[int, Reading]]) -> dict[str, Any]:
    readings = [reading for _, reading in known]
    statuses = [reading.status for reading in readings]
    cycles = how.cycles
    return {
        "carrier": how.carrier.pk,
        "at": how.read_at,
        "cycle": cycles.running,
        "before": cycles.before,
        "next": dt.datetime.combine(cycles.following, dt.time(), dt.UTC),
        "has_finals": how.has_finals,
        "final": how.are_finals,
        "finals_after": counting.FINALS_AFTER,
        "wraps_at": how.wraps_at,
        "lines": array(line_id for line_id, _ in known),
        "counters": array(reading.counter for reading in readings),
        "cycles": array(reading.cycle for reading in readings),
        "switches": array(None if s is None or s.switch is None else int(s.switch) for s in statuses),
        "words": array(None if s is None else s.word[:40] for s in statuses),
        "blocked": array(s is not None and s.blocked for s in statuses),
        "sms": array(reading.sms_sent for reading in readings),
        "seen": seconds(reading.last_seen for reading in readings)
        if any(reading.last_seen for reading in readings)
        else None,
        "asked": seconds(reading.asked_at or how.read_at for reading in readings)
        if any(reading.asked_at for reading in readings)
        else None,
        "call": "final" if how.are_finals else "day" if how.are_days else "list" if readings[0].cycle else "line",
        "first": known[0][0],
        "last": known[-1][0],
    }
