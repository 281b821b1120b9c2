from django.db import migrations

# What django.core.cache keeps, as `createcachetable` makes it. Unlogged: after a crash it is empty, and limits of logins
# start anew.
TABLE = """
CREATE UNLOGGED TABLE cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX cache_expires ON cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("lines", "0030_movements_are_held")]

    operations = [migrations.RunSQL(TABLE, "DROP TABLE cache")]
