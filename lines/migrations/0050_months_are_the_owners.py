"""Months of kept readings are made and dropped by functions of who owns the tables: the application may only change
rows."""

from django.db import migrations

OWNED = """
CREATE FUNCTION drop_reading_month(month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    name text := 'lines_reading_y' || to_char(month, 'YYYY') || 'm' || to_char(month, 'MM');
    has_some boolean;
BEGIN
    IF to_regclass(name) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO has_some;
    IF has_some AND NOT EXISTS (SELECT 1 FROM lines_opening WHERE at >= month + interval '1 month') THEN
        RAISE 'nothing stands for the readings of %', name;
    END IF;
    EXECUTE format('DROP TABLE %I', name);
    RETURN true;
END $$;
DO $$
DECLARE
    called text;
BEGIN
    FOREACH called IN ARRAY ARRAY['make_reading_month(date)', 'drop_reading_month(date)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', called, current_schema());
    END LOOP;
END $$;
"""
BACK = """
DROP FUNCTION drop_reading_month(date);
ALTER FUNCTION make_reading_month(date) SECURITY INVOKER RESET ALL;
"""


class Migration(migrations.Migration):
    dependencies = [("lines", "0049_words_states_and_names")]

    operations = [migrations.RunSQL(OWNED, BACK)]
