"""At which plan's prices a line runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import connection, transaction
from kit import clock
from kit.sql import array

from accounts.commands import Happened, record_many
from accounts.policy import Actor
from lines.carriers.base import Setting
from lines.commands.daily import turned_away
from lines.commands.fees import restart_spans
from lines.commands.settings import set_on_lines
from lines.commands.wishes import facts_of, lock_lines
from lines.models import Line, RatePlan
from lines.policy import Action, Verdict
from lines.policy.budget import Costly
from lines.policy.judging import judge
from lines.queries.plans import may_take


@transaction.atomic
def change_plan_of_lines(*, line_ids: Sequence[int], plan: RatePlan, by: Actor) -> dict[int, Verdict]:
    """Puts lines on another rate plan of their carrier: what is read from now on is at its prices, and so are
    the fees from tomorrow on, or from today where the line was not on yet. A plan that is not offered to their payer
    is refused. Harmless twice."""
    states = {state.pk: state for state in lock_lines(line_ids=line_ids)}
    verdicts = dict.fromkeys(line_ids, Verdict.GONE)
    payers = {state.line.payer_id for state in states.values() if state.line.payer_id is not None}
    offered = may_take(plan=plan, payer_ids=payers)
    for pk, facts in facts_of(states=list(states.values()), by=by).items():
        line = states[pk].line
        about = replace(
            facts,
            is_so=line.plan_id == plan.pk,
            other_carrier=line.carrier_id != plan.carrier_id,
            not_offered=line.payer_id not in offered,
        )
        verdicts[pk] = judge(Action.PLAN, about)
    may = {pk: states[pk].line.payer_id for pk, verdict in verdicts.items() if verdict is Verdict.DO}
    verdicts |= turned_away(payers=may, kind=Costly.SETTING, by=by)
    due = [states[pk].line for pk, verdict in verdicts.items() if verdict is Verdict.DO]
    before = dict(RatePlan.objects.filter(pk__in={line.plan_id for line in due}).values_list("pk", "name"))
    _put_on(plan, due)
    restart_spans(line_ids=[line.pk for line in due], at=clock.now())
    if plan.code and due:
        set_on_lines(line_ids=[line.pk for line in due], setting=Setting.PLAN, value=plan.code, by=by, is_counted=True)
    record_many(
        by=by,
        verb="line.plan_changed",
        things=[  # the payer's event: who only holds a line knows nothing of prices
            Happened(line.payer_id, f"line:{line.iccid}", {"before": before[line.plan_id], "after": plan.name})
            for line in due
        ],
    )
    return verdicts


# Two changes at one moment are two rows of a line's history, the second one after the first.
PUT_ON = """
UPDATE lines_line SET plan_id = %(plan)s,
       plan_since = greatest(%(now)s, coalesce(plan_since, added_at) + interval '1 microsecond')
 WHERE id = ANY(%(lines)s::bigint[])
"""


def _put_on(plan: RatePlan, lines: Sequence[Line]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(PUT_ON, {"plan": plan.pk, "now": clock.now(), "lines": array(line.pk for line in lines)})
