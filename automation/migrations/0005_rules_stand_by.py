from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("automation", "0004_iccids_as_printed"),
    ]

    operations = [
        migrations.AddField(model_name="rule", name="saved_at", field=models.DateTimeField(null=True)),
        migrations.AlterField(
            model_name="rulefire",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("deactivated", "deactivated"),
                    ("told", "told"),
                    ("set", "set"),
                    ("refused", "refused"),
                    ("shadow", "shadow"),
                    ("already-off", "already-off"),
                    ("stands-by", "stands-by"),
                    ("over", "over"),
                    ("waits", "waits"),
                    ("dropped", "dropped"),
                    ("left", "left"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="rulefire",
            index=models.Index(
                condition=models.Q(("outcome", "stands-by")),
                fields=["line"],
                name="fire_that_stands_by",
            ),
        ),
    ]
