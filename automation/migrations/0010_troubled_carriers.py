"""Whose trouble is told."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("automation", "0009_feed"),
        ("lines", "0059_times_on_of_many"),
    ]

    operations = [
        migrations.CreateModel(
            name="TroubledCarrier",
            fields=[
                (
                    "carrier",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="lines.carrier",
                    ),
                ),
                ("since", models.DateTimeField()),
            ],
        ),
    ]
