"""Where each line was last seen by each of its payers, so that zones can be told from the first look on."""

from django.db import migrations

LAST_SEEN = """
INSERT INTO lines_linecountry (line_id, payer_id, since, country, after_reading, known_at)
SELECT s.line_id, s.payer_id, s.started_at, s.country, coalesce(st.reading_id, 0), clock_timestamp()
  FROM (SELECT DISTINCT ON (line_id, payer_id) line_id, payer_id, started_at, country
          FROM lines_sighting WHERE country <> ''
         ORDER BY line_id, payer_id, started_at DESC, id DESC) s
  JOIN lines_linestate st ON st.line_id = s.line_id
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("lines", "0072_zones")]

    operations = [migrations.RunSQL(LAST_SEEN, migrations.RunSQL.noop)]
