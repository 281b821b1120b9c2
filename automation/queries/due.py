"""Which rules fire for which lines now: set-based, for all rules at once. What has fired in its period is left out."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, Sum
from kit.countries import name_of
from kit.sql import array, prepared

from automation.models import Rule, RuleFire
from automation.policy import Action, Period, Trigger, midnight, says
from automation.queries.scope import DRAFT, IN_SCOPE, Scope, lines_in_scope, scope_of
from billing.models import UsageDay
from lines import policy
from lines.counting import Turns, cycle_sql, cycles_around, next_cycle_sql
from lines.models import Carrier, HolderDay, Line, LineState, SmsMessage
from lines.policy import MEGABYTE, Wanted
from lines.rules import data_cost_sql


@dataclass(frozen=True, slots=True)
class Found:
    """A rule fires: for a line or, without one, for the whole account. `value` is in MB, USD or hours.

    `day`: the first day of the period that it is about; `month_ends`: the first day after the cycle that it is in.
    """

    rule_id: int
    line_id: int | None
    period: str
    value: Decimal | None
    day: dt.date
    month_ends: dt.date
    text: str = ""  # what was said or changed


@dataclass(frozen=True, slots=True)
class Written:
    """A rule as it is being written, as far as it can act at once; `rule_id` is the saved one that it changes."""

    scope: Scope
    trigger: Trigger
    period: str
    unit: str
    limit: Decimal | None
    hours: int | None
    rule_id: int | None = None

    def first(self, today: dt.date) -> dt.date:
        return today if self.period == Period.DAY else today.replace(day=1)


RULES = """
    SELECT * FROM automation_rule
     WHERE is_on AND deleted_at IS NULL AND trigger = %(trigger)s AND (%(rule)s::bigint IS NULL OR id = %(rule)s)
"""
NOT_FIRED = """
    NOT EXISTS (SELECT FROM automation_rulefire f
                 WHERE f.rule_id = r.id AND f.line_id = l.id AND f.period = {period} AND f.is_shadow = r.is_shadow)
