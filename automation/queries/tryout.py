"""What a rule would have done over the last days, before it is saved."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, Sum
from django.db.models.functions import TruncDate
from kit.countries import name_of
from kit.money import ZERO

from automation.policy import (
    LineDayUsed,
    Period,
    Then,
    Trigger,
    Unit,
    WouldFire,
    midnight,
    says,
    would_have_been_abroad,
    would_have_been_silent,
    would_have_fired,
)
from automation.queries.scope import DRAFT, IN_SCOPE, Scope
from billing.models import UsageDay
from lines.counting import cycle_of, cycle_sql
from lines.models import Carrier, HolderDay, Line, LineDay, Overage, SmsMessage
from lines.policy import MEGABYTE

DAYS = 30
MOST_LINES = 1_000  # of those that a rule would have fired for, the ones that used most are worked out
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule to try: what it waits for, what it does then, and for which lines."""

    scope: Scope
    trigger: Trigger
    period: Period | None
    unit: Unit | None
    limit: Decimal
    hours: int
    word: str
    countries: list[str]
    deactivates: bool
    then: Then
    then_hours: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """It would have fired for this line (none: the account) on that day. `text` is what was said or changed."""

    iccid: str
    notes: str
    day: dt.date
    value: Decimal | None
    saved: Decimal
    text: str = ""


@dataclass(slots=True)
class TriedOut:
    """`lines`: for how many it would have fired, `looked_at` of which were worked out; `rows` are the latest of
    `fires`. USD."""

    since: dt.date
    lines: int = 0
    looked_at: int = 0
    fires: int = 0
    saved: Decimal = ZERO
    rows: list[Row] = field(default_factory=list)


def try_out(asked: Asked, *, today: dt.date) -> TriedOut:
    """The last 30 days and today."""
    since = today - dt.timedelta(days=DAYS)
    if asked.trigger is Trigger.USAGE:
        return _by_days(asked, since, _over(asked, since))
    if asked.trigger is Trigger.SILENCE:
        return _by_days(asked, since, _with_gaps(asked, since))
    if asked.trigger is Trigger.COST:
        return _by_cost(asked, since)
    if asked.trigger is Trigger.COUNTRY:
        return _by_countries(asked, since)
    return _by_events(asked, since)


# Bytes and USD, with fees and messages, of the lines in scope by day, from the beginning of the cycle in which the time
# begins.
SCOPED_DAYS = f"""
    SELECT line_id, day, cycle, sum(used) AS used, sum(cost) AS cost FROM (
        SELECT d.line_id, d.day, d.cycle, d.used, d.cost + d.fee AS cost
          FROM {DRAFT}
          JOIN lines_line l ON {IN_SCOPE}
          JOIN lines_lineday d ON d.line_id = l.id AND d.payer_id = l.payer_id AND d.day >= %(start)s
         UNION ALL
        SELECT o.line_id, o.day, o.cycle, 0, o.cost
          FROM {DRAFT}
          JOIN lines_line l ON {IN_SCOPE}
          JOIN lines_overage o ON o.line_id = l.id AND o.payer_id = l.payer_id AND o.day >= %(start)s
         UNION ALL
        SELECT m.line_id, on_day.day,
               {cycle_sql("on_day.day", "c")}, 0, m.price
          FROM {DRAFT}
          JOIN lines_line l ON {IN_SCOPE}
          JOIN lines_carrier c ON c.id = l.carrier_id
          JOIN lines_smsmessage m ON m.line_id = l.id AND m.payer_id = l.payer_id AND m.price > 0
         CROSS JOIN LATERAL (SELECT (m.accepted_at AT TIME ZONE 'UTC')::date AS day) on_day
         WHERE on_day.day >= %(start)s) d
"""
OVER = """
    SELECT line_id, max(sum) FROM (
        SELECT line_id, sum({amount}) AS sum FROM ({days} GROUP BY 1, 2, 3) d GROUP BY line_id, {bucket}
    ) s GROUP BY line_id HAVING max(sum) > %(limit)s ORDER BY 2 DESC, 1
"""
GAPS = """
    SELECT line_id, max(gap) FROM (
        SELECT line_id, coalesce(lead(day) OVER (PARTITION BY line_id ORDER BY day), %(end)s) - day - 1 AS gap
          FROM ({days} GROUP BY 1, 2, 3 HAVING sum(used) > 0) d
    ) s GROUP BY line_id HAVING max(gap) * 24 >= %(limit)s ORDER BY 2 DESC, 1
"""


def _start(since: dt.date) -> dt.date:
    return since - dt.timedelta(days=31)


def _over(asked: Asked, since: dt.date) -> list[int]:
    """Lines that passed the limit in some day or cycle."""
    in_mb = asked.unit is Unit.MB
    sql = OVER.format(
        amount="used" if in_mb else "cost",
        days=SCOPED_DAYS,
        bucket="day" if asked.period is Period.DAY else "cycle",
    )
    return _ids(sql, asked, since, asked.limit * MEGABYTE if in_mb else asked.limit)


