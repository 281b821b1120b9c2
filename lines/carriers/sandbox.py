"""The carrier of test accounts: its SIMs are rows beside ours, which its people turn and use; nothing is called.

It is none that an operator adds: `CLIENTS` finds it by its kind, and lists it nowhere.
"""
# ruff: noqa: ARG002 - what it has no use for is given to it all the same

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NoReturn, Protocol

from lines.policy.sandbox import KIND, Fault

from .base import (
    Abilities,
    CarrierClient,
    Device,
    Dialect,
    Gate,
    Page,
    Reading,
    Refused,
    Sms,
    SmsFate,
    Status,
    Switch,
    Unreachable,
)

WORDS: Mapping[str, tuple[Switch, bool]] = {"on": (Switch.ON, False), "off": (Switch.OFF, False)}


@dataclass(frozen=True, slots=True)
class Sim:
    """A SIM at the carrier, at the moment at which it was asked for."""

    iccid: str
    is_on: bool
    counter: int  # bytes of `cycle`
    cycle: dt.date | None
    imei: str
    fault: Fault

    @property
    def status(self) -> Status:
        word = "on" if self.is_on else "off"
        return Status(WORDS[word][0], word)


class Sims(Protocol):
    """Where the SIMs are kept."""

    def find(self, iccid: str) -> Sim | None: ...

    def switch(self, iccid: str, *, on: bool) -> None:
        """At once, or later where the carrier lags."""


class Sandbox(CarrierClient):
    """The one carrier of all test accounts. A SIM's fault is its account's."""

    kind: ClassVar[str] = KIND
    title: ClassVar[str] = "Simulated carrier"
    calls_per_second: ClassVar[float] = 100.0
    words: ClassVar[Mapping[str, tuple[Switch, bool]]] = WORDS
    abilities: ClassVar[Abilities] = Abilities(
        tells_cycle=True,
        confirms_at_once=True,
        sends_sms=True,
        tells_sms_fate=True,
        tells_imei=True,
    )
    secret_names: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self,
        *,
        url: str = "",
        secrets: Mapping[str, str] | None = None,
        gate: Gate | None = None,
        timeout: float = 20.0,
        dialect: Dialect | None = None,
        sims: Sims | None = None,
    ) -> None:
        self._sims = sims

    def _sim(self, iccid: str) -> Sim:
        """Raises Refused, Unreachable."""
        sim = self._sims.find(iccid) if self._sims is not None else None
        if sim is None:
            raise Refused(f"{self.title}: SIM {iccid} not found.")
        if sim.fault is Fault.FAILS:
            raise Unreachable(f"{self.title} does not answer.")
        return sim

    def read_page(self, number: int, *, now: dt.datetime) -> Page:
        raise self.cannot("list its SIMs")

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:
        sim = self._sim(iccid)
        return Reading(sim.iccid, sim.counter, sim.cycle, sim.status, last_seen=now, imei=sim.imei or None)

    def final_total(self, iccid: str, month: dt.date) -> int:
        raise self.cannot("tell a month's total")

    def get_status(self, iccid: str) -> Status:
        return self._sim(iccid).status

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        sim = self._sim(iccid)
        if sim.fault is Fault.REFUSES:
            self._refuse()
        if self._sims is not None:
            self._sims.switch(iccid, on=on)
        return None if sim.fault is Fault.LAGS else self._sim(iccid).status

    def send_sms(self, iccid: str, text: str) -> Sms:
        sim = self._sim(iccid)
        if sim.fault is Fault.REFUSES:
            self._refuse()
        return Sms("", True, text, None, SmsFate.PENDING, "accepted")

    def list_sms(self, iccid: str, *, since: dt.datetime) -> tuple[Sms, ...]:
        self._sim(iccid)
        return ()

    def get_sms(self, iccid: str, ref: str) -> Sms:
        fault = self._sim(iccid).fault
        fate = SmsFate.PENDING if fault is Fault.LAGS else SmsFate.DELIVERED
        return Sms(ref, True, "", None, fate, fate.name.lower())

    def get_device(self, iccid: str) -> Device:
        sim = self._sim(iccid)
        return Device(imei=sim.imei or None, network="Test network", country="DE", radio="LTE-M", apn="test")

    def set_switches(self, iccids: Sequence[str], *, on: bool, name: str, callback: str) -> None:
        raise self.cannot("switch many SIMs at once")

    def _refuse(self) -> NoReturn:
        raise Refused(f"{self.title} refused: the test account asks it to.")

    def close(self) -> None: ...