"""

# Most lines are under every limit of their account: `l` leaves them by comparing with the loosest of each kind, in
# bytes, and in money by the dearest price and fee that the carrier's lines can have; a line that sent messages which
# cost something is looked at. Only what is left meets the rules. In money a line's period is the current one, whether
# it moved or not: a fee and a message cost too. A day or a cycle that was over before `since` is nobody's current one.
USAGE = """
WITH rule AS MATERIALIZED (
    SELECT r.*, floor(r."limit" * {megabyte})::bigint AS bytes FROM ({rules}) r
), loosest AS MATERIALIZED (
    SELECT account_id,
           min(bytes) FILTER (WHERE unit = 'mb' AND period = 'day') AS day_bytes,
           min(bytes) FILTER (WHERE unit = 'mb' AND period = 'month') AS month_bytes,
           min("limit"::float8) FILTER (WHERE unit = 'usd' AND period = 'day') AS day_usd,
           min("limit"::float8) FILTER (WHERE unit = 'usd' AND period = 'month') AS month_usd,
           bool_or(unit = 'usd') AS has_usd
      FROM rule GROUP BY account_id
), carrier AS MATERIALIZED (
    SELECT c.id, c.cycle_day, c.cycle_since, c.cycle_before, {cycle} AS cycle,
           coalesce(price.per_mb, 0)::float8 * {per_byte} AS per_byte, coalesce(price.per_day, 0)::float8 AS per_day
      FROM lines_carrier c
     CROSS JOIN LATERAL (
           SELECT max(greatest(p.per_mb, p.per_mb_beyond)) AS per_mb,
                  max(p.per_day + p.per_month + p.activation) AS per_day
             FROM lines_price p JOIN lines_rateplan rp ON rp.id = p.plan_id
            WHERE rp.carrier_id = c.id
              AND NOT EXISTS (SELECT FROM lines_price n  -- long replaced: nothing of this cycle costs it
                               WHERE n.plan_id = p.plan_id AND n.valid_from > coalesce(p.valid_from, '-infinity')
                                 AND n.valid_from < %(since)s::date - 62)) price
), l AS MATERIALIZED (
    SELECT l.id, l.iccid, l.payer_id, l.account_id, l.plan_id, c.cycle_day, c.cycle_since, c.cycle_before,
           CASE WHEN st.day >= %(since)s::date THEN st.day END AS day,
           CASE WHEN st.day >= %(since)s::date THEN st.day_bytes END AS day_bytes,
           CASE WHEN st.cycle >= c.cycle THEN st.cycle WHEN st.day >= c.cycle THEN c.cycle END AS cycle,
           m_b.bytes AS month_bytes,
           greatest(st.day, %(since)s::date) AS usd_day, greatest(st.cycle, c.cycle) AS usd_cycle
      FROM lines_linestate st
      JOIN lines_line l ON l.id = st.line_id
      JOIN loosest m ON m.account_id = l.payer_id
      JOIN carrier c ON c.id = l.carrier_id
     CROSS JOIN LATERAL (  -- with what is held, and what was charged to the cycle before since it ended
           SELECT CASE WHEN st.cycle >= c.cycle THEN st.counter - st.baseline + st.held_bytes
                       WHEN st.day >= c.cycle THEN st.boundary_bytes END AS bytes) m_b
     WHERE {which}
       AND ((st.day >= %(since)s::date AND st.day_bytes > m.day_bytes)
         OR m_b.bytes > m.month_bytes
         OR (m.has_usd
             AND (CASE WHEN st.day >= %(since)s::date THEN st.day_bytes ELSE 0 END * c.per_byte * 1.000001 + c.per_day
                  + 0.001 > m.day_usd
               OR coalesce(m_b.bytes, 0) * c.per_byte * 1.000001 + c.per_day * 31 + 0.001 > m.month_usd
               OR EXISTS (SELECT FROM lines_smsmessage s WHERE s.line_id = l.id AND s.payer_id = l.payer_id
                             AND s.price > 0 AND s.accepted_at >= c.cycle))))
)
SELECT r.id, l.id, v.period, v.value, v.day, {month_ends}
  FROM l
  JOIN rule r ON {scope}
 CROSS JOIN LATERAL (
    SELECT CASE r.period WHEN 'day' THEN CASE r.unit WHEN 'usd' THEN l.usd_day ELSE l.day END
                         ELSE CASE r.unit WHEN 'usd' THEN l.usd_cycle ELSE l.cycle END END AS day,
           CASE r.period WHEN 'day' THEN l.day_bytes ELSE l.month_bytes END AS used) u
 CROSS JOIN LATERAL (
    SELECT r.period || ':' || u.day AS period, u.day,
           CASE r.period WHEN 'day' THEN u.day + 1 ELSE {cycle_ends} END AS ends) p
 CROSS JOIN LATERAL (
    SELECT p.period, p.day,
           CASE r.unit WHEN 'mb' THEN round(u.used::numeric / {megabyte}, 6)
                ELSE coalesce((SELECT sum(d.cost + d.fee) FROM lines_lineday d
                                WHERE d.line_id = l.id AND d.payer_id = l.payer_id AND d.day >= p.day AND d.day < p.ends
                                  AND (r.period = 'day' OR d.cycle = p.day)), 0)
                   + coalesce((SELECT sum(o.cost) FROM lines_overage o  -- beyond its own bundle
                                WHERE o.line_id = l.id AND o.payer_id = l.payer_id
                                  AND o.day >= p.day AND o.day < p.ends), 0)
                   + coalesce((SELECT sum({held_cost})  -- held: not charged yet
                                 FROM lines_heldmovement h JOIN lines_price hp ON hp.id = h.price_id
                                WHERE h.line_id = l.id AND h.payer_id = l.payer_id AND h.state = 'held'
                                  AND h.day >= p.day AND h.day < p.ends), 0)
                   + coalesce((SELECT sum(s.price) FROM lines_smsmessage s
                                WHERE s.line_id = l.id AND s.payer_id = l.payer_id
                                  AND s.accepted_at >= p.day::timestamp AT TIME ZONE 'UTC'
                                  AND s.accepted_at < p.ends::timestamp AT TIME ZONE 'UTC'), 0) END AS value) v
 WHERE CASE r.unit WHEN 'mb' THEN u.used > r.bytes ELSE v.value > r."limit" END
   AND {not_fired}
 ORDER BY l.id, r.id