def _with_gaps(asked: Asked, since: dt.date) -> list[int]:
    """Lines that were silent for whole days."""
    return _ids(GAPS.format(days=SCOPED_DAYS), asked, since, asked.hours)


def _ids(sql: str, asked: Asked, since: dt.date, limit: Decimal | int) -> list[int]:
    values: dict[str, Any] = {"start": _start(since), "limit": limit, "end": since + dt.timedelta(days=DAYS)}
    with connection.cursor() as cursor:
        cursor.execute(sql, asked.scope.values() | values)
        return [row[0] for row in cursor.fetchall()]


def _by_days(asked: Asked, since: dt.date, line_ids: Sequence[int]) -> TriedOut:
    looked_at = list(line_ids[:MOST_LINES])
    by_line = _days_of(looked_at, asked, since)
    fires = [fire for days in by_line.values() for fire in _fires(asked, days, since)]
    tried = _summed(since, fires, _about(looked_at))
    tried.looked_at, tried.lines = len(looked_at), len({fire.line_id for fire in fires})
    if len(line_ids) > MOST_LINES:
        tried.lines = len(line_ids)
    return tried


def _days_of(line_ids: Sequence[int], asked: Asked, since: dt.date) -> dict[int, list[LineDayUsed]]:
    """These lines' days in order: bytes, and USD with fees and messages."""
    of_day: dict[tuple[int, dt.date, dt.date], tuple[int, Decimal]] = {}
    rows = LineDay.objects.filter(line__in=line_ids, payer=asked.scope.account_id, day__gte=_start(since))
    for row in rows.values("line_id", "day", "cycle").annotate(bytes=Sum("used"), usd=Sum(F("cost") + F("fee"))):
        of_day[row["line_id"], row["day"], row["cycle"]] = row["bytes"], row["usd"]
    beyond = Overage.objects.filter(line__in=line_ids, payer=asked.scope.account_id, day__gte=_start(since))
    for line_id, day, cycle, cost in beyond.values_list("line", "day", "cycle", "cost"):
        used, usd = of_day.get((line_id, day, cycle), (0, ZERO))
        of_day[line_id, day, cycle] = used, usd + cost
    sent = SmsMessage.objects.filter(line__in=line_ids, payer=asked.scope.account_id, price__gt=0)
    told = sent.filter(accepted_at__gte=midnight(_start(since)))
    on = TruncDate("accepted_at", tzinfo=dt.UTC)
    turns = {one.pk: one.turns for one in Carrier.objects.all()}
    for line_id, day, price, carrier in told.values_list("line", on, "price", "carrier"):
        key = line_id, day, cycle_of(day, turns[carrier])
        used, usd = of_day.get(key, (0, ZERO))
        of_day[key] = used, usd + price
    by_line: dict[int, list[LineDayUsed]] = defaultdict(list)
    for (line_id, day, cycle), (used, usd) in sorted(of_day.items()):
        by_line[line_id].append(LineDayUsed(line_id, day, cycle, used, usd))
    return by_line


