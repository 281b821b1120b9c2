"""Who is who to the database: the owner changes tables, the application changes rows, a tenant sees its own rows.

Applied by `migrate`, as the owner, each time: harmless twice, and quick where nothing is new.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connections, transaction
from django.db.models import Field, ForeignKey
from embedded import addresses
from kit.errors import Refusal
from kit.walls import ACCOUNT, PAYER, TENANT
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

log = logging.getLogger(__name__)

# A person's own, in several accounts; and what no tenant's page reads.
WITHOUT = {"accounts_membership", "accounts_invitation", "accounts_ownershipoffer"}
# What an account that another pays for must know of who pays: whether the balance lasts, and in whose branding it is.
OF_PAYER_TOO = {"accounts_brand", "accounts_brandlogo"}

ME = f"nullif(current_setting('{ACCOUNT}', true), '')::bigint"
PAYS = f"nullif(current_setting('{PAYER}', true), '')::bigint"
# What a policy asks of other tables is asked by the owner, in functions: as subqueries each would be walled itself, and
# planned anew within every statement on every table (decision 0170). `(SELECT ...)` is computed once for a statement.
FAMILY = "(SELECT linekeeper_family())"
FAMILY_AND_PAYER = "(SELECT linekeeper_family_and_payer())"
FUNCTIONS = (
    f"""
CREATE OR REPLACE FUNCTION linekeeper_family() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE AS $$ BEGIN
    RETURN (SELECT array_agg(id) FROM public.accounts_account WHERE id = {ME} OR parent_id = {ME});
END $$""",
    f"""
CREATE OR REPLACE FUNCTION linekeeper_family_and_payer() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE AS $$ BEGIN
    RETURN (SELECT array_agg(id) FROM public.accounts_account WHERE id IN ({ME}, {PAYS}) OR parent_id = {ME});
END $$""",
    f"""
