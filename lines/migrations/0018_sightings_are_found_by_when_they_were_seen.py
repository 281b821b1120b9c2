from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lines", "0017_pasted_lists")]

    operations = [
        migrations.AddIndex(model_name="sighting", index=models.Index(fields=["seen_at"], name="sighting_by_seen"))
    ]
