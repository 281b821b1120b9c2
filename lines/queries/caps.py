"""Caps: which lines are under one, what they used, how full it is, and what else its readers are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet
from kit import clock
from kit.sql import array

from accounts.models import Account
from lines import caps_words as words
from lines.models import Cap
from lines.policy import Why
from lines.policy.caps import CapAction, CapKind, CapPeriod, CapUnit, Counted, day_after, first_day, may_follow, percent
from lines.rules import data_cost_sql

# Whether the cap `c` is over the line `l`, as the line is now.
OVER = """c.account_id = l.payer_id
   AND (c.kind = 'account' OR c.holder_id = l.account_id OR c.plan_id = l.plan_id OR c.line_id = l.id
     OR EXISTS (SELECT FROM lines_linetag ct WHERE ct.tag_id = c.tag_id AND ct.line_id = l.id))"""
# Whether one that stops its lines is over it and full.
CAP_IS_FULL = f"EXISTS (SELECT FROM lines_cap c WHERE c.full_until > %(today)s::date AND {OVER})"

# What is known of each account with caps in this month: the rows that sums are made of, by day, as a digest; and of a
# tag its lines. Caps whose digest is another one than when they were counted last, or whose period is over, are due.
DUE = """
WITH payer AS MATERIALIZED (
    SELECT DISTINCT account_id AS id FROM lines_cap c
     WHERE CASE WHEN %(caps)s::bigint[] IS NULL  -- a test account's clock is its own: it is asked for by name
                THEN account_id <> ALL (ARRAY(SELECT id FROM accounts_account WHERE is_test))
                ELSE c.id = ANY(%(caps)s) END
), day AS (
    SELECT h.payer_id, h.day, md5(string_agg(concat_ws(':', h.account_id, h.price_id, h.days, h.used, h.cost), ','
                                             ORDER BY h.account_id, h.price_id)) AS said
      FROM payer JOIN lines_holderday h ON h.payer_id = payer.id AND h.day >= %(month)s::date GROUP BY 1, 2
     UNION ALL
    SELECT u.account_id, u.day, 's' || u.sms FROM payer
      JOIN billing_usageday u ON u.account_id = payer.id AND u.day >= %(month)s::date AND u.sms <> 0
     UNION ALL
    SELECT h.payer_id, h.day, 'h' || sum(h.bytes) || ':' || max(h.id) FROM payer
      JOIN lines_heldmovement h ON h.payer_id = payer.id AND h.state = 'held' AND h.day >= %(month)s::date GROUP BY 1, 2
), said AS (
    SELECT payer_id, string_agg(day || said, ',' ORDER BY day, said) AS month,
           string_agg(day || said, ',' ORDER BY day, said) FILTER (WHERE day >= %(today)s::date) AS today
      FROM day GROUP BY 1
), now AS (
    SELECT c.id, c.account_id, c.begins, c.seen, p.first,
           md5(concat_ws('/', CASE c.period WHEN 'day' THEN s.today ELSE s.month END, t.lines)) AS digest
      FROM lines_cap c
      JOIN payer ON payer.id = c.account_id
     CROSS JOIN LATERAL (SELECT CASE c.period WHEN 'day' THEN %(today)s::date ELSE %(month)s::date END AS first) p
      LEFT JOIN said s ON s.payer_id = c.account_id
      LEFT JOIN LATERAL (SELECT count(*) || ':' || coalesce(sum(line_id), 0) AS lines FROM lines_linetag
                          WHERE tag_id = c.tag_id) t ON c.tag_id IS NOT NULL
     WHERE %(caps)s::bigint[] IS NULL OR c.id = ANY(%(caps)s)
)
SELECT id, account_id, digest, first FROM now
 WHERE begins IS DISTINCT FROM first OR seen <> digest ORDER BY account_id, id
