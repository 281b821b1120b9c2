"""Prices have fees a month and for activation, and may include data: what lines used of it, and what is beyond it.

No price that is there has any of it: nothing that was charged is touched.
"""

from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

import billing.models.amounts

# As before, and what a price includes stays so too.
NEVER_CHANGED = """
CREATE OR REPLACE FUNCTION keep_prices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND ROW(NEW.id, NEW.plan_id, NEW.valid_from, NEW.per_mb, NEW.per_sms, NEW.per_day, NEW.zone_id,
                                NEW.country, NEW.per_month, NEW.activation, NEW.included_mb, NEW.is_pooled,
                                NEW.per_mb_beyond)
        IS NOT DISTINCT FROM ROW(OLD.id, OLD.plan_id, OLD.valid_from, OLD.per_mb, OLD.per_sms, OLD.per_day, OLD.zone_id,
                                 OLD.country, OLD.per_month, OLD.activation, OLD.included_mb, OLD.is_pooled,
                                 OLD.per_mb_beyond) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND OLD.valid_from > clock_timestamp() THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a price is never changed: % of lines_price refused; add a row with a later date', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0013_test_accounts"),
        ("lines", "0075_carrier_costs"),
    ]

    operations = [
        migrations.CreateModel(
            name="Bundle",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cycle", models.DateField()),
                ("is_pooled", models.BooleanField()),
                ("lines", models.IntegerField(default=0)),
                ("used", models.BigIntegerField(default=0)),
                ("included", models.BigIntegerField(default=0)),
                ("beyond", models.BigIntegerField(default=0)),
                (
                    "cost",
                    billing.models.amounts.MoneyField(decimal_places=6, default=Decimal("0.000000"), max_digits=20),
                ),
                ("told", models.SmallIntegerField(default=0)),
                ("seen", models.CharField(default="", max_length=32)),
                ("counted_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="BundleTold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cycle", models.DateField()),
                ("level", models.SmallIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Overage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cycle", models.DateField()),
                ("day", models.DateField()),
                ("used", models.BigIntegerField()),
                ("cost", billing.models.amounts.MoneyField(decimal_places=6, max_digits=20)),
            ],
        ),
        migrations.AddField(
            model_name="price",
            name="activation",
            field=billing.models.amounts.MoneyField(
                db_default=Decimal("0.000000"), decimal_places=6, default=Decimal("0.000000"), max_digits=20
            ),
        ),
        migrations.AddField(
            model_name="price",
            name="included_mb",
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="price",
            name="is_pooled",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="price",
            name="per_mb_beyond",
            field=billing.models.amounts.MoneyField(blank=True, decimal_places=6, max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name="price",
            name="per_month",
            field=billing.models.amounts.MoneyField(
                db_default=Decimal("0.000000"), decimal_places=6, default=Decimal("0.000000"), max_digits=20
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("activation__gte", 0),
                    ("per_month__gte", 0),
                    models.Q(("country", ""), models.Q(("activation", 0), ("per_month", 0)), _connector="OR"),
                ),
                name="fees_are_the_plans_and_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("included_mb", None), ("is_pooled", False), ("per_mb_beyond", None)),
                    models.Q(("country", ""), ("included_mb__gt", 0), ("per_mb", 0), ("per_mb_beyond__gte", 0)),
                    _connector="OR",
                ),
                name="bundle_has_a_price_beyond_it",
            ),
        ),
        migrations.AddField(
            model_name="bundle",
            name="payer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
            ),
        ),
        migrations.AddField(
            model_name="bundle",
            name="plan",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.rateplan"
            ),
        ),
        migrations.AddField(
            model_name="bundletold",
            name="line",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lines.line"
            ),
        ),
        migrations.AddField(
            model_name="bundletold",
            name="payer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
            ),
        ),
        migrations.AddField(
            model_name="bundletold",
            name="plan",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.rateplan"
            ),
        ),
        migrations.AddField(
            model_name="overage",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
            ),
        ),
        migrations.AddField(
            model_name="overage",
            name="line",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="overage",
                to="lines.line",
            ),
        ),
        migrations.AddField(
            model_name="overage",
            name="payer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
            ),
        ),
        migrations.AddField(
            model_name="overage",
            name="plan",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.rateplan"
            ),
        ),
        migrations.AddField(
            model_name="overage",
            name="price",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.price"
            ),
        ),
        migrations.AddConstraint(
            model_name="bundle",
            constraint=models.UniqueConstraint(
                fields=("payer", "plan", "cycle", "is_pooled"), name="bundle_is_one_row_a_cycle"
            ),
        ),
        migrations.AddConstraint(
            model_name="bundle",
            constraint=models.CheckConstraint(
                condition=models.Q(("beyond__gte", 0), ("cost__gte", 0), ("included__gte", 0), ("used__gte", 0)),
                name="bundle_is_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="bundletold",
            constraint=models.UniqueConstraint(
                fields=("line", "payer", "plan", "cycle"), name="line_is_told_of_once_a_cycle"
            ),
        ),
        migrations.AddIndex(
            model_name="overage",
            index=models.Index(
                condition=models.Q(("line__isnull", False)), fields=["line", "day"], name="overage_of_line"
            ),
        ),
        migrations.AddConstraint(
            model_name="overage",
            constraint=models.UniqueConstraint(
                fields=("payer", "day", "price", "line"), name="overage_is_one_row_a_day", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="overage",
            constraint=models.CheckConstraint(
                condition=models.Q(("cost__gte", 0), ("used__gt", 0)), name="overage_is_something"
            ),
        ),
        migrations.RunSQL(NEVER_CHANGED, migrations.RunSQL.noop),
    ]
