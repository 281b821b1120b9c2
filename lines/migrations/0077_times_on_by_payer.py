"""Times on are found by payer and plan, for what is included in a cycle; made while everything runs."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("lines", "0076_bundles")]

    operations = [
        AddIndexConcurrently(
            "onspan", models.Index(fields=["payer", "plan", "ended_at"], name="span_of_payer_and_plan")
        ),
    ]
