"""Who turns many lines by one statement writes their times on in it, and says so; the trigger is for all others."""

from django.db import migrations

IS_ON = "({0}.wanted = 1 AND coalesce({0}.reported, 0) = 1 AND NOT {0}.blocked)"
TURNS = f"{IS_ON.format('NEW')} <> {IS_ON.format('OLD')}"
FOLLOW = """
DROP TRIGGER line_turns_on_or_off ON lines_linestate;
CREATE TRIGGER line_turns_on_or_off AFTER UPDATE OF wanted, reported, blocked ON lines_linestate
    FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION lines_follow_state();
"""


class Migration(migrations.Migration):
    dependencies = [("lines", "0058_openings_may_go")]

    operations = [
        migrations.RunSQL(
            FOLLOW.format(when=f"{TURNS} AND coalesce(current_setting('linekeeper.times_on', true), '') <> 'written'"),
            FOLLOW.format(when=TURNS),
        )
    ]
