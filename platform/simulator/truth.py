"""What really happened: the oracle that a test or a benchmark compares a customer's books with."""

from typing import Any

import msgspec

from .fleet import Carrier
from .instants import iso, month_label, month_of
from .sim import Sim
from .world import World


def described(sim: Sim, at: int) -> dict[str, Any]:
    """A SIM in the fleet's list."""
    return {
        "iccid": sim.card.iccid,
        "carrier": sim.card.carrier,
        "kind": sim.card.kind.name,
        "status": sim.status(at).word,
        "imei": sim.imei(at).imei,
    }


def month_truth(sim: Sim, month: int, at: int) -> dict[str, int]:
    """A calendar month: `bytes` as they stand, what corrections took off, and the highest they ever stood at."""
    total = sim.month_bytes(month, at)
    corrected, peak = 0, total
    for number, extra in enumerate(sim.history.extras):
        if extra.bytes < 0 and extra.seen <= at and month_of(extra.at) == month:
            corrected -= extra.bytes
            # Bytes only fall at a correction, so a peak stands just before one, or now.
            before = msgspec.structs.replace(sim.history, extras=sim.history.extras[:number])
            peak = max(peak, Sim(sim.card, before, sim.settings).month_bytes(month, extra.seen))
    return {"bytes": total, "corrected": corrected, "peak": peak}


def truth(sim: Sim, first: int, last: int, at: int) -> dict[str, Any]:
    """The true months of a SIM, and what its carrier shows of them."""
    counter = sim.counter(at)
    return {
        "iccid": sim.card.iccid,
        "carrier": sim.card.carrier,
        "months": {month_label(month): month_truth(sim, month, at) for month in range(first, last + 1)},
        "cycles": {month_label(month): sim.cycle_bytes(month, at) for month in range(first, last + 1)},
        "counter": counter.bytes,
        "counter_month": month_label(counter.month),
        "counter_from": iso(counter.span.start),
        "last_record": iso(counter.last_record),
    }


def totals(world: World, carrier: Carrier | None, month: int, at: int) -> dict[str, int]:
    """The bytes of all SIMs in a month, by carrier."""
    sums: dict[str, int] = {}
    for sim in world.sims(carrier):
        sums[sim.card.carrier] = sums.get(sim.card.carrier, 0) + sim.month_bytes(month, at)
    return sums
