from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_late_usage"),
    ]

    operations = [
        migrations.AddField(model_name="notice", name="due_at", field=models.DateTimeField(null=True)),
    ]
