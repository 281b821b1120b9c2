import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lines", "0036_rules_hold_until"),
    ]

    operations = [
        migrations.CreateModel(
            name="WatchedLine",
            fields=[
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="watched",
                        serialize=False,
                        to="lines.line",
                    ),
                ),
                (
                    "carrier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lines.carrier"
                    ),
                ),
            ],
        ),
    ]
