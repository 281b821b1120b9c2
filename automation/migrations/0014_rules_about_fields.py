"""Rules are narrowed to lines that have a value in a custom field."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("automation", "0013_events_by_month"), ("lines", "0068_custom_fields")]

    operations = [
        migrations.AddField(
            "rule",
            "field",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.customfield"
            ),
        ),
        migrations.AddField(
            "rule", "field_value", models.CharField(blank=True, db_default="", default="", max_length=200)
        ),
        migrations.AddConstraint(
            "rule",
            models.CheckConstraint(
                condition=Q(field__isnull=True) | ~Q(field_value=""), name="rule_about_a_field_has_its_value"
            ),
        ),
    ]
