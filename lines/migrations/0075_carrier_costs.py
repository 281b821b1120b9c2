"""What carriers say that lines cost the operator, a month at a time."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import billing.models.amounts

STATES = [
    ("waits", "Waits"), ("agrees", "Agrees"), ("differs", "Differs"), ("not", "Not"), ("settled", "Settled"),
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("lines", "0074_jobs_set_custom_fields")]

    operations = [
        migrations.AddField("CarrierHealth", "costs_planned_for", models.DateField(null=True)),
        migrations.CreateModel(
            "CarrierCost",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("leased_until", models.DateTimeField(null=True)),
                ("leased_pid", models.IntegerField(null=True)),
                ("leased_session", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                ("month", models.DateField()),
                ("theirs", billing.models.amounts.MoneyField(null=True, verbose_name="carrier says")),
                ("ours", billing.models.amounts.MoneyField(null=True, verbose_name="by our costs")),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("used_there", models.BigIntegerField(null=True)),
                ("used_here", models.BigIntegerField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                ("state", models.CharField(choices=STATES, default="waits", max_length=8)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("settled_by", models.CharField(blank=True, max_length=254)),
                ("settled_at", models.DateTimeField(null=True)),
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
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lines.line"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=Q(state="waits"), fields=["carrier", "due_at"], name="carrier_cost_by_due"),
                    models.Index(fields=["state", "-month"], name="carrier_cost_by_state"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=["line", "month"], name="carrier_cost_is_once_a_month"),
                    models.CheckConstraint(
                        condition=Q(state="settled", settled_at__isnull=False) & ~Q(note="") & ~Q(settled_by="")
                        | ~Q(state="settled") & Q(settled_at=None, settled_by="", note=""),
                        name="carrier_cost_is_settled_with_a_note",
                    ),
                ],
            },
        ),
    ]
