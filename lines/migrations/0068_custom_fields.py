"""Fields that an account adds to its lines, and what lines have in them; whoever keeps a copy hears of a change."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import kit.clock
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Lower

NOTE = """
CREATE TRIGGER field_of_line_is_noted AFTER INSERT OR DELETE ON lines_fieldvalue
    FOR EACH ROW EXECUTE FUNCTION lines_note_tag();
CREATE TRIGGER field_of_line_is_changed AFTER UPDATE OF value ON lines_fieldvalue
    FOR EACH ROW WHEN (OLD.value <> NEW.value) EXECUTE FUNCTION lines_note_tag();
CREATE FUNCTION lines_note_renamed_field() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lines_linechange (line_id, changed, at)
    SELECT line_id, pg_current_xact_id()::text::bigint, now() FROM lines_fieldvalue WHERE field_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER field_is_renamed AFTER UPDATE OF name, shown_to_subaccounts ON lines_customfield
    FOR EACH ROW WHEN (OLD.name <> NEW.name OR OLD.shown_to_subaccounts <> NEW.shown_to_subaccounts)
    EXECUTE FUNCTION lines_note_renamed_field();
"""
GONE = """
DROP TRIGGER field_is_renamed ON lines_customfield;
DROP FUNCTION lines_note_renamed_field();
DROP TRIGGER field_of_line_is_changed ON lines_fieldvalue;
DROP TRIGGER field_of_line_is_noted ON lines_fieldvalue;
"""
KINDS = [(one, one) for one in ("text", "number", "date", "choice")]


class Migration(migrations.Migration):
    dependencies = [
        ("lines", "0067_lines_say_when_they_changed"),
        ("accounts", "0011_calls_of_office_keys_are_counted"),
    ]

    operations = [
        migrations.CreateModel(
            "CustomField",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=40)),
                ("kind", models.CharField(choices=KINDS, max_length=8)),
                (
                    "choices",
                    django.contrib.postgres.fields.ArrayField(
                        models.CharField(max_length=200), blank=True, default=list, size=None
                    ),
                ),
                ("shown_to_subaccounts", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="custom_fields",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint("account", Lower("name"), name="custom_field_is_one_name_in_any_case"),
                    models.CheckConstraint(condition=~Q(name=""), name="custom_field_has_a_name"),
                    models.CheckConstraint(
                        condition=(Q(kind="choice") & ~Q(choices=[])) | (~Q(kind="choice") & Q(choices=[])),
                        name="custom_field_has_choices_if_it_is_one",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            "FieldValue",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value", models.CharField(max_length=200)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "field",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="values",
                        to="lines.customfield",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="field_values",
                        to="lines.line",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["line", "field"], name="line_has_a_field_once"),
                    models.CheckConstraint(condition=~Q(value=""), name="field_value_is_not_empty"),
                ],
                "indexes": [models.Index("field", Lower("value"), name="field_value_in_any_case")],
            },
        ),
        migrations.RunSQL(NOTE, GONE),
    ]
