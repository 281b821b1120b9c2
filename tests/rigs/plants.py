"""Faults of the product that the rigs must catch: `--plant NAME` runs an installation with one, and the rig must fail.

They are planted while processes start (planting/sitecustomize.py), so the tree stays as it is.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KEPT: list[Any] = []  # what a planted fault never lets go


@dataclass(frozen=True, slots=True)
class Plant:
    rig: str  # the command that must catch it
    fault: str
    plant: Callable[[], None]


def payments_by_news() -> None:
    from billing.commands import events, ledger
    from billing.models import Payment
    from billing.policy import EntryKind

    receive = events.receive

    def again(*, event: Any) -> bool:
        is_new = receive(event=event)
        paid = Payment.objects.filter(stripe_id=event.thing.get("id", "")).first()
        if paid is not None and event.type == "payment_intent.succeeded" and not is_new:
            key = f"top-up:{uuid.uuid4()}"
            ledger.post(
                account_id=paid.account_id,
                key=key,
                kind=EntryKind.TOP_UP,
                amount=paid.amount,
                day=paid.created_at.date(),
            )
        return is_new

    events.receive = again


def webhooks_believed() -> None:
    from automation.work import webhooks

    webhooks._try = lambda _delivery: 204  # type: ignore[assignment]


def dead_connections() -> None:
    from lines.work.gate import CallGate

    CallGate._execute = CallGate._ask  # type: ignore[method-assign]


def no_sweep() -> None:
    from config.sweeping import SweepingScheduler

    SweepingScheduler._do_here = lambda *_: None  # type: ignore[method-assign]


def sessions_kept() -> None:
    import psycopg
    from embedded import addresses

    from lines.commands import passes

    claim = passes.claim_chunks

    def claimed(**named: Any) -> Any:
        KEPT.append(psycopg.connect(addresses.database_url()))
        return claim(**named)

    passes.claim_chunks = claimed


def memory_kept() -> None:
    from config.shares import SharedTask

    call = SharedTask.__call__

    def kept(self: Any, *given: Any, **named: Any) -> Any:
        KEPT.append(b"x" * 1_000_000)
        return call(self, *given, **named)

    SharedTask.__call__ = kept  # type: ignore[method-assign]  # the fault is planted


def restless() -> None:
    def spin() -> None:
        while True:
            end = time.thread_time() + 0.02
            while time.thread_time() < end:
                pass
            time.sleep(0.05)

    threading.Thread(target=spin, daemon=True).start()


def hoard() -> None:
    KEPT.append(b"x" * 300_000_000)


PLANTS = {
    "payments-by-news": Plant("chaos", "news of a payment that comes again is credited again", payments_by_news),
    "webhooks-believed": Plant("chaos", "a webhook counts as delivered before anybody took it", webhooks_believed),
    "dead-connections": Plant("faults", "the carriers' gate keeps a connection that was ended", dead_connections),
    "no-sweep": Plant("faults", "without a broker beat waits for it", no_sweep),
    "sessions-kept": Plant("soak", "each reading keeps a session of the database", sessions_kept),
    "memory-kept": Plant("soak", "each task keeps a megabyte", memory_kept),
    "restless": Plant("idle", "a thread of each process never rests", restless),
    "hoard": Plant("idle", "each process keeps 300 MB", hoard),
}


def plants_of(rig: str) -> list[str]:
    return [name for name, one in PLANTS.items() if one.rig == rig]


def plant(name: str) -> None:
    """Every process that is started from now on has this fault."""
    if name:
        paths = [str(ROOT / "tests" / "rigs" / "planting"), str(ROOT), os.environ.get("PYTHONPATH", "")]
        os.environ |= {"RIG_PLANT": name, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