def _about(line_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """ICCID and notes."""
    return {line.pk: (line.iccid, line.notes) for line in Line.objects.filter(pk__in=line_ids)}


def _fires(asked: Asked, days: Sequence[LineDayUsed], since: dt.date) -> list[WouldFire]:
    if asked.trigger is Trigger.SILENCE:
        end = since + dt.timedelta(days=DAYS)
        return would_have_been_silent(days, hours=asked.hours, since=since, end=end)
    return would_have_fired(
        days,
        period=asked.period or Period.DAY,
        unit=asked.unit or Unit.MB,
        limit=asked.limit,
        deactivates=asked.deactivates,
        then=asked.then,
        hours=asked.then_hours,
        since=since,
    )


def _summed(
    since: dt.date,
    fires: list[WouldFire],
    about: dict[int, tuple[str, str]],
    texts: dict[tuple[int, dt.date], str] | None = None,
) -> TriedOut:
    latest = sorted(fires, key=lambda fire: (fire.day, fire.saved), reverse=True)[:MOST_SHOWN]
    return TriedOut(
        since,
        fires=len(fires),
        saved=sum((fire.saved for fire in fires), ZERO),
        rows=[
            Row(*about[fire.line_id], fire.day, fire.value, fire.saved, (texts or {}).get((fire.line_id, fire.day), ""))
            for fire in latest
        ],
    )


def _by_cost(asked: Asked, since: dt.date) -> TriedOut:
    """The account's days as if they were one line's; its month is the calendar's."""
    account, start = asked.scope.account_id, since.replace(day=1)
    if asked.scope.holder_id is None:
        whole = UsageDay.objects.filter(account=account, day__gte=start).annotate(usd=F("usage") + F("sms"))
        by_day = list(whole.order_by("day").values_list("day", "usd"))
    else:
        rows = HolderDay.objects.filter(payer=account, account=asked.scope.holder_id, day__gte=start)
        sums = defaultdict(Decimal, rows.values("day").annotate(usd=Sum("cost")).values_list("day", "usd"))
        theirs = SmsMessage.objects.filter(payer=account, account=asked.scope.holder_id)
        on = TruncDate("accepted_at", tzinfo=dt.UTC)
        for day, price in theirs.filter(accepted_at__gte=midnight(start)).values_list(on, "price"):
            sums[day] += price
        by_day = sorted(sums.items())
    days = [LineDayUsed(0, day, day.replace(day=1), 0, usd) for day, usd in by_day]
    tried = _summed(since, _fires(asked, days, since), {0: ("", "")})
    tried.lines = tried.looked_at = 0
    return tried


# Each day on which a line was connected abroad, with the country that it was in first.
ABROAD = f"""
    SELECT DISTINCT ON (l.id, d.day) l.id, d.day::date, {cycle_sql("d.day::date", "c")}, s.country
      FROM {DRAFT}
      JOIN lines_line l ON {IN_SCOPE}
      JOIN lines_carrier c ON c.id = l.carrier_id
      JOIN lines_sighting s ON s.line_id = l.id AND s.payer_id = l.payer_id AND s.account_id = l.account_id
     CROSS JOIN LATERAL generate_series(
            greatest((s.started_at AT TIME ZONE 'UTC')::date, %(since)s)::timestamp,
            least(s.seen_at, s.ended_at) AT TIME ZONE 'UTC', interval '1 day') AS d(day)
     WHERE s.seen_at >= %(since)s AND s.country <> '' AND NOT s.country = ANY(%(countries)s::text[])
     ORDER BY l.id, d.day, s.started_at
"""


def _by_countries(asked: Asked, since: dt.date) -> TriedOut:
    """A stay counts for each of its days."""
    with connection.cursor() as cursor:
        cursor.execute(ABROAD, asked.scope.values() | {"since": since, "countries": asked.countries})
        found = cursor.fetchall()
    texts = {(line_id, day): name_of(country) for line_id, day, _, country in found}
    abroad: dict[int, list[tuple[dt.date, dt.date]]] = defaultdict(list)
    for line_id, day, cycle, _ in found:
        if line_id in abroad or len(abroad) < MOST_LINES:
            abroad[line_id].append((day, cycle))
    looked_at = list(abroad)
    used = _days_of(looked_at, asked, since)
    fires = [
        fire
        for line_id, days in abroad.items()
        for fire in would_have_been_abroad(
            days,
            used.get(line_id, []),
            line_id=line_id,
            deactivates=asked.deactivates,
            then=asked.then,
            hours=asked.then_hours,
        )
    ]
    tried = _summed(since, fires, _about(looked_at), texts)
    tried.lines, tried.looked_at = len({line_id for line_id, _ in texts}), len(looked_at)
    return tried


VERBS = {Trigger.IMEI: "imei.changed", Trigger.SMS: "sms.received"}
EVENTS = f"""
    SELECT l.iccid, l.notes, e.at::date,
           CASE WHEN m.id IS NULL THEN e.detail ELSE e.detail || jsonb_build_object('text', m.text) END
      FROM {DRAFT}
      JOIN lines_line l ON {IN_SCOPE}
      JOIN accounts_event e ON e.subject = 'line:' || l.iccid
      LEFT JOIN lines_smsmessage m ON m.id = (e.detail->>'sms')::bigint
     WHERE e.verb = %(verb)s AND e.at >= %(since)s
     ORDER BY e.id DESC LIMIT 10000
"""


def _by_events(asked: Asked, since: dt.date) -> TriedOut:
    values = asked.scope.values() | {"verb": VERBS.get(asked.trigger, ""), "since": since}
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, values)
        found = [(*row[:3], json.loads(row[3]) if isinstance(row[3], str) else row[3]) for row in cursor.fetchall()]
    rows = [
        Row(iccid, notes, day, None, ZERO, text)
        for iccid, notes, day, detail in found
        if (text := _said(asked, detail)) is not None
    ]
    lines = len({row.iccid for row in rows})
    return TriedOut(since, lines=lines, looked_at=lines, fires=len(rows), rows=rows[:MOST_SHOWN])


def _said(asked: Asked, detail: dict[str, str]) -> str | None:
    """What happened, or None where it would not have made the rule fire."""
    if asked.trigger is Trigger.SMS:
        return detail["text"] if says(detail.get("text", ""), asked.word) else None
    known = detail.get("before") and detail.get("after") and detail["before"] != detail["after"]
    return f"{detail['before']} to {detail['after']}" if known else None
