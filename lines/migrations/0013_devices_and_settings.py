"""The device behind a line, what is set on its SIM, its PIN and PUK, and the APN of a carrier."""

import django.db.models.deletion
import kit.clock
from django.db import migrations, models

import lines.policy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_account_has_an_owner"),
        ("lines", "0012_orders_and_coverage"),
    ]

    operations = [
        migrations.CreateModel(
            name="LineSecret",
            fields=[
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="secret",
                        serialize=False,
                        to="lines.line",
                    ),
                ),
                ("codes", models.TextField(editable=False)),
                ("kept_at", models.DateTimeField(default=kit.clock.now)),
            ],
        ),
        migrations.AddField(
            model_name="carrier",
            name="apn",
            field=models.CharField(blank=True, max_length=100, verbose_name="APN"),
        ),
        migrations.AddField(
            model_name="carrier",
            name="apn_password",
            field=models.CharField(blank=True, max_length=100, verbose_name="APN password"),
        ),
        migrations.AddField(
            model_name="carrier",
            name="apn_user",
            field=models.CharField(blank=True, max_length=100, verbose_name="APN user"),
        ),
        migrations.AddField(
            model_name="rateplan",
            name="code",
            field=models.CharField(blank=True, max_length=64, verbose_name="carrier's plan"),
        ),
        migrations.AlterField(
            model_name="linestate",
            name="why",
            field=models.CharField(
                blank=True,
                choices=[
                    ("balance", "balance"),
                    ("person", "person"),
                    ("rule", "rule"),
                    ("sub-account", "sub-account"),
                    ("carrier", "carrier"),
                    ("new", "new"),
                ],
                default=lines.policy.Why["NEW"],
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="LineDevice",
            fields=[
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_pid", models.IntegerField(null=True)),
                ("leased_session", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="device",
                        serialize=False,
                        to="lines.line",
                    ),
                ),
                ("is_due", models.BooleanField(default=True)),
                ("asked_at", models.DateTimeField(null=True)),
                ("facts", models.JSONField(default=dict)),
                ("cycle", models.DateField(null=True)),
                ("counter", models.BigIntegerField(default=0)),
                (
                    "carrier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="lines.carrier",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_due", True)), fields=["carrier", "asked_at"], name="device_to_ask"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LineSetting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_pid", models.IntegerField(null=True)),
                ("leased_session", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                (
                    "name",
                    models.CharField(
                        choices=[("throttle", "throttle"), ("imei_lock", "imei_lock"), ("plan", "plan")], max_length=16
                    ),
                ),
                ("wanted", models.CharField(blank=True, max_length=64)),
                ("confirmed", models.CharField(max_length=64, null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("since", models.DateTimeField(default=kit.clock.now)),
                ("by", models.CharField(max_length=254)),
                ("is_open", models.BooleanField(default=True)),
                (
                    "carrier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="lines.carrier",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="settings",
                        to="lines.line",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_open", True)), fields=["carrier", "due_at"], name="setting_by_due"
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("line", "name"), name="line_has_a_setting_once")],
            },
        ),
        migrations.CreateModel(
            name="Sighting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cycle", models.DateField()),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField(default=kit.clock.now)),
                ("is_session", models.BooleanField()),
                ("country", models.CharField(blank=True, max_length=2)),
                ("network", models.CharField(blank=True, max_length=100)),
                ("radio", models.CharField(blank=True, max_length=100)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("sessions", models.PositiveIntegerField(default=0)),
                ("used", models.BigIntegerField(default=0)),
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
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sightings",
                        to="lines.line",
                    ),
                ),
                (
                    "payer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["line", "-started_at"], name="sighting_of_line")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("used__gte", 0)), name="sighting_used_is_not_negative")
                ],
            },
        ),
    ]
