"""How a table that is there becomes one that is kept by month, while the version before goes on writing to it.

What is long (a scan, an index) is done beside writers; names are changed in one lock that lasts for milliseconds and
gives way to who holds the table. No row is moved or written, and ended half-way it is run again (docs/decisions, 0221,
0271 and 0272). Used by migrations, and the months of each such table are made and dropped by functions that stand here
once (kit/months.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import OperationalError

PATIENCE = "700ms"  # shorter than PostgreSQL's deadlock_timeout of a second
TRIES = 120
PAUSE = 1.0  # seconds
NOT_NOW = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


@dataclass(frozen=True, slots=True)
class Parted:
    """A table whose months are parts.

    `key`: the column that tells a row's month, of type date or timestamptz; no row changes it while it is needed.
    `needed`: SQL, whether somebody needs a row of the part `%1$I` that ended before `$1`. Where that reads more than an
    index, it is asked before the lock, and `meanwhile`, what may have come to be needed since, under it.
    `unique`: keys that hold within a month, which have the month in them; with `WHERE` they are indexes.
    `before`: the name of the part that was the table, `new` what the table is called from now on.
    `each`: what else is done to each part, `%1$I`. `kept`: a part of rows that stay, whose month is before all others.
    `indexes`: made beside writers before the change. `then`: what is done with it, such as functions of the row's type.
    `closing`: statements before a part goes, of its name `part` and the moment `before`; what they write goes with it
    or not at all.
    """

    table: str
    name: str
    key: str
    needed: str
    unique: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    each: str = ""
    kept: bool = False
    meanwhile: str = ""
    indexes: Mapping[str, str] = field(default_factory=dict)
    then: str = ""
    closing: str = ""
    slack: str = "2 days"  # so long before a month's end the part that was the table has the next month, too

    @property
    def first(self) -> str:
        return self.before or f"{self.table}_before"

    @property
    def was(self) -> str:
        """What the table is called until it is a part: by its own name, unless the part keeps that."""
        return self.before or self.table


KEPT_UNTIL = "1000-01-01"  # rows that stay are of no month

# Whoever may read or write the whole may not go past it to a part: the walls are the whole's.
OWNERS_PART = """
CREATE OR REPLACE FUNCTION owners_part(part text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT DISTINCT a.grantee FROM pg_class c, aclexplode(c.relacl) a
                WHERE c.oid = part::regclass AND a.grantee <> c.relowner LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %s', part,
                       CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE one.grantee::regrole::text END);
    END LOOP;
END $$;
"""

# Says how many rows went, as the last ANALYZE counted; null where the part is needed or is none.
MONTHS = """
CREATE OR REPLACE FUNCTION fit_{name}_part(part text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM owners_part(part);
    {each}
END $$;
CREATE OR REPLACE FUNCTION make_{name}_default() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE {table}_default PARTITION OF {table} DEFAULT;
    PERFORM fit_{name}_part('{table}_default');
END $$;
CREATE OR REPLACE FUNCTION {name}_parts(OUT name text, OUT until timestamptz) RETURNS SETOF record
LANGUAGE sql STABLE AS $$
    SELECT c.relname::text, {until}
      FROM pg_inherits i
      JOIN pg_class c ON c.oid = i.inhrelid,
           substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([^'']+)''\\)') AS bound
     WHERE i.inhparent = to_regclass('{table}')