"""

# Sums of one holder, plan or account come from the sums of day rows; those of a tag's lines and of a line from the day
# rows themselves, which are found by line. A message counts for who held the line then, and for the plan that it had.
COUNT = f"""
SELECT c.id, coalesce(d.used, 0)::bigint, coalesce(d.cost, 0), coalesce(m.sms, 0), coalesce(h.used, 0)::bigint,
       coalesce(h.cost, 0)
  FROM lines_cap c
  JOIN unnest(%(caps)s::bigint[], %(firsts)s::date[]) AS w(id, first) USING (id)
 CROSS JOIN LATERAL (
    SELECT sum(x.used) AS used, sum(x.cost) AS cost FROM (
        SELECT h.used, h.cost FROM generate_series(w.first, %(today)s::date, interval '1 day') g
          JOIN lines_holderday h ON h.payer_id = c.account_id AND h.day = g::date
         WHERE c.kind = 'account'
         UNION ALL
        SELECT h.used, h.cost FROM generate_series(w.first, %(today)s::date, interval '1 day') g
          JOIN lines_holderday h ON h.payer_id = c.account_id AND h.day = g::date AND h.account_id = c.holder_id
         WHERE c.kind = 'subaccount'
         UNION ALL
        SELECT h.used, h.cost FROM generate_series(w.first, %(today)s::date, interval '1 day') g
          JOIN lines_holderday h ON h.payer_id = c.account_id AND h.day = g::date
          JOIN lines_price p ON p.id = h.price_id AND p.plan_id = c.plan_id
         WHERE c.kind = 'plan'
         UNION ALL
        SELECT d.used, d.cost + d.fee FROM lines_linetag t
          JOIN lines_lineday d ON d.line_id = t.line_id AND d.payer_id = c.account_id
                              AND d.day >= w.first AND d.day <= %(today)s::date
         WHERE t.tag_id = c.tag_id
         UNION ALL
        SELECT d.used, d.cost + d.fee FROM lines_lineday d
         WHERE d.line_id = c.line_id AND d.payer_id = c.account_id AND d.day >= w.first AND d.day <= %(today)s::date
         UNION ALL  -- beyond a line's own bundle; sums of holders' days have it already
        SELECT 0, o.cost FROM lines_overage o
         WHERE c.kind IN ('tag', 'line') AND o.payer_id = c.account_id AND o.day >= w.first AND o.day <= %(today)s::date
           AND (o.line_id = c.line_id
                OR o.line_id IN (SELECT t.line_id FROM lines_linetag t WHERE t.tag_id = c.tag_id))) x
 ) d
 CROSS JOIN LATERAL (
    SELECT sum(s.price) AS sms FROM lines_smsmessage s
     WHERE s.payer_id = c.account_id AND s.price > 0 AND s.accepted_at >= w.first::timestamp AT TIME ZONE 'UTC'
       AND EXISTS (SELECT FROM billing_usageday u WHERE u.account_id = c.account_id AND u.day >= w.first AND u.sms <> 0)
       AND (c.kind = 'account' OR s.account_id = c.holder_id OR s.line_id = c.line_id
         OR c.plan_id = (SELECT lp.plan_id FROM lines_lineplan lp
                          WHERE lp.line_id = s.line_id AND lp.since <= s.accepted_at
                          ORDER BY lp.since DESC, lp.id DESC LIMIT 1)
         OR EXISTS (SELECT FROM lines_linetag t WHERE t.tag_id = c.tag_id AND t.line_id = s.line_id))
 ) m
 CROSS JOIN LATERAL (
    SELECT sum(h.bytes) AS used, sum({data_cost_sql("h.bytes", "p.per_mb")}) AS cost
      FROM lines_heldmovement h JOIN lines_line l ON l.id = h.line_id JOIN lines_price p ON p.id = h.price_id
     WHERE h.state = 'held' AND h.payer_id = c.account_id AND h.day >= w.first AND {OVER}
 ) h
 ORDER BY c.id
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A cap that is to be counted: the digest of what is there, and the first day of the period that runs."""

    cap_id: int
    account_id: int
    digest: str
    first: dt.date


def due_caps(*, today: dt.date, cap_ids: Iterable[int] | None = None) -> list[Due]:
    """Caps of which something has changed since they were counted, by account; of these, or of all."""
    caps = None if cap_ids is None else array(cap_ids)
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"today": today, "month": today.replace(day=1), "caps": caps})
        return [Due(*row) for row in cursor.fetchall()]


def count(due: Iterable[Due], *, today: dt.date) -> dict[int, Counted]:
    """What the lines of each of these caps used since its period began."""
    asked = list(due)
    given: dict[str, Any] = {
        "caps": array(one.cap_id for one in asked),
        "firsts": array(one.first for one in asked),
        "today": today,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, given)
        return {cap_id: Counted(*sums) for cap_id, *sums in cursor.fetchall()}


def counted(cap: Cap) -> Counted:
    """As it was counted last."""
    return Counted(cap.used, cap.cost, cap.sms, cap.held_used, cap.held_cost)


def percent_of(cap: Cap) -> int:
    """How full a cap was when it was counted last."""
    unit = CapUnit(cap.unit)
    return percent(counted(cap).amount(unit), cap.limit, unit)


@dataclass(frozen=True, slots=True)
class CapShown:
    """A cap and how full it is, as somebody may see it. `amount` and `room` are in words; empty where they are USD that
    its reader is not told of. `read_at`: the oldest of the last readings of its lines' carriers."""

    cap: Cap
    sums: Counted
    name: str
    label: str
    rule: str
    percent: int
    amount: str
    room: str
    ends: dt.date
    is_full: bool
    stopped: int
    read_at: dt.datetime | None
    may_follow: str


def _caps() -> QuerySet[Cap]:
    return Cap.objects.select_related("account", "holder", "tag", "plan", "line")


def cap_of(account: Account, key: str) -> Cap | None:
    """The account's own cap of this UUID's 32 hex."""
    return _caps().filter(account=account, uuid=key).first()


