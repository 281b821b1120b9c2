"""Asking carriers what each line cost the operator in a finished month: last of all, with calls that nobody needs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from kit import clock

from lines.carriers import CLIENTS
from lines.carriers.base import Billed, CarrierFailure, Malformed, Refused, Unreachable
from lines.commands import costs, passes
from lines.models import Carrier, CarrierCost
from lines.work.clients import client_for
from lines.work.reading import LINES_AT_ONCE, attempt

AT_ONCE = 50


def read_costs(carrier: Carrier, *, patience: float, stop: Callable[[], bool]) -> int:
    """Asks for what is due while the day's calls are less than half used up; how many were told."""
    if not CLIENTS[carrier.kind].abilities.tells_costs:
        return 0
    client, told = client_for(carrier, patience=patience), 0
    with ThreadPoolExecutor(max_workers=LINES_AT_ONCE, thread_name_prefix="cost") as pool:
        while not stop() and passes.may_fetch_final_totals(carrier=carrier):
            rows = costs.claim_costs(carrier=carrier, limit=AT_ONCE)
            if not rows:
                break
            now = clock.now()
            answers = list(
                pool.map(lambda row: attempt(lambda: client.get_bill(row.line.called, row.month, now=now)), rows)  # noqa: B023
            )
            kept = [(row, one) for row, one in zip(rows, answers, strict=True) if isinstance(one, Billed)]
            costs.keep_costs(carrier=carrier, told=kept)
            told += len(kept)
            for row, answer in zip(rows, answers, strict=True):
                if isinstance(answer, CarrierFailure):
                    _failed(carrier, row, answer)
    return told


def _failed(carrier: Carrier, row: CarrierCost, failure: CarrierFailure) -> None:
    if isinstance(failure, Malformed):
        call = f"cost of {row.line.iccid} in {row.month:%Y-%m}"
        passes.quarantine(carrier=carrier, call=call, failure=failure, iccid=row.line.iccid)
    wait = failure.retry_after if isinstance(failure, Unreachable) else None
    costs.cost_failed(row=row, error=str(failure), give_up=isinstance(failure, Refused), wait=wait)
