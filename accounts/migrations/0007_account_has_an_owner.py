"""The database refuses an account that nobody owns; `account_has_one_owner` refuses a second owner.

Looked at when a transaction commits: opening an account and changing its owner take more than one statement. A
sub-account may wait for its people: its parent acts for it.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refuse_ownerless_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account bigint;
BEGIN
    IF TG_TABLE_NAME = 'accounts_account' THEN
        account := NEW.id;
    ELSE
        account := OLD.account_id;
    END IF;
    IF EXISTS (SELECT 1 FROM accounts_account WHERE id = account AND parent_id IS NULL)
       AND NOT EXISTS (SELECT 1 FROM accounts_membership WHERE account_id = account AND role = 'owner') THEN
        RAISE EXCEPTION 'account % has no owner', account
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_has_an_owner';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER account_has_an_owner AFTER INSERT ON accounts_account
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_ownerless_account();
CREATE CONSTRAINT TRIGGER account_keeps_an_owner AFTER UPDATE OR DELETE ON accounts_membership
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.role = 'owner')
    EXECUTE FUNCTION refuse_ownerless_account();
"""
BACK = """
DROP TRIGGER account_keeps_an_owner ON accounts_membership;
DROP TRIGGER account_has_an_owner ON accounts_account;
DROP FUNCTION refuse_ownerless_account();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_staff_and_sessions")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