$$;
CREATE OR REPLACE FUNCTION make_{name}_month(month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    part text := '{table}_y' || to_char(month, 'YYYY') || 'm' || to_char(month, 'MM');
    since timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
    until timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
    has_some boolean;
BEGIN
    IF to_regclass(part) IS NOT NULL
       OR EXISTS (SELECT FROM {name}_parts() p WHERE p.name = '{first}' AND p.until > since) THEN
        RETURN false;
    END IF;
    LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;
    SELECT EXISTS (SELECT FROM {table}_default d WHERE d.{key} >= {since} AND d.{key} < {to}) INTO has_some;
    IF has_some THEN
        ALTER TABLE {table} DETACH PARTITION {table}_default;
        ALTER TABLE {table}_default RENAME TO {table}_moving;
        PERFORM make_{name}_default();
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF {table} FOR VALUES FROM (%L) TO (%L)', part, {since}, {to});
    PERFORM fit_{name}_part(part);
    IF has_some THEN
        INSERT INTO {table} SELECT * FROM {table}_moving;
        DROP TABLE {table}_moving;
    END IF;
    RETURN true;
END $$;
CREATE OR REPLACE FUNCTION is_{name}_part_needed(part text, before timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    is_needed boolean;
BEGIN
    EXECUTE format($needed$SELECT {needed}$needed$, part) INTO is_needed USING before;
    RETURN is_needed;
END $$;
CREATE OR REPLACE FUNCTION drop_{name}_part(part text, before timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    had bigint;
    is_needed boolean;
BEGIN
    IF part = '{table}_kept'
       OR NOT EXISTS (SELECT FROM {name}_parts() p WHERE p.name = part AND p.until <= before) THEN
        RETURN NULL;
    END IF;
    {before_lock}
    {closing}
    LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;
    EXECUTE format($needed$SELECT {under_lock}$needed$, part) INTO is_needed USING before;
    IF is_needed THEN
        {needed_by_now}
    END IF;
    SELECT greatest(reltuples, 0)::bigint INTO had FROM pg_class WHERE oid = part::regclass;
    EXECUTE format('DROP TABLE %I', part);
    RETURN had;
END $$;
DO $$
DECLARE
    called text;
BEGIN
    FOREACH called IN ARRAY ARRAY['make_{name}_month(date)', 'is_{name}_part_needed(text, timestamptz)',
                                  'drop_{name}_part(text, timestamptz)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', called, current_schema());
    END LOOP;
END $$
"""

BEFORE_LOCK = """IF is_{name}_part_needed(part, before) THEN
        RETURN NULL;
    END IF;"""

# Up to the month after the newest row, or the one after that at a month's end: nobody writes past it meanwhile.
PREPARE = """
DO $$
DECLARE
    until timestamptz;
BEGIN
    PERFORM set_config('lock_timeout', '{patience}', true);
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{name}_is_before') THEN
        SELECT (date_trunc('month', (greatest(max({key})::timestamptz, now()) + interval '{slack}') AT TIME ZONE 'UTC')
                + interval '1 month') AT TIME ZONE 'UTC' INTO until FROM {was};
        EXECUTE format('ALTER TABLE {was} ADD CONSTRAINT {name}_is_before CHECK ({key} < %L{since}) NOT VALID',
                       {until});
    END IF;
END $$
"""

CHANGE = """
DO $change$
DECLARE
    old regclass;
    one record;
    until text;
    next bigint;
    indexes text[];
    triggers text[];
    said text;
BEGIN
    PERFORM set_config('lock_timeout', '{patience}', true);
    LOCK TABLE {was} IN ACCESS EXCLUSIVE MODE;
    old := '{was}'::regclass;
    SELECT substring(pg_get_constraintdef(oid) FROM '''([^'']+)''') INTO until
      FROM pg_constraint WHERE conname = '{name}_is_before';
    SELECT nextval(pg_get_serial_sequence('{was}', 'id')) INTO next;
    -- What the table has, the whole will have: its definitions name the table as it is called now.
    SELECT array_agg(regexp_replace(pg_get_indexdef(indexrelid), ' ON \\S+ USING ', ' ON {table} USING '))
      INTO indexes FROM pg_index WHERE indrelid = old AND NOT indisunique;
    SELECT array_agg(regexp_replace(pg_get_triggerdef(oid), ' ON \\S+ ', ' ON {table} '))
      INTO triggers FROM pg_trigger WHERE tgrelid = old AND NOT tgisinternal;
    FOR one IN SELECT tgname, tgtype FROM pg_trigger WHERE tgrelid = old AND NOT tgisinternal LOOP
        IF one.tgtype::integer & 1 = 1 THEN  -- of rows: the whole's is made on each of its parts
            EXECUTE format('DROP TRIGGER %I ON %s', one.tgname, old);
        END IF;
    END LOOP;
    FOR one IN SELECT indexrelid::regclass AS name FROM pg_index
                WHERE indrelid = old AND NOT indisprimary AND indexrelid::regclass::text NOT LIKE '%\\_by\\_month' LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I', one.name, left(one.name::text, 56) || '_before');
    END LOOP;
    ALTER TABLE {was} ALTER COLUMN id DROP IDENTITY;
    FOR one IN SELECT conname FROM pg_constraint WHERE conrelid = old AND contype = 'p' LOOP
        EXECUTE format('ALTER TABLE {was} DROP CONSTRAINT %I', one.conname);
    END LOOP;
    ALTER TABLE {was} ADD CONSTRAINT {first}_pkey PRIMARY KEY USING INDEX {name}_key_by_month;
    {unique_before}
    {rename}
    CREATE TABLE {table} (LIKE {first} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)
        PARTITION BY RANGE ({key});
    ALTER TABLE {table} DROP CONSTRAINT {name}_is_before;
    EXECUTE format('ALTER TABLE {table} ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (START %s)', next);
    ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (id, {key});
    {unique}
    FOREACH said IN ARRAY coalesce(indexes, '{{}}') LOOP
        EXECUTE said;
    END LOOP;
    FOREACH said IN ARRAY coalesce(triggers, '{{}}') LOOP
        EXECUTE said;
    END LOOP;
    FOR one IN SELECT conname, pg_get_constraintdef(oid) AS def FROM pg_constraint
                WHERE conrelid = old AND contype = 'f' LOOP
        EXECUTE format('ALTER TABLE {table} ADD CONSTRAINT %I %s', one.conname, one.def);
    END LOOP;
    FOR one IN SELECT p.oid, p.polname, p.polroles[1]::regrole AS role, pg_get_expr(p.polqual, p.polrelid) AS rows
                 FROM pg_policy p WHERE p.polrelid = old LOOP
        EXECUTE format('CREATE POLICY %I ON {table} TO %s USING (%s)', one.polname, one.role, one.rows);
        IF obj_description(one.oid, 'pg_policy') IS NOT NULL THEN
            EXECUTE format('COMMENT ON POLICY %I ON {table} IS %L', one.polname,
                           obj_description(one.oid, 'pg_policy'));
        END IF;
    END LOOP;
    IF (SELECT relrowsecurity FROM pg_class WHERE oid = old) THEN
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    END IF;
    FOR one IN SELECT a.grantee::regrole AS role, a.privilege_type AS may
                 FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = old AND a.grantee <> 0 LOOP
        EXECUTE format('GRANT %s ON {table} TO %s', one.may, one.role);
    END LOOP;
    EXECUTE format('ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES FROM ({begins}) TO (%L)', until);
    {kept}
    PERFORM make_{name}_default();
    FOR ahead IN 0..3 LOOP
        PERFORM make_{name}_month(((until::timestamptz AT TIME ZONE 'UTC') + ahead * interval '1 month')::date);
    END LOOP;
    {close}
    {then}
END $change$
"""


def functions(parted: Parted, kind: str) -> str:
    """What makes and drops its months. `kind`: timestamptz or date, the type of its key."""
    is_date = kind == "date"
    each = f"EXECUTE format($each${parted.each}$each$, part);" if parted.each else ""
    return OWNERS_PART + MONTHS.format(
        name=parted.name,
        table=parted.table,
        key=parted.key,
        first=parted.first,
        needed=parted.needed,
        under_lock=parted.meanwhile or parted.needed,
        before_lock=BEFORE_LOCK.format(name=parted.name) if parted.meanwhile else "",
        closing=parted.closing,
        needed_by_now="RAISE EXCEPTION '% is needed by now', part;" if parted.closing else "RETURN NULL;",
        each=each,
        until="bound::timestamp AT TIME ZONE 'UTC'" if is_date else "bound::timestamptz",
        since="(since AT TIME ZONE 'UTC')::date" if is_date else "since",
        to="(until AT TIME ZONE 'UTC')::date" if is_date else "until",
    )


def become_parts(cursor: Any, parted: Parted) -> None:
    """Harmless twice, and where the table is kept by month already. The key's column must be there."""
    cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)", [parted.table])
    row = cursor.fetchone()
    is_done = bool(row and row[0])
    cursor.execute(
        "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s",
        [parted.table if is_done else parted.was, parted.key],
    )
    kind = "date" if cursor.fetchone()[0] == "date" else "timestamptz"
    cursor.execute(functions(parted, kind))
    if is_done:
        return
    words = {"name": parted.name, "table": parted.table, "key": parted.key, "was": parted.was, "first": parted.first}
    until = "(until AT TIME ZONE 'UTC')::date" if kind == "date" else "until"
    prepare = PREPARE.format(**words, until=until, since=f"::{kind}", slack=parted.slack, patience=PATIENCE)
    when_nobody_waits(cursor, prepare)
    cursor.execute(f"ALTER TABLE {parted.was} VALIDATE CONSTRAINT {parted.name}_is_before")
    for name, keys in {f"{parted.name}_key": f"id, {parted.key}", **parted.unique}.items():
        columns, _, condition = keys.partition(" WHERE ")
        which = f" WHERE {condition}" if condition else ""
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}_by_month")
        cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name}_by_month ON {parted.was} ({columns}){which}")
    for name, keys in parted.indexes.items():
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        cursor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {parted.was} {keys}")
    when_nobody_waits(cursor, _change(parted, words))


