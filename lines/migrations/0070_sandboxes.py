"""Test accounts have a carrier of their own."""

import datetime

import django.db.models.deletion
import kit.clock
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0013_test_accounts"),
        ("lines", "0069_calls_a_minute"),
    ]

    operations = [
        migrations.CreateModel(
            name="Sandbox",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sandbox",
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                ("ahead", models.DurationField(default=datetime.timedelta(0))),
                (
                    "fault",
                    models.CharField(
                        choices=[("none", "none"), ("refuses", "refuses"), ("fails", "fails"), ("lags", "lags")],
                        db_default="none",
                        default="none",
                        max_length=8,
                    ),
                ),
                ("sims", models.PositiveIntegerField(db_default=0, default=0)),
                ("settled_on", models.DateField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                ("made_at", models.DateTimeField(default=kit.clock.real)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ahead__gte", datetime.timedelta(0))), name="test_clock_goes_ahead"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SandboxSim",
            fields=[
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sandbox_sim",
                        serialize=False,
                        to="lines.line",
                    ),
                ),
                ("is_on", models.BooleanField(default=False)),
                ("turns_on", models.BooleanField(null=True)),
                ("turns_at", models.DateTimeField(null=True)),
                ("cycle", models.DateField(null=True)),
                ("counter", models.BigIntegerField(default=0)),
                ("imei", models.CharField(blank=True, default="", max_length=17)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("turns_at", None), ("turns_on", None)),
                            models.Q(("turns_at__isnull", False), ("turns_on__isnull", False)),
                            _connector="OR",
                        ),
                        name="sandbox_sim_turns_at_a_moment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("counter__gte", 0)), name="sandbox_counter_is_not_negative"
                    ),
                ],
            },
        ),
    ]
