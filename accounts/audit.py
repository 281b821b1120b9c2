"""What was done on an account, by whom: found, told in words, and proved to be whole."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from kit import clock
from kit.identifiers import NotAnIccid, read_iccid, spellings

from accounts.models import Account, Event
from accounts.policy import ActorKind

SEARCHED = 20_000  # events of each account, the newest in the asked time, that are searched for a text
SEALED_WITHIN = dt.timedelta(minutes=10)
TRAILING = re.compile(r"^(-?[0-9]+\.[0-9]{2}[0-9]*?)0+$")  # of an amount with six places


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the audit; days are UTC and both count."""

    q: str = ""
    kind: str = ""  # of the actor
    start: dt.date | None = None
    end: dt.date | None = None
    before: int | None = None  # an event's id: only older ones


@dataclass(frozen=True, slots=True)
class Told:
    """An event in words."""

    id: int
    at: dt.datetime
    who: str
    what: str
    about: str  # what it happened to: an ICCID, a mail address, a name
    iccid: str  # where it is a line
    account: str  # the sub-account, where it is one's
    changes: list[tuple[str, str, str]]  # name, before, after; before is empty where there was none


# For each account the newest events in the asked time, of which those that match: every part stops at its limit.
FIND = """
SELECT found.id FROM unnest(%(accounts)s::bigint[]) AS a(id), LATERAL (
    SELECT recent.id FROM (
        SELECT e.* FROM accounts_event e
         WHERE e.account_id = a.id AND (%(before)s::bigint IS NULL OR e.id < %(before)s)
           AND (%(since)s::timestamptz IS NULL OR e.at >= %(since)s)
           AND (%(until)s::timestamptz IS NULL OR e.at < %(until)s)
           AND (%(kind)s = '' OR e.actor_kind = %(kind)s)
           AND (%(subjects)s::text[] = '{}' OR e.subject = ANY(%(subjects)s))
         ORDER BY e.id DESC LIMIT %(searched)s
    ) AS recent
    WHERE %(like)s = '' OR concat_ws(' ', recent.actor_name, recent.verb, recent.subject, recent.detail) ILIKE %(like)s
    ORDER BY recent.id DESC LIMIT %(limit)s
) AS found ORDER BY found.id DESC LIMIT %(limit)s
"""


