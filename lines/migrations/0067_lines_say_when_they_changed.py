"""Each row that the list of lines is read from keeps the number of the transaction that last changed what is shown of
it, written by the database, whoever makes the change (decision 0310)."""

import django.db.models.deletion
import kit.clock
from django.db import migrations, models


def differs(*columns: str) -> str:
    return " OR ".join(f"(OLD.{column}) IS DISTINCT FROM (NEW.{column})" for column in columns)


# Table -> when an update of it changes what is shown. Whether a line was read again without a change is none.
SHOWN = {
    "line": differs(
        "iccid", "carrier_id", "plan_id", "account_id", "payer_id", "notes", "imei", "msisdn", "deactivation_date"
    ),
    "linestate": differs(
        "wanted", "reported", "blocked", "cycle", "counter", "baseline", "day", "day_bytes", "sms_sent", "last_seen"
    ),
    "linecount": differs("cycle", "sessions"),
    "linedevice": differs("cycle", "facts -> 'sessions'"),
}
MARK = """
CREATE FUNCTION lines_mark_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;
CREATE TRIGGER holding_is_marked BEFORE INSERT ON lines_lineholding
    FOR EACH ROW EXECUTE FUNCTION lines_mark_change();
""" + "".join(
    f"""
CREATE TRIGGER {table}_is_marked_when_new BEFORE INSERT ON lines_{table}
    FOR EACH ROW EXECUTE FUNCTION lines_mark_change();
CREATE TRIGGER {table}_is_marked BEFORE UPDATE ON lines_{table}
    FOR EACH ROW WHEN ({changes}) EXECUTE FUNCTION lines_mark_change();
"""
    for table, changes in SHOWN.items()
)
# What is shown of a line and is many rows, or none any more: a row for each change, locking nobody's.
NOTE = """
CREATE FUNCTION lines_note_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lines_linechange (line_id, changed, at)
    SELECT l.id, pg_current_xact_id()::text::bigint, now() FROM lines_line l
     WHERE l.id = CASE WHEN TG_OP = 'DELETE' THEN OLD.line_id ELSE NEW.line_id END;
    RETURN NULL;
END $$;
CREATE TRIGGER tag_of_line_is_noted AFTER INSERT OR DELETE ON lines_linetag
    FOR EACH ROW EXECUTE FUNCTION lines_note_tag();
CREATE FUNCTION lines_note_renamed_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lines_linechange (line_id, changed, at)
    SELECT line_id, pg_current_xact_id()::text::bigint, now() FROM lines_linetag WHERE tag_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER tag_is_renamed AFTER UPDATE OF name ON lines_tag
    FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION lines_note_renamed_tag();
CREATE FUNCTION lines_note_country() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.country IS DISTINCT FROM (SELECT country FROM lines_sighting
                                      WHERE line_id = NEW.line_id AND country <> '' AND id <> NEW.id
                                      ORDER BY started_at DESC LIMIT 1) THEN
        INSERT INTO lines_linechange (line_id, changed, at)
        VALUES (NEW.line_id, pg_current_xact_id()::text::bigint, now());
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER country_is_noted AFTER INSERT OR UPDATE OF country ON lines_sighting
    FOR EACH ROW WHEN (NEW.country <> '') EXECUTE FUNCTION lines_note_country();
"""
GONE = (
    "DROP TRIGGER holding_is_marked ON lines_lineholding;"
    + "".join(
        f"DROP TRIGGER {table}_is_marked ON lines_{table}; DROP TRIGGER {table}_is_marked_when_new ON lines_{table};"
        for table in SHOWN
    )
    + """
DROP TRIGGER country_is_noted ON lines_sighting; DROP TRIGGER tag_is_renamed ON lines_tag;
DROP TRIGGER tag_of_line_is_noted ON lines_linetag;
DROP FUNCTION lines_note_country(); DROP FUNCTION lines_note_renamed_tag(); DROP FUNCTION lines_note_tag();
DROP FUNCTION lines_mark_change();
"""
)


class Migration(migrations.Migration):
    dependencies = [("lines", "0066_caps")]

    operations = [
        *(
            migrations.AddField(model, "changed", models.BigIntegerField(null=True, editable=False))
            for model in ("line", "linestate", "linecount", "linedevice", "lineholding")
        ),
        migrations.AddIndex(
            "lineholding",
            models.Index(fields=["changed"], condition=models.Q(changed__isnull=False), name="holding_by_change"),
        ),
        migrations.CreateModel(
            "LineChange",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lines.line"
                    ),
                ),
                ("changed", models.BigIntegerField()),
                ("at", models.DateTimeField(default=kit.clock.now)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["changed"], name="change_by_number"),
                    models.Index(fields=["at"], name="change_by_time"),
                    models.Index(fields=["line"], name="change_of_line"),
                ]
            },
        ),
        migrations.RunSQL(MARK + NOTE, GONE),
    ]
