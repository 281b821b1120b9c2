import django.db.models.deletion
from django.db import migrations, models

# What a carrier's one breaker said holds for every kind of call until the first answer.
CARRY = """
INSERT INTO lines_breaker (carrier_id, kind, failures, open_until, last_failure_at, last_failure)
SELECT carrier_id, kind, failures, open_until, last_failure_at, last_failure
  FROM lines_carrierhealth, unnest(ARRAY['switching', 'reading', 'messages', 'settings', 'devices', 'totals']) kind
 WHERE failures > 0;
"""
KINDS = ["switching", "reading", "messages", "settings", "devices", "totals"]


class Migration(migrations.Migration):
    dependencies = [("lines", "0022_on_spans")]

    operations = [
        migrations.CreateModel(
            name="Breaker",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[(kind, kind.capitalize()) for kind in KINDS], max_length=16)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("open_until", models.DateTimeField(null=True)),
                ("paused_until", models.DateTimeField(null=True)),
                ("last_failure_at", models.DateTimeField(null=True)),
                ("last_failure", models.CharField(blank=True, max_length=300)),
                (
                    "carrier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="breakers", to="lines.carrier"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("carrier", "kind"), name="a_carrier_has_one_breaker_a_kind")
                ],
            },
        ),
        migrations.RunSQL(CARRY, migrations.RunSQL.noop),
        # The columns stay for the version before, which asks for them; who does not know them writes none.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField(model_name="carrierhealth", name="failures"),
                migrations.RemoveField(model_name="carrierhealth", name="open_until"),
            ],
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE lines_carrierhealth ALTER COLUMN failures SET DEFAULT 0", migrations.RunSQL.noop
                )
            ],
        ),
    ]
