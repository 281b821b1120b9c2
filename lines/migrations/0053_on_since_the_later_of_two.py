"""A line is on since the later of its wish and its carrier's answer, also where an older answer comes late."""

from django.db import migrations

IS_ON = "(NEW.wanted = 1 AND coalesce(NEW.reported, 0) = 1 AND NOT NEW.blocked)"
FOLLOW = """
CREATE OR REPLACE FUNCTION lines_follow_state() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    moment timestamptz;
BEGIN
    IF {is_on} THEN
        moment := {began};
        INSERT INTO lines_onspan (line_id, payer_id, plan_id, started_at, due_day)
        SELECT NEW.line_id, payer_id, plan_id, moment, (moment AT TIME ZONE 'UTC')::date
          FROM lines_line WHERE id = NEW.line_id AND payer_id IS NOT NULL;
    ELSE
        moment := {turned};
        UPDATE lines_onspan
           SET ended_at = greatest(started_at, moment,
                                   (due_day - 1)::timestamp AT TIME ZONE 'UTC' + interval '1 microsecond')
         WHERE line_id = NEW.line_id AND ended_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
"""
LATER = "greatest(NEW.wanted_at, NEW.confirmed_at)"
TURNED = """greatest(CASE WHEN NEW.wanted <> OLD.wanted THEN NEW.wanted_at END,
                           CASE WHEN NEW.reported IS DISTINCT FROM OLD.reported OR NEW.blocked <> OLD.blocked
                                THEN coalesce(NEW.confirmed_at, NEW.wanted_at) END)"""
BEFORE = f"CASE WHEN TG_OP = 'INSERT' THEN {LATER} ELSE {TURNED} END"


class Migration(migrations.Migration):
    dependencies = [("lines", "0052_old_rows_are_found")]

    operations = [
        migrations.RunSQL(
            FOLLOW.format(is_on=IS_ON, began=LATER, turned=TURNED),
            FOLLOW.format(is_on=IS_ON, began=BEFORE, turned=TURNED),
        )
    ]
