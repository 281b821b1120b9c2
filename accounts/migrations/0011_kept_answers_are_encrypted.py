from django.db import migrations
from kit import crypto


def encrypt(apps, _schema_editor):
    for row in apps.get_model("accounts", "IdempotentAnswer").objects.iterator():
        row.body = crypto.encrypt(bytes(row.body).decode()).encode("ascii")
        row.save(update_fields=["body"])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_dates_are_written_day_first"),
    ]

    operations = [
        migrations.RunPython(encrypt, migrations.RunPython.noop),
    ]
