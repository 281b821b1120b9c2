"""Carriers that tell usage by days: a line that was not read for days has each day's usage on its day, at its price."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from kit import clock

from accounts.policy import OPERATOR
from lines.books import recompute_books
from lines.carriers import CLIENTS
from lines.carriers.base import Abilities, Reading
from lines.carriers.rest import reading_of
from lines.commands import passes
from lines.commands.stock import add_carrier, add_rate_plan
from lines.models import HeldMovement, KeptReading, Line
from lines.policy import Hold
from lines.recount.audit import Found, Scope
from lines.work import reading
from tests.fleets import MB, ON, Fleet, at, books_hold, days

NOVEMBER = dt.date(2026, 11, 1)
GB = 1024 * MB


class Soracom:
    """Says of its one SIM what it used on each day of November, in MB."""

    abilities: Abilities = CLIENTS["soracom"].abilities

    def __init__(self) -> None:
        self.days: dict[int, int] = {}

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:
        told = [(NOVEMBER.replace(day=day), used * MB) for day, used in self.days.items()]
        return reading_of(iccid, told, NOVEMBER, ON, once=True)


@pytest.fixture
def soracom(monkeypatch: pytest.MonkeyPatch) -> Soracom:
    says = Soracom()
    monkeypatch.setattr(reading, "client_for", lambda *_, **__: says)
    return says


@pytest.fixture
def line(fleet: Fleet) -> Line:
    secrets = dict.fromkeys(CLIENTS["soracom"].secret_names, "s" * 20)
    carrier = add_carrier(name="soracom", kind="soracom", url="http://127.0.0.1:9", secrets=secrets, by=OPERATOR)
    fleet.carriers["soracom"], money = carrier, Decimal("0.01")
    fleet.plans["soracom"] = add_rate_plan(
        name="Soracom", carrier=carrier, per_mb=money, per_sms=Decimal(0), per_day=Decimal(0), by=OPERATOR
    )
    return fleet.line(fleet.account(credit="1000"), "soracom")


def read(line: Line, when: str) -> None:
    with clock.frozen(at(when)):
        passes.plan_pass(carrier=line.carrier, by_page=False)
        assert reading.Reader(line.carrier, patience=1.0, stop=lambda: False).run().failed == 0


def test_each_days_usage_is_on_its_day_at_the_price_of_the_day(fleet: Fleet, soracom: Soracom, line: Line) -> None:
    fleet.price("soracom", "2026-11-04T00:00", "0.02")
    soracom.days = {1: 4, 2: 6}
    read(line, "2026-11-02T12:00")
    soracom.days = {1: 4, 2: 8, 3: 20, 4: 30, 5: 5}
    read(line, "2026-11-05T12:00")
    read(line, "2026-11-05T12:00")
    cents = {2: (2, "0.02"), 3: (20, "0.20"), 4: (30, "0.60"), 5: (5, "0.10")}
    assert days(line) == {f"2026-11-0{day}": (used * MB, Decimal(usd)) for day, (used, usd) in cents.items()}
    told = [(row.call, row.counters[0] // MB) for row in KeptReading.objects.order_by("pk")]
    assert told[0] == ("list", 10)
    assert [counter for call, counter in told if call == "day"] == [12, 12, 32, 32, 62, 62]
    assert books_hold()
    assert recompute_books(scope=Scope(), found=Found(), stop=lambda: False).differences == 0


def test_what_is_not_believed_waits_for_a_second_answer(fleet: Fleet, soracom: Soracom, line: Line) -> None:
    soracom.days = {2: 6}
    read(line, "2026-11-02T12:00")
    soracom.days = {2: 6, 3: 6 * 1024, 4: 5}
    read(line, "2026-11-05T12:00")
    assert (days(line), HeldMovement.objects.get().state) == ({}, Hold.HELD)
    read(line, "2026-11-05T12:30")
    assert HeldMovement.objects.get().state == Hold.CHARGED
    assert sum(used for used, _ in days(line).values()) == 6 * GB + 5 * MB
    assert books_hold()
