"""The carriers' APIs behind one interface: base.py. One file for each carrier; README.md says how to add one."""

from __future__ import annotations

from collections.abc import Mapping

from .base import CarrierClient, Dialect, Gate, Refused
from .iotportal import IotPortal
from .simbase import Simbase

CLIENTS: dict[str, type[CarrierClient]] = {client.kind: client for client in (Simbase, IotPortal)}


def open_client(
    kind: str,
    *,
    url: str,
    secrets: Mapping[str, str],
    gate: Gate | None = None,
    timeout: float = 20.0,
    dialect: Dialect | None = None,
) -> CarrierClient:
    """The client of a carrier's kind. Raises Refused for an unknown kind, a missing secret or an address of no use.

    It holds connections: open one in each process (after a fork), share it among the threads, and close it.
    """
    client = CLIENTS.get(kind)
    if client is None:
        raise Refused(f"There is no carrier of the kind {kind!r}; there are {', '.join(sorted(CLIENTS))}.")
    return client(url=url, secrets=secrets, gate=gate, timeout=timeout, dialect=dialect)
