"""Which carrier commands were refused."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lines", "0059_times_on_of_many"),
    ]

    operations = [
        migrations.AddField(
            model_name="drive",
            name="is_refused",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
