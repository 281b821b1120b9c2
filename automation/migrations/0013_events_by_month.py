"""Events are kept by month, by the same parts as sessions (kit/parts.py). Here and not where they are written, as who
reads them last is here: no month goes that a reader of ours is still before.

A month that goes leaves of each chain where its links ended, so that the proof of what stays goes on from there."""

from django.db import migrations, models
from kit.parts import Parted, become_parts, when_nobody_waits

# Where a part's links begin and end in each chain: one run for most accounts, more where links were made out of order.
RUNS = """
INSERT INTO accounts_gonelinks (account_id, first_link, last_link, hash, erased, until)
SELECT i.account_id, i.first_link, i.last_link,
       coalesce((SELECT e.hash FROM %1$I e WHERE e.account_id = i.account_id AND e.link = i.last_link),
                (SELECT e.hash FROM %1$I e WHERE e.account_id IS NULL AND i.account_id IS NULL AND e.link = i.last_link)),
       CASE WHEN a.erased_at IS NOT NULL THEN
           (SELECT max(e.link) FROM %1$I e WHERE e.account_id = i.account_id AND e.verb = 'account.erased'
               AND e.link BETWEEN i.first_link AND i.last_link AND e.erased_at IS NULL) END,
       (SELECT p.until FROM event_parts() p WHERE p.name = %1$L)
  FROM (SELECT account_id, min(link) AS first_link, max(link) AS last_link
          FROM (SELECT account_id, link, link - row_number() OVER (PARTITION BY account_id ORDER BY link) AS run
                  FROM %1$I WHERE link IS NOT NULL) AS links
         GROUP BY account_id, run) AS i
  LEFT JOIN accounts_account a ON a.id = i.account_id
"""
# Runs that follow each other become one: the first takes what the last says.
ONE_RUN = """
    WITH begun AS (
        SELECT g.*, first_link IS DISTINCT FROM lag(last_link) OVER chain + 1 AS begins
          FROM accounts_gonelinks g WINDOW chain AS (PARTITION BY account_id ORDER BY first_link)
    ), numbered AS (
        SELECT b.*, count(*) FILTER (WHERE begins) OVER (PARTITION BY account_id ORDER BY first_link) AS run FROM begun b
    ), runs AS (
        SELECT (array_agg(id ORDER BY first_link))[1] AS id, max(last_link) AS last_link,
               (array_agg(hash ORDER BY last_link DESC))[1] AS hash, max(erased) AS erased, max(until) AS until
          FROM numbered GROUP BY account_id, run HAVING count(*) > 1
    )
    UPDATE accounts_gonelinks g SET last_link = r.last_link, hash = r.hash, erased = r.erased, until = r.until
      FROM runs r WHERE g.id = r.id;
    DELETE FROM accounts_gonelinks WHERE id IN (
        SELECT id FROM (
            SELECT id, last_link <= max(last_link) OVER (PARTITION BY account_id ORDER BY first_link
                                                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_within
              FROM accounts_gonelinks
        ) AS g WHERE is_within);
"""
# The event that names the digest is of a moment that is kept: the next one is written before it goes.
CLOSE = f"""
CREATE FUNCTION close_event_part(part text, before timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    newest bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('close_event_part'));
    EXECUTE format('SELECT coalesce(max(id), 0) FROM %I', part) INTO newest;
    PERFORM set_config('linekeeper.event_part_closed', newest::text, true);
    IF newest = 0 THEN
        RETURN;
    END IF;
    EXECUTE format($runs${RUNS}$runs$, part);
    {ONE_RUN}
    INSERT INTO accounts_event (at, actor_kind, actor_name, verb, subject, detail)
    SELECT greatest(now(), before), 'system', 'system', 'audit.month_dropped', '',
           jsonb_build_object('until', (SELECT p.until FROM event_parts() p WHERE p.name = part),
                              'links', coalesce((SELECT sum(last_link - first_link + 1) FROM accounts_gonelinks), 0),
                              'digest', gone_links_digest());
END $$;
"""
# As they were, with the row's type as it is now; a chain goes on behind what is gone of it.
CHAIN = """
CREATE FUNCTION event_hash(e accounts_event, before bytea) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(coalesce(before, '') || convert_to(jsonb_build_array(
        e.id, e.account_id, e.link, extract(epoch FROM e.at), e.actor_kind, e.actor_name, e.verb, e.subject, e.detail
    )::text, 'UTF8'))
$$;
CREATE OR REPLACE FUNCTION seal_events(most integer) RETURNS integer LANGUAGE plpgsql AS $$
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
                SELECT h.link, h.hash INTO last, before FROM (
                    (SELECT link, hash FROM accounts_event
                      WHERE account_id IS NULL AND link IS NOT NULL ORDER BY link DESC LIMIT 1)
                    UNION ALL
                    (SELECT last_link, hash FROM accounts_gonelinks
                      WHERE account_id IS NULL ORDER BY last_link DESC LIMIT 1)
                ) AS h ORDER BY 1 DESC LIMIT 1;
            ELSE
                SELECT h.link, h.hash INTO last, before FROM (
                    (SELECT link, hash FROM accounts_event
                      WHERE account_id = chain AND link IS NOT NULL ORDER BY link DESC LIMIT 1)
                    UNION ALL
                    (SELECT last_link, hash FROM accounts_gonelinks
                      WHERE account_id = chain ORDER BY last_link DESC LIMIT 1)
                ) AS h ORDER BY 1 DESC LIMIT 1;
            END IF;
        END IF;
        last := coalesce(last, 0) + 1;
        e.link := last;
        before := event_hash(e, before);
        UPDATE accounts_event SET link = last, hash = before WHERE id = e.id AND at = e.at;
        done := done + 1;
    END LOOP;
    RETURN done;
END $$;
"""
# Who seals holds the lock already; whoever else writes a link waits for it.
ONE_LINK = """
CREATE FUNCTION refuse_second_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('seal_events'));
    IF EXISTS (SELECT FROM accounts_event e WHERE e.account_id = NEW.account_id AND e.link = NEW.link AND e.id <> NEW.id)
       OR (NEW.account_id IS NULL AND EXISTS (SELECT FROM accounts_event e WHERE e.account_id IS NULL
                                                 AND e.link = NEW.link AND e.id <> NEW.id))
       OR EXISTS (SELECT FROM accounts_gonelinks g WHERE g.account_id IS NOT DISTINCT FROM NEW.account_id
                     AND NEW.link BETWEEN g.first_link AND g.last_link) THEN
        RAISE EXCEPTION 'link % of the chain of account % is another event', NEW.link, NEW.account_id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'event_is_one_link_of_its_chain';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER event_is_one_link_of_its_chain AFTER INSERT OR UPDATE OF account_id, link ON accounts_event
    FOR EACH ROW WHEN (NEW.link IS NOT NULL) EXECUTE FUNCTION refuse_second_link();
"""
# The row's type was the table's that is a part now, and would keep it from going.
THEN = "DROP FUNCTION event_hash(accounts_event_before, bytea);" + CHAIN + ONE_LINK + CLOSE
EVENTS = Parted(
    "accounts_event",
    "event",
    "at",
    "EXISTS (SELECT FROM %1$I WHERE hash IS NULL)"
    " OR EXISTS (SELECT FROM automation_swept w WHERE w.last_event < (SELECT max(e.id) FROM %1$I e)"
    "    AND (w.name = 'feed' OR w.name = 'rules' AND EXISTS (SELECT FROM automation_rule r WHERE r.is_on"
    "         AND r.deleted_at IS NULL AND r.trigger IN ('imei', 'sms') AND r.since < $1)))"
    " OR EXISTS (SELECT FROM automation_followup f JOIN automation_rulefire r ON r.id = f.fire_id"
    "    WHERE f.state = 'open' AND coalesce(r.acted_at, r.fired_at) < $1)",
    meanwhile="EXISTS (SELECT FROM %1$I WHERE hash IS NULL) OR (SELECT coalesce(max(e.id), 0) FROM %1$I e)"
    " > current_setting('linekeeper.event_part_closed')::bigint",
    indexes={"event_by_link": "(account_id, link) WHERE link IS NOT NULL"},
    each="CREATE OR REPLACE TRIGGER event_is_never_emptied BEFORE TRUNCATE ON %1$I"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    closing="PERFORM close_event_part(part, before);",
    then=THEN,
)


