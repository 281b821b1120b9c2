"""An account may be erased: then it has no owner, and its events say no more than that something happened."""

import uuid

import django.db.models.deletion
import kit.clock
from django.db import migrations, models

# Of an account that was erased nobody is left to own it.
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
    IF EXISTS (SELECT 1 FROM accounts_account WHERE id = account AND parent_id IS NULL AND erased_at IS NULL)
       AND NOT EXISTS (SELECT 1 FROM accounts_membership WHERE account_id = account AND role = 'owner') THEN
        RAISE EXCEPTION 'account % has no owner', account
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_has_an_owner';
    END IF;
    RETURN NULL;
END $$;
"""

# An event is sealed once, and may once lose what it says, where its account is erased: its link and hash stay.
APPEND_ONLY = """
CREATE OR REPLACE FUNCTION refuse_change_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.hash IS NULL AND OLD.link IS NULL AND NEW.hash IS NOT NULL AND NEW.link IS NOT NULL
       AND ROW(NEW.id, NEW.account_id, NEW.at, NEW.actor_kind, NEW.actor_name, NEW.verb, NEW.subject, NEW.detail,
               NEW.erased_at)
           IS NOT DISTINCT FROM
           ROW(OLD.id, OLD.account_id, OLD.at, OLD.actor_kind, OLD.actor_name, OLD.verb, OLD.subject, OLD.detail,
               OLD.erased_at) THEN
        RETURN NEW;
    END IF;
    IF OLD.hash IS NOT NULL AND OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL
       AND ROW(NEW.id, NEW.account_id, NEW.at, NEW.actor_kind, NEW.verb, NEW.link, NEW.hash)
           IS NOT DISTINCT FROM ROW(OLD.id, OLD.account_id, OLD.at, OLD.actor_kind, OLD.verb, OLD.link, OLD.hash)
       AND ROW(NEW.actor_name, NEW.subject, NEW.detail) IS NOT DISTINCT FROM ROW(''::varchar, ''::varchar, '{}'::jsonb)
       AND EXISTS (SELECT 1 FROM accounts_account WHERE id = NEW.account_id AND erased_at IS NOT NULL) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_keys_make_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountExport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("by", models.CharField(max_length=254)),
                ("asked_at", models.DateTimeField(default=kit.clock.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("failed", models.CharField(blank=True, default="", max_length=200)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("rows", models.BigIntegerField(default=0)),
                ("size", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="AccountExportPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("content", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=300)),
                ("asked_by", models.CharField(max_length=254)),
                ("asker_id", models.BigIntegerField(null=True)),
                ("asked_at", models.DateTimeField(default=kit.clock.now)),
                ("is_agreed", models.BooleanField(null=True)),
                ("decided_by", models.CharField(blank=True, max_length=254)),
                ("decided_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="account",
            name="erased_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="event",
            name="erased_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("erased_at", None), ("is_active", False), _connector="OR"),
                name="erased_account_stays_closed",
            ),
        ),
        migrations.AddField(
            model_name="accountexport",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="exports", to="accounts.account"
            ),
        ),
        migrations.AddField(
            model_name="accountexportpart",
            name="export",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="parts",
                to="accounts.accountexport",
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="erasures", to="accounts.account"
            ),
        ),
        migrations.AddIndex(
            model_name="accountexport",
            index=models.Index(
                condition=models.Q(("done_at__isnull", True)), fields=["id"], name="account_export_to_write"
            ),
        ),
        migrations.AddConstraint(
            model_name="accountexportpart",
            constraint=models.UniqueConstraint(fields=("export", "number"), name="account_export_part_is_one"),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_agreed", None)), fields=("account",), name="account_has_one_erasure_that_waits"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("decided_by", ""), ("is_agreed", None)),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("is_agreed__isnull", False),
                        models.Q(("decided_by", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="erasure_is_decided_by_somebody",
            ),
        ),
        migrations.RunSQL(OWNED, migrations.RunSQL.noop),
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
    ]
