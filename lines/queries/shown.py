"""Lines as people see them: all about each by one statement, whichever page or call it is for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kit.identifiers import asked
from kit.sql import array, prepared

from accounts.queries import Viewer
from lines.carriers.base import CallKind, Switch
from lines.counting import cycle_sql
from lines.policy import Status, Wanted, Why, status
from lines.policy.precedence import PRECEDENCE, Request, Result, Standing, standing_of
from lines.queries.caps import stopping
from lines.queries.scope import CYCLE, lines_of
from lines.rules import is_confirmed_on


@dataclass(frozen=True, slots=True)
class Counts:
    """What the carrier counts in the current cycle beside data, each None where it tells none, and when it told it."""

    sms: int | None = None
    voice: int | None = None
    sessions: int | None = None
    told_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class LineShown:
    """A line as one person may see it. What is not theirs to know is empty: carrier, plan and who for a sub-account."""

    iccid: str
    carrier_id: int
    status: Status
    wanted: Wanted
    wanted_at: dt.datetime
    why: str
    who: str
    waiting_since: dt.datetime | None  # the carrier has not confirmed what we want since
    blocked: bool
    reported: Switch | None
    reported_word: str
    reported_at: dt.datetime | None
    confirmed_at: dt.datetime | None
    carrier: str
    plan: str
    holder: str  # the sub-account that holds it, empty for the account's own
    notes: str
    deactivation_date: dt.date | None
    imei: str
    msisdn: str
    added_at: dt.datetime
    last_seen: dt.datetime | None
    read_at: dt.datetime | None
    lower_at: dt.datetime | None
    cycle_start: dt.date
    today_bytes: int
    month_bytes: int
    sms_sent: int | None  # None: not reported
    silent_since: dt.datetime | None = None  # its carrier has not answered since
    counts: Counts = Counts()
    returns_at: dt.datetime | None = None  # the rule that holds it is to give it back then
    holder_uuid: str = ""
    tags: tuple[str, ...] = ()
    capped: tuple[str, str] | None = None  # of one line: which full cap holds it off, and what lifts that

    @property
    def stopped(self) -> bool:
        """Whether it is wanted on, and its carrier stops it or says of it what nobody here understands."""
        unknown = self.reported is None and self.waiting_since is None and bool(self.reported_word)
        return self.wanted is Wanted.ACTIVE and (self.blocked or unknown)

    @property
    def says(self) -> str | None:
        """What its carrier says of it: on, off, blocked, unknown; None: nothing yet."""
        if self.blocked:
            return "blocked"
        if self.reported is None:
            return "unknown" if self.reported_word else None
        return "on" if self.reported is Switch.ON else "off"

    @property
    def other_imei(self) -> str:
        """The device that an IMEI lock fired for, where its carrier has said which."""
        return self.who if self.why == Why.CARRIER and self.who.isdecimal() else ""

    @property
    def comes_back(self) -> bool:
        """Whether it is off and comes back by itself, unless a person says that it stays off."""
        now = standing_of(self.wanted, self.why)
        return now is not Standing.ON and PRECEDENCE[now, Request.DEACTIVATE] is Result.PERSON


# Of lines `asked` (id, nth): what was used, without what others used while they held a line that came to a sub-account
# in this cycle; of such a cycle a sub-account is told no counts either.
JOINED = f"""
      JOIN lines_line l ON l.id = asked.id
      JOIN lines_linestate s ON s.line_id = l.id
      JOIN lines_rateplan p ON p.id = l.plan_id
      JOIN lines_carrier c ON c.id = l.carrier_id
     CROSS JOIN LATERAL (SELECT {cycle_sql("%(today)s::date", "c")} AS start) cycle
     CROSS JOIN LATERAL (SELECT coalesce(sum(d.used) FILTER (WHERE d.day = %(today)s::date), 0)::bigint AS today,
                                coalesce(sum(d.used) FILTER (WHERE d.cycle = s.cycle), 0)::bigint AS month
                           FROM lines_lineday d
                          WHERE %(outside)s::boolean AND l.held_since >= %(came)s::timestamptz
                            AND d.line_id = l.id AND d.day >= %(came)s::timestamptz::date
                            AND d.account_id <> %(viewer)s) others
      LEFT JOIN accounts_account a ON a.id = l.account_id AND a.parent_id IS NOT NULL
