"""Messages are kept by month, by the same parts as sessions (kit/parts.py); charged ones outlive their month in a part of
their own. What is one message's in all months, a sender's key and a carrier's name on a line, the database looks for in
each of them."""

import kit.clock
from django.db import migrations, models
from kit.parts import Parted, become_parts

# No row is written: those that are there are of the month in which this runs.
MONTH = """
DO $$
BEGIN
    PERFORM set_config('lock_timeout', '700ms', true);
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'lines_smsmessage'::regclass AND attname = 'month') THEN
        ALTER TABLE lines_smsmessage ADD COLUMN month date NOT NULL
            DEFAULT (date_trunc('month', now() AT TIME ZONE 'UTC')::date);
    END IF;
END $$
"""
# Within a month the keys hold. Of two months, who gives a message its carrier's name holds the line's state, and who
# brings a key holds the key.
ONE_OF_ALL = """
CREATE OR REPLACE FUNCTION refuse_second_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.key IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.key IS DISTINCT FROM OLD.key) THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('sms key ' || NEW.key, 0));
        IF EXISTS (SELECT FROM lines_smsmessage m WHERE m.key = NEW.key AND m.id <> NEW.id) THEN
            RAISE EXCEPTION 'the key % is of another message', NEW.key
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'sms_key_is_used_once';
        END IF;
    END IF;
    IF NEW.ref <> '' AND (TG_OP = 'INSERT' OR (NEW.line_id, NEW.ref, NEW.nth) IS DISTINCT FROM (OLD.line_id, OLD.ref, OLD.nth))
       AND EXISTS (SELECT FROM lines_smsmessage m
                    WHERE m.line_id = NEW.line_id AND m.ref = NEW.ref AND m.ref <> '' AND m.nth = NEW.nth
                      AND m.id <> NEW.id) THEN
        RAISE EXCEPTION 'the name % is of another message of line %', NEW.ref, NEW.line_id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'carriers_message_is_one_message';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER message_is_one_of_all_months
    AFTER INSERT OR UPDATE OF key, line_id, ref, nth ON lines_smsmessage
    FOR EACH ROW EXECUTE FUNCTION refuse_second_message();
"""
# What is closed, undoubted and not charged stays so.
MESSAGES = Parted(
    "lines_smsmessage",
    "smsmessage",
    "month",
    "EXISTS (SELECT FROM %1$I WHERE at >= $1) OR EXISTS (SELECT FROM %1$I WHERE is_open OR doubt <> ''"
    " OR (accepted_at IS NOT NULL AND price > 0))",
    meanwhile="EXISTS (SELECT FROM %1$I WHERE at >= $1) OR EXISTS (SELECT FROM %1$I WHERE is_open)",
    unique={
        "sms_key_is_used_once": "key, month",
        "carriers_message_is_one_message": "line_id, ref, nth, month WHERE ref <> ''",
    },
    kept=True,
)


def by_month(apps, schema_editor):  # type: ignore[no-untyped-def]  # noqa: ARG001
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(MONTH)
        become_parts(cursor, MESSAGES)
        cursor.execute(ONE_OF_ALL)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("lines", "0063_set_aside_and_job_items_by_month")]

    operations = [
        migrations.RunPython(by_month, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField("smsmessage", "month", models.DateField(default=kit.clock.month, editable=False)),
            ],
        ),
    ]
