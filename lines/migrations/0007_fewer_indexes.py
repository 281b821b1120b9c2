"""Drop the indexes of foreign keys that another index begins with or that nobody looks by."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_event_is_append_only"),
        ("lines", "0006_deactivation_date"),
    ]

    operations = [
        migrations.AlterField(
            model_name="drive",
            name="carrier",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lines.carrier"
            ),
        ),
        migrations.AlterField(
            model_name="finaltotal",
            name="line",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="final_totals",
                to="lines.line",
            ),
        ),
        migrations.AlterField(
            model_name="line",
            name="account",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="accounts.account",
            ),
        ),
        migrations.AlterField(
            model_name="line",
            name="carrier",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="lines.carrier"
            ),
        ),
        migrations.AlterField(
            model_name="line",
            name="payer",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="paid_lines",
                to="accounts.account",
            ),
        ),
        migrations.AlterField(
            model_name="linecycle",
            name="line",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="cycles", to="lines.line"
            ),
        ),
        migrations.AlterField(
            model_name="linecycle",
            name="payer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
            ),
        ),
        migrations.AlterField(
            model_name="linecycle",
            name="plan",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.rateplan"
            ),
        ),
        migrations.AlterField(
            model_name="lineday",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
            ),
        ),
        migrations.AlterField(
            model_name="lineday",
            name="line",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="days", to="lines.line"
            ),
        ),
        migrations.AlterField(
            model_name="lineday",
            name="payer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
            ),
        ),
        migrations.AlterField(
            model_name="lineday",
            name="price",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.price"
            ),
        ),
    ]
