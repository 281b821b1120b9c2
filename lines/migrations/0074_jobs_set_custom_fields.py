"""Jobs set custom fields, and bring back what lines had in them. Only the list of words is wider."""

from django.db import migrations, models

ACTIONS = (
    "activate", "deactivate-next-day", "deactivate", "deactivate-on", "keep", "sms", "assign", "plan", "tag", "untag",
    "reset-tags", "set-fields", "restore-fields",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("lines", "0073_where_lines_were_last")]

    operations = [
        migrations.AlterField(
            "job", "action", models.CharField(choices=[(word, word) for word in ACTIONS], max_length=24)
        ),
    ]
