"""Histories nobody would think of, hundreds at once, against a model that shares nothing with what charges.

200 in the suite, drawn from a fixed seed; `make histories N=20000 SEED=...` runs as many as wanted, batch after batch,
and `make histories SEED=... ONLY=...` one of them alone.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from lines.carriers.base import Reading
from lines.commands import leaving, readings
from tests.fleets import ON, Fleet, books_hold, wallet
from tests.histories.drawn import ROUNDS, history_of
from tests.histories.truths import check, run

SEED = os.environ.get("HISTORIES_SEED", "1")
COUNT = int(os.environ.get("HISTORIES", "200"))
ONLY = os.environ.get("HISTORIES_ONLY")
AT_ONCE = 500  # pages cost the time, and have so many more lines
BATCHES = [[int(ONLY)]] if ONLY else [list(range(n, min(n + AT_ONCE, COUNT))) for n in range(0, COUNT, AT_ONCE)]


@pytest.fixture
def swept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Nothing is left of the batch before: each statement would read again what was rolled back of its tables."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("VACUUM")


@pytest.mark.timeout(1800)  # a batch that goes wrong is run again many times, to find whose fault it is
@pytest.mark.parametrize("numbers", BATCHES, ids=lambda numbers: f"{numbers[0]}-{numbers[-1]}")
def test_every_history_costs_what_the_model_says(
    swept: None, db: None, numbers: list[int], record_property: Callable[[str, object], None]
) -> None:
    batch = check(f"{SEED}.{numbers[0] // AT_ONCE}" if not ONLY else SEED, numbers)
    for name, number in {"histories": len(numbers), **batch.did}.items():
        record_property(f"of histories: {name}", number)


def test_a_history_is_the_same_whenever_it_is_drawn_and_no_two_are() -> None:
    drawn = [history_of("1.0", number) for number in range(50)]
    assert drawn == [history_of("1.0", number) for number in range(50)]
    assert len({one.rounds for one in drawn}) == len(drawn)
    assert {len(one.rounds) for one in drawn} == {ROUNDS}


FAULTS = {
    "a grace of four days": (readings, "interval '259200 seconds'", "interval '345600 seconds'"),
    "the price of the later reading": (readings, "ELSE greatest(earlier, cycle::", "ELSE greatest(at, cycle::"),
    "nothing is held": (readings, "coalesce(fresh > 5368709120", "coalesce(fresh > 5368709120000000"),
    "what a line used belongs to who comes after": (leaving, "SET cycle = NULL, counter = 0, ", "SET counter = 0, "),
}


def plant(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """In each statement of the module that has it."""
    module, right, wrong = FAULTS[fault]
    statements = {name: value for name, value in vars(module).items() if isinstance(value, str) and right in value}
    assert statements
    for name, statement in statements.items():
        monkeypatch.setattr(module, name, statement.replace(right, wrong))


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_histories_find_what_is_wrong(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these faults is planted; the first of the suite's histories must go wrong by it."""
    plant(monkeypatch, fault)
    assert run("1.0", [history_of("1.0", number) for number in range(40)]).wrong


@pytest.mark.django_db
def test_one_that_goes_wrong_is_named_alone_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "nothing is held")
    with pytest.raises(AssertionError, match=r"make histories SEED=1\.0 ONLY=(\d+)") as said:
        check("1.0", range(12))
    text = str(said.value)
    number = int(re.search(r"ONLY=(\d+)", text)[1])  # type: ignore[index]
    assert f"seed 1.0 history {number}: network" in text
    assert run("1.0", [history_of("1.0", number)]).wrong.keys() == {number}
    assert text.count("round ") < ROUNDS // 2


@pytest.mark.django_db
@given(counters=st.lists(st.integers(0, 1 << 32), min_size=1, max_size=12), data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_readings_of_a_day_in_any_order_and_number_cost_the_same(
    db: None, counters: list[int], data: st.DataObject
) -> None:
    """Once in order against: split into pages, shuffled, each up to three times."""
    ordered = sorted(counters)
    again = data.draw(st.permutations([c for c in ordered for _ in range(data.draw(st.integers(1, 3)))]))
    with transaction.atomic():
        fleet = Fleet()
        once, often = fleet.line(fleet.account()), fleet.line(fleet.account())
        for line in (once, often):
            fleet.read(line, "2026-11-20T00:00", 0)
        for number, counter in enumerate(ordered):
            fleet.read(once, f"2026-11-20T01:{number:02}", counter)
        start = 0
        while start < len(again):
            size = data.draw(st.integers(1, 5))
            page = [Reading(often.iccid, counter, dt.date(2026, 11, 1), ON) for counter in again[start : start + size]]
            fleet.apply("simbase", "2026-11-20T01:00", page)
            start += size
        assert wallet(once.account).accrued == wallet(often.account).accrued
        books_hold()
        transaction.set_rollback(True)
