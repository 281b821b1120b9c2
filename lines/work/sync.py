"""One whole pass in one process: read, charge, decide, act on rules, drive carriers until nothing is due."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import DatabaseError
from kit import clock
from kit.bells import Bell, ring
from kit.money import ZERO

from billing.commands import seal_days
from billing.queries import colour_changes
from lines.commands import passes
from lines.commands.bundles import charge_bundles
from lines.commands.capping import check_caps
from lines.commands.fees import charge_fees
from lines.commands.naming import plan_names
from lines.commands.reselling import charge_subaccounts
from lines.commands.wishes import Enforced, deactivate_due, enforce
from lines.models import Carrier
from lines.work.clients import client_for
from lines.work.driving import drive_carrier
from lines.work.messages import handle_messages
from lines.work.reading import Read, Reader
from lines.work.settings import set_due

log = logging.getLogger(__name__)

PATIENCE = 60.0  # seconds that a call waits for the carrier's gate
FINALS_SECONDS = 60.0  # final totals are one call each; what a pass does not get to, the next one does


@dataclass(slots=True)
class Synced:
    """What a pass did. `failed`: pages or lines that gave no answer; they keep their last numbers."""

    readings: int = 0
    unknown: int = 0
    failed: int = 0
    final_totals: int = 0
    bytes_moved: int = 0
    charged: Decimal = ZERO
    fees: int = 0
    suspended: int = 0
    reactivated: int = 0
    driven: int = 0
    confirmed: int = 0
    messages_sent: int = 0
    messages_received: int = 0
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)


def sync(carriers: Sequence[Carrier]) -> Synced:
    """Reads these carriers and settles everything that follows."""
    began = time.monotonic()
    synced = Synced()
    keep_days()
    for carrier in carriers:
        abilities = client_for(carrier, patience=PATIENCE).abilities
        if abilities.final_totals:
            passes.plan_final_totals(carrier=carrier)
        passes.plan_pass(carrier=carrier, by_page=abilities.lists_lines)
        _add_read(carrier, synced, Reader(carrier, patience=PATIENCE, stop=lambda: False, in_place=True).run())
    _decide_and_drive(carriers, synced)
    enough = time.monotonic() + FINALS_SECONDS
    for carrier in carriers:
        finals = Reader(carrier, patience=PATIENCE, stop=lambda: time.monotonic() > enough).run_final_totals()
        _add_read(carrier, synced, finals)
    if synced.final_totals:
        _decide_and_drive(carriers, synced)
    for carrier in carriers:
        _handle_messages(carrier, synced)
    synced.seconds = round(time.monotonic() - began, 3)
    return synced


def _decide_and_drive(carriers: Sequence[Carrier], synced: Synced) -> None:
    """A confirmed activation owes its fee, which may turn a balance, which drives lines: until nothing moves."""
    for _ in range(3):
        synced.fees += keep_days()
        check_caps(today=clock.today())
        enforced = enforce()
        synced.suspended += enforced.suspended
        synced.reactivated += enforced.reactivated
        ring(Bell.BALANCES_DECIDED)
        if not _drive(carriers, synced):
            break


def keep_days() -> int:
    """Lines whose last day is over, line fees up to today, what is beyond bundles, what sub-accounts owe, ledger rows
    of finished days; says how many fees.

    A step that fails keeps no other from being done; its failure is raised when they all are.
    """
    today = clock.today()
    fees = [0]

    def deactivate() -> None:
        while deactivate_due(today=today):
            pass

    def charge() -> None:
        fees[0] = charge_fees(today=today)

    def bundles() -> None:
        charge_bundles(today=today)

    def resell() -> None:
        charge_subaccounts(today=today)

    def seal() -> None:
        while seal_days(before=today):
            pass

    failures: list[Exception] = []
    for step in (deactivate, charge, bundles, resell, seal):
        try:
            step()
        except Exception as failure:
            log.exception("%s failed", step.__name__)
            failures.append(failure)
    if failures:
        raise failures[0]
    return fees[0]


def enforce_all() -> Enforced:
    """The lines of every balance that turned; an account whose lines cannot be changed stops no other."""
    today = clock.today()
    try:
        return enforce(today=today)
    except DatabaseError:
        log.exception("balances cannot be enforced together: each by itself")
    done = Enforced()
    for change in colour_changes(today=today):
        try:
            one = enforce(account_ids=[change.account_id], today=today)
        except DatabaseError:
            log.exception("the balance of account %s cannot be enforced", change.account_id)
        else:
            done.suspended += one.suspended
            done.reactivated += one.reactivated
    return done


def _handle_messages(carrier: Carrier, synced: Synced) -> None:
    handled = handle_messages(carrier, patience=PATIENCE, stop=lambda: False)
    synced.messages_sent += handled.sent
    synced.messages_received += handled.received
    synced.errors += [f"{carrier.name}: {error}" for error in handled.errors]


def _add_read(carrier: Carrier, synced: Synced, read: Read) -> None:
    synced.readings += read.applied.readings
    synced.unknown += read.applied.unknown
    synced.bytes_moved += read.applied.bytes_moved
    synced.charged += read.applied.charged
    synced.failed += read.failed
    synced.final_totals += read.final_totals
    synced.suspended += read.enforced.suspended
    synced.reactivated += read.enforced.reactivated
    synced.errors += [f"{carrier.name}: {error}" for error in read.errors]


def _drive(carriers: Sequence[Carrier], synced: Synced) -> int:
    calls = 0
    for carrier in carriers:
        driven = drive_carrier(carrier, patience=PATIENCE, stop=lambda: False)
        calls += driven.calls
        plan_names(carrier=carrier)
        set_due(carrier, patience=PATIENCE, stop=lambda: False)
        synced.confirmed += driven.confirmed
        synced.errors += [f"{carrier.name}: {error}" for error in driven.errors]
    synced.driven += calls
    return calls
