"""Whose time it is: the database's, whatever the host believes."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from kit import clock

from accounts.models import Account
from billing.commands import Charge, charge_usage, lock_wallets, seal_days
from billing.models import Entry, UsageDay
from billing.policy import EntryKind

YEAR = dt.timedelta(days=365)


@pytest.fixture(autouse=True)
def _as_installed(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """The clock as an installation has it, in a process that has just begun."""
    monkeypatch.delenv("LINEKEEPER_NOW", raising=False)
    settings.CLOCK_IS_THE_DATABASE = True
    monkeypatch.setattr(clock._Kept, "reading", None)
    monkeypatch.setattr(clock._Kept, "tried", -clock.TRIED_EVERY)


def database() -> dt.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        told: dt.datetime = cursor.fetchone()[0]
    return told


def apart(one: dt.datetime, other: dt.datetime) -> float:
    return abs((one - other).total_seconds())


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [dt.timedelta(hours=1), -dt.timedelta(hours=1), YEAR, -YEAR])
def test_a_hosts_clock_that_is_wrong_changes_nothing(monkeypatch: pytest.MonkeyPatch, wrong: dt.timedelta) -> None:
    real = dt.datetime.now(dt.UTC)
    monkeypatch.setattr(clock, "_host", lambda: real + wrong)
    assert apart(clock.now(), database()) < 2


@pytest.mark.django_db
def test_between_two_questions_it_counts_by_the_time_since_the_machines_start(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    running = [100.0]
    monkeypatch.setattr(clock, "_running", lambda: running[0])
    first = clock.now()
    running[0] += 4.0
    with django_assert_num_queries(0):
        assert clock.now() == first + dt.timedelta(seconds=4)
    running[0] += 4.0
    with django_assert_num_queries(1):  # and then it is asked again
        again = clock.now()
    assert apart(again, database()) < 2


@pytest.mark.django_db
def test_days_are_sealed_by_the_databases_day_and_not_by_a_hosts_of_next_year(
    monkeypatch: pytest.MonkeyPatch, account: Account
) -> None:
    tomorrow = database().astimezone(dt.UTC).date() + dt.timedelta(days=1)
    with transaction.atomic():
        lock_wallets(account_ids=[account.pk])
        charge_usage(charges=[Charge(account.pk, tomorrow, Decimal(1))])
    monkeypatch.setattr(clock, "_host", lambda: dt.datetime.now(dt.UTC) + YEAR)
    seal_days(before=clock.today())
    assert UsageDay.objects.get().is_open
    assert not Entry.objects.filter(kind=EntryKind.USAGE).exists()


@pytest.mark.django_db
def test_a_database_that_goes_away_is_counted_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    first = clock.now()
    running = clock._running()
    monkeypatch.setattr(clock, "_running", lambda: running + 3600)
    monkeypatch.setattr(clock, "_host", lambda: first + YEAR)

    def gone(*_: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(connection, "cursor", gone)
    assert apart(clock.now(), first + dt.timedelta(hours=1)) < 2


@pytest.mark.django_db
def test_a_transaction_that_has_failed_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    first = clock.now()
    running = clock._running()
    with transaction.atomic():
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        connection.needs_rollback = True
        monkeypatch.setattr(clock, "_running", lambda: running + 10)
        assert apart(clock.now(), first + dt.timedelta(seconds=10)) < 2


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_asks_only_for_the_time_leaves_no_connection() -> None:
    seen: list[bool] = []

    def ask() -> None:
        clock.now()
        seen.append(connection.connection is None)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert seen == [True]


def test_a_frozen_clock_stands_still_for_trials() -> None:
    with clock.frozen(dt.datetime(2026, 12, 1, tzinfo=dt.UTC)):
        assert clock.today() == dt.date(2026, 12, 1)
