"""Behind a pooler each transaction has another session: nothing is left in one, and all goes on as without."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client
from embedded.addresses import REPOSITORY
from kit import pooled, walls
from kit.sql import prepared, streamed

from accounts.models import Account, Membership
from lines.commands import leases
from lines.models import Drive, Line
from tests.api.keepgo_client import client_of
from tests.fleets import Fleet
from tests.pooler import Pooler, pooler
from tests.proofs import log_in
from tests.responses import streamed_content

pytestmark = pytest.mark.django_db(transaction=True)

SESSIONS, CLIENTS = 3, 8
NOW = "SELECT current_user::text, coalesce(current_setting('linekeeper.account', true), '')"


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pooler]:
    connection.ensure_connection()
    given = connection.settings_dict
    with pooler(f"{given['HOST']}/.s.PGSQL.{given['PORT'] or 5432}", sessions=SESSIONS) as found:
        connections.close_all()
        monkeypatch.setattr(pooled, "_is_pooled", None)
        monkeypatch.setitem(given, "HOST", "127.0.0.1")
        monkeypatch.setitem(given, "PORT", found.port)
        yield found
        connections.close_all()


def in_all_sessions() -> set[tuple[str, ...]]:
    return {prepared(NOW, {})[0] for _ in range(3 * SESSIONS)}


def test_it_is_noticed(behind: Pooler) -> None:
    connection.ensure_connection()
    assert pooled.is_pooled()
    assert len({prepared("SELECT pg_backend_pid()", {})[0] for _ in range(9)}) == SESSIONS


def test_without_one_none_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooled, "_is_pooled", None)
    connection.close()
    connection.ensure_connection()
    assert pooled._is_pooled is False


def test_a_wall_stands_for_its_statement_or_transaction_alone(behind: Pooler) -> None:
    own = in_all_sessions()
    ours = [(walls.TENANT, "3")]

    def by_django() -> list[tuple[str, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(NOW)
            rows: list[tuple[str, ...]] = cursor.fetchall()
            return rows

    with walls.around(3, 4):
        for _ in range(SESSIONS):
            assert prepared(NOW, {}) == by_django() == ours
        with transaction.atomic():
            assert prepared(NOW, {}) == by_django() == ours
            with walls.lifted():
                assert prepared(NOW, {})[0][0] == by_django()[0][0] == next(iter(own))[0]
            assert by_django() == ours
        with suppress(DatabaseError), transaction.atomic():
            assert by_django() == ours
            raise DatabaseError
        assert by_django() == ours
    assert in_all_sessions() == own


def test_a_lease_is_its_takers_though_sessions_are_not(behind: Pooler) -> None:
    fleet = Fleet()
    line = fleet.line(fleet.account())

    def elsewhere() -> list[int]:
        try:
            return leases.claim(model=Drive, limit=5)
        finally:
            connections.close_all()

    assert leases.claim(model=Drive, limit=5) == [line.pk]
    with ThreadPoolExecutor(1) as thread:
        for _ in range(SESSIONS):
            assert thread.submit(elsewhere).result() == []
        assert leases.is_held(model=Drive, where="true")
        leases.let_go()
        assert not leases.is_held(model=Drive, where="true")
        assert thread.submit(elsewhere).result() == [line.pk]


def test_rows_are_streamed(behind: Pooler) -> None:
    fleet = Fleet()
    fleet.lines(fleet.account(), 7)
    assert len(list(streamed(Line.objects.order_by("pk"), size=2))) == 7
    rows = streamed(Line.objects.order_by("pk"), size=2)
    assert isinstance(rows, Generator)
    next(rows)
    rows.close()  # who does not read on leaves nothing open
    assert not connection.in_atomic_block


def test_calls_pages_and_exports_answer_as_without(behind: Pooler) -> None:
    fleet = Fleet()
    account = fleet.account(credit="50")
    Account.objects.filter(pk=account.pk).update(is_professional=True)
    account.refresh_from_db()
    line = fleet.lines(account, 30)[0]
    Line.objects.filter(pk=line.pk).update(notes="a blue tracker")
    api = client_of(account)
    person = log_in(Client(), Membership.objects.get(account=account).user)
    own = in_all_sessions()

    def calls(number: int) -> list[int]:
        try:
            return [
                *(api.get(path).status_code for path in ("iot_sim_cards", f"sim_card/{line.iccid}", "current_balance")),
                api.get("iot_sim_cards", common_filter="blue").status_code,
                api.put(f"sim_card/{line.iccid}/notes", {"notes": f"blue {number}"}).status_code,
            ]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CLIENTS) as threads:
        answers = [status for found in threads.map(calls, range(20)) for status in found]
    assert answers == [200] * 100
    for path in ("/", "/lines/", f"/lines/{line.iccid}/", "/billing/", "/audit/"):
        assert person.get(path).status_code == 200, path
    rows = list(csv.reader(io.StringIO(streamed_content(person.get("/lines/export.csv")).decode())))
    assert len(rows) == 31
    assert in_all_sessions() == own
    assert behind.transactions > 100


def test_rows_are_streamed_by_one_function_alone() -> None:
    """A cursor that outlives its transaction is some other client's behind a pooler."""
    files = [file for root in ("accounts", "billing", "lines", "automation", "subaccounts", "platform")
             for file in (REPOSITORY / root).rglob("*.py")]  # fmt: skip
    assert {file.name for file in files if re.search(r"\.iterator\(", file.read_text())} == {"sql.py"}
