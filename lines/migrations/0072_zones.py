"""Zones: lists of countries, prices of their own beside the plans', and in which country a line was.

Every price that is there becomes the plan's default one as it stands; nothing that was charged is touched.
"""

import django.db.models.deletion
import kit.clock
from django.db import migrations, models

# What was refused before was more than this refuses: no row of this version or the one before breaks it.
ONE_PRICE = """
ALTER TABLE lines_price
    ADD CONSTRAINT plan_has_one_price_at_a_time_and_country UNIQUE NULLS NOT DISTINCT (plan_id, valid_from, country)
"""
# As before, and a price stays the one of its country.
NEVER_CHANGED = """
CREATE OR REPLACE FUNCTION keep_prices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND ROW(NEW.id, NEW.plan_id, NEW.valid_from, NEW.per_mb, NEW.per_sms, NEW.per_day, NEW.zone_id,
                                NEW.country)
        IS NOT DISTINCT FROM ROW(OLD.id, OLD.plan_id, OLD.valid_from, OLD.per_mb, OLD.per_sms, OLD.per_day, OLD.zone_id,
                                 OLD.country) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND OLD.valid_from > clock_timestamp() THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a price is never changed: % of lines_price refused; add a row with a later date', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER linecountry_is_append_only BEFORE UPDATE ON lines_linecountry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_calls_of_office_keys_are_counted"),
        ("lines", "0071_usage_exports"),
    ]

    operations = [
        migrations.CreateModel(
            name="LineCountry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField()),
                ("country", models.CharField(max_length=2)),
                ("after_reading", models.BigIntegerField(default=0)),
                ("known_at", models.DateTimeField(default=kit.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="Zone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("created_at", models.DateTimeField(default=kit.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="ZoneCountry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=2)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="price",
            name="plan_has_one_price_at_a_time",
        ),
        migrations.AddField(
            model_name="price",
            name="country",
            field=models.CharField(blank=True, db_default="", default="", max_length=2),
        ),
        migrations.AddField(
            model_name="linecountry",
            name="line",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lines.line"
            ),
        ),
        migrations.AddField(
            model_name="linecountry",
            name="payer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
            ),
        ),
        migrations.AddField(
            model_name="zone",
            name="carrier",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="zones", to="lines.carrier"
            ),
        ),
        migrations.AddField(
            model_name="zone",
            name="plan",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="zones",
                to="lines.rateplan",
            ),
        ),
        migrations.AddField(
            model_name="listprice",
            name="zone",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="lines.zone",
            ),
        ),
        migrations.AddField(
            model_name="price",
            name="zone",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="prices",
                to="lines.zone",
            ),
        ),
        migrations.AddConstraint(
            model_name="listprice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("zone", None),
                    models.Q(("percent__isnull", False), ("plan__isnull", False)),
                    models.Q(("per_day", 0), ("per_sms", 0), ("plan__isnull", False)),
                    _connector="OR",
                ),
                name="list_price_of_a_zone_is_of_a_plan_and_of_data",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(ONE_PRICE, migrations.RunSQL.noop)],
            state_operations=[
                migrations.AddConstraint(
                    model_name="price",
                    constraint=models.UniqueConstraint(
                        fields=("plan", "valid_from", "country"),
                        name="plan_has_one_price_at_a_time_and_country",
                        nulls_distinct=False,
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("country", ""), ("zone", None)),
                    models.Q(("country__regex", "^[A-Z]{2}$"), ("per_day", 0), ("per_sms", 0), ("zone__isnull", False)),
                    _connector="OR",
                ),
                name="price_of_a_zone_is_of_a_country_and_of_data",
            ),
        ),
        migrations.AddField(
            model_name="zonecountry",
            name="carrier",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.carrier"
            ),
        ),
        migrations.AddField(
            model_name="zonecountry",
            name="plan",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="lines.rateplan",
            ),
        ),
        migrations.AddField(
            model_name="zonecountry",
            name="zone",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="countries", to="lines.zone"
            ),
        ),
        migrations.AddConstraint(
            model_name="linecountry",
            constraint=models.UniqueConstraint(
                fields=("line", "payer", "since", "country"), name="line_is_told_to_be_there_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="linecountry",
            constraint=models.CheckConstraint(
                condition=models.Q(("country", ""), _negated=True), name="line_country_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="zone",
            constraint=models.UniqueConstraint(
                fields=("carrier", "plan", "name"), name="zone_has_a_name_of_its_own", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="zone",
            constraint=models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="zone_has_a_name"),
        ),
        migrations.AddConstraint(
            model_name="zonecountry",
            constraint=models.UniqueConstraint(
                fields=("carrier", "plan", "code"), name="country_is_in_one_zone", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="zonecountry",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__regex", "^[A-Z]{2}$")), name="zone_country_is_a_code"
            ),
        ),
        migrations.RunSQL(NEVER_CHANGED, migrations.RunSQL.noop),
    ]
