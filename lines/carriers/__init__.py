"""The carriers' APIs behind one interface: base.py. One file for each carrier; README.md says how to add one.

Other installed packages add theirs by an entry point of the group `linekeeper.carriers`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import entry_points

from .base import Abilities, CarrierClient, Dialect, Gate, Refused
from .emnify import Emnify
from .hologram import Hologram
from .iotportal import IotPortal
from .keepgo import Keepgo
from .onence import OneNce
from .onomondo import Onomondo
from .sandbox import Sandbox
from .simbase import Simbase
from .simbase2 import Simbase2
from .soracom import Soracom
from .supersim import Kore, SuperSim

GROUP = "linekeeper.carriers"
OURS: tuple[type[CarrierClient], ...] = (
    Simbase, IotPortal, OneNce, Emnify, Hologram, Onomondo, Soracom, Keepgo, SuperSim, Simbase2, Kore,
)  # fmt: skip
_KIND = r"[a-z][a-z0-9_]{0,19}"


class BadAdapter(Exception):
    """An installed package offers as a carrier's adapter what is none."""


class Clients(dict[str, type[CarrierClient]]):
    """Adapters by kind. A carrier whose package has been taken away is one that can do nothing, and is never called.
    That of test accounts is in no list: nobody adds one."""

    def __missing__(self, kind: str) -> type[CarrierClient]:
        if kind == Sandbox.kind:
            return Sandbox
        nothing = {"kind": kind, "title": kind, "abilities": Abilities(), "words": {}, "secret_names": frozenset()}
        return type("Absent", (CarrierClient,), {**nothing, "calls_per_second": 1.0})


def find_clients() -> Clients:
    """Every adapter by its kind: ours, then those of installed packages. Raises BadAdapter."""
    clients = Clients({client.kind: client for client in OURS})
    for point in entry_points(group=GROUP):
        named = f"The entry point {point.name} = {point.value} of {point.dist.name if point.dist else 'a package'}"
        try:
            client = point.load()
        except (ImportError, AttributeError) as error:
            raise BadAdapter(f"{named} cannot be loaded: {error}") from error
        if not (isinstance(client, type) and issubclass(client, CarrierClient)) or client.__abstractmethods__:
            raise BadAdapter(f"{named} is no whole CarrierClient")
        if not re.fullmatch(_KIND, client.kind) or client.kind in clients or client.kind == Sandbox.kind:
            raise BadAdapter(f"{named} has the kind {client.kind!r}, which is taken or no word in small letters")
        clients[client.kind] = client
    return clients


CLIENTS = find_clients()


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
