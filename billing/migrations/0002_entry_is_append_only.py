"""The ledger is append-only, and the wallet is the one table of money that is written with every page."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER entry_is_append_only BEFORE UPDATE OR DELETE ON billing_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_is_never_emptied BEFORE TRUNCATE ON billing_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE billing_wallet SET (fillfactor = 50);
ALTER TABLE billing_usageday SET (fillfactor = 50);
"""
BACK = """
DROP TRIGGER entry_is_append_only ON billing_entry;
DROP TRIGGER entry_is_never_emptied ON billing_entry;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("accounts", "0002_event_is_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
