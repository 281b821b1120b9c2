"""The daily line fee: once for each line and day on which it was wanted on and its carrier had it on."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit import clock

from accounts.policy import OPERATOR
from lines.carriers.base import Status, Switch
from lines.commands.fees import charge_fees, restart_spans
from lines.commands.plans import change_plan_of_lines
from lines.commands.stock import add_rate_plan
from lines.commands.wishes import activate, deactivate, deactivate_due, deactivate_next_day, enforce, keep_active
from lines.models import Line, LineDay, LineState, OnSpan, RatePlan
from tests.fleets import MB, OFF, ON, Fleet, at, available, books_hold, usage_days
from tests.lines.test_second_books import second_books


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


def test_a_fee_has_the_price_in_force_when_the_line_was_first_on_that_day(dear: Fleet) -> None:
    line = dear.line(dear.account())
    dear.price("simbase", "2026-11-21T00:00", "0.01", per_day="0.50")
    dear.read(line, "2026-11-20T12:01", 0)
    charge_fees(today=today(22))
    assert list(usage_days(line.account).values()) == [Decimal("0.25"), Decimal("0.50"), Decimal("0.50")]
    assert books_hold()


def test_a_price_of_the_afternoon_is_not_the_fee_of_a_line_that_was_on_at_noon(dear: Fleet) -> None:
    line = dear.line(dear.account())
    dear.price("simbase", "2026-11-20T15:00", "0.01", per_day="0.50")
    dear.read(line, "2026-11-20T12:01", 0)
    charge_fees(today=today(21))
    assert list(usage_days(line.account).values()) == [Decimal("0.25"), Decimal("0.50")]
    assert second_books(today=today(21)).differences == 0


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


def test_another_plan_costs_its_fee_from_the_day_after_or_from_its_first_moment_on(dear: Fleet) -> None:
    """A day has one fee, of the plan that it began with, whoever charged it when and whatever plans it sees."""
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
    charge_fees(today=today(21))
    assert fees(to_dear) == {21: Decimal("0.25")}
    assert fees(to_free) == dict.fromkeys(range(10, 21), Decimal("0.25"))
    with clock.frozen(at("2026-11-21T13:00")):
        change_plan_of_lines(line_ids=[to_dear.pk], plan=free, by=OPERATOR)
        change_plan_of_lines(line_ids=[to_dear.pk], plan=dear.plans["simbase"], by=OPERATOR)
    charge_fees(today=today(21))
    assert fees(to_dear) == {21: Decimal("0.25")}
    assert books_hold()


def test_a_line_that_came_on_today_owes_no_yesterday_when_its_plan_changes(dear: Fleet) -> None:
    other = plan_of(dear, "other", "0.5")
    line = dear.line(dear.account())
    LineState.objects.update(wanted_at=at("2026-11-20T08:00"))
    dear.read(line, "2026-11-20T09:00", 0)
    with clock.frozen(at("2026-11-20T12:00")):
        change_plan_of_lines(line_ids=[line.pk], plan=other, by=OPERATOR)
    charge_fees(today=today(21))
    assert fees(line) == {20: Decimal("0.25"), 21: Decimal("0.5")}


def test_four_days_without_workers_cost_their_fees_though_the_line_is_off_before_anybody_looks(dear: Fleet) -> None:
    """On at noon of the 20th; nobody works until the 24th; the line is deactivated before the fees are charged."""
    line = dear.line(dear.account())
    dear.read(line, "2026-11-20T12:01", 0)
    with clock.frozen(at("2026-11-24T09:00")):
        deactivate(line=line, by=OPERATOR)
        dear.read(line, "2026-11-24T09:01", 0, status=OFF)
    charge_fees(today=today(26))
    assert fees(line) == dict.fromkeys(range(20, 25), Decimal("0.25"))
    charge_fees(today=today(26))
    assert available(line.account) == Decimal("98.75")
    assert books_hold()


def test_fifty_flashes_of_a_day_between_two_looks_cost_one_fee(dear: Fleet) -> None:
    line = dear.line(dear.account(), active=False)
    for minute in range(50):
        with clock.frozen(at(f"2026-11-20T10:{minute:02}:00")):
            activate(line=line, by=OPERATOR)
            dear.read(line, f"2026-11-20T10:{minute:02}:10", 0, status=ON)
        with clock.frozen(at(f"2026-11-20T10:{minute:02}:20")):
            deactivate(line=line, by=OPERATOR)
            dear.read(line, f"2026-11-20T10:{minute:02}:30", 0, status=OFF)
    assert OnSpan.objects.filter(line=line).count() == 50
    charge_fees(today=today(22))
    assert fees(line) == {20: Decimal("0.25")}
    assert books_hold()


@pytest.mark.parametrize("looked_on", [21, 24])
def test_a_line_that_is_off_from_midnight_on_owes_no_day_that_begins_then(dear: Fleet, looked_on: int) -> None:
    """Its last day is the 20th: late workers cost nobody a day, whether they charge or deactivate first."""
    line, other = dear.lines(dear.account(), 2)
    for one in (line, other):
        dear.read(one, "2026-11-20T12:01", 0)
    deactivate_next_day(line=line, by=OPERATOR)
    with clock.frozen(at(f"2026-11-{looked_on}T00:00:07")):
        charge_fees(today=today(looked_on))
        deactivate_due(today=today(looked_on))
        charge_fees(today=today(looked_on))
        dear.read(line, f"2026-11-{looked_on}T00:00:09", 0, status=OFF)
    assert fees(line) == {20: Decimal("0.25")}
    assert set(fees(other)) == set(range(20, looked_on + 1))
    assert OnSpan.objects.get(line=line).ended_at == at("2026-11-21T00:00")
    assert books_hold()


def test_a_date_that_is_taken_away_in_time_owes_its_day(dear: Fleet) -> None:
    line = dear.line(dear.account())
    dear.read(line, "2026-11-20T12:01", 0)
    deactivate_next_day(line=line, by=OPERATOR)
    charge_fees(today=today(21))
    assert fees(line) == {20: Decimal("0.25")}
    keep_active(line=line, by=OPERATOR)
    charge_fees(today=today(21))
    assert fees(line) == {20: Decimal("0.25"), 21: Decimal("0.25")}


def test_two_payers_of_one_day_owe_a_fee_each(dear: Fleet) -> None:
    line, heir = dear.line(dear.account()), dear.account()
    dear.read(line, "2026-11-20T08:00", 0)
    charge_fees(today=today(20))
    Line.objects.filter(pk=line.pk).update(account=heir, payer=heir)
    restart_spans(line_ids=[line.pk], at=at("2026-11-20T15:00"))
    restart_spans(line_ids=[line.pk], at=at("2026-11-20T16:00"))
    charge_fees(today=today(20))
    assert [available(one) for one in (line.account, heir)] == [Decimal("99.75"), Decimal("99.75")]
    enforce()
    assert books_hold()


STEP = st.tuples(st.integers(0, 40), st.sampled_from(["on", "off", "stop", "plan", "look"]))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(STEP, min_size=3, max_size=14))
def test_fees_are_what_a_plain_reading_of_the_rule_says(db: None, steps: list[tuple[int, str]]) -> None:
    """Any order of wishes, plans and looks, a few hours apart: fees are those of days touched, by the first touch."""
    with transaction.atomic():
        dear = Fleet(per_day="0.25")
        other, line = plan_of(dear, "other", "0.5"), dear.line(dear.account(), active=False)
        now, on_since, plan = at("2026-11-01T00:00"), None, Decimal("0.25")
        touched: dict[int, Decimal] = {}
        for hours, step in steps:
            now += dt.timedelta(hours=hours)
            if on_since is not None:
                touch(touched, on_since, now, plan)
            with clock.frozen(now):
                match step:
                    case "on":
                        activate(line=line, by=OPERATOR)
                        dear.read(line, now.isoformat()[:19], 0, status=ON)
                        on_since = now if on_since is None else on_since
                        touch(touched, now, now, plan)
                    case "off":
                        deactivate(line=line, by=OPERATOR)
                        on_since = None
                    case "stop":
                        dear.read(line, now.isoformat()[:19], 0, status=Status(Switch.ON, "blocked", blocked=True))
                        on_since = None
                    case "plan":
                        to = other if plan == Decimal("0.25") else dear.plans["simbase"]
                        change_plan_of_lines(line_ids=[line.pk], plan=to, by=OPERATOR)
                        plan = Decimal("0.5") if to is other else Decimal("0.25")
                        on_since = now if on_since is not None else None
                    case "look":
                        if on_since is not None:  # who is on when a day is charged was on in it
                            touch(touched, now, now, plan)
                        charge_fees(today=now.date())
        if on_since is not None:
            touch(touched, on_since, now + dt.timedelta(days=1, seconds=1), plan)
        charge_fees(today=(now + dt.timedelta(days=1)).date())
        found = {
            (d - dt.date(2026, 11, 1)).days: fee
            for d, fee in LineDay.objects.filter(fee__gt=0).values_list("day", "fee")
        }
        assert found == touched
        assert books_hold()
        transaction.set_rollback(True)


def touch(touched: dict[int, Decimal], since: dt.datetime, until: dt.datetime, plan: Decimal) -> None:
    """The days of a time, both ends: half-open at midnight but for a time of no length."""
    last = until - dt.timedelta(microseconds=1) if until > since else until
    for day in range((since - at("2026-11-01T00:00")).days, (last - at("2026-11-01T00:00")).days + 1):
        touched.setdefault(day, plan)


def plan_of(dear: Fleet, name: str, per_day: str) -> RatePlan:
    prices: dict[str, Any] = {"per_mb": Decimal("0.01"), "per_sms": Decimal(0), "per_day": Decimal(per_day)}
    return add_rate_plan(name=name, carrier=dear.carriers["simbase"], by=OPERATOR, **prices)


def fees(line: Line) -> dict[int, Decimal]:
    rows = LineDay.objects.filter(line=line, fee__gt=0).values_list("day", "fee").order_by("day")
    return {day.day: fee for day, fee in rows}
