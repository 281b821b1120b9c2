import django.db.models.deletion
from django.db import migrations, models

# IoT Portal never told how many messages a device sent: its zeros were nobody's figure.
UNTELL = """
UPDATE lines_linestate st SET sms_sent = NULL FROM lines_line l JOIN lines_carrier c ON c.id = l.carrier_id
 WHERE l.id = st.line_id AND c.kind = 'iotportal';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("lines", "0031_cache_in_the_database"),
    ]

    operations = [
        migrations.CreateModel(
            name="LineCount",
            fields=[
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="counts",
                        serialize=False,
                        to="lines.line",
                    ),
                ),
                ("cycle", models.DateField()),
                ("sms", models.PositiveIntegerField(null=True)),
                ("voice", models.PositiveIntegerField(null=True)),
                ("sessions", models.PositiveIntegerField(null=True)),
                ("told_at", models.DateTimeField()),
            ],
        ),
        migrations.AlterField(
            model_name="linestate", name="sms_sent", field=models.IntegerField(default=None, null=True)
        ),
        migrations.RunSQL(UNTELL, migrations.RunSQL.noop),
    ]
