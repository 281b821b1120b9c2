"""The daily line fee: once for each line and day on which it was wanted on and its carrier had it on."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from kit import clock

from accounts.policy import OPERATOR
from lines.commands.fees import charge_fees
from lines.commands.plans import change_plan_of_lines
from lines.commands.stock import add_rate_plan
from lines.commands.wishes import activate, deactivate
from lines.models import Line, LineDay, LineState, RatePlan
from tests.fleets import MB, OFF, ON, Fleet, Status, Switch, at, available, books_hold, usage_days


@pytest.fixture
def dear(db: None) -> Fleet:
    return Fleet(per_day="0.25")


def today(number: int) -> dt.date:
    return dt.date(2026, 11, number)


def test_a_line_pays_once_a_day_however_often_it_is_asked(dear: Fleet) -> None:
    line = dear.line(dear.account())
    dear.read(line, "2026-11-20T12:01", 0)
    assert [charge_fees(today=today(20)) for _ in range(3)] == [1, 0, 0]
    assert charge_fees(today=today(21)) == 1
    assert usage_days(line.account) == {"2026-11-20": Decimal("0.25"), "2026-11-21": Decimal("0.25")}
    assert books_hold()


def test_data_and_fee_of_a_day_are_one_usage(dear: Fleet) -> None:
    line = dear.line(dear.account())
    dear.read(line, "2026-11-20T12:01", 0)
    charge_fees(today=today(20))
    dear.read(line, "2026-11-20T13:00", MB)
    charge_fees(today=today(20))
    row = LineDay.objects.get()
    assert (row.used, row.cost, row.fee) == (MB, Decimal("0.01"), Decimal("0.25"))
    assert available(line.account) == Decimal("99.74")
    assert books_hold()


@pytest.mark.parametrize(
    "status", [OFF, Status(Switch.READY, "ready"), Status(None, "odd"), Status(Switch.ON, "b", blocked=True)]
)
def test_a_line_that_its_carrier_does_not_have_on_pays_nothing(dear: Fleet, status: Status) -> None:
    line = dear.line(dear.account())
    dear.read(line, "2026-11-20T12:01", 0, status=status)
    assert charge_fees(today=today(20)) == 0


def test_a_line_that_is_wanted_off_or_in_stock_pays_nothing(dear: Fleet) -> None:
    for line in (dear.line(dear.account(), active=False), dear.line(None)):
        dear.read(line, "2026-11-20T12:01", 0, status=ON)
    assert charge_fees(today=today(20)) == 0


def test_days_on_which_nobody_worked_are_caught_up(dear: Fleet) -> None:
    line = dear.line(dear.account())
    dear.read(line, "2026-11-20T12:01", 0)
    charge_fees(today=today(20))
    charge_fees(today=today(24))
    assert list(usage_days(line.account)) == [f"2026-11-{day}" for day in range(20, 25)]
    assert charge_fees(today=today(24)) == 0
    assert books_hold()


def test_days_on_which_a_line_was_off_are_not_caught_up(dear: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    line = dear.line(dear.account())
    dear.read(line, "2026-11-20T12:01", 0)
    charge_fees(today=today(20))
    deactivate(line=line, by=OPERATOR)
    dear.read(line, "2026-11-20T13:00", 0, status=OFF)
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-23T09:00:00Z")
    activate(line=line, by=OPERATOR)
    dear.read(line, "2026-11-23T09:01", 0, status=ON)
    charge_fees(today=today(23))
    assert list(usage_days(line.account)) == ["2026-11-20", "2026-11-23"]


def test_a_carrier_that_never_switched_it_off_earns_its_owner_no_fee(
    dear: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wanted off from the 20th to the 23rd, on at the carrier all the time: those days are not the customer's."""
    line = dear.line(dear.account(), active=False)
    dear.read(line, "2026-11-20T12:01", 0, status=ON)
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-23T09:00:00Z")
    activate(line=line, by=OPERATOR)
    charge_fees(today=today(23))
    assert list(usage_days(line.account)) == ["2026-11-23"]


