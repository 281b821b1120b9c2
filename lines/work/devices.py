"""Asking carriers about the devices behind lines: a few by themselves, one at once where somebody looks at it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.core.cache import cache
from kit import clock, crypto

from lines.carriers.base import CarrierClient, CarrierFailure, Device, Location, Malformed, Refused, Unreachable
from lines.commands import devices, passes
from lines.commands.budget import take_ask
from lines.models import Carrier, Line, LineDevice
from lines.work.clients import client_for
from lines.work.reading import attempt

AT_ONCE = 4
FRESH = 120.0  # seconds that an answer is good enough for who looks at it
PATIENCE, TIMEOUT = 2.0, 6.0  # seconds that a page waits for the gate, and for the carrier


def look(carrier: Carrier, *, patience: float, stop: Callable[[], bool]) -> int:
    """Asks about the lines of a carrier that are due until none is or it is time to stop; says how many answered."""
    client = client_for(carrier, patience=patience)
    seen = 0
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="look") as pool:
        while not stop():
            claimed = devices.claim_looks(carrier=carrier, limit=AT_ONCE)
            if not claimed:
                break
            asked_at = clock.now()
            answers = pool.map(partial(_ask, client), [iccid for _, iccid in claimed])
            for (line_id, iccid), answer in zip(claimed, answers, strict=True):
                if isinstance(answer, Device):
                    devices.keep_device(line_id=line_id, device=answer, asked_at=asked_at)
                    seen += 1
                else:
                    _failed(carrier, line_id, iccid, answer)
    return seen


def _ask(client: CarrierClient, iccid: str) -> Device | CarrierFailure:
    return attempt(lambda: client.get_device(iccid))


def _failed(carrier: Carrier, line_id: int, iccid: str, failure: CarrierFailure) -> None:
    if isinstance(failure, Malformed):
        passes.quarantine(carrier=carrier, call=f"device of {iccid}", failure=failure)
    devices.look_failed(
        line_id=line_id,
        error=str(failure),
        give_up=isinstance(failure, Refused),
        wait=failure.retry_after if isinstance(failure, Unreachable) else None,
    )


def is_fresh(line: Line) -> bool:
    """Whether what we know of a line's device is new enough to be shown as it is."""
    row = LineDevice.objects.filter(line=line).first()
    return row is not None and row.asked_at is not None and (clock.now() - row.asked_at).total_seconds() < FRESH


def look_now(line: Line, *, wants_place: bool = False) -> Location | CarrierFailure | None:
    """Asks the carrier about one line, for who waits: its place on the map where the carrier tells it, or the failure.

    What is fresh is not asked again, and neither is what failed just now. Nobody else is asking at the same moment; who
    comes second is shown what the first finds. Each question is one of the payer's share. Raises AskedTooOften.
    """
    is_known, place = place_of(line)
    if is_fresh(line) and (is_known or not wants_place):
        return place
    if failed_lately(line):
        return None
    take_ask(line=line)
    if not devices.claim_look(line=line):
        return None
    asked_at = clock.now()
    answer = _ask(client_for(line.carrier, patience=PATIENCE, timeout=TIMEOUT), line.called)
    if isinstance(answer, CarrierFailure):
        _failed(line.carrier, line.pk, line.called, answer)
        return answer
    devices.keep_device(line_id=line.pk, device=answer, asked_at=asked_at)
    _remember(line, answer.location)
    return answer.location


def failed_lately(line: Line) -> bool:
    """Whether the carrier did not answer about this line, and is to be left alone about it for a moment."""
    row = LineDevice.objects.filter(line=line).first()
    return row is not None and bool(row.last_error) and row.due_at is not None and row.due_at > clock.now()


def place_of(line: Line) -> tuple[bool, Location | None]:
    """Whether somebody asked just now where a line is, and what the carrier said: kept for as long as that is fresh,

    and then forgotten.
    """
    kept = cache.get(_place_key(line))
    found = json.loads(crypto.decrypt(kept, row=_place_key(line))) if kept else None
    return kept is not None, Location(**found) if found else None


def _remember(line: Line, place: Location | None) -> None:
    said = None if place is None else dataclasses.asdict(place)
    key = _place_key(line)
    cache.set(key, crypto.encrypt(json.dumps(said), row=key), int(FRESH))


def _place_key(line: Line) -> str:
    """Another holder of the line is told nothing of it."""
    return f"place:{line.pk}:{line.account_id}"