def caps_of(account: Account) -> list[CapShown]:
    """All caps of an account, the fullest first; of a sub-account those that are over its own lines alone: its own,
    and those of single lines that it holds."""
    return sorted(_shown(account, _seen_by(account)), key=lambda one: (-one.percent, one.cap.pk))


def cap_shown(account: Account, key: str) -> CapShown | None:
    """One of them, by its UUID's 32 hex."""
    return next(iter(_shown(account, _seen_by(account).filter(uuid=key))), None)


def _seen_by(account: Account) -> QuerySet[Cap]:
    found = _caps().filter(account=account.payer_id)
    if account.is_subaccount:
        found = found.filter(Q(kind=CapKind.SUBACCOUNT, holder=account) | Q(kind=CapKind.LINE, line__account=account))
    return found


def _shown(account: Account, caps: QuerySet[Cap]) -> list[CapShown]:
    held = Count("holds", filter=Q(action=CapAction.STOP, holds__line__state__why=Why.CAP))
    found = list(caps.annotate(stopped=held))
    read = _read_since(found)
    return [_as_counted(cap, read.get(cap.pk), outside=account.is_subaccount) for cap in found]


def _as_counted(cap: Any, read_at: dt.datetime | None, *, outside: bool) -> CapShown:
    """A cap as it was counted last; one whose period is over has not been used yet."""
    now, today = clock.now(), clock.today()
    period, unit = CapPeriod(cap.period), CapUnit(cap.unit)
    begins = first_day(period, today)
    sums = counted(cap) if cap.begins == begins else Counted(0, Decimal(0), Decimal(0), 0, Decimal(0))
    amount, hidden = sums.amount(unit), outside and unit is CapUnit.USD
    follows = may_follow(amount, begins=begins, now=now, read_at=read_at)
    filled = percent(amount, cap.limit, unit)
    return CapShown(
        cap=cap,
        sums=sums,
        name=words.name_of(cap),
        label=words.of_what(cap, outside=outside),
        rule=words.rule(cap, hidden=hidden),
        percent=filled,
        amount="" if hidden else words.amount(amount, unit),
        room="" if hidden else words.limit(cap.limit, unit),
        ends=day_after(period, begins),
        is_full=filled >= 100,
        stopped=cap.stopped,
        read_at=read_at,
        may_follow=words.amount(follows, unit) if follows and not hidden else "",
    )


# When the carriers of caps' lines were read through last: the one that is furthest behind.
READ = f"""
WITH under AS MATERIALIZED (
    SELECT DISTINCT c.id, l.carrier_id FROM lines_cap c JOIN lines_line l ON {OVER} WHERE c.id = ANY(%s::bigint[])
), carrier AS (
    SELECT k.carrier_id, (SELECT max(p.started_at) FROM lines_readingpass p
                           WHERE p.carrier_id = k.carrier_id AND p.finished_at IS NOT NULL) AS at
      FROM (SELECT DISTINCT carrier_id FROM under) k
)
SELECT under.id, min(carrier.at) FROM under JOIN carrier USING (carrier_id) GROUP BY under.id
"""


def _read_since(caps: Iterable[Cap]) -> dict[int, dt.datetime | None]:
    """When the last whole reading began of the carrier that is furthest behind, by cap."""
    with connection.cursor() as cursor:
        cursor.execute(READ, [array(cap.pk for cap in caps)])
        return dict(cursor.fetchall())


def full_caps_over(line_ids: Iterable[int], *, today: dt.date) -> set[int]:
    """Which of these lines a full cap does not let run."""
    with connection.cursor() as cursor:
        sql = f"SELECT l.id FROM lines_line l WHERE l.id = ANY(%(ids)s::bigint[]) AND {CAP_IS_FULL}"
        cursor.execute(sql, {"ids": list(line_ids), "today": today})
        return {row[0] for row in cursor.fetchall()}


def is_capped(account: Account, *, today: dt.date) -> bool:
    """Whether any of its payer's caps that stop lines is full."""
    return Cap.objects.filter(account=account.payer_id, full_until__gt=today).exists()


def stopping(line_id: int, *, outside: bool) -> tuple[str, str] | None:
    """Why a line is off that a cap holds, and until when: in words."""
    cap = _caps().filter(holds__line=line_id).first()
    if cap is None or cap.begins is None:
        return None
    return words.stops(cap, counted(cap), outside=outside), words.lifts(cap)


def used_of(cap: Cap) -> dict[str, Any]:
    """What events say of a cap."""
    unit, sums = CapUnit(cap.unit), counted(cap)
    amount = sums.amount(unit)
    return {
        "cap_uuid": cap.uuid.hex,
        "of": cap.kind,
        "name": words.name_of(cap),
        "period": cap.period,
        "since": cap.begins.isoformat() if cap.begins else None,
        "unit": cap.unit,
        "limit": words.exact(cap.limit),
        "used": words.exact(words.in_unit(amount, unit)),
        "percent": percent_of(cap),
    }
