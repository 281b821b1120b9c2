"""Rules fire: what was found becomes rows, once each, and what the rules do."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from kit import clock
from kit.money import plain
from kit.sql import array

from accounts.commands import record
from automation import policy, words
from automation.commands.acts import actor, hold, lines_now
from automation.commands.guard import Guard, wait
from automation.commands.sets import Aim, set_lines
from automation.models import FollowUp, Rule, RuleFire
from automation.policy import Act, Action, LineNow, Outcome, Then, Trigger
from automation.queries.due import Found
from lines.commands.wishes import lock_lines
from lines.models import Line

MOST_NAMED = 250  # lines that one event names


@dataclass(slots=True)
class Fired:
    """How many rules fired for how many lines, and how many lines they turned."""

    fires: int = 0
    turned: int = 0


@transaction.atomic
def fire(*, found: Sequence[Found], payer_id: int | None = None) -> Fired:
    """Writes down what was found and acts on it: whoever comes second with the same finds nothing left to do.

    Of one account, or of all live ones: what a test account's rules do is done by its own clock (commands.sandbox).
    """
    if not found:
        return Fired()
    whose = {"account__is_test": False} if payer_id is None else {"account": payer_id}
    rules = {rule.pk: rule for rule in Rule.objects.filter(pk__in={one.rule_id for one in found}, **whose)}
    found = [one for one in found if one.rule_id in rules]
    acts = [one for one in found if rules[one.rule_id].action != Action.TELL and not rules[one.rule_id].is_shadow]
    states = lock_lines(line_ids=sorted({one.line_id for one in acts if one.line_id}))
    guard = Guard(line_ids=[state.pk for state in states], now=clock.now())
    fires = _insert(found, rules, guard.now)
    stopping = [one for one in fires if one.outcome == Outcome.WAITS]
    turned = act(fires=stopping, lines=lines_now(states=states, guard=guard), guard=guard)
    setting = [one for one in fires if one.outcome == Outcome.SET]
    set_lines(wants=[(one, Aim.of_rule(one.rule)) for one in setting], guard=guard)
    RuleFire.objects.bulk_update(stopping + setting, ["outcome", "acted_at"], batch_size=2000)
    say(fires=fires)
    return Fired(len(fires), turned)


INSERT = """
INSERT INTO automation_rulefire
       (rule_id, account_id, line_id, period, is_shadow, fired_at, value, because, outcome, lifts_at, mail_due)
SELECT rule_id, account_id, line_id, period, is_shadow, %(now)s, value, because, outcome, lifts_at, mail_due
  FROM unnest(%(rules)s::bigint[], %(accounts)s::bigint[], %(lines)s::bigint[], %(periods)s::text[],
              %(shadows)s::boolean[], %(values)s::numeric[], %(becauses)s::text[], %(outcomes)s::text[],
              %(lifts)s::timestamptz[], %(mails)s::boolean[])
       AS f(rule_id, account_id, line_id, period, is_shadow, value, because, outcome, lifts_at, mail_due)
 ORDER BY line_id, rule_id
