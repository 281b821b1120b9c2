"""A choice of a custom field stays while a rule is narrowed by it: without it the rule would look at no line, or at
others. The fields are of an app below, which knows no rules; so the database refuses."""

from django.db import migrations

STAYS = """
CREATE FUNCTION refuse_to_lose_a_choice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM automation_rule r
                WHERE r.field_id = NEW.id
                  AND NOT EXISTS (SELECT FROM unnest(NEW.choices) AS c(name) WHERE lower(c.name) = lower(r.field_value)))
    THEN
        RAISE EXCEPTION 'a rule is narrowed by a choice that field % would lose', NEW.id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'rule_names_a_choice_of_its_field';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rule_names_a_choice_of_its_field AFTER UPDATE OF choices ON lines_customfield
    FOR EACH ROW WHEN (NEW.kind = 'choice' AND OLD.choices <> NEW.choices) EXECUTE FUNCTION refuse_to_lose_a_choice();
"""
GOES = """
DROP TRIGGER rule_names_a_choice_of_its_field ON lines_customfield;
DROP FUNCTION refuse_to_lose_a_choice();
"""


class Migration(migrations.Migration):
    dependencies = [("automation", "0014_rules_about_fields"), ("lines", "0068_custom_fields")]

    operations = [migrations.RunSQL(STAYS, GOES)]
