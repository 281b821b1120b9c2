"""Files of what a whole fleet used, written a stretch of days at a time."""

import uuid

import django.db.models.deletion
import kit.clock
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("lines", "0070_sandboxes")]

    operations = [
        migrations.CreateModel(
            "UsageExport",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(choices=[("days", "days"), ("sessions", "sessions")], max_length=8),
                ),
                ("format", models.CharField(choices=[("csv", "csv"), ("ndjson", "ndjson")], max_length=8)),
                ("start", models.DateField()),
                ("end", models.DateField()),
                ("sought", models.JSONField(default=dict)),
                ("said", models.CharField(max_length=300)),
                ("sees_money", models.BooleanField()),
                ("by", models.CharField(max_length=254)),
                ("asked_at", models.DateTimeField(default=kit.clock.now)),
                ("next_day", models.DateField()),
                ("started_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("done_at", models.DateTimeField(null=True)),
                ("failed", models.CharField(blank=True, default="", max_length=200)),
                ("rows", models.BigIntegerField(default=0)),
                ("size", models.BigIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="usage_exports",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "-id"], name="usage_export_of_account"),
                    models.Index(
                        condition=Q(done_at__isnull=True, failed=""), fields=["id"], name="usage_export_to_write"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(condition=Q(end__gte=F("start")), name="usage_export_ends_after_it_begins")
                ],
            },
        ),
        migrations.CreateModel(
            "UsageExportPart",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("content", models.BinaryField()),
                (
                    "export",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="lines.usageexport",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["export", "number"], name="usage_export_part_is_one")]
            },
        ),
    ]
