"""Rules that met a line which was off already: they act when it comes on within the period, over the limit."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction
from kit import clock

from automation import policy
from automation.commands.acts import lines_now
from automation.commands.fires import act, say
from automation.commands.guard import Guard
from automation.models import RuleFire
from automation.policy import Action, Outcome, Then
from lines.commands.wishes import lock_lines
from lines.counting import Turns, cycles_around
from lines.policy import Wanted
from lines.policy.precedence import Request, Result, Standing, leads_to

# Fires that stand by, of rules that act and are over their limit still, whose line is where a rule may hold it.
COME_ON = f"""
SELECT f.id, f.line_id
  FROM automation_rulefire f
  JOIN automation_rule r ON r.id = f.rule_id
  JOIN lines_line l ON l.id = f.line_id AND l.payer_id = f.account_id
  JOIN lines_linestate st ON st.line_id = f.line_id
 WHERE f.outcome = '{Outcome.STANDS_BY}' AND r.is_on AND r.deleted_at IS NULL AND NOT r.is_shadow
   AND r.action = '{Action.DEACTIVATE}' AND f.value > r."limit"
   AND CASE WHEN %(payer)s::bigint IS NULL
            THEN NOT EXISTS (SELECT FROM accounts_account t WHERE t.id = f.account_id AND t.is_test)
            ELSE f.account_id = %(payer)s END
   AND CASE WHEN st.wanted = {Wanted.ACTIVE:d} THEN '{Standing.ON}' ELSE st.why END = ANY(%(standings)s)
 ORDER BY f.line_id, f.id LIMIT %(limit)s
"""


def end_standing_by(*, today: dt.date, payer_id: int | None = None) -> int:
    """A fire whose period is over has found its line off, of one account or of all live ones; says how many."""
    whose = {"account__is_test": False} if payer_id is None else {"account": payer_id}
    over = [
        pk
        for pk, period in RuleFire.objects.filter(outcome=Outcome.STANDS_BY, **whose).values_list("pk", "period")
        if policy.period_ends(period) <= today
    ]
    waiting = RuleFire.objects.filter(pk__in=over, outcome=Outcome.STANDS_BY)
    return waiting.update(outcome=Outcome.ALREADY_OFF) if over else 0


@transaction.atomic
def fire_for_lines_that_came_on(*, limit: int = 1000, payer_id: int | None = None) -> int:
    """Rules that stood by act on lines that somebody switched on meanwhile, of one account or of all live ones; says
    how many turned. Harmless twice."""
    standings = [standing.value for standing in leads_to(Request.RULE_HOLDS, Result.RULE)]
    with connection.cursor() as cursor:
        cursor.execute(COME_ON, {"standings": standings, "limit": limit, "payer": payer_id})
        found = cursor.fetchall()
    if not found:
        return 0
    states = lock_lines(line_ids=sorted({line_id for _, line_id in found}))
    rows = RuleFire.objects.filter(pk__in=[pk for pk, _ in found], outcome=Outcome.STANDS_BY)
    fires = list(rows.select_related("rule", "line__carrier").order_by("pk").select_for_update(of=("self",)))
    guard = Guard(line_ids=[state.pk for state in states], now=clock.now())
    for one in fires:
        _fires_now(one, guard.now)
    turned = act(fires=fires, lines=lines_now(states=states, guard=guard), guard=guard)
    RuleFire.objects.bulk_update(fires, ["outcome", "acted_at", "fired_at", "lifts_at", "mail_due"], batch_size=2000)
    say(fires=fires)
    return turned


def _fires_now(one: RuleFire, now: dt.datetime) -> None:
    """It fires at this moment, about the day or month that it was found in."""
    one.fired_at, one.mail_due = now, one.rule.tells.exists()
    day = dt.date.fromisoformat(one.period.partition(":")[2])
    one.lifts_at = policy.lifts_at(
        Then(one.rule.then),
        hours=one.rule.then_hours,
        fired_at=now,
        day=day,
        month_ends=cycles_around(day, one.line.carrier.turns if one.line else Turns()).following,
    )