ON CONFLICT DO NOTHING RETURNING id
"""


def _insert(found: Sequence[Found], rules: dict[int, Rule], now: dt.datetime) -> list[RuleFire]:
    """Those of them that had not fired: rows of ours."""
    told = set(Rule.tells.through.objects.filter(rule__in=rules).values_list("rule_id", flat=True))
    rows = [(one, rules[one.rule_id]) for one in found]
    parameters: dict[str, Any] = {
        "now": now,
        "rules": array(rule.pk for _, rule in rows),
        "accounts": array(rule.account_id for _, rule in rows),
        "lines": array(one.line_id for one, _ in rows),
        "periods": array(one.period for one, _ in rows),
        "shadows": array(rule.is_shadow for _, rule in rows),
        "values": array(one.value for one, _ in rows),
        "becauses": array(_because(one, rule) for one, rule in rows),
        "outcomes": array(_first_outcome(rule).value for _, rule in rows),
        "lifts": array(_lifts_at(one, rule, now) for one, rule in rows),
        "mails": array(rule.pk in told and not rule.is_shadow for _, rule in rows),
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, parameters)
        ids = [row[0] for row in cursor.fetchall()]
    fires = list(RuleFire.objects.filter(pk__in=ids).order_by("pk"))
    for one in fires:
        one.rule = rules[one.rule_id]
    return fires


def _first_outcome(rule: Rule) -> Outcome:
    if rule.is_shadow:
        return Outcome.SHADOW
    return {Action.TELL: Outcome.TOLD, Action.DEACTIVATE: Outcome.WAITS}.get(Action(rule.action), Outcome.SET)


def _because(one: Found, rule: Rule) -> str:
    return words.because(
        rule.trigger, period=rule.period, unit=rule.unit, limit=rule.limit, value=one.value, day=one.day, text=one.text
    )[:300]


def _lifts_at(one: Found, rule: Rule, now: dt.datetime) -> dt.datetime | None:
    return policy.lifts_at(Then(rule.then), hours=rule.then_hours, fired_at=now, day=one.day, month_ends=one.month_ends)


def act(*, fires: Sequence[RuleFire], lines: dict[int, LineNow], guard: Guard) -> int:
    """Does what these fires want of their lines, as far as it may be, and sets their outcomes; says how many it turned.

    Of several on one line the one that lasts longest acts. States must be locked. The fires are not saved.
    """
    by_line: dict[int, list[RuleFire]] = defaultdict(list)
    for one in fires:
        if one.line_id is not None:
            by_line[one.line_id].append(one)
    acting: list[RuleFire] = []
    left: list[int] = []
    waiting: list[FollowUp] = []
    for line_id, its in by_line.items():
        line = lines.get(line_id) or LineNow(is_off=True, is_gone=True)  # given away meanwhile
        longest = max(its, key=lambda one: (one.lifts_at is None, one.lifts_at or guard.now))
        for one in its:
            by = Trigger(one.rule.trigger) in policy.WITH_LIMIT
            one.outcome = policy.judge(line, lifts_at=one.lifts_at, now=guard.now, stands_by=by)
            if one.outcome == Outcome.DEACTIVATED and one is not longest:
                one.outcome = Outcome.ALREADY_OFF
        if longest.outcome == Outcome.DEACTIVATED:
            acting.append(longest)
        left += [line_id for one in its if one.outcome == Outcome.LEFT]
        waiting += [
            FollowUp(fire=one, line_id=line_id, act=Act.DEACTIVATE, due_at=policy.free_from(line.changes, guard.now))
            for one in its
            if one.outcome == Outcome.WAITS
        ]
    turned = hold(fires=acting, lines=lines, guard=guard)
    wait(planned=waiting)
    guard.leave_alone(left)
    return turned


def say(*, fires: Sequence[RuleFire]) -> None:
    """One event for each rule that fired and acts, with the lines that it fired for."""
    by_rule: dict[Rule, list[RuleFire]] = defaultdict(list)
    for one in fires:
        if not one.is_shadow:
            by_rule[one.rule].append(one)
    iccids = Line.objects.in_bulk([one.line_id for one in fires if one.line_id])
    for rule, its in by_rule.items():
        for start in range(0, len(its), MOST_NAMED):
            record(
                by=actor(rule=rule),
                verb="rule.fired",
                account_id=rule.account_id,
                subject=f"rule:{rule.uuid.hex}",
                detail={
                    "rule": rule.name,
                    "lines": [
                        {
                            "iccid": iccids[one.line_id].iccid if one.line_id else None,
                            "value": None if one.value is None else plain(one.value),
                            "because": words.because_without_text(rule.trigger, word=rule.word, because=one.because),
                            "outcome": one.outcome,
                        }
                        for one in its[start : start + MOST_NAMED]
                    ],
                },
            )
