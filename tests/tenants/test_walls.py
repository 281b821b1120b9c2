"""The database's own wall: a forgotten filter finds nothing of others, and the application changes no table."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from console import roles
from django.apps import apps
from django.db import DatabaseError, DataError, connection, models, transaction
from django.test import Client
from django.urls import reverse
from embedded import addresses
from embedded.addresses import REPOSITORY
from kit import walls
from kit.sql import prepared
from psycopg import conninfo, sql

from accounts.commands import open_account
from accounts.models import Account, Event, Membership
from accounts.policy import OPERATOR
from billing.commands import adjust
from lines.models import Line
from lines.queries.scope import lines_of
from lines.queries.search import matching
from tests.proofs import log_in
from tests.tenants.tenant_people import Tenant, World
from tests.tenants.tenant_world import build

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return build()


@pytest.fixture
def app_session(db: None) -> Iterator[psycopg.Connection[Any]]:
    """A session as every process of an installation has, at the test's database."""
    parts: dict[str, Any] = conninfo.conninfo_to_dict(addresses.owner_url()) | {"user": addresses.APP_ROLE}
    parts["dbname"] = connection.settings_dict["NAME"]
    with psycopg.connect(**parts, autocommit=True) as session:
        yield session


def now_as() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def whose(table: str) -> set[tuple[int | None, ...]]:
    """Whose rows a query without any filter finds: accounts and payers."""
    columns: list[str] = [name for name in ("account_id", "payer_id") if name in columns_of(table)] or ["id"]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT {', '.join(columns)} FROM {table}")
        return set(cursor.fetchall())


def columns_of(table: str) -> set[str]:
    with connection.cursor() as cursor:
        return {column.name for column in connection.introspection.get_table_description(cursor, table)}


def family(tenant: Tenant) -> set[int]:
    account = tenant.account
    return {account.pk, *Account.objects.filter(parent=account).values_list("pk", flat=True)}


def test_a_query_without_a_filter_finds_nothing_of_others_in_any_table(world: World) -> None:
    filled = 0
    for tenant in (world.acme, world.xeno, world.harbour):
        own = family(tenant)
        payer = tenant.account.parent_id or tenant.account.pk
        for table in roles.walled():
            of_payer = table == "accounts_account" or table.startswith("billing_") or table in roles.OF_PAYER_TOO
            with walls.around(tenant.account.pk, payer):
                found = whose(table)
            filled += bool(found)
            allowed = own | {payer} if of_payer else own
            assert [row for row in found - {(None, None)} if not allowed & set(row)] == [], (
                table
            )  # kept for them in stock
    assert filled > 60


def test_what_is_its_own_is_all_there(world: World) -> None:
    for tenant in (world.acme, world.xeno):
        own = family(tenant)
        for table in roles.walled():
            before = {row for row in whose(table) if own & set(row)}
            with walls.around(tenant.account.pk, tenant.account.pk):
                assert whose(table) >= before, table


def test_sisters_see_nothing_of_each_other(world: World) -> None:
    with walls.around(world.harbour.account.pk, world.acme.account.pk):
        assert set(Line.objects.values_list("account_id", flat=True)) == {world.harbour.account.pk}
        names = set(Account.objects.values_list("pk", flat=True))
    assert names == {world.harbour.account.pk, world.acme.account.pk}


def explained(sql: str, *parameters: Any) -> str:
    """The plan as it ran."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF) {sql}", parameters)
        return "\n".join(row[0] for row in cursor.fetchall())


def test_of_rows_that_are_the_accounts_own_no_function_is_asked(world: World) -> None:
    """What a policy asks of other tables costs as much as a small statement does."""
    acme = world.acme.account
    with walls.around(acme.pk, acme.pk):
        plan = explained("SELECT 1 FROM billing_wallet WHERE account_id = %s", acme.pk)
        assert "linekeeper" not in explained("SELECT 1 FROM accounts_account")
    of_family = plan[plan.index("ANY") :]
    assert of_family.count("InitPlan") >= 1
    assert "never executed" in plan


def test_a_text_is_looked_for_by_the_indexes_also_behind_the_wall(world: World) -> None:
    plans, acme = [], world.acme

    def explain(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.startswith("WITH hit"):
            plans.append(explained(sql, *parameters))
        return execute(sql, parameters, many, context)

    viewer = Membership.objects.filter(account=acme.account).earliest("pk")
    Line.objects.filter(payer=world.xeno.account).update(notes="Quay 7")
    theirs = Line.objects.filter(payer=acme.account).earliest("pk")
    Line.objects.filter(pk=theirs.pk).update(notes="Quay 7")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        with walls.around(acme.account.pk, acme.account.pk), connection.execute_wrapper(explain):
            assert [line.pk for line in matching(lines_of(viewer), "quay")] == [theirs.pk]
            assert [line.pk for line in matching(Line.objects.all(), "quay")] == [theirs.pk]  # a forgotten filter
            assert now_as() == walls.TENANT
    assert "line_by_words" in plans[1]
    assert not any("linekeeper_once_theirs" in plan for plan in plans)


def test_without_an_account_there_are_no_rows_at_all(world: World) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {walls.TENANT}")
        for table in roles.walled():
            assert whose(table) == set(), table


def test_every_table_with_an_account_is_walled_or_excused() -> None:
    owned = {
        model._meta.db_table
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
        and field.related_model is Account
        and field.name in ("account", "payer")
    }
    assert owned - set(roles.walled()) == roles.WITHOUT
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace")
        assert {row[0] for row in cursor.fetchall()} == set(roles.walled())


@pytest.mark.parametrize("forgets", ["list", "file", "api"])
def test_a_page_that_forgets_its_account_shows_nothing_of_others(
    world: World, forgets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The filter is taken out of every query that pages begin with; the wall alone is left."""
    reverse("home")  # every page is imported with the queries as they are
    every = lambda *_given, **_named: Line.objects.all()  # noqa: E731
    for module in [one for name, one in sys.modules.items() if name.startswith(("lines.", "console.")) and one]:
        for name in ("lines_of", "lines_held"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, every)
    client = log_in(Client(), world.people["owner"])
    if forgets == "api":
        path = f"/api/{world.acme.account.uuid.hex}/iot_sim_cards"
        text = client.get(
            path, headers={"Authorization": f"Bearer {world.callers['reading bearer key']['bearer']}"}
        ).content.decode()
    else:
        answer = client.get("/lines/" if forgets == "list" else "/lines/export.csv")
        text = answer.getvalue().decode() if answer.streaming else answer.content.decode()
    assert world.acme.digits in text
    assert world.xeno.digits not in text


