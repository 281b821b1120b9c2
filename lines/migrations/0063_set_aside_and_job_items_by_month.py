"""Set-aside records and the items of jobs are kept by month, by the same parts as sessions (kit/parts.py).

Set-aside records get a new name: the version before asks for the key that they had, which a table of months cannot have,
and goes on with what is now the first part, by its old name."""

import kit.clock
from django.db import migrations, models
from kit.parts import Parted, become_parts

# No row is written: those that are there are of the month in which this runs.
MONTHS = """
DO $$
DECLARE
    whole text;
BEGIN
    PERFORM set_config('lock_timeout', '700ms', true);
    FOREACH whole IN ARRAY ARRAY['lines_quarantine', 'lines_jobitem'] LOOP
        IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = whole::regclass AND attname = 'month') THEN
            EXECUTE format('ALTER TABLE %I ADD COLUMN month date NOT NULL'
                           ' DEFAULT (date_trunc(''month'', now() AT TIME ZONE ''UTC'')::date)', whole);
        END IF;
    END LOOP;
END $$
"""
SESSIONS = Parted(
    "lines_sighting",
    "sighting",
    "started_at",
    "EXISTS (SELECT FROM %1$I WHERE seen_at >= $1) OR EXISTS (SELECT FROM %1$I WHERE ended_at IS NULL)",
)
SET_ASIDE = Parted(
    "lines_setaside",
    "setaside",
    "month",
    "EXISTS (SELECT FROM %1$I WHERE at >= $1)",
    unique={"set_aside_once_a_month": "carrier_id, call, digest, month"},
    before="lines_quarantine",
    slack="0 days",
)
# A job is asked for its items by index, whatever the planner thinks of their number.
JOB_ITEMS = Parted(
    "lines_jobitem",
    "jobitem",
    "month",
    "EXISTS (SELECT FROM lines_job j, LATERAL (SELECT FROM %1$I i WHERE i.job_id = j.id LIMIT 1) one"
    " WHERE j.ended_at IS NULL OR j.ended_at >= $1)",
    unique={"line_is_once_in_a_job": "job_id, line_id, month"},
)


def by_month(apps, schema_editor):  # type: ignore[no-untyped-def]  # noqa: ARG001
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(MONTHS)
        for one in (SESSIONS, SET_ASIDE, JOB_ITEMS):
            become_parts(cursor, one)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("lines", "0062_carriers_call")]

    operations = [
        migrations.RunPython(by_month, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField("quarantine", "month", models.DateField(default=kit.clock.month, editable=False)),
                migrations.AddField("jobitem", "month", models.DateField(default=kit.clock.month, editable=False)),
                migrations.RemoveConstraint("quarantine", "quarantined_answer_is_one_row"),
                migrations.AddConstraint(
                    "quarantine",
                    models.UniqueConstraint(
                        fields=["carrier", "call", "digest", "month"], name="set_aside_once_a_month"
                    ),
                ),
                migrations.RemoveConstraint("jobitem", "line_is_once_in_a_job"),
                migrations.AddConstraint(
                    "jobitem", models.UniqueConstraint(fields=["job", "line", "month"], name="line_is_once_in_a_job")
                ),
                migrations.AlterModelTable("quarantine", "lines_setaside"),
            ],
        ),
    ]
