"""Counters that a person puts right, and the months that were charged above their final total."""

import django.db.models.deletion
import kit.clock
from django.db import migrations, models

import billing.models
import billing.policy.balances


class Migration(migrations.Migration):
    dependencies = [
        ("lines", "0034_notes_are_left"),
    ]

    operations = [
        migrations.CreateModel(
            name="RebaseRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(editable=False, unique=True)),
                ("cycle", models.DateField()),
                ("counter_before", models.BigIntegerField()),
                ("counter", models.BigIntegerField()),
                ("worth", billing.models.MoneyField(decimal_places=6, max_digits=20)),
                ("reason", models.CharField(max_length=300)),
                ("asked_at", models.DateTimeField(default=kit.clock.now)),
                ("asked_by", models.CharField(max_length=254)),
                ("asker_id", models.BigIntegerField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("open", "open"), ("done", "done"), ("refused", "refused")],
                        default=billing.policy.balances.Decision["OPEN"],
                        max_length=8,
                    ),
                ),
                ("decided_by", models.CharField(blank=True, max_length=254)),
                ("decided_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddIndex(
            model_name="finaltotal",
            index=models.Index(
                condition=models.Q(("total__lt", models.F("charged"))), fields=["done_at"], name="final_below_charged"
            ),
        ),
        migrations.AddField(
            model_name="rebaserequest",
            name="line",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rebase_requests",
                to="lines.line",
            ),
        ),
        migrations.AddIndex(
            model_name="rebaserequest",
            index=models.Index(fields=["line", "-id"], name="rebase_request_of_line"),
        ),
    ]