def when_nobody_waits(cursor: Any, statement: str) -> None:
    """Lets go of all that it holds before PostgreSQL would end somebody who waits for it, and comes again."""
    for left in reversed(range(TRIES)):
        try:
            cursor.execute(statement)
            return
        except OperationalError as error:
            if not left or not isinstance(error.__cause__, NOT_NOW):
                raise
            time.sleep(PAUSE)


def _change(parted: Parted, words: dict[str, str]) -> str:
    whole, part = [], []
    for name, keys in parted.unique.items():
        columns, _, condition = keys.partition(" WHERE ")
        if condition:
            whole.append(f"CREATE UNIQUE INDEX {name} ON {parted.table} ({columns}) WHERE {condition};")
        else:
            whole.append(f"ALTER TABLE {parted.table} ADD CONSTRAINT {name} UNIQUE ({columns});")
            part.append(f"ALTER TABLE {parted.was} ADD CONSTRAINT {name}_by_month UNIQUE USING INDEX {name}_by_month;")
    kept = (
        f"CREATE TABLE {parted.table}_kept PARTITION OF {parted.table} FOR VALUES FROM (MINVALUE) TO ('{KEPT_UNTIL}');"
        f" PERFORM fit_{parted.name}_part('{parted.table}_kept');"
    )
    rename = f"ALTER TABLE {parted.table} RENAME TO {parted.first};"
    # The version before writes to what keeps its name; what has another name is reached through the whole alone.
    # From PostgreSQL 17 on a part takes its numbers from the whole's sequence by itself.
    named = f"""
    EXECUTE format('ALTER TABLE {parted.first} ALTER COLUMN {parted.key} SET DEFAULT %L',
                   until::date - interval '1 month');
    IF (SELECT attidentity = '' FROM pg_attribute WHERE attrelid = '{parted.first}'::regclass AND attname = 'id') THEN
        EXECUTE format('ALTER TABLE {parted.first} ALTER COLUMN id SET DEFAULT nextval(%L)',
                       pg_get_serial_sequence('{parted.table}', 'id'));
    END IF;
    """
    return CHANGE.format(
        **words,
        unique="\n    ".join(whole),
        unique_before="\n    ".join(part),
        rename="" if parted.before else rename,
        begins=f"''{KEPT_UNTIL}''" if parted.kept else "MINVALUE",
        kept=kept if parted.kept else "",
        patience=PATIENCE,
        then=parted.then,
        close=named if parted.before else f"PERFORM fit_{parted.name}_part('{parted.first}');",
    )
