"""What was used was charged at the price of then: a price stays as it was, and a correction is a row with a later date."""

from django.db import migrations

# What the carrier takes may be learned later: it moves no money. A price whose moment has not come may be taken back.
NEVER_CHANGED = """
CREATE FUNCTION keep_prices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND ROW(NEW.id, NEW.plan_id, NEW.valid_from, NEW.per_mb, NEW.per_sms, NEW.per_day)
        IS NOT DISTINCT FROM ROW(OLD.id, OLD.plan_id, OLD.valid_from, OLD.per_mb, OLD.per_sms, OLD.per_day) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND OLD.valid_from > clock_timestamp() THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'a price is never changed: % of lines_price refused; add a row with a later date', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER price_is_never_changed BEFORE UPDATE OR DELETE ON lines_price
    FOR EACH ROW EXECUTE FUNCTION keep_prices();
CREATE TRIGGER price_is_never_emptied BEFORE TRUNCATE ON lines_price
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("lines", "0045_carriers_spell_iccids")]

    operations = [migrations.RunSQL(NEVER_CHANGED, migrations.RunSQL.noop)]
