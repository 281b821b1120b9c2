"""Carriers that allow so many calls a minute; a limit of data is one more setting of a SIM; payments made at Keepgo."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lines", "0068_custom_fields"),
    ]

    operations = [
        migrations.AddField(
            model_name="carrier",
            name="calls_per_minute",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="carrierhealth",
            name="minute_at",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="carrierhealth",
            name="minute_calls",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.PositiveIntegerField(), db_default=models.Value("{}"), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="move",
            name="payments_there",
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AlterField(
            model_name="linesetting",
            name="name",
            field=models.CharField(
                choices=[
                    ("throttle", "throttle"),
                    ("imei_lock", "imei_lock"),
                    ("plan", "plan"),
                    ("data_limit", "data_limit"),
                    ("device_name", "device_name"),
                    ("tags", "tags"),
                    ("device_id", "device_id"),
                    ("sim_notes", "sim_notes"),
                    ("end_consumer", "end_consumer"),
                    ("state", "state"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="carrier",
            constraint=models.CheckConstraint(
                condition=models.Q(("calls_per_minute", None), ("calls_per_minute__gt", 0), _connector="OR"),
                name="carrier_may_be_called_a_minute",
            ),
        ),
    ]
