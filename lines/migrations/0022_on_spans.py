import django.db.models.deletion
from django.db import migrations, models

# Wanted active (1), and the carrier says on (1) and has not stopped it.
IS_ON = "({0}.wanted = 1 AND coalesce({0}.reported, 0) = 1 AND NOT {0}.blocked)"
NEW, OLD = IS_ON.format("NEW"), IS_ON.format("OLD")

# A change is from the moment of the wish or of the carrier's answer that made it; the
# last day that was charged was one on which the line was on. The open span is found by index
# alone: a table that was empty when it was last analysed would be scanned whole for each line of a suspension.
FOLLOW = f"""
CREATE FUNCTION lines_follow_state() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    moment timestamptz;
BEGIN
    IF TG_OP = 'INSERT' THEN
        moment := greatest(NEW.wanted_at, NEW.confirmed_at);
    ELSE
        moment := greatest(CASE WHEN NEW.wanted <> OLD.wanted THEN NEW.wanted_at END,
                           CASE WHEN NEW.reported IS DISTINCT FROM OLD.reported OR NEW.blocked <> OLD.blocked
                                THEN coalesce(NEW.confirmed_at, NEW.wanted_at) END);
    END IF;
    IF {NEW} THEN
        INSERT INTO lines_onspan (line_id, payer_id, plan_id, started_at, due_day)
        SELECT NEW.line_id, payer_id, plan_id, moment, (moment AT TIME ZONE 'UTC')::date
          FROM lines_line WHERE id = NEW.line_id AND payer_id IS NOT NULL;
    ELSE
        UPDATE lines_onspan
           SET ended_at = greatest(started_at, moment,
                                   (due_day - 1)::timestamp AT TIME ZONE 'UTC' + interval '1 microsecond')
         WHERE line_id = NEW.line_id AND ended_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_state_is_new AFTER INSERT ON lines_linestate
    FOR EACH ROW WHEN ({NEW}) EXECUTE FUNCTION lines_follow_state();
CREATE TRIGGER line_turns_on_or_off AFTER UPDATE OF wanted, reported, blocked ON lines_linestate
    FOR EACH ROW WHEN ({NEW} <> {OLD}) EXECUTE FUNCTION lines_follow_state();
"""
UNFOLLOW = """
DROP TRIGGER line_turns_on_or_off ON lines_linestate;
DROP TRIGGER line_state_is_new ON lines_linestate;
DROP FUNCTION lines_follow_state();
"""

# What an installation has already: the days that were charged, as whole days, and lines that are on now, which owe
# from the day after their last fee.
CARRY = f"""
INSERT INTO lines_onspan (line_id, payer_id, plan_id, started_at, ended_at)
SELECT line_id, payer_id, plan_id, min(day)::timestamp AT TIME ZONE 'UTC',
       (max(day) + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond'
  FROM (SELECT d.line_id, d.payer_id, p.plan_id, d.day,
               d.day - row_number() OVER (PARTITION BY d.line_id, d.payer_id, p.plan_id ORDER BY d.day)::int AS run
          FROM lines_lineday d JOIN lines_price p ON p.id = d.price_id WHERE d.fee > 0) days
 GROUP BY line_id, payer_id, plan_id, run;
INSERT INTO lines_onspan (line_id, payer_id, plan_id, started_at, due_day)
SELECT line_id, payer_id, plan_id, began, (began AT TIME ZONE 'UTC')::date
  FROM (SELECT st.line_id, l.payer_id, l.plan_id,
               greatest(st.reported_at, st.wanted_at, (st.fee_day + 1)::timestamp AT TIME ZONE 'UTC') AS began
          FROM lines_linestate st JOIN lines_line l ON l.id = st.line_id
         WHERE l.payer_id IS NOT NULL AND {IS_ON.format("st")}) now_on;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_schema"),
        ("lines", "0021_holders_days"),
    ]

    operations = [
        migrations.CreateModel(
            name="OnSpan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("due_day", models.DateField(null=True)),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="on_spans",
                        to="lines.line",
                    ),
                ),
                (
                    "payer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lines.rateplan",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["line", "started_at"], name="span_of_line"),
                    models.Index(
                        condition=models.Q(("due_day__isnull", False)),
                        fields=["plan", "due_day"],
                        name="span_with_fees_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)), fields=("line",), name="line_is_on_once_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at", None), ("ended_at__gte", models.F("started_at")), _connector="OR"
                        ),
                        name="span_ends_after_it_began",
                    ),
                ],
            },
        ),
        migrations.RunSQL(CARRY, migrations.RunSQL.noop),
        migrations.RunSQL(FOLLOW, UNFOLLOW),
        # The column stays for workers of the version before, which still ask for it.
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField(model_name="linestate", name="fee_day")]
        ),
    ]