def test_the_next_request_is_nobodys(world: World) -> None:
    before = now_as()
    client = log_in(Client(), world.people["owner"])
    assert client.get("/lines/").status_code == 200
    assert now_as() == before
    assert client.get("/lines/no-such-page/").status_code == 404
    assert now_as() == before
    with pytest.raises(KeyError), walls.around(1, 1):
        {"nobody": ""}[now_as()]
    assert now_as() == before


def test_walls_stand_inside_each_other(world: World) -> None:
    before, (one, other) = now_as(), (world.acme.account.pk, world.xeno.account.pk)
    with walls.around(one, one):
        with walls.around(other, other):
            assert set(Account.objects.filter(parent=None).values_list("pk", flat=True)) == {other}
            with walls.lifted():
                assert now_as() == before
        assert set(Account.objects.filter(parent=None).values_list("pk", flat=True)) == {one}
    assert now_as() == before


def test_a_wall_that_a_transaction_took_back_stands_again(world: World) -> None:
    acme = world.acme.account
    with walls.around(acme.pk, acme.pk):
        with contextlib.suppress(DatabaseError), transaction.atomic():
            assert now_as() == walls.TENANT
            raise DatabaseError
        assert now_as() == walls.TENANT
        assert prepared(NOW, {}) == [(walls.TENANT, str(acme.pk))]


NOW = "SELECT current_user::text, current_setting('linekeeper.account', true)"


@pytest.mark.django_db(transaction=True)
def test_a_read_of_one_statement_takes_its_wall_along() -> None:
    own = now_as()
    with walls.around(3, 4):
        assert prepared(NOW, {}) == [(walls.TENANT, "3")]
        assert prepared("SELECT current_setting(%(which)s::text)", {"which": walls.PAYER}) == [("4",)]
        with pytest.raises(DataError):
            prepared("SELECT 1 / %(by)s::int", {"by": 0})
        assert connection.connection.execute(NOW).fetchone()[0] == own  # it never stood longer than a statement
        with walls.lifted():
            assert prepared(NOW, {})[0][0] == now_as() == own
        assert now_as() == walls.TENANT
        connection.close()
        assert now_as() == walls.TENANT  # of a new session, too
        assert prepared(NOW, {}) == [(walls.TENANT, "3")]
    assert prepared(NOW, {})[0][0] == now_as() == own


@pytest.mark.django_db(transaction=True)
def test_a_plan_that_no_longer_fits_is_made_anew_behind_the_wall() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE thing AS SELECT 1 AS n; GRANT SELECT ON thing TO {walls.TENANT}")
    try:
        with walls.around(3, 4):
            assert prepared("SELECT n FROM thing", {}) == [(1,)]
            connection.connection.execute("ALTER TABLE thing ALTER n TYPE text")
            assert prepared("SELECT n FROM thing", {}) == [("1",)]
            connection.connection.execute("DEALLOCATE ALL")
            assert prepared("SELECT n FROM thing", {}) == [("1",)]
            assert prepared(NOW, {}) == [(walls.TENANT, "3")]
    finally:
        connection.connection.execute("DROP TABLE thing")


