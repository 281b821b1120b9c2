"""Where an account's data and money went: sums by day and by what people ask for, over days that are bounded.

By sub-account, plan or carrier the sums of day rows are read (`lines_holderday`): some hundreds of rows a month,
however many lines there are. By line, tag or country only the day rows themselves know: how many those are is known
beforehand from the sums, and more than MOST_ROWS of them are not read. A country is looked up for each of them, so
there it is MOST_LOOKED_UP. SMS are ledger rows of their own and are added to the money wherever it is shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum
from kit.kept import Kept
from kit.money import ZERO

from accounts.policy import Right
from accounts.queries import Viewer
from billing.models import UsageDay
from lines.models import HolderDay, ImportedDay, Overage

MOST_DAYS = 92
MOST_ROWS = 3_000_000
MOST_LOOKED_UP = 300_000
RANKED = 50  # rows of the table
SERIES = 8  # parts of a bar; the rest is one more
NONE = "none"  # of a line without a tag, and of a country that no carrier reported
BATCH = 5_000


class By(StrEnum):
    SUBACCOUNT = "subaccount"
    PLAN = "plan"
    COUNTRY = "country"
    CARRIER = "carrier"
    TAG = "tag"
    LINE = "line"


OF_SUMS = frozenset({By.SUBACCOUNT, By.PLAN, By.CARRIER})
KEYS = {
    By.SUBACCOUNT: "r.account_id::text",
    By.PLAN: "r.plan_id::text",
    By.CARRIER: "p.carrier_id::text",
    By.COUNTRY: "coalesce(nullif(r.country, ''), c.country, 'none')",
    By.TAG: "coalesce(t.ids, 'none')",
    By.LINE: "r.line_id::text",
}
JOINS = {
    By.CARRIER: "JOIN lines_rateplan p ON p.id = r.plan_id",
    # Where a zone's price was charged, there; else where the line was last seen by the end of that day, as far as it is
    # the reader's to know.
    By.COUNTRY: """LEFT JOIN LATERAL (
        SELECT s.country FROM lines_sighting s
         WHERE r.country = '' AND s.line_id = r.line_id
           AND s.started_at < (r.day + 1)::timestamp AT TIME ZONE 'UTC' AND s.country <> ''
           AND s.payer_id = %(payer)s AND (%(holder)s::bigint IS NULL OR s.account_id = %(holder)s)
         ORDER BY s.started_at DESC, s.id DESC LIMIT 1) c ON true""",
    # A line with two tags is of both together: so each byte is counted once.
    By.TAG: """LEFT JOIN (
        SELECT lt.line_id, string_agg(tag.id::text, '.' ORDER BY tag.id) AS ids
          FROM lines_linetag lt JOIN lines_tag tag ON tag.id = lt.tag_id
         WHERE tag.account_id = %(payer)s GROUP BY lt.line_id) t ON t.line_id = r.line_id""",
}
ROWS = """
    SELECT d.day, {line} AS line_id, d.account_id, pr.plan_id, d.used, {cost} AS cost, pr.country
      FROM {table} d JOIN lines_price pr ON pr.id = d.price_id
     WHERE d.payer_id = %(payer)s AND d.day BETWEEN %(first)s AND %(last)s {where}
       AND (%(holder)s::bigint IS NULL OR d.account_id = %(holder)s)
"""
SMS = """
    UNION ALL
    SELECT e.day, m.line_id, m.account_id, l.plan_id, 0, -e.amount, ''
      FROM billing_entry e
      JOIN lines_smsmessage m ON m.id = substr(e.key, 5)::bigint  -- its key is sms:<id>
      LEFT JOIN lines_line l ON l.id = m.line_id
     WHERE e.account_id = %(payer)s AND e.kind = 'sms' AND e.day BETWEEN %(first)s AND %(last)s
       AND (%(holder)s::bigint IS NULL OR m.account_id = %(holder)s)
"""
# Before a line came from Keepgo: its bytes, which cost nothing here.
IMPORTED = """
    UNION ALL
    SELECT i.day, i.line_id, i.account_id, l.plan_id, i.used, 0, ''
      FROM lines_importedday i JOIN lines_line l ON l.id = i.line_id
     WHERE i.payer_id = %(payer)s AND i.day BETWEEN %(first)s AND %(last)s {where}
       AND (%(holder)s::bigint IS NULL OR i.account_id = %(holder)s)
