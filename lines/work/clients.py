"""One client for each carrier in a process, kept so that its connections and its login stay."""

from __future__ import annotations

import json
import threading

from kit import crypto

from lines import carriers
from lines.carriers.base import CarrierClient
from lines.models import Carrier
from lines.work.gate import CallGate

_open: dict[tuple[int, str, str, float], CarrierClient] = {}
_lock = threading.Lock()


def client_for(carrier: Carrier, *, patience: float) -> CarrierClient:
    """The carrier's client behind its shared gate; a new one when its address or credentials have changed."""
    key = (carrier.pk, carrier.url, carrier.secrets, patience)
    with _lock:
        client = _open.get(key)
        if client is None:
            client = _open[key] = carriers.open_client(
                carrier.kind,
                url=carrier.url,
                secrets=json.loads(crypto.decrypt(carrier.secrets)),
                gate=CallGate(carrier, patience=patience),
            )
        return client


def close_clients() -> None:
    """Ends every connection to carriers."""
    with _lock:
        for client in _open.values():
            client.close()
        _open.clear()
