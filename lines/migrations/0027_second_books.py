"""A check of the books goes on where it stopped, and says since when it compares."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lines", "0026_iccids_as_printed"),
    ]

    operations = [
        migrations.AddField(
            model_name="bookscheck",
            name="progress",
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="bookscheck",
            name="since",
            field=models.DateField(null=True),
        ),
    ]
