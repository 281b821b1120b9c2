"""Indexes behind the search: how an IMEI or a number starts or ends, and the words of notes."""

from django.db import migrations

FORWARD = """
CREATE INDEX line_by_imei ON lines_line (imei text_pattern_ops) WHERE imei <> '';
CREATE INDEX line_by_imei_end ON lines_line (reverse(imei) text_pattern_ops) WHERE imei <> '';
CREATE INDEX line_by_msisdn ON lines_line (msisdn text_pattern_ops) WHERE msisdn <> '';
CREATE INDEX line_by_msisdn_end ON lines_line (reverse(msisdn) text_pattern_ops) WHERE msisdn <> '';
CREATE INDEX line_by_words ON lines_line USING gin (to_tsvector('simple', notes));
"""
BACK = """
DROP INDEX line_by_imei, line_by_imei_end, line_by_msisdn, line_by_msisdn_end, line_by_words;
"""


class Migration(migrations.Migration):
    dependencies = [("lines", "0002_state_updates_in_place")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
