"""Openings of months whose readings are gone may go, too, once a later one of the line stands for them."""

from django.db import migrations

MAY_GO = """
CREATE FUNCTION readings_kept_since() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT least((SELECT min(to_date(right(c.relname, 7), 'YYYY"m"MM'))::timestamp AT TIME ZONE 'UTC'
                    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                   WHERE i.inhparent = 'lines_reading'::regclass
                     AND c.relname ~ '^lines_reading_y[0-9]{4}m[0-9]{2}$'),
                 (SELECT min(asked_at) FROM lines_reading_default))
$$;
CREATE FUNCTION keep_openings_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < readings_kept_since()
       AND EXISTS (SELECT FROM lines_opening o WHERE o.line_id = OLD.line_id AND o.at > OLD.at) THEN
        RETURN OLD;
    END IF;
    RAISE restrict_violation USING MESSAGE = TG_TABLE_NAME || ' is append-only: ' || TG_OP || ' refused';
END $$;
""" + "".join(
    f"DROP TRIGGER {name}_is_append_only ON lines_{name};"
    f"CREATE TRIGGER {name}_is_append_only BEFORE UPDATE OR DELETE ON lines_{name}"
    " FOR EACH ROW EXECUTE FUNCTION keep_openings_in_use();"
    for name in ("opening", "openingday")
)
NEVER = (
    "".join(
        f"DROP TRIGGER {name}_is_append_only ON lines_{name};"
        f"CREATE TRIGGER {name}_is_append_only BEFORE UPDATE OR DELETE ON lines_{name}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change();"
        for name in ("opening", "openingday")
    )
    + "DROP FUNCTION keep_openings_in_use(); DROP FUNCTION readings_kept_since();"
)


class Migration(migrations.Migration):
    dependencies = [("lines", "0057_sessions_by_month")]

    operations = [migrations.RunSQL(MAY_GO, NEVER)]
