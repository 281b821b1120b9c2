"""An account may be the test account of another."""

import django.db.models.deletion
from django.db import migrations, models

# A test account has no people of its own, and neither has what became of it.
OWNED = """
CREATE OR REPLACE FUNCTION refuse_ownerless_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account bigint;
BEGIN
    IF TG_TABLE_NAME = 'accounts_account' THEN
        account := NEW.id;
    ELSE
        account := OLD.account_id;
    END IF;
    IF EXISTS (SELECT 1 FROM accounts_account
                WHERE id = account AND parent_id IS NULL AND erased_at IS NULL{but})
       AND NOT EXISTS (SELECT 1 FROM accounts_membership WHERE account_id = account AND role = 'owner') THEN
        RAISE EXCEPTION 'account % has no owner', account
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_has_an_owner';
    END IF;
    RETURN NULL;
END $$;
"""
# What is real stays so, and what is not: no account goes from one to the other.
STAYS = """
CREATE FUNCTION refuse_other_side() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'account % stays on its side: live or test', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'account_stays_live_or_test';
END $$;
CREATE TRIGGER account_stays_live_or_test BEFORE UPDATE OF is_test ON accounts_account
    FOR EACH ROW WHEN (OLD.is_test <> NEW.is_test) EXECUTE FUNCTION refuse_other_side();
"""
GOES = """
DROP TRIGGER account_stays_live_or_test ON accounts_account;
DROP FUNCTION refuse_other_side();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_links_may_go_with_their_months"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="is_test",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="account",
            name="live",
            field=models.OneToOneField(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="test",
                to="accounts.account",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("live", None), ("is_test", True), _connector="OR"),
                name="account_of_another_is_a_test",
            ),
        ),
        migrations.RunSQL(OWNED.format(but=" AND NOT is_test"), OWNED.format(but="")),
        migrations.RunSQL(STAYS, GOES),
    ]