CREATE OR REPLACE FUNCTION linekeeper_holds(line bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE AS $$ BEGIN
    RETURN EXISTS (SELECT FROM public.lines_line l WHERE l.id = line AND l.account_id = {ME});
END $$""",
    f"""
CREATE OR REPLACE FUNCTION linekeeper_shows(field bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE AS $$ BEGIN
    RETURN EXISTS (SELECT FROM public.lines_customfield f
                    WHERE f.id = field AND f.account_id = {PAYS} AND f.shown_to_subaccounts);
END $$""",
    # A line that left is still named in its former holders' history, and one in stock to whom it is kept for.
    f"""
CREATE OR REPLACE FUNCTION linekeeper_once_theirs(line bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE AS $$ BEGIN
    RETURN EXISTS (SELECT FROM public.lines_lineholding h
                    WHERE h.line_id = line AND {ME} IN (h.payer_id, h.account_id))
        OR EXISTS (SELECT FROM public.lines_reservation r WHERE r.line_id = line AND r.account_id = {ME});
END $$""",
)
# Of a table that is walled, each part alone is not: who reads the table reads it behind its walls.
PARTS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
 WHERE p.relrowsecurity AND p.relkind = 'p' AND c.relkind = 'r' ORDER BY 1
"""


class RolesMissing(Refusal):
    """Somebody with more rights must make them."""


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    password: str = ""


def application() -> Role:
    """What DATABASE_URL connects as."""
    parts = conninfo_to_dict(addresses.database_url())
    return Role(str(parts.get("user") or ""), str(parts.get("password") or ""))


def walled() -> dict[str, str]:
    """Table -> which of its rows are a tenant's, as SQL."""
    found = {"accounts_account": f"id = (SELECT {ME}) OR parent_id = (SELECT {ME}) OR id = (SELECT {PAYS})"}
    for model in apps.get_models():
        table = model._meta.db_table
        columns = {str(field.column) for field in model._meta.concrete_fields if _is_who(field)}
        if table in WITHOUT or not columns & {"account_id", "payer_id"}:
            continue
        found[table] = _theirs(table, columns)
    return found


def _theirs(table: str, columns: set[str]) -> str:
    """What is asked of a row's own columns comes first: functions are then asked of rows that are not the account's."""
    mine = [f"{column} = (SELECT {ME})" for column in ("payer_id", "account_id") if column in columns]
    if "payer_id" not in columns:
        of_payer_too = table.startswith("billing_") or table in OF_PAYER_TOO
        mine.append(f"account_id = ANY ({FAMILY_AND_PAYER if of_payer_too else FAMILY}::bigint[])")
    if table == "lines_cap":  # a sub-account's people see those over its own lines; queries.caps hides amounts of money
        mine += [f"holder_id = (SELECT {ME})", "line_id IS NOT NULL AND linekeeper_holds(line_id)"]
    if table == "lines_customfield":  # a sub-account's people see what who pays shows to them
        mine.append(f"account_id = (SELECT {PAYS}) AND shown_to_subaccounts")
    if table == "lines_fieldvalue":
        mine.append(f"account_id = (SELECT {PAYS}) AND linekeeper_holds(line_id) AND linekeeper_shows(field_id)")
    if table == "lines_line":
        mine.append("linekeeper_once_theirs(id)")
    return " OR ".join(mine)


def _is_who(field: Field[Any, Any]) -> bool:
    return isinstance(field, ForeignKey) and field.related_model._meta.label == "accounts.Account"


def make_roles(*, using: str = "default") -> tuple[str, list[Role]]:
    """Who asks, and the roles beside it, made where they are missing. Raises RolesMissing."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        owner, may_make = cursor.fetchone()
    others = [role for role in (application(), Role(TENANT)) if role.name and role.name != owner]
    missing = [role.name for role in others if not _is_there(using, role, may_make=may_make)]
    if missing:
        raise RolesMissing(f"The roles {', '.join(missing)} are missing and {owner} may not make them")
    return owner, others


def apply(*, using: str = "default", **_: object) -> None:
    """After `migrate`. What the owner may not do is said, and done by who may (docs/operating.md)."""
    try:
        owner, others = make_roles(using=using)
    except RolesMissing as missing:
        log.error("%s; see docs/operating.md", missing)
        return
    app = application()
    names = [role.name for role in others]
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for name in names:
            _grant(cursor, name)
        _let_become_tenant(cursor, app.name or owner)
        for function in FUNCTIONS:
            cursor.execute(function)
    for table, rows in walled().items():  # one lock at a time: whoever waits for one must hold none that we want
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            _wall(cursor, table, rows, app.name if app.name != owner else "")
    with connections[using].cursor() as cursor:
        _close_parts(cursor, names)
        cursor.execute("SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = %s", [app.name])
        if app.name == owner or cursor.fetchone()[0]:
            log.warning("%s may more than change rows; name another role in DATABASE_URL", app.name)


def _is_there(using: str, role: Role, *, may_make: bool) -> bool:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role.name])
        if cursor.fetchone():
            return True
        if not may_make:
            return False
        made = sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role.name))
        if role.name != TENANT:
            made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(role.name), sql.Literal(role.password or None)
            )
        try:
            with transaction.atomic(using=using):
                cursor.execute(made)
        except DatabaseError as error:  # another migration of this server was quicker
            if not isinstance(error.__cause__, errors.DuplicateObject | errors.UniqueViolation):
                raise
        return True


def _grant(cursor: Any, name: str) -> None:
    """Rows, of tables that are there and of those that will be; no table, no trigger, no migration. Behind the wall
    they are read and never written."""
    grants = ["GRANT USAGE ON SCHEMA public TO {}", "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {}"]
    writing = "INSERT, UPDATE, DELETE"
    if name == TENANT:
        grants += [
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {}",
            # as it was once
            f"REVOKE {writing} ON ALL TABLES IN SCHEMA public FROM {{}}",
            "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE {writing} ON TABLES FROM {{}}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM {}",
        ]
    else:
        grants[1:1] = [
            f"GRANT SELECT, {writing} ON ALL TABLES IN SCHEMA public TO {{}}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, {writing} ON TABLES TO {{}}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {}",
        ]
    for text in grants:
        cursor.execute(sql.SQL(text).format(sql.Identifier(name)))


def _close_parts(cursor: Any, names: list[str]) -> None:
    cursor.execute(PARTS)
    for (part,) in cursor.fetchall():
        for name in names:
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(sql.Identifier(part), sql.Identifier(name)))


def _let_become_tenant(cursor: Any, name: str) -> None:
    cursor.execute("SELECT pg_has_role(%s, %s, 'MEMBER')", [name, TENANT])
    if not cursor.fetchone()[0]:
        cursor.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(TENANT), sql.Identifier(name)))


def _wall(cursor: Any, table: str, rows: str, app: str) -> None:
    """A policy for the tenant, and one that hides nothing from the application. Only where it is another one than
    there is: a running installation's table is locked for that."""
    digest = hashlib.sha256(f"{rows} {app}".encode()).hexdigest()[:16]
    cursor.execute(
        "SELECT obj_description(oid, 'pg_policy') FROM pg_policy WHERE polrelid = %s::regclass AND polname = 'family'",
        [table],
    )
    row = cursor.fetchone()
    if row and row[0] == digest:
        return
    on = sql.Identifier(table)
    for name, role, which in (("family", TENANT, rows), ("everything", app, "true")):
        cursor.execute(sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(sql.Identifier(name), on))
        if role:
            cursor.execute(
                sql.SQL("CREATE POLICY {} ON {} TO {} USING ({})").format(
                    sql.Identifier(name), on, sql.Identifier(role), sql.SQL(which)
                )
            )
    cursor.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(on))
    cursor.execute(sql.SQL("COMMENT ON POLICY family ON {} IS {}").format(on, sql.Literal(digest)))
