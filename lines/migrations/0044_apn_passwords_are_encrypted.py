from django.db import migrations, models
from kit import crypto


def encrypt(apps, _editor):
    """What was plain is bound to its row."""
    for carrier in apps.get_model("lines", "Carrier").objects.exclude(apn_password="").order_by("pk"):
        carrier.apn_password = crypto.encrypt(carrier.apn_password, row=f"carrier:{carrier.pk}")
        carrier.save(update_fields=["apn_password"])


class Migration(migrations.Migration):
    dependencies = [
        ("lines", "0043_brands_have_apns_by_carrier"),
    ]

    operations = [
        migrations.AlterField(
            model_name="carrier",
            name="apn_password",
            field=models.TextField(blank=True, editable=False),
        ),
        migrations.RunPython(encrypt, migrations.RunPython.noop),
    ]
