"""Each account's events become a chain of hashes: a row that was changed, slipped in or taken out breaks it."""

from django.db import migrations, models

# A link's hash is over all that was written and the hash before; jsonb writes each value in one way.
FORWARD = """
CREATE FUNCTION event_hash(e accounts_event, before bytea) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(coalesce(before, '') || convert_to(jsonb_build_array(
        e.id, e.account_id, e.link, extract(epoch FROM e.at), e.actor_kind, e.actor_name, e.verb, e.subject, e.detail
    )::text, 'UTF8'))
$$;

CREATE FUNCTION seal_events(most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    e accounts_event;
    chain bigint;
    before bytea;
    last bigint;
    done integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('seal_events')) THEN
        RETURN 0;
    END IF;
    FOR e IN SELECT * FROM (SELECT * FROM accounts_event WHERE hash IS NULL ORDER BY id LIMIT most) AS oldest
              ORDER BY account_id NULLS FIRST, id
    LOOP
        IF done = 0 OR chain IS DISTINCT FROM e.account_id THEN
            chain := e.account_id;
            IF chain IS NULL THEN
                SELECT link, hash INTO last, before FROM accounts_event
                 WHERE account_id IS NULL AND link IS NOT NULL ORDER BY link DESC LIMIT 1;
            ELSE
                SELECT link, hash INTO last, before FROM accounts_event
                 WHERE account_id = chain AND link IS NOT NULL ORDER BY link DESC LIMIT 1;
            END IF;
        END IF;
        last := coalesce(last, 0) + 1;
        e.link := last;
        before := event_hash(e, before);
        UPDATE accounts_event SET link = last, hash = before WHERE id = e.id;
        done := done + 1;
    END LOOP;
    RETURN done;
END $$;

CREATE FUNCTION refuse_change_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.hash IS NULL AND OLD.link IS NULL AND NEW.hash IS NOT NULL AND NEW.link IS NOT NULL
       AND ROW(NEW.id, NEW.account_id, NEW.at, NEW.actor_kind, NEW.actor_name, NEW.verb, NEW.subject, NEW.detail)
           IS NOT DISTINCT FROM
           ROW(OLD.id, OLD.account_id, OLD.at, OLD.actor_kind, OLD.actor_name, OLD.verb, OLD.subject, OLD.detail) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER event_is_append_only ON accounts_event;
CREATE TRIGGER event_is_append_only BEFORE DELETE ON accounts_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_is_sealed_once BEFORE UPDATE ON accounts_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_event();
"""
BACK = """
DROP TRIGGER event_is_sealed_once ON accounts_event;
DROP TRIGGER event_is_append_only ON accounts_event;
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE ON accounts_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP FUNCTION refuse_change_of_event();
DROP FUNCTION seal_events(integer);
DROP FUNCTION event_hash(accounts_event, bytea);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_account_has_an_owner"),
    ]

    operations = [
        migrations.AddField(
            model_name="event",
            name="hash",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="event",
            name="link",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(condition=models.Q(("hash__isnull", True)), fields=["id"], name="event_to_seal"),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.UniqueConstraint(
                condition=models.Q(("link__isnull", False)),
                fields=("account", "link"),
                name="event_is_one_link_of_its_chain",
                nulls_distinct=False,
            ),
        ),
        migrations.RunSQL(FORWARD, BACK),
    ]