def find(account: Account, asked: Asked, *, limit: int) -> list[Told]:
    """The newest first, of the account and its sub-accounts."""
    names = dict(Account.objects.filter(parent=account).values_list("pk", "name"))
    subjects = _lines_named(asked.q)
    is_line = bool(subjects)
    words = asked.q.strip().replace(" ", "_") if not is_line else ""  # verbs are written with _, which also matches " "
    escaped = words.replace("\\", "\\\\").replace("%", "\\%")
    with connection.cursor() as cursor:
        cursor.execute(
            FIND,
            {
                "accounts": [account.pk, *names],
                "before": asked.before,
                "since": _midnight(asked.start),
                "until": _midnight(asked.end + dt.timedelta(days=1)) if asked.end else None,
                "kind": asked.kind,
                "subjects": subjects,
                "like": f"%{escaped}%" if escaped else "",
                "searched": SEARCHED if escaped else limit,
                "limit": limit,
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    rows = Event.objects.filter(pk__in=ids).order_by("-pk")
    return [told(row, names.get(row.account_id or 0, "")) for row in rows]


def _lines_named(text: str) -> list[str]:
    """The subjects of events about the line whose ICCID is asked for."""
    try:
        return [f"line:{iccid}" for iccid in spellings(read_iccid(text))]
    except NotAnIccid:
        return []


def _midnight(day: dt.date | None) -> dt.datetime | None:
    return dt.datetime.combine(day, dt.time(), dt.UTC) if day else None


def everything(account: Account, asked: Asked, *, page: int = 2000) -> Iterator[Told]:
    """All of them, read page by page."""
    while True:
        rows = find(account, asked, limit=page)
        yield from rows
        if len(rows) < page:
            return
        asked = replace(asked, before=rows[-1].id)


def told(event: Event, account: str = "") -> Told:
    kind, _, name = event.subject.partition(":")
    return Told(
        id=event.pk,
        at=event.at,
        who=who(event.actor_kind, event.actor_name),
        what=words(event.verb),
        about=name if kind in ("line", "person") else "",
        iccid=name if kind == "line" else "",
        account=account,
        changes=changes(event.detail),
    )


def who(kind: str, name: str) -> str:
    """A person by mail address; everybody else with what they are."""
    match ActorKind(kind):
        case ActorKind.PERSON | ActorKind.KEY:
            return name
        case ActorKind.SYSTEM:
            return "System"
        case ActorKind.OPERATOR:
            return "Operator"
        case ActorKind.BACK_OFFICE:
            return f"Back office, {name}"
        case ActorKind.RULE:
            return f"Rule {name}"
        case ActorKind.CARRIER:
            return f"Carrier {name}"


# Verbs' first words that are not spelled like others.
SPELLED = {"sms": "SMS", "api": "API", "api key": "API key", "imei": "IMEI", "auto refill": "Auto-refill"}
WISHES = {"ACTIVE": "Active", "DEACTIVATED": "Deactivated", "SUSPENDED": "Suspended"}  # of a line


def words(verb: str) -> str:
    """line.deactivation_date_set as "Line: deactivation date set"."""
    thing, _, did = verb.replace("_", " ").replace("-", " ").partition(".")
    thing = SPELLED.get(thing, thing.capitalize())
    return f"{thing}: {did}" if did else thing


def changes(detail: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What an event changed, named, before and after; other facts of it have no before."""
    before, after = detail.get("before"), detail.get("after")
    rows: list[tuple[str, str, str]] = []
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = (part if isinstance(part, dict) else {} for part in (before, after))
        rows = [(_label(name), _text(old.get(name)), _text(new.get(name))) for name in dict.fromkeys([*old, *new])]
    elif "after" in detail:
        rows = [("", _wish_or_text(before), _wish_or_text(after))]
    elif "before" in detail:
        rows = [("before", "", _text(before))]
    others = [(_label(name), "", _text(value)) for name, value in detail.items() if name not in ("before", "after")]
    return rows + [row for row in others if row[2]]


def _wish_or_text(value: object) -> str:
    return WISHES.get(str(value)) or _text(value)


def _label(name: str) -> str:
    return name.replace("_", " ")


def _text(value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{_label(str(name))} {text}" for name, part in value.items() if (text := _text(part)))
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return TRAILING.sub(r"\1", str(value))


PROVE = """
WITH chained AS (
    SELECT e, lag(e.hash) OVER chain AS before, lag(e.link) OVER chain AS last
      FROM accounts_event e WHERE e.link IS NOT NULL
    WINDOW chain AS (PARTITION BY e.account_id ORDER BY e.link)
)
SELECT (e).id,
       CASE WHEN (e).link <> coalesce(last, 0) + 1 THEN 'a link before it is missing' ELSE 'it was changed' END
  FROM chained
 WHERE (e).link <> coalesce(last, 0) + 1 OR (e).hash IS DISTINCT FROM event_hash(e, before)
 ORDER BY 1 LIMIT 100
"""
HEADS = """
SELECT count(*), coalesce(encode(sha256(convert_to(string_agg(h.line, ',' ORDER BY h.line), 'UTF8')), 'hex'), '')
  FROM (SELECT DISTINCT ON (account_id) coalesce(account_id, 0) || ':' || link || ':' || encode(hash, 'hex') AS line
          FROM accounts_event WHERE link IS NOT NULL ORDER BY account_id, link DESC) AS h
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the chains are whole. `heads` names the ends of all chains: kept elsewhere, it shows later that none was
    cut."""

    events: int
    sealed: int
    chains: int
    heads: str
    broken: list[tuple[int, str]]  # events with what is wrong, at most 100
    late: int  # events that should be links by now

    @property
    def is_whole(self) -> bool:
        return not self.broken and not self.late


def prove() -> Proof:
    """Computes every hash again, in the database."""
    unsealed = Event.objects.filter(hash=None)
    with connection.cursor() as cursor:
        cursor.execute(PROVE)
        broken = [(int(event), str(why)) for event, why in cursor.fetchall()]
        cursor.execute(HEADS)
        chains, heads = cursor.fetchone()
    events, waiting = Event.objects.count(), unsealed.count()
    late = unsealed.filter(at__lt=clock.now() - SEALED_WITHIN).count()
    return Proof(events, events - waiting, chains, heads, broken, late)