"""


def _usage(which: str, rules: str = RULES) -> str:
    return USAGE.format(
        rules=rules,
        megabyte=MEGABYTE,
        per_byte=policy.PER_BYTE,
        held_cost=data_cost_sql("h.bytes", "hp.per_mb"),
        which=which,
        scope=IN_SCOPE,
        cycle=cycle_sql("%(since)s::date", "c"),
        cycle_ends=next_cycle_sql("u.day", "l"),
        month_ends=next_cycle_sql("v.day", "l"),
        not_fired=NOT_FIRED.format(period="v.period"),
    )


# A rule that is being written, as if it were one; `rule` is the one that it changes, whose periods are used up.
WRITTEN = """
    SELECT coalesce(%(rule)s::bigint, 0) AS id, d.*, %(unit)s::text AS unit, %(period)s::text AS period,
           %(limit)s::numeric AS "limit", %(hours)s::int AS hours, false AS is_shadow
      FROM {draft}
""".format(draft=DRAFT.replace(") r", ") d"))
USAGE_OF_LINES, USAGE_OF_ALL = _usage("st.line_id = ANY(%(lines)s::bigint[])"), _usage("true")


def usage_of_lines(line_ids: Sequence[int], *, since: dt.date) -> list[Found]:
    """Limits of usage that these lines are over, in periods that were running on `since` or later."""
    values = {"trigger": Trigger.USAGE.value, "since": since, "lines": array(line_ids), "rule": None}
    return [Found(*row) for row in prepared(USAGE_OF_LINES, values)]


USAGE_OF_WRITTEN = _usage("true", WRITTEN)


def lines_over_now(draft: Written, *, today: dt.date) -> list[int]:
    """The running lines that a rule which is being written would switch off as soon as it is saved."""
    values: dict[str, Any] = draft.scope.values() | {
        "rule": draft.rule_id,
        "unit": draft.unit,
        "period": draft.period,
        "limit": draft.limit,
        "hours": draft.hours,
        "since": today,
    }
    if draft.trigger is Trigger.COST:
        is_over = (
            draft.limit is not None
            and _cost_since(draft.scope.account_id, draft.scope.holder_id, draft.first(today)) > draft.limit
        )
        line_ids = lines_in_scope(draft.scope) if is_over else []
    elif draft.trigger in (Trigger.USAGE, Trigger.SILENCE):
        with connection.cursor() as cursor:
            cursor.execute(USAGE_OF_WRITTEN if draft.trigger is Trigger.USAGE else SILENCE_OF_WRITTEN, values)
            line_ids = [row[1] for row in cursor.fetchall()]
    else:
        line_ids = []
    running = LineState.objects.filter(pk__in=line_ids, wanted=Wanted.ACTIVE)
    return list(running.order_by("pk").values_list("pk", flat=True))


def usage_of_all(*, today: dt.date, rule_id: int | None = None) -> list[Found]:
    """Limits of usage that any line is over today, of all rules or of one."""
    return _found(USAGE_OF_ALL, Trigger.USAGE, since=today, rule=rule_id)


# Silent is only what has been read after the hours were over: a carrier that does not answer makes nobody silent.
SILENCE_OF = """
SELECT r.id, l.id, v.period, round((extract(epoch FROM st.read_at - v.since) / 3600)::numeric, 1), %(since)s::date,
       {month_ends}
  FROM ({rules}) r
  JOIN lines_line l ON {scope}
  JOIN lines_linestate st ON st.line_id = l.id
  JOIN lines_carrier c ON c.id = l.carrier_id
 CROSS JOIN LATERAL (SELECT greatest(st.last_seen, st.wanted_at, l.added_at) AS since) s
 CROSS JOIN LATERAL (SELECT s.since, 'silence:' || extract(epoch FROM s.since)::bigint AS period) v
 WHERE st.wanted = {active} AND st.read_at > v.since + r.hours * interval '1 hour' AND {not_fired}
 ORDER BY l.id, r.id
