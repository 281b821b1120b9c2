"""What was charged to a day may be moved to another one, also after it was sealed: a row of the ledger says so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_schema"),
        ("billing", "0004_auto_refill_goes_by_turns"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="usageday",
            name="sealed_is_at_most_the_usage",
        ),
        migrations.RemoveConstraint(
            model_name="wallet",
            name="accrued_is_not_negative",
        ),
        migrations.AddConstraint(
            model_name="usageday",
            constraint=models.CheckConstraint(condition=models.Q(("usage__gte", 0)), name="usage_is_not_negative"),
        ),
    ]
