"""One client for each carrier in a process, kept so that its connections and its login stay."""

from __future__ import annotations

import json
import threading

from kit import crypto

from lines import carriers
from lines.carriers.base import CarrierClient
from lines.carriers.sandbox import Sandbox
from lines.commands.sandbox_sims import Rows
from lines.models import Carrier
from lines.policy.sandbox import KIND
from lines.work.gate import CallGate

_open: dict[tuple[object, ...], tuple[CarrierClient, CallGate]] = {}
_lock = threading.Lock()


def client_for(carrier: Carrier, *, patience: float, timeout: float = 20.0) -> CarrierClient:
    """The carrier's client behind its shared gate; a new one when its address, credentials or calls have changed. That
    of test accounts calls nobody, and needs none."""
    if carrier.kind == KIND:
        return Sandbox(sims=Rows())
    key = (
        carrier.pk,
        carrier.url,
        carrier.secrets,
        carrier.calls_per_second,
        carrier.calls_per_minute,
        carrier.calls_per_day,
        carrier.dialect,
        patience,
        timeout,
    )
    with _lock:
        if key not in _open:
            gate = CallGate(carrier, patience=patience)
            secrets = json.loads(crypto.decrypt(carrier.secrets, row=f"carrier:{carrier.pk}"))
            client = carriers.open_client(
                carrier.kind, url=carrier.url, secrets=secrets, gate=gate, timeout=timeout, dialect=carrier.dialect
            )
            _open[key] = client, gate
        return _open[key][0]


def close_clients() -> None:
    """Ends every connection to carriers, and those of their gates to the database."""
    with _lock:
        for client, gate in _open.values():
            client.close()
            gate.close()
        _open.clear()
