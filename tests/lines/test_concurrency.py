"""Many at once: the same pages, sealing, balances, credits and imports side by side; nobody waits for ever."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection, connections

from accounts.policy import OPERATOR
from billing.commands import adjust, seal_days
from billing.models import Entry
from lines.commands.fees import charge_fees
from lines.commands.stock import import_lines
from lines.commands.wishes import enforce
from lines.models import Drive, Line, LineState
from lines.policy import Wanted
from tests.fleets import MB, Fleet, available, books_hold, reading_of, used


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    return Fleet(per_day="0.25")


def side_by_side(*works: Callable[[], object]) -> None:
    """Runs each in a thread with a database session of its own; the first failure is raised."""
    failures: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait(20)
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '30s'")
            work()
        except BaseException as failure:  # noqa: BLE001 - raised below, in the thread of the test
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


def test_everything_at_once_ends_and_every_total_is_exact(fleet: Fleet) -> None:
    accounts = [fleet.account(credit="50") for _ in range(4)]
    child = fleet.account(parent=accounts[0])
    lines = [line for holder in [*accounts, child] for line in fleet.lines(holder, 12)]
    fleet.apply("simbase", "2026-11-18T00:00", [reading_of(line, 0, "2026-11-01") for line in lines])
    steps = 6

    def reader(seed: int) -> Callable[[], None]:
        chance = random.Random(seed)

        def read() -> None:
            for step in range(1, steps + 1):
                pages = [chance.sample(lines, 30), chance.sample(lines, 30), list(lines)]
                if seed % 2:
                    pages.reverse()
                for page in pages:
                    when = dt.datetime(2026, 11, 18, step, tzinfo=dt.UTC) + dt.timedelta(hours=8 * step)
                    readings = [reading_of(line, step * MB * (1 + line.pk % 3), "2026-11-01") for line in page]
                    chance.shuffle(readings)
                    fleet.apply("simbase", when, [*readings, *readings[:5]])

        return read

    def keep() -> None:
        for day in (19, 20, 21) * 4:
            charge_fees(today=dt.date(2026, 11, day))
            seal_days(before=dt.date(2026, 11, day), limit=2)
            enforce()

    def pay() -> None:
        for number in range(12):
            account = accounts[number % 4]
            adjust(account=account, amount=Decimal("1.00"), reason="a credit", by=OPERATOR)
            enforce(account_ids=[account.pk])

    def add() -> None:
        for _ in range(4):
            fleet.lines(accounts[1], 5)

    side_by_side(*(reader(seed) for seed in range(4)), keep, keep, pay, add)
    for line in lines:
        assert used(line) == steps * MB * (1 + line.pk % 3)
    assert books_hold()
    for account in accounts:
        assert Entry.objects.filter(account=account, kind="adjustment").count() == 4
    spent = Decimal(sum(steps * (1 + line.pk % 3) for line in lines)) / 100
    fees = sum((day.fee for line in Line.objects.all() for day in line.days.all()), Decimal(0))
    assert sum(available(account) for account in accounts) == 4 * 53 - spent - fees


def test_one_page_applied_by_eight_workers_is_charged_once(fleet: Fleet) -> None:
    lines = [line for _ in range(6) for line in fleet.lines(fleet.account(), 10)]
    fleet.apply("simbase", "2026-11-18T00:00", [reading_of(line, 0, "2026-11-01") for line in lines])

    def page(number: int) -> Callable[[], object]:
        readings = [reading_of(line, 3 * MB, "2026-11-01") for line in lines]
        random.Random(number).shuffle(readings)
        return lambda: fleet.apply("simbase", "2026-11-18T05:00", readings)

    side_by_side(*(page(number) for number in range(8)))
    assert {used(line) for line in lines} == {3 * MB}
    assert books_hold()


def test_balances_that_turn_while_lines_are_imported_leave_no_line_on(fleet: Fleet) -> None:
    account = fleet.account(credit="5.10")

    def add() -> None:
        for _ in range(6):
            fleet.lines(account, 3)

    def turn() -> None:
        for amount in ("-1", "1", "-1", "1", "-1"):
            adjust(account=account, amount=Decimal(amount), reason="to and fro", by=OPERATOR)
            enforce(account_ids=[account.pk])

    side_by_side(add, turn)
    enforce()
    assert set(LineState.objects.values_list("wanted", flat=True)) == {Wanted.SUSPENDED}
    adjust(account=account, amount=Decimal(1), reason="back", by=OPERATOR)
    enforce()
    assert set(LineState.objects.values_list("wanted", flat=True)) == {Wanted.ACTIVE}
    assert Drive.objects.count() == 18


def test_two_imports_of_the_same_lines_in_another_order_do_not_wait_for_each_other(fleet: Fleet) -> None:
    iccids = [f"8944538415{number:09}" for number in range(1500)]
    added: list[int] = []

    def importing(rows: list[str]) -> Callable[[], None]:
        def run() -> None:
            result = import_lines(
                unchecked=True,
                rows=list(enumerate(rows, 2)),
                carrier=fleet.carriers["simbase"],
                plan=fleet.plans["simbase"],
                account=None,
                active=False,
                by=OPERATOR,
            )
            added.append(result.added)

        return run

    side_by_side(importing(iccids), importing(iccids[::-1]), importing(sorted(iccids, key=lambda i: i[::-1])))
    assert sum(added) == Line.objects.count() == 1500


def test_a_month_that_two_workers_open_at_once_is_opened_once(fleet: Fleet) -> None:
    lines = fleet.lines(fleet.account(), 20)
    fleet.apply("simbase", "2026-11-18T00:00", [reading_of(line, 0, "2026-11-01") for line in lines])
    fleet.apply("simbase", "2026-11-30T00:00", [reading_of(line, MB, "2026-11-01") for line in lines])
    december = [reading_of(line, 2 * MB, "2026-12-01") for line in lines]
    november = [reading_of(line, 5 * MB, "2026-11-01") for line in lines]
    side_by_side(
        *(lambda: fleet.apply("simbase", "2026-12-01T03:00", december) for _ in range(3)),
        *(lambda: fleet.apply("simbase", "2026-12-01T02:00", november) for _ in range(3)),
        *(lambda: fleet.apply("simbase", "2026-12-01T04:00", november, are_finals=True) for _ in range(2)),
    )
    assert {used(line) for line in lines} == {7 * MB}
    assert books_hold()
