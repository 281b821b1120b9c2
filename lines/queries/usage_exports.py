"""What a whole fleet used, a stretch of days at a time, by a cursor on the server: memory does not grow with it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from kit.months import month_after

from accounts.models import Account
from accounts.policy import SYSTEM, Right
from accounts.queries import Caller
from lines.models import UsageExport
from lines.policy import ExportKind
from lines.queries.sought import EVERYTHING, Sought

BATCH = 2_000  # rows
_names = itertools.count()  # of cursors

# A line may have had other holders and payers: what it used then is theirs.
DAYS = """
SELECT l.iccid::text, coalesce(h.name, %(name)s)::text, sum(d.used)::bigint, sum(d.cost), sum(d.fee)
  FROM (SELECT line_id, account_id, used, cost, fee FROM lines_lineday
         WHERE payer_id = %(payer)s AND day = %(day)s
         UNION ALL  -- beyond a line's own bundle
        SELECT line_id, account_id, 0, cost, 0 FROM lines_overage
         WHERE payer_id = %(payer)s AND day = %(day)s AND line_id IS NOT NULL
         UNION ALL
        SELECT line_id, account_id, used, 0, 0 FROM lines_importedday
         WHERE payer_id = %(payer)s AND day = %(day)s) d
  JOIN lines_line l ON l.id = d.line_id LEFT JOIN accounts_account h ON h.id = d.account_id AND h.id <> %(viewer)s
 WHERE (NOT %(outside)s OR d.account_id = %(viewer)s) AND {narrow}
 GROUP BY 1, 2 ORDER BY 1, 2
"""
SESSIONS = """
SELECT l.iccid::text, coalesce(h.name, %(name)s)::text, s.started_at, s.ended_at, s.cycle, s.country, s.network,
       s.radio, s.is_session, s.used
  FROM lines_sighting s
  JOIN lines_line l ON l.id = s.line_id LEFT JOIN accounts_account h ON h.id = s.account_id AND h.id <> %(viewer)s
 WHERE s.payer_id = %(payer)s AND s.started_at >= %(since)s AND s.started_at < %(until)s
   AND (NOT %(outside)s OR s.account_id = %(viewer)s) AND {narrow}
 ORDER BY s.started_at, s.id
"""


def asker_of(export: UsageExport) -> Caller:
    """Who asked for a file, as far as it decides what is in it."""
    rights = {Right.SEE_LINES, Right.SEE_MONEY} if export.sees_money else {Right.SEE_LINES}
    return Caller(export.account, SYSTEM, frozenset(rights))


def usage_exports_of(account: Account) -> list[UsageExport]:
    """The newest first."""
    return list(UsageExport.objects.filter(account=account).order_by("-id"))


def usage_export_of(account: Account, key: str) -> UsageExport | None:
    return UsageExport.objects.filter(account=account, uuid=key).first()


def stretch_after(export: UsageExport) -> dt.date:
    """Where the stretch from `next_day` on ends: a day, or of sessions the rest of their month, which is a table."""
    if export.kind == ExportKind.DAYS:
        return export.next_day + dt.timedelta(days=1)
    return min(month_after(export.next_day.replace(day=1), 1), export.end + dt.timedelta(days=1))


def records(export: UsageExport, until: dt.date) -> Iterator[dict[str, Any]]:
    """What is in the file from `next_day` until before this day; inside a transaction."""
    found = _rows(export, until)
    if export.kind == ExportKind.DAYS:
        return (_day(export, row) for row in found)
    return map(_session, found)


def _day(export: UsageExport, row: tuple[Any, ...]) -> dict[str, Any]:
    iccid, holder, used, cost, fee = row
    told = {"date": export.next_day.isoformat(), "iccid": iccid, "account_name": holder, "usage_bytes": used}
    return told | {"cost": cost, "line_fee": fee} if export.sees_money else told


def _session(row: tuple[Any, ...]) -> dict[str, Any]:
    iccid, holder, start, end, cycle, country, network, radio, is_session, used = row
    return {
        "iccid": iccid,
        "account_name": holder,
        "start_date": _moment(start),
        "end_date": _moment(end) if end else None,
        "duration_sec": int((end - start).total_seconds()) if end else None,
        "billing_cycle": f"{cycle:%Y-%m}",
        "country_code": country or None,
        "network": network,
        "radio": radio,
        "is_session": is_session,
        "usage_bytes": used,
    }


def _moment(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"


def _rows(export: UsageExport, until: dt.date) -> Iterator[tuple[Any, ...]]:
    account, narrow = export.account, "true"
    given: dict[str, Any] = {
        "viewer": account.pk, "payer": account.payer_id, "name": account.name, "outside": account.is_subaccount,
        "day": export.next_day, "since": _midnight(export.next_day), "until": _midnight(until),
    }  # fmt: skip
    sought = Sought.of_kept(export.sought)
    if sought != EVERYTHING:
        try:
            chosen, values = sought.lines(asker_of(export)).order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:
            return
        names = [f"v{number}" for number in range(len(values))]
        narrow = f"l.id IN ({chosen % tuple(f'%({name})s' for name in names)})"
        given |= dict(zip(names, values, strict=True))
    sql = (DAYS if export.kind == ExportKind.DAYS else SESSIONS).format(narrow=narrow)
    connection.ensure_connection()
    with connection.connection.cursor(name=f"usage_export_{next(_names)}") as cursor:
        cursor.itersize = BATCH
        yield from cursor.execute(sql, given)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
