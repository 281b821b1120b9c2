"""Room on each page of the tables that every reading updates, and an index for an ICCID's last digits."""

from django.db import migrations

FORWARD = """
ALTER TABLE lines_linestate SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE lines_lineday SET (fillfactor = 80);
CREATE INDEX line_by_last_digits ON lines_line (reverse(iccid) text_pattern_ops);
"""
BACK = """
DROP INDEX line_by_last_digits;
ALTER TABLE lines_lineday RESET (fillfactor);
ALTER TABLE lines_linestate RESET (fillfactor, autovacuum_vacuum_scale_factor);
"""


class Migration(migrations.Migration):
    dependencies = [("lines", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
