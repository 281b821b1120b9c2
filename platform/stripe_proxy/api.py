"""What every part of the stand-in works with."""

from __future__ import annotations

from dataclasses import dataclass

from .events import Deliveries
from .inner import Inner
from .state import Json, State

API_VERSION = "2026-10-28.endive"  # the one that the SDK in requirements.lock asks for


@dataclass(frozen=True, slots=True)
class Call:
    """One API call: its parameters nested, and the address that the caller knows us by."""

    method: str
    path: str
    key: str
    form: Json
    base: str


@dataclass(frozen=True, slots=True)
class Standin:
    state: State
    inner: Inner
    deliveries: Deliveries

    def happened(self, kind: str, thing: Json) -> None:
        self.state.event(kind, thing, api_version=API_VERSION)
        self.deliveries.ring()
