"""The SIMs of test accounts, as their carrier has them."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from kit import clock

from lines.carriers.sandbox import Sim
from lines.models import Sandbox, SandboxSim
from lines.policy.sandbox import Fault

LAG = dt.timedelta(minutes=10)  # of the account's clock


class Rows:
    """The other side of `carriers.sandbox`. A line that is in no test account is no SIM here."""

    def find(self, iccid: str) -> Sim | None:
        row = self._row(iccid)
        if row is None:
            return None
        _come_round(row)
        return Sim(iccid, row.is_on, row.counter, row.cycle, row.imei, _fault(row))

    @transaction.atomic
    def switch(self, iccid: str, *, on: bool) -> None:
        row = self._row(iccid)
        if row is None:
            return
        if _fault(row) is Fault.LAGS:
            if row.turns_on is not on:
                row.turns_on, row.turns_at = on, clock.now() + LAG
        else:
            row.is_on, row.turns_on, row.turns_at = on, None, None
        row.save(update_fields=["is_on", "turns_on", "turns_at"])

    def _row(self, iccid: str) -> SandboxSim | None:
        rows = SandboxSim.objects.select_related("line__payer__sandbox")
        return rows.filter(line__iccid=iccid, line__payer__is_test=True).first()


def _fault(row: SandboxSim) -> Fault:
    payer = row.line.payer
    return Fault(payer.sandbox.fault) if payer is not None else Fault.NONE


def _come_round(row: SandboxSim) -> None:
    """What was asked of it and took its time is done when that is over."""
    if row.turns_on is not None and row.turns_at is not None and row.turns_at <= clock.now():
        row.is_on, row.turns_on, row.turns_at = row.turns_on, None, None
        row.save(update_fields=["is_on", "turns_on", "turns_at"])


def with_fault(*, sandbox: Sandbox, fault: Fault) -> Sandbox:
    """From now on this goes wrong with the account's carrier. Harmless twice."""
    sandbox.fault = fault
    sandbox.save(update_fields=["fault"])
    return sandbox