"""
# Beyond lines' own bundles; sums of days have that, and what is beyond pools, already.
OVERAGE = """
    UNION ALL
    SELECT o.day, o.line_id, o.account_id, o.plan_id, 0, o.cost, ''
      FROM lines_overage o
     WHERE o.payer_id = %(payer)s AND o.day BETWEEN %(first)s AND %(last)s AND o.line_id IS NOT NULL {where}
       AND (%(holder)s::bigint IS NULL OR o.account_id = %(holder)s)
"""
KEYED = "SELECT r.day, {key} AS key, r.used, r.cost FROM ({rows}) r {joins} WHERE true {filters}"
RANK = """
    SELECT key,
           coalesce(sum(used) FILTER (WHERE day >= %(start)s), 0),
           coalesce(sum(cost) FILTER (WHERE day >= %(start)s), 0),
           coalesce(sum(used) FILTER (WHERE day <= %(until)s), 0),
           coalesce(sum(cost) FILTER (WHERE day <= %(until)s), 0),
           count(*) OVER ()
      FROM ({keyed}) k GROUP BY key
     ORDER BY {measure} DESC NULLS LAST, key LIMIT %(ranked)s
"""
SERIES_OF_DAYS = """
    SELECT day, CASE WHEN key = ANY(%(top)s) THEN key END, sum(used), sum(cost) FROM ({keyed}) k GROUP BY 1, 2
"""
EACH_DAY = "SELECT day, key, sum(used), sum(cost) FROM ({keyed}) k GROUP BY 1, 2 ORDER BY 1, 2"
MEASURE = {
    "mb": "sum(used) FILTER (WHERE day >= %(start)s)",
    "usd": "sum(cost) FILTER (WHERE day >= %(start)s)",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks for. `filters` are keys as `Row.key` has them.

    `before`: the first and last day to compare with, earlier than `first`.
    """

    by: By
    first: dt.date
    last: dt.date
    before: tuple[dt.date, dt.date] | None = None
    in_money: bool = False
    filters: Mapping[By, str] = field(default_factory=dict)

    @property
    def since(self) -> dt.date:
        return self.before[0] if self.before else self.first

    @property
    def until(self) -> dt.date:
        return self.before[1] if self.before else self.first - dt.timedelta(days=1)

    @property
    def parts(self) -> frozenset[By]:
        return frozenset({self.by, *self.filters})


@dataclass(frozen=True, slots=True)
class Row:
    """The use of one key in the range and, where it was asked for, in the days before. Bytes, USD."""

    key: str
    used: int
    cost: Decimal
    used_before: int = 0
    cost_before: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Sums:
    used: int = 0
    cost: Decimal = ZERO

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.used + other.used, self.cost + other.cost)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """`rows` are ranked, `keys` counts them all; `days` has for each day the parts by key, None for all others."""

    rows: list[Row]
    keys: int
    days: dict[dt.date, dict[str | None, Sums]]
    total: Sums
    total_before: Sums


class TooMuch(Exception):
    """So many rows are not read for one look; `days` of the range, counted back from its end, would be."""

    def __init__(self, rows: int, days: int) -> None:
        super().__init__(rows)
        self.rows, self.days = rows, days


def dimensions_of(viewer: Viewer) -> tuple[By, ...]:
    """What this person may divide by: plans, carriers and tags are the payer's."""
    return tuple(By) if viewer.may(Right.SEE_MONEY) else (By.LINE, By.COUNTRY)


_large: Kept[Breakdown] = Kept(seconds=60, most=50, worth=lambda found: found.keys >= BATCH)


def breakdown_of(viewer: Viewer, question: Question) -> Breakdown:
    """Raises TooMuch. Of very many lines it is as of a moment ago."""
    _refuse_too_much(viewer, question)
    who = viewer.account.pk, viewer.may(Right.SEE_MONEY)
    what = question.by, question.first, question.last, question.before, question.in_money
    key = who, what, tuple(sorted(question.filters.items()))
    return _large.get(key, lambda: _found(viewer, question))


