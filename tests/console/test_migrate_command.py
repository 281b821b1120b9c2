"""Migrating under processes that work: it gives way, comes again, and breaks no session that planned before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from console.management.commands import migrate
from django.core.management import call_command
from django.core.management.commands.migrate import Command as DjangosOwn
from django.db import OperationalError, connection, connections, migrations, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from embedded.addresses import REPOSITORY
from kit.sql import prepared


@pytest.fixture
def other() -> Iterator[BaseDatabaseWrapper]:
    """Another session of the same database."""
    found = connections.create_connection("default")
    try:
        yield found
    finally:
        found.close()


class Wide(migrations.Migration):
    operations = (
        migrations.AddField("Line", "made_by", models.ForeignKey("accounts.Account", models.PROTECT)),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL("UPDATE billing_wallet SET posted = posted")]
        ),
    )


def test_the_tables_of_a_migration_are_found_in_all_that_it_says() -> None:
    there = {"lines_line", "accounts_account", "billing_wallet", "billing_entry"}
    assert migrate.named(Wide("0001_wide", "lines"), there) == ["accounts_account", "billing_wallet", "lines_line"]


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_does_not_get_its_tables_at_once_gives_way(other: BaseDatabaseWrapper) -> None:
    take = migrate.taking(["accounts_account", "billing_wallet"])
    with transaction.atomic(using="default"), connection.cursor() as mine:
        mine.execute("SELECT 1 FROM billing_wallet")
        other.set_autocommit(False)
        with pytest.raises(OperationalError) as caught, other.cursor() as theirs:
            theirs.execute("; ".join(map(str, take.sql)))
    assert isinstance(caught.value.__cause__, migrate.NOT_NOW)


def test_nothing_that_changes_tables_lets_others_wait_for_a_second() -> None:
    """They queue behind it for as long as it waits: for 4.3 s once, where a report held the table for 4."""
    files = [*REPOSITORY.glob("*/migrations/*.py"), *REPOSITORY.glob("platform/*/*.py")]
    waits = {
        (file.name, int(number) * (1 if unit == "ms" else 1000))
        for file in files
        for number, unit in re.findall(r"lock_timeout(?:', | = )'(\d+)(ms|s)'", file.read_text())
    }
    assert {name for name, _ in waits} >= {"0013_events_by_month.py", "0064_messages_by_month.py"}
    assert [one for one in waits if one[1] > 700] == []


def test_it_comes_again_as_long_as_a_table_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def handle(*_: Any, **__: Any) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("not now") from psycopg.errors.LockNotAvailable()

    monkeypatch.setattr(DjangosOwn, "handle", handle)
    monkeypatch.setattr(migrate, "PAUSE", 0.0)
    monkeypatch.setattr(connection, "close", lambda: None)
    call_command("migrate")
    assert len(tries) == 3


def test_what_is_no_matter_of_locks_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(*_: Any, **__: Any) -> None:
        raise OperationalError("no space left") from psycopg.errors.DiskFull()

    monkeypatch.setattr(DjangosOwn, "handle", handle)
    with pytest.raises(OperationalError, match="no space"):
        call_command("migrate")


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_was_planned_before_a_column_changed_its_type_is_planned_anew(
    other: BaseDatabaseWrapper,
) -> None:
    with other.cursor() as theirs:
        theirs.execute("CREATE TABLE widened (word varchar(5))")
        try:
            theirs.execute("INSERT INTO widened VALUES ('five')")
            theirs.execute("GRANT ALL ON widened TO PUBLIC")
            assert prepared("SELECT word FROM widened", []) == [("five",)]
            theirs.execute("ALTER TABLE widened ALTER word TYPE varchar(50)")
            assert prepared("SELECT word FROM widened", []) == [("five",)]
        finally:
            theirs.execute("DROP TABLE widened")
