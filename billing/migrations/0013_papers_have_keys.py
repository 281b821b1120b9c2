"""Papers that were issued have the key of their ledger row, and nobody changes one any more."""

from django.db import migrations

KEYS = "UPDATE billing_invoice SET key = 'top-up:' || payment_id WHERE key IS NULL"
APPEND_ONLY = """
CREATE TRIGGER invoice_is_append_only BEFORE UPDATE OR DELETE ON billing_invoice
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0012_papers_have_tax"),
    ]

    operations = [
        migrations.RunSQL(KEYS, migrations.RunSQL.noop),
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER invoice_is_append_only ON billing_invoice"),
    ]
