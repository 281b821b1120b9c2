"""One bad row costs itself: every sweep over lines with a poisoned one among others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import pytest
from django.db import DataError
from kit.sweeps import apart, each

from billing.commands.notices import tell_turn
from lines import tasks
from lines.commands import passes
from lines.commands.fees import charge_fees
from lines.commands.wishes import balance
from lines.models import Carrier, Quarantine
from lines.work import sync
from lines.work.reading import Reader
from tests.fleets import MB, Fleet, at, available, books_hold, reading_of, usage_rows, used, wallet

MOST = Decimal("99999999999999")  # USD: two of these are more than a column takes


def test_apart_finds_the_bad_one_and_keeps_the_order(db: None) -> None:
    lost: list[int] = []

    def act(some: Sequence[int]) -> list[int]:
        if 5 in some:
            raise DataError
        return list(some)

    done = apart(range(9), act, lambda one, _: lost.append(one))
    assert ([one for part in done for one in part], lost) == ([0, 1, 2, 3, 4, 6, 7, 8], [5])
    assert apart([], act, lambda one, _: lost.append(one)) == []


def test_a_fee_that_no_column_takes_costs_nobody_else_his(db: None) -> None:
    fleet = Fleet(per_day="0.25")
    bad, good = fleet.account(), fleet.account()
    first, second, fine = fleet.line(bad), fleet.line(bad), fleet.line(good, "iotportal")
    fleet.price("simbase", "2026-11-01T00:00", "0.01", per_day=str(MOST))
    for line in (first, second, fine):
        fleet.read(line, "2026-11-20T08:00", 0)
    charge_fees(today=dt.date(2026, 11, 20))
    assert available(good) == Decimal("99.75")
    assert books_hold()


def test_a_reading_that_cannot_be_booked_is_set_aside_and_the_page_is_read(fleet: Fleet) -> None:
    account = fleet.account()
    one, bad, two = fleet.lines(account, 3)
    reader = Reader(fleet.carriers["simbase"], patience=1.0, stop=lambda: False)
    pages = [[reading_of(line, counter, "2026-11-01") for line in (one, bad, two)] for counter in (0, MB)]
    pages[1][1] = reading_of(bad, 1 << 63, "2026-11-01")  # more than a counter has place for
    for minute, page in enumerate(pages):
        reader._apply(page, at(f"2026-11-20T08:0{minute}"))
    assert (used(one), used(bad), used(two)) == (MB, 0, MB)
    assert bad.iccid in Quarantine.objects.get().call
    assert reader.read.failed == 1
    assert books_hold()


def test_an_account_that_cannot_be_judged_keeps_no_other_from_its_colour(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = fleet.account(credit="1"), fleet.account(credit="1")
    fleet.line(bad), fleet.line(good)
    type(wallet(bad)).objects.update(is_red=False)
    told = tell_turn

    def poisoned(*, account_id: int, suspended: int = 0, back: int = 0) -> None:
        if account_id == bad.pk:
            raise DataError("a poisoned account")
        told(account_id=account_id, suspended=suspended, back=back)

    monkeypatch.setattr(balance, "tell_turn", poisoned)
    tasks.keep_books()
    assert (wallet(bad).is_red, wallet(good).is_red) == (False, True)


def test_days_are_sealed_when_fees_cannot_be_charged(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-19T08:00", 0)
    fleet.read(line, "2026-11-19T09:00", MB)

    def poisoned(*, today: dt.date) -> int:
        raise ValueError(today)

    monkeypatch.setattr(sync, "charge_fees", poisoned)
    tasks.keep_books()
    assert usage_rows(line.account) == [("2026-11-19", Decimal("-0.01"))]


def test_a_carrier_whose_totals_cannot_be_planned_keeps_no_other_from_being_read(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.line(fleet.account()), fleet.line(fleet.account(), "iotportal")

    def poisoned(*, carrier: Carrier) -> None:
        raise ValueError(carrier)

    monkeypatch.setattr(passes, "plan_final_totals", poisoned)
    monkeypatch.setattr(tasks.read_usage, "delay", lambda: None)
    assert tasks.plan_passes() == 2


def test_one_item_that_fails_is_left_out() -> None:
    assert each([1, 0, 2], lambda n: 2 // n) == [2, 1]