def test_a_line_from_stock_pays_from_the_day_on_which_it_was_added(
    dear: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = dear.line(None)
    account = dear.account()
    dear.read(line, "2026-11-10T12:01", 0, status=ON)
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-23T09:00:00Z")
    Line.objects.filter(pk=line.pk).update(account=account, payer=account)
    line.refresh_from_db()
    activate(line=line, by=OPERATOR)
    dear.read(line, "2026-11-23T09:01", 0, status=ON)
    charge_fees(today=today(23))
    assert list(usage_days(account)) == ["2026-11-23"]


def test_a_fee_has_the_price_at_the_end_of_its_day(dear: Fleet) -> None:
    line = dear.line(dear.account())
    dear.price("simbase", "2026-11-21T00:00", "0.01", per_day="0.50")
    dear.read(line, "2026-11-20T12:01", 0)
    charge_fees(today=today(22))
    assert list(usage_days(line.account).values()) == [Decimal("0.25"), Decimal("0.50"), Decimal("0.50")]
    assert books_hold()


def test_a_price_that_changes_in_the_day_makes_one_fee(dear: Fleet) -> None:
    line = dear.line(dear.account())
    dear.read(line, "2026-11-20T12:01", 0)
    charge_fees(today=today(20))
    dear.price("simbase", "2026-11-20T15:00", "0.01", per_day="0.50")
    dear.read(line, "2026-11-20T16:00", MB)
    charge_fees(today=today(20))
    assert usage_days(line.account) == {"2026-11-20": Decimal("0.26")}
    assert books_hold()


def test_a_sub_accounts_fees_are_its_parents(dear: Fleet) -> None:
    parent = dear.account()
    line = dear.line(dear.account(parent=parent))
    dear.read(line, "2026-11-20T12:01", 0)
    charge_fees(today=today(20))
    assert available(parent) == Decimal("99.75")
    assert LineDay.objects.get().account == line.account


def test_another_plan_costs_its_fee_from_its_own_days_on(dear: Fleet) -> None:
    """On since the 10th at no fee, from the 20th at 0.25: that one day. A day that nobody charged is the old plan's."""
    free = plan_of(dear, "free", "0")
    to_dear, to_free = dear.lines(dear.account(), 2)
    Line.objects.filter(pk=to_dear.pk).update(plan=free)
    LineState.objects.update(wanted_at=at("2026-11-10T08:00"))
    for line in (to_dear, to_free):
        dear.read(line, "2026-11-10T09:00", 0)
    charge_fees(today=today(17))
    with clock.frozen(at("2026-11-20T12:00")):
        change_plan_of_lines(line_ids=[to_dear.pk], plan=dear.plans["simbase"], by=OPERATOR)
        change_plan_of_lines(line_ids=[to_free.pk], plan=free, by=OPERATOR)
    charge_fees(today=today(20))
    assert fees(to_dear) == {20: Decimal("0.25")}
    assert fees(to_free) == dict.fromkeys(range(10, 20), Decimal("0.25"))
    with clock.frozen(at("2026-11-20T13:00")):  # a day has one fee, whatever plans it sees
        change_plan_of_lines(line_ids=[to_dear.pk], plan=free, by=OPERATOR)
        change_plan_of_lines(line_ids=[to_dear.pk], plan=dear.plans["simbase"], by=OPERATOR)
    charge_fees(today=today(20))
    assert fees(to_dear) == {20: Decimal("0.25")}
    assert books_hold()


def test_a_line_that_came_on_today_owes_no_yesterday_when_its_plan_changes(dear: Fleet) -> None:
    other = plan_of(dear, "other", "0.5")
    line = dear.line(dear.account())
    LineState.objects.update(wanted_at=at("2026-11-20T08:00"))
    dear.read(line, "2026-11-20T09:00", 0)
    with clock.frozen(at("2026-11-20T12:00")):
        change_plan_of_lines(line_ids=[line.pk], plan=other, by=OPERATOR)
    charge_fees(today=today(20))
    assert fees(line) == {20: Decimal("0.5")}


def plan_of(dear: Fleet, name: str, per_day: str) -> RatePlan:
    prices = {"per_mb": Decimal("0.01"), "per_sms": Decimal(0), "per_day": Decimal(per_day)}
    return add_rate_plan(name=name, carrier=dear.carriers["simbase"], by=OPERATOR, **prices)


def fees(line: Line) -> dict[int, Decimal]:
    rows = LineDay.objects.filter(line=line, fee__gt=0).values_list("day", "fee").order_by("day")
    return {day.day: fee for day, fee in rows}