# Nothing may point to a row by its number alone. A message says all that is sent, and its event may be gone.
POINTED = """
DO $$
DECLARE
    one record;
BEGIN
    PERFORM set_config('lock_timeout', '700ms', true);
    LOCK TABLE accounts_event, automation_webhookdelivery IN ACCESS EXCLUSIVE MODE;
    FOR one IN SELECT conname FROM pg_constraint WHERE conrelid = 'automation_webhookdelivery'::regclass
                  AND confrelid = 'accounts_event'::regclass AND contype = 'f' LOOP
        EXECUTE format('ALTER TABLE automation_webhookdelivery DROP CONSTRAINT %I', one.conname);
    END LOOP;
END $$
"""


def by_month(apps, schema_editor):  # type: ignore[no-untyped-def]  # noqa: ARG001
    with schema_editor.connection.cursor() as cursor:
        when_nobody_waits(cursor, POINTED)
        become_parts(cursor, EVENTS)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0012_links_may_go_with_their_months"),
        ("automation", "0012_caps_hold_lines_too"),
    ]

    operations = [
        migrations.RunPython(by_month, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "webhookdelivery",
                    "event",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=models.DO_NOTHING,
                        related_name="+",
                        to="accounts.event",
                    ),
                ),
            ],
        ),
    ]
