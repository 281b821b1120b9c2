"""Driving carriers: what we want of a line is asked for until the carrier confirms it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from kit import clock

from lines.carriers.base import (
    CarrierClient,
    CarrierFailure,
    Malformed,
    OutcomeUnknown,
    Refused,
    Status,
    Switch,
    Unreachable,
)
from lines.carriers.wire import Unauthorized
from lines.commands import drives, passes
from lines.commands.drives import ClaimedDrive
from lines.models import Carrier
from lines.work.bulk import order_switches
from lines.work.clients import client_for
from lines.work.reading import attempt
from lines.work.spending import switching

AT_ONCE = 8


@dataclass(slots=True)
class Driven:
    """How many lines were driven, how many of them the carrier confirmed, and what went wrong."""

    calls: int = 0
    confirmed: int = 0
    errors: list[str] = field(default_factory=list)


def drive_carrier(carrier: Carrier, *, patience: float, stop: Callable[[], bool]) -> Driven:
    """Drives a carrier's due lines until none is due or it is time to stop; many by one call where we may."""
    client = client_for(carrier, patience=patience)
    driven = Driven(errors=order_switches(carrier, client, stop=stop))
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="drive") as pool:
        while not stop():
            claimed = drives.claim_drives(carrier=carrier, limit=AT_ONCE)
            if not claimed:
                break
            asked_at = clock.now()
            answers = pool.map(lambda drive: attempt(lambda: ask(client, drive)), claimed)
            for drive, answer in zip(claimed, answers, strict=True):
                driven.calls += 1
                if isinstance(answer, Status):
                    driven.confirmed += drives.confirm(
                        line_id=drive.line_id, status=answer, asked_at=asked_at, on=drive.on
                    )
                else:
                    _postpone(carrier, drive, answer, driven)
    return driven


def ask(client: CarrierClient, drive: ClaimedDrive) -> Status:
    """Brings a SIM to what we want and returns the state that the carrier confirms.

    Where the last call's outcome is unknown it asks before it acts; where this one's is, it asks at once. Raises
    OutcomeUnknown when the carrier may have acted and does not say.
    """
    with switching(on=drive.on):
        return _bring(client, drive)


def _bring(client: CarrierClient, drive: ClaimedDrive) -> Status:
    target = Switch.ON if drive.on else Switch.OFF
    if drive.ask_first:
        status = client.get_status(drive.iccid)
        if status.switch is target:
            return status
    try:
        confirmed = client.set_switch(drive.iccid, on=drive.on)
    except OutcomeUnknown as unknown:
        confirmed, doubt = None, str(unknown)
    else:
        doubt = "The carrier accepted the change and has not confirmed it yet"
    if confirmed is not None:
        return confirmed
    try:
        return client.get_status(drive.iccid)
    except CarrierFailure as failure:
        raise OutcomeUnknown(f"{doubt}; asked again: {failure}") from failure


def _postpone(carrier: Carrier, drive: ClaimedDrive, failure: CarrierFailure, driven: Driven) -> None:
    if str(failure) not in driven.errors and len(driven.errors) < 10:
        driven.errors.append(str(failure))
    if isinstance(failure, Malformed):
        passes.quarantine(carrier=carrier, call=f"status of {drive.iccid}", failure=failure)
    drives.postpone(
        line_id=drive.line_id,
        error=str(failure),
        outcome_unknown=isinstance(failure, OutcomeUnknown),
        is_refused=isinstance(failure, Refused) and not isinstance(failure, Unauthorized),
        wait=failure.retry_after if isinstance(failure, Unreachable) else None,
    )