"""
TODAY = "CASE WHEN s.day = %(today)s::date THEN s.day_bytes - others.today ELSE 0 END"
MONTH = "CASE WHEN s.cycle = cycle.start THEN s.counter - s.baseline - others.month ELSE 0 END"
TOLD = "NOT (%(outside)s::boolean AND l.held_since >= cycle.start::timestamp AT TIME ZONE 'UTC')"
SESSIONS = f"""CASE WHEN {TOLD}
                THEN coalesce((SELECT n.sessions FROM lines_linecount n
                                WHERE n.line_id = l.id AND n.cycle = cycle.start),
                              (SELECT (v.facts ->> 'sessions')::int FROM lines_linedevice v
                                WHERE v.line_id = l.id AND v.cycle = cycle.start)) END"""

ALL_ABOUT = f"""
    SELECT l.id, l.iccid::text, l.carrier_id, s.wanted, s.wanted_at, s.why::text, s.why_who::text, w.since, s.blocked,
           s.reported, s.reported_word::text, s.reported_at, s.confirmed_at, c.name::text, p.name::text, a.name::text,
           a.uuid, l.notes, l.deactivation_date, l.imei::text, l.msisdn::text, l.added_at, s.last_seen, s.read_at,
           s.lower_at, cycle.start, {TODAY}, {MONTH}, s.sms_sent,
           (SELECT coalesce(h.last_success_at, b.last_failure_at) FROM lines_breaker b
              JOIN lines_carrierhealth h ON h.carrier_id = b.carrier_id
             WHERE b.carrier_id = c.id AND b.kind = '{CallKind.READING}' AND b.open_until > statement_timestamp()),
           n.sms, n.voice, {SESSIONS}, n.told_at,
           CASE WHEN s.why = '{Why.RULE}' THEN r.until END,
           ARRAY(SELECT t.name::text FROM lines_linetag lt JOIN lines_tag t ON t.id = lt.tag_id
                  WHERE lt.line_id = l.id AND NOT %(outside)s::boolean)
      FROM {{asked}} {JOINED}
      LEFT JOIN lines_drive w ON w.line_id = l.id
      LEFT JOIN lines_linecount n ON n.line_id = l.id AND n.cycle = cycle.start AND {TOLD}
      LEFT JOIN lines_rulehold r ON r.line_id = l.id AND r.since = s.wanted_at
     WHERE l.{{whose}} = %(viewer)s
     ORDER BY asked.nth
"""
BY_ID = "unnest(%(ids)s::bigint[]) WITH ORDINALITY AS asked (id, nth)"
BY_ICCID = "(SELECT id, 1 AS nth FROM lines_line WHERE iccid = ANY(%(iccids)s::text[])) asked"


def figures(viewer: Viewer, today: dt.date) -> dict[str, Any]:
    """What JOINED and its columns ask for."""
    came = dt.datetime.combine(today - CYCLE, dt.time(), dt.UTC)
    return {"viewer": viewer.account.pk, "outside": viewer.account.is_subaccount, "came": came, "today": today}


def whose(viewer: Viewer) -> str:
    """The column of a line that has the viewer's account (in SQL what `lines_of` is)."""
    return "account_id" if viewer.account.is_subaccount else "payer_id"


def line_of(viewer: Viewer, iccid: str, *, today: dt.date) -> LineShown | None:
    """One line, or None where it is unknown or not this person's."""
    for row in _rows(viewer, BY_ICCID, today, iccids=array(asked(iccid))):
        line = _shown(row, outsider=viewer.account.is_subaccount)
        if line.why != Why.CAP:
            return line
        return replace(line, capped=stopping(row[0], outside=viewer.account.is_subaccount))
    return None


def lines_by_id(viewer: Viewer, ids: Iterable[int], *, today: dt.date) -> list[LineShown]:
    """These lines, in this order, without those that are not this person's."""
    rows = _rows(viewer, BY_ID, today, ids=array(ids))
    return [_shown(row, outsider=viewer.account.is_subaccount) for row in rows]


def _rows(viewer: Viewer, which: str, today: dt.date, **given: str) -> list[tuple[Any, ...]]:
    return prepared(ALL_ABOUT.format(asked=which, whose=whose(viewer)), figures(viewer, today) | given)


def lines_again(viewer: Viewer, iccids: Sequence[str], *, today: dt.date) -> list[LineShown]:
    """The same by their ICCIDs."""
    theirs = dict(lines_of(viewer).filter(iccid__in=iccids).values_list("iccid", "pk"))
    return lines_by_id(viewer, [theirs[iccid] for iccid in iccids if iccid in theirs], today=today)


def _shown(row: tuple[Any, ...], *, outsider: bool) -> LineShown:
    """Of a row of ALL_ABOUT."""
    (
        _, iccid, carrier_id, wants, wanted_at, why, who, waiting_since, blocked,
        reports, word, reported_at, confirmed_at, carrier, plan, holder,
        holder_uuid, notes, deactivation_date, imei, msisdn, added_at, last_seen, read_at,
        lower_at, cycle, today_bytes, month_bytes, sms_sent, silent_since,
        sms, voice, sessions, told_at, returns_at, tags,
    ) = row  # fmt: skip
    wanted, reported = Wanted(wants), None if reports is None else Switch(reports)
    is_device = why == Why.CARRIER and who.isdecimal()  # an IMEI lock fired for it; others know no people and rules
    return LineShown(
        iccid=iccid,
        carrier_id=carrier_id,
        status=status(wanted, confirmed_on=is_confirmed_on(reported, blocked=blocked)),
        wanted=wanted,
        wanted_at=wanted_at,
        why=why,
        who=who if is_device or not outsider else "",
        waiting_since=waiting_since,
        blocked=blocked,
        reported=reported,
        reported_word="" if outsider else word,
        reported_at=reported_at,
        confirmed_at=confirmed_at,
        carrier="" if outsider else carrier,
        plan="" if outsider else plan,
        holder="" if outsider else holder or "",
        notes=notes,
        deactivation_date=deactivation_date,
        imei=imei,
        msisdn=msisdn,
        added_at=added_at,
        last_seen=last_seen,
        read_at=read_at,
        lower_at=lower_at,
        cycle_start=cycle,
        today_bytes=today_bytes,
        month_bytes=month_bytes,
        sms_sent=sms_sent,
        silent_since=silent_since,
        counts=Counts(sms, voice, sessions, told_at),
        returns_at=returns_at,
        holder_uuid=holder_uuid.hex if holder_uuid and not outsider else "",
        tags=tuple(sorted(tags)),
    )