"""
SILENCE, SILENCE_OF_WRITTEN = (
    SILENCE_OF.format(
        rules=rules,
        scope=IN_SCOPE,
        active=int(Wanted.ACTIVE),
        not_fired=NOT_FIRED.format(period="v.period"),
        month_ends=next_cycle_sql("%(since)s::date", "c"),
    )
    for rules in (RULES, WRITTEN)
)


def silence(*, today: dt.date, rule_id: int | None = None) -> list[Found]:
    """Lines that are on and have moved no data for a rule's hours."""
    return _found(SILENCE, Trigger.SILENCE, since=today, rule=rule_id)


# A session that has ended connected when it did, whenever it was looked at; a stay, when it was seen. The day is UTC.
ABROAD = """
SELECT DISTINCT ON (l.id, r.id, c.at::date) r.id, l.id, p.period, NULL::numeric, c.at::date, {month_ends}, s.country
  FROM ({rules}) r
  JOIN lines_sighting s ON s.payer_id = r.account_id AND s.seen_at >= greatest(r.since, %(since)s)
  JOIN lines_line l ON l.id = s.line_id AND l.payer_id = s.payer_id AND l.account_id = s.account_id AND {scope}
  JOIN lines_carrier ca ON ca.id = l.carrier_id
 CROSS JOIN LATERAL (SELECT least(s.seen_at, s.ended_at) AT TIME ZONE 'UTC' AS at) c
 CROSS JOIN LATERAL (SELECT 'country:' || c.at::date AS period) p
 WHERE s.country <> '' AND NOT s.country = ANY(r.countries)
   AND c.at >= greatest(r.since, %(since)s) AT TIME ZONE 'UTC' AND {not_fired}
 ORDER BY l.id, r.id, c.at::date, s.seen_at
""".format(
    rules=RULES,
    scope=IN_SCOPE,
    not_fired=NOT_FIRED.format(period="p.period"),
    month_ends=next_cycle_sql("c.at::date", "ca"),
)
LATE = dt.timedelta(hours=1)  # what was seen last before midnight is met after it


def abroad(*, today: dt.date, rule_id: int | None = None) -> list[Found]:
    """Lines that connected today outside a rule's countries, since it was switched on."""
    values: dict[str, Any] = {"trigger": Trigger.COUNTRY.value, "since": midnight(today) - LATE, "rule": rule_id}
    with connection.cursor() as cursor:
        cursor.execute(ABROAD, values)
        return [replace(Found(*row[:6]), text=name_of(row[6])) for row in cursor.fetchall()]


def _found(sql: str, trigger: Trigger, *, since: dt.date, rule: int | None = None) -> list[Found]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"trigger": trigger.value, "since": since, "rule": rule})
        return [Found(*row) for row in cursor.fetchall()]


# What happened to a line since the rule was switched on.
HAPPENED = """
SELECT r.id, l.id, %(trigger)s || ':' || e.id, e.at, {month_ends}, r.word,
       CASE WHEN m.id IS NULL THEN e.detail ELSE e.detail || jsonb_build_object('text', m.text) END
  FROM accounts_event e
  LEFT JOIN lines_smsmessage m ON m.id = (e.detail->>'sms')::bigint
  JOIN lines_line l ON l.iccid = substr(e.subject, 6)
  JOIN lines_carrier c ON c.id = l.carrier_id
  JOIN ({rules}) r ON {scope}
 WHERE e.id > %(after)s AND e.verb = %(verb)s AND e.at >= r.since AND {not_fired}
   AND (%(accounts)s::bigint[] IS NULL OR e.account_id = ANY(%(accounts)s::bigint[]))
 ORDER BY e.id, r.id
""".format(
    rules=RULES,
    scope=IN_SCOPE,
    not_fired=NOT_FIRED.format(period="%(trigger)s || ':' || e.id"),
    month_ends=next_cycle_sql("(e.at AT TIME ZONE 'UTC')::date", "c"),
)


