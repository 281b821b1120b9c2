"""What stays of a chain's links that went with their months. Events become parts where nothing points to them any more
(automation 0013): the index and the trigger that keep a link one are made there."""

import django.db.models.deletion
from django.db import migrations, models

# Only who drops a month writes here, which is a function of who owns the tables.
OWNERS = """
CREATE FUNCTION refuse_change_of_gone_links() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
                    WHERE c.oid = TG_RELID AND r.rolname = current_user) THEN
        RAISE EXCEPTION '% is written where a month goes: % refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER gone_links_are_the_owners BEFORE INSERT OR UPDATE OR DELETE ON accounts_gonelinks
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_gone_links();
"""
# Each row in one way of writing.
DIGEST = """
CREATE FUNCTION gone_links_digest() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(coalesce(string_agg(jsonb_build_array(
        g.account_id, g.first_link, g.last_link, encode(g.hash, 'hex'), g.erased, extract(epoch FROM g.until)
    )::text, ' ' ORDER BY g.account_id NULLS FIRST, g.first_link), ''), 'UTF8')), 'hex') FROM accounts_gonelinks g
$$;
"""
GONE = """
DROP FUNCTION gone_links_digest();
DROP TRIGGER gone_links_are_the_owners ON accounts_gonelinks;
DROP FUNCTION refuse_change_of_gone_links();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_calls_of_office_keys_are_counted")]

    operations = [
        migrations.CreateModel(
            name="GoneLinks",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_link", models.BigIntegerField()),
                ("last_link", models.BigIntegerField()),
                ("hash", models.BinaryField()),
                ("erased", models.BigIntegerField(null=True)),
                ("until", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["account", "first_link"], nulls_distinct=False, name="gone_links_are_told_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("last_link__gte", models.F("first_link"))), name="gone_links_have_an_end"
                    ),
                ]
            },
        ),
        migrations.RunSQL(OWNERS + DIGEST, GONE),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    "event",
                    models.Index(
                        condition=models.Q(("link__isnull", False)), fields=["account", "link"], name="event_by_link"
                    ),
                ),
                migrations.RemoveConstraint("event", "event_is_one_link_of_its_chain"),
            ],
        ),
    ]
