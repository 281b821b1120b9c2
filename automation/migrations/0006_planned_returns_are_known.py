from django.db import migrations

# What is planned already: so that a line's page says when it comes back.
FILL = """
INSERT INTO lines_rulehold (line_id, since, until)
SELECT f.line_id, st.wanted_at, max(f.due_at) FROM automation_followup f
  JOIN lines_linestate st ON st.line_id = f.line_id AND st.wanted = 2 AND st.why = 'rule'
 WHERE f.state = 'open' AND f.act = 'activate' GROUP BY f.line_id, st.wanted_at
ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("automation", "0005_rules_stand_by"),
        ("lines", "0036_rules_hold_until"),
    ]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