def test_few_go_past_djangos_cursors_and_none_of_them_while_a_page_is_read() -> None:
    """There the wall is put up; who goes past them reads without it."""
    roots = ("accounts", "automation", "billing", "lines", "subaccounts", "platform")
    files = {path for root in roots for path in (REPOSITORY / root).rglob("*.py") if "bench" not in path.parts}
    past = {path for path in files if re.search(r"(connection|wrapper)\.connection\b", path.read_text())}
    assert {path.relative_to(REPOSITORY).as_posix() for path in past} == {
        "lines/commands/leases.py",  # which session holds a worker's lease
        "lines/queries/usage_exports.py",  # a worker's cursor over millions of rows
        "lines/recount/source.py",  # the second books' COPY
        "platform/kit/clock.py",  # whether there is a session
        "platform/kit/sql.py",  # puts it up itself
        "platform/kit/pooled.py",
        "platform/kit/walls.py",
    }


FORBIDDEN = [
    "ALTER TABLE billing_entry DISABLE TRIGGER ALL",
    "ALTER TABLE billing_entry DISABLE TRIGGER USER",
    "ALTER TABLE billing_entry ADD COLUMN more int",
    "ALTER TABLE accounts_event DISABLE ROW LEVEL SECURITY",
    "DROP TABLE accounts_event",
    "DROP TRIGGER entry_is_append_only ON billing_entry",
    "DROP POLICY family ON lines_line",
    "TRUNCATE billing_entry",
    "TRUNCATE accounts_event",
    "SET session_replication_role = replica",
    "CREATE TABLE public.mine (id int)",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'x', now())",
    f"ALTER ROLE {addresses.APP_ROLE} SUPERUSER",
    "CREATE ROLE other SUPERUSER",
    f"SET ROLE {addresses.DATABASE}",
    "COPY accounts_user TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/hostname')",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_application_changes_no_table_and_disables_no_trigger(
    app_session: psycopg.Connection[Any], statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app_session.execute(statement.encode())


def test_the_application_owns_nothing_and_is_nothing_special() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles"
            " WHERE rolname = ANY(%s)",
            [[addresses.APP_ROLE, walls.TENANT]],
        )
        assert cursor.fetchall() == [(False,) * 5] * 2
        cursor.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = ANY(%s)",
            [[addresses.APP_ROLE, walls.TENANT]],
        )
        assert cursor.fetchone() == (0,)


def test_the_embedded_default_is_used_as_the_application(services: None) -> None:
    assert conninfo.conninfo_to_dict(addresses.database_url())["user"] == addresses.APP_ROLE
    asked = "import django; django.setup(); from django.db import connection as c; print(c.settings_dict['USER'])"
    for as_owner, role in (("", addresses.APP_ROLE), ("1", addresses.DATABASE)):
        given = {"DJANGO_SETTINGS_MODULE": "config.settings.local", "LINEKEEPER_AS_OWNER": as_owner}
        done = subprocess.run(
            [sys.executable, "-c", asked],
            env=os.environ | given,
            capture_output=True,
            text=True,
            check=True,
            timeout=500,
        )
        assert done.stdout.strip() == role


def test_the_application_works_with_rows(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {addresses.APP_ROLE}")
        assert {row["account_id"] for row in Line.objects.values()} > family(world.acme)
        adjust(account=world.xeno.account, amount=Decimal(3), reason="as the application", by=OPERATOR)
        made = open_account(name="New", owner_email="new@new.example", by=OPERATOR)
        assert Event.objects.filter(account=made).exists()
        cursor.execute("RESET ROLE")


def test_a_production_address_names_another_role_than_the_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:a%40b@db/x")
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://owner:o@db/x")
    assert addresses.database_settings()["USER"] == "app"
    assert addresses.database_settings(as_owner=True)["USER"] == "owner"
    assert roles.application() == roles.Role("app", "a@b")
    monkeypatch.delenv("DATABASE_OWNER_URL")
    assert addresses.database_settings(as_owner=True)["USER"] == "app"


@pytest.mark.django_db(transaction=True)
def test_migrate_makes_the_role_that_is_named_and_is_harmless_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = conninfo.conninfo_to_dict(addresses.owner_url())
    name = f"app_{os.getpid()}"
    host = parts["host"]
    monkeypatch.setenv("DATABASE_URL", conninfo.make_conninfo(user=name, password="p'w", dbname=str(parts["dbname"])))
    try:
        for _ in range(2):
            roles.apply()
            with psycopg.connect(host=host, user=name, dbname=connection.settings_dict["NAME"]) as session:
                assert session.execute("SELECT count(*) FROM lines_line").fetchone() == (0,)
                session.execute(f"SET ROLE {walls.TENANT}")
    finally:
        monkeypatch.undo()
        roles.apply()
        with connection.cursor() as cursor:
            for text in ("DROP OWNED BY {}", "DROP ROLE {}"):
                cursor.execute(sql.SQL(text).format(sql.Identifier(name)))


def test_a_database_without_the_role_goes_on_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(walls, "TENANT", "nobody_of_this_name")
    monkeypatch.setattr(walls, "_is_up", None)
    with walls.around(world.acme.account.pk, world.acme.account.pk):
        assert Account.objects.filter(pk=world.xeno.account.pk).exists()
    assert "run manage.py migrate" in caplog.text
