"""An account at a Keepgo without a wire, and what its lines are told after the move."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR
from lines.carriers.base import Reading, Status, Switch
from lines.commands.readings import apply_readings
from lines.commands.stock import add_carrier, add_rate_plan
from lines.models import Carrier, Line, RatePlan
from lines.work import moving
from tests.fleets import MB, Fleet
from tests.keepgos import FakeKeepgo, Sim
from tests.worlds import operator

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
ON, OFF, STOPPED, READY = (f"894453841580000{n:04}" for n in (11, 29, 37, 45))


def keepgo_carrier() -> Carrier:
    secrets = {"account_uuid": "a" * 32, "user_uuid": "b" * 32, "shared_key": "c" * 32}
    return add_carrier(name="keepgo", kind="keepgo", url="http://127.0.0.1:9", secrets=secrets, by=OPERATOR)


def our_plan(carrier: Carrier) -> RatePlan:
    return add_rate_plan(
        name="ours", carrier=carrier, per_mb=Decimal("0.01"), per_sms=Decimal(0), per_day=Decimal("0.10"), by=OPERATOR
    )


def at_keepgo(monkeypatch: pytest.MonkeyPatch) -> FakeKeepgo:
    """Four SIMs of which one was used, and $40."""
    monkeypatch.setenv(clock.VARIABLE, NOW.isoformat())
    session = {
        "start_date": "2026-11-19 08:00:00", "end_date": "2026-11-19 09:00:00", "country_code": "DE",
        "usage_kb": "1024",
    }  # fmt: skip
    used = {"2026-09-30": MB, "2026-11-19": 5 * MB, "2026-11-20": 7 * MB}
    keepgo = FakeKeepgo(
        {
            ON: Sim(notes="Van 7", days=used, sessions=[session]),
            OFF: Sim("Deactivated", days={"2026-10-02": 3 * MB}, holder="Delta"),
            STOPPED: Sim("Suspended"),
            READY: Sim("Activation Ready"),
        }
    )
    monkeypatch.setattr(moving, "keepgo_of", lambda _carrier: keepgo)
    return keepgo


def an_account(fleet: Fleet) -> Account:
    return fleet.account(credit="0")


def run(account: Account, *more: str, code: int = 0) -> dict[str, Any]:
    return operator(
        "import_keepgo", "--carrier", "keepgo", "--account", account.uuid.hex, "--plan", "theirs=ours", *more, code=code
    )


def line(iccid: str = ON) -> Line:
    return Line.objects.get(iccid=iccid)


def told(iccid: str, counter: int, when: str, *, switch: Switch = Switch.ON, blocked: bool = False) -> None:
    """The carrier's next answer about one line."""
    at = dt.datetime.fromisoformat(when).replace(tzinfo=dt.UTC)
    status = Status(switch, switch.name, blocked=blocked)
    reading = Reading(iccid, counter, at.date().replace(day=1), status)
    apply_readings(carrier=Carrier.objects.get(name="keepgo"), readings=[reading], read_at=at, has_finals=True)


def stand_at(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    monkeypatch.setenv(clock.VARIABLE, f"{when}+00:00")
