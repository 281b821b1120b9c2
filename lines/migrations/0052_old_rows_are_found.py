"""What is old is found by an index; made while everything runs."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("lines", "0051_messages_by_their_time")]

    operations = [
        AddIndexConcurrently("smsmessage", models.Index(fields=["at"], name="sms_by_age")),
        AddIndexConcurrently("quarantine", models.Index(fields=["at"], name="quarantine_by_age")),
    ]