def imei_changes(*, after: int, accounts: Sequence[int] | None = None) -> list[Found]:
    """Known IMEIs that changed, in events behind this one; of all accounts or of these."""
    return [
        replace(found, text=f"{detail['before']} to {detail['after']}")
        for found, _, detail in _happened(Trigger.IMEI, "imei.changed", after, accounts)
        if detail.get("before") and detail.get("after") and detail["before"] != detail["after"]
    ]


def messages(*, after: int, accounts: Sequence[int] | None = None) -> list[Found]:
    """Messages from devices that say a rule's word, in events behind this one; of all accounts or of these."""
    return [
        replace(found, text=detail["text"])
        for found, word, detail in _happened(Trigger.SMS, "sms.received", after, accounts)
        if says(detail.get("text", ""), word)
    ]


def _happened(
    trigger: Trigger, verb: str, after: int, accounts: Sequence[int] | None
) -> Iterator[tuple[Found, str, dict[str, Any]]]:
    given = {"trigger": trigger.value, "verb": verb, "after": after, "rule": None}
    with connection.cursor() as cursor:
        cursor.execute(HAPPENED, given | {"accounts": None if accounts is None else array(accounts)})
        for rule_id, line_id, period, at, month_ends, word, detail in cursor.fetchall():
            found = Found(rule_id, line_id, period, None, at.date(), month_ends)
            yield found, word, json.loads(detail) if isinstance(detail, str) else detail


def costs(*, today: dt.date, rule_id: int | None = None) -> list[Found]:
    """Accounts and sub-accounts that cost more than a rule allows: one for the account, or for each of its lines."""
    rules = Rule.objects.filter(is_on=True, deleted_at=None, trigger=Trigger.COST).select_related("holder")
    found: list[Found] = []
    for rule in rules if rule_id is None else rules.filter(pk=rule_id):
        day = today if rule.period == Period.DAY else today.replace(day=1)
        name = f"{rule.period}:{day}"
        value = _cost_since(rule.account_id, rule.holder_id, day)
        if rule.limit is not None and value > rule.limit:
            lines = _lines_not_fired(rule, name, day)
            found += [Found(rule.pk, line, name, value, day, month_ends) for line, month_ends in lines]
    return found


def _cost_since(account_id: int, holder_id: int | None, day: dt.date) -> Decimal:
    """What the whole account costs, or what the lines of one holder cost: data, fees and messages."""
    if holder_id is None:
        sums = UsageDay.objects.filter(account_id=account_id, day__gte=day)
        return sums.aggregate(total=Sum(F("usage") + F("sms")))["total"] or Decimal(0)
    days = HolderDay.objects.filter(payer_id=account_id, account_id=holder_id, day__gte=day)
    theirs = SmsMessage.objects.filter(account_id=holder_id, payer_id=account_id)
    messages = theirs.filter(accepted_at__gte=midnight(day))
    data, sms = days.aggregate(total=Sum("cost"))["total"], messages.aggregate(total=Sum("price"))["total"]
    return (data or Decimal(0)) + (sms or Decimal(0))


def _lines_not_fired(rule: Rule, period: str, day: dt.date) -> list[tuple[int | None, dt.date]]:
    """The lines that the rule would act on, with the ends of their cycles; for a rule that only tells, the account."""
    fires = RuleFire.objects.filter(rule=rule, period=period, is_shadow=rule.is_shadow)
    if rule.action == Action.TELL:
        return [] if fires.filter(line=None).exists() else [(None, cycles_around(day, Turns()).following)]
    lines = Line.objects.filter(pk__in=lines_in_scope(scope_of(rule))).exclude(pk__in=fires.values("line"))
    ends = {one.pk: cycles_around(day, one.turns).following for one in Carrier.objects.all()}
    return [(pk, ends[carrier]) for pk, carrier in lines.order_by("pk").values_list("pk", "carrier_id")]