def _found(viewer: Viewer, question: Question) -> Breakdown:
    keyed, values = _keyed(viewer, question)
    measure = MEASURE["usd" if question.in_money else "mb"]
    with connection.cursor() as cursor:
        cursor.execute(RANK.format(keyed=keyed, measure=measure), values)
        found = cursor.fetchall()
        rows = [Row(*row[:-1]) for row in found]
        cursor.execute(SERIES_OF_DAYS.format(keyed=keyed), values | {"top": [row.key for row in rows[:SERIES]]})
        days: dict[dt.date, dict[str | None, Sums]] = {}
        for day, part, used, cost in cursor.fetchall():
            days.setdefault(day, {})[part] = Sums(int(used), cost)
    return Breakdown(
        [row for row in rows if row.used or row.cost or row.used_before or row.cost_before],
        int(found[0][-1]) if found else 0,
        days,
        _total(days, question.first, question.last),
        _total(days, question.since, question.until),
    )


def _total(days: Mapping[dt.date, Mapping[str | None, Sums]], first: dt.date, last: dt.date) -> Sums:
    return sum((one for day, parts in days.items() if first <= day <= last for one in parts.values()), Sums())


def each_day(viewer: Viewer, question: Question) -> Iterator[list[tuple[dt.date, str, int, Decimal]]]:
    """Every day and key with its bytes and USD, in batches by a cursor on the server. Raises TooMuch."""
    _refuse_too_much(viewer, question)
    keyed, values = _keyed(viewer, question)
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(EACH_DAY.format(keyed=keyed), values)
        while rows := cursor.fetchmany(BATCH):
            yield [(day, key, int(used), cost) for day, key, used, cost in rows]


def _keyed(viewer: Viewer, question: Question) -> tuple[str, dict[str, Any]]:
    """SQL of day, key, bytes and USD, and its values. What is not the reader's is not read at all."""
    account = viewer.account
    is_fine = not question.parts <= OF_SUMS
    line = question.filters.get(By.LINE, "")
    # The table is large and its lines are few rows of it each: a line has an index of its own.
    rows = ROWS.format(
        line="d.line_id" if is_fine else "NULL::bigint",
        cost="d.cost + d.fee" if is_fine else "d.cost",
        table="lines_lineday" if is_fine else "lines_holderday",
        where="AND d.line_id = %(line)s" if line else "",
    )
    days = Overage.objects.filter(payer=account.payer_id, day__range=(question.since, question.last))
    if is_fine and days.filter(line__isnull=False).exists():
        rows += OVERAGE.format(where="AND o.line_id = %(line)s" if line else "")
    if viewer.may(Right.SEE_MONEY) and _had_messages(account.payer_id, question):
        rows += SMS
    if ImportedDay.objects.filter(payer=account.payer_id, day__range=(question.since, question.last)).exists():
        rows += IMPORTED.format(where="AND i.line_id = %(line)s" if line else "")
    values: dict[str, Any] = {
        "payer": account.payer_id,
        "holder": account.pk if account.is_subaccount else None,
        "first": question.since,
        "start": question.first,
        "until": question.until,
        "last": question.last,
        "ranked": RANKED,
        "line": int(line) if line.isascii() and line.isdecimal() else 0,
    }
    filters = ""
    for by, key in question.filters.items():
        filters += f" AND {KEYS[by]} = %(is_{by.value})s"
        values[f"is_{by.value}"] = key
    joins = " ".join(JOINS[by] for by in By if by in question.parts and by in JOINS)
    return KEYED.format(key=KEYS[question.by], rows=rows, joins=joins, filters=filters), values


def _had_messages(payer_id: int, question: Question) -> bool:
    """Whether any was charged in these days: where none was, the ledger is not looked through for them."""
    days = UsageDay.objects.filter(account_id=payer_id, day__range=(question.since, question.last))
    return days.filter(sms__gt=0).exists()


def _refuse_too_much(viewer: Viewer, question: Question) -> None:
    """The day rows that would be read are those of the payer's days: their number stands in their sums."""
    if question.parts <= OF_SUMS or By.LINE in question.filters:
        return
    most = MOST_LOOKED_UP if By.COUNTRY in question.parts else MOST_ROWS
    of_days = HolderDay.objects.filter(payer_id=viewer.account.payer_id, day__range=(question.since, question.last))
    by_day = of_days.order_by("-day").values_list("day").annotate(rows=Sum("days"))
    rows, days = 0, 0
    for _, count in by_day:
        rows += count
        days += rows <= most
    if rows > most:
        raise TooMuch(rows, days)
