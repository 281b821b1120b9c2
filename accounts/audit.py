"""What was done on an account, by whom: found, told in words, and proved to be whole."""

from __future__ import annotations

import datetime as dt
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac
from kit import clock
from kit.errors import Refusal
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


# Links that went with their months stand for themselves: the next link is over the hash of the last of them. What an
# erased event said is gone, with its right to be asked: a later link of its chain says that it was erased, the link
# after it is over its hash, and whoever empties one in secret cannot write the other.
PROVE = """
WITH links AS (
    SELECT e.account_id, e.link AS first, e.link AS last, e.hash, e AS event,
           CASE WHEN e.verb = 'account.erased' AND e.erased_at IS NULL THEN e.link END AS erased
      FROM accounts_event e WHERE e.link IS NOT NULL
     UNION ALL
    SELECT g.account_id, g.first_link, g.last_link, g.hash, NULL, g.erased FROM accounts_gonelinks g
), chained AS (
    SELECT event, first, lag(hash) OVER chain AS before, coalesce(lag(last) OVER chain, 0) AS last,
           coalesce(max(erased) OVER whole, 0) AS erased
      FROM links
    WINDOW chain AS (PARTITION BY account_id ORDER BY first), whole AS (PARTITION BY account_id)
), judged AS (
    SELECT coalesce((event).id, 0) AS id,
           CASE WHEN first <> last + 1 THEN 'a link before it is missing'
                WHEN (event).id IS NULL THEN NULL
                WHEN (event).erased_at IS NULL AND (event).hash IS DISTINCT FROM event_hash(event, before)
                THEN 'it was changed'
                WHEN (event).erased_at IS NOT NULL AND (event).link > erased THEN 'it was emptied'
           END AS why
      FROM chained
)
SELECT id, why FROM judged WHERE why IS NOT NULL ORDER BY 1 LIMIT 100
"""
# The event that was written when the last month went names the digest of all that stands for what is gone.
GONE = """
SELECT (SELECT coalesce(sum(g.last_link - g.first_link + 1), 0) FROM accounts_gonelinks g),
       coalesce(said.id, 0), said.digest IS NOT DISTINCT FROM nullif(gone_links_digest(), encode(sha256(''), 'hex'))
  FROM (SELECT) AS one LEFT JOIN LATERAL (
    SELECT e.id, e.detail->>'digest' AS digest FROM accounts_event e
     WHERE e.account_id IS NULL AND e.verb = 'audit.month_dropped' ORDER BY e.id DESC LIMIT 1
  ) AS said ON true
"""
HEADS = """
SELECT DISTINCT ON (e.account_id) coalesce(a.uuid::text, 'installation'), e.link, encode(e.hash, 'hex')
  FROM (SELECT account_id, link, hash FROM accounts_event WHERE link IS NOT NULL
         UNION ALL SELECT account_id, last_link, hash FROM accounts_gonelinks) AS e
  LEFT JOIN accounts_account a ON a.id = e.account_id
 ORDER BY e.account_id, e.link DESC
"""
# The hash of a link, and an empty one where it went with its month and was not the last that did.
LINKS = """
SELECT CASE WHEN e.last = %(link)s THEN encode(e.hash, 'hex') ELSE '' END
  FROM (SELECT account_id, link AS first, link AS last, hash FROM accounts_event WHERE link = %(link)s
         UNION ALL SELECT account_id, first_link, last_link, hash FROM accounts_gonelinks) AS e
  LEFT JOIN accounts_account a ON a.id = e.account_id
 WHERE coalesce(a.uuid::text, 'installation') = %(chain)s AND %(link)s BETWEEN e.first AND e.last
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain at some time: kept elsewhere, it shows later that nothing before it was cut or made anew."""

    chain: str  # the account's UUID, or "installation"
    link: int
    hash: str  # hex

    def __str__(self) -> str:
        return f"{self.chain} {self.link} {self.hash}"


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the chains are whole."""

    events: int
    sealed: int
    heads: list[Head]
    broken: list[tuple[int, str]]  # events with what is wrong, at most 100
    late: int  # events that should be links by now
    gone: int  # links that went with their months

    @property
    def is_whole(self) -> bool:
        return not self.broken and not self.late


def prove() -> Proof:
    """Computes every hash again, in the database."""
    unsealed = Event.objects.filter(hash=None)
    with connection.cursor() as cursor:
        cursor.execute(PROVE)
        broken = [(int(event), str(why)) for event, why in cursor.fetchall()]
        cursor.execute(GONE)
        gone, said, is_as_said = cursor.fetchone()
    if not is_as_said:
        broken.append((int(said), "what stands for the links that are gone is not what was written when they went"))
    events, waiting = Event.objects.count(), unsealed.count()
    late = unsealed.filter(at__lt=clock.now() - SEALED_WITHIN).count()
    return Proof(events, events - waiting, heads(), broken, late, int(gone))


def heads() -> list[Head]:
    """The end of each chain."""
    with connection.cursor() as cursor:
        cursor.execute(HEADS)
        found = [Head(str(chain), int(link), str(digest)) for chain, link, digest in cursor.fetchall()]
    return sorted(found, key=lambda head: head.chain)


def signed(ends: list[Head], at: dt.datetime) -> str:
    """A page to keep outside: when, each head, and who says so. The signature is by a key made of SECRET_KEY, so that
    whoever has the database alone cannot write another."""
    body = "\n".join([f"{PAGE} {at.isoformat(timespec='seconds')}", *map(str, ends)])
    return f"{body}\nsigned {_signatures(body)[0]}\n"


def opened(page: str) -> list[Head]:
    """The heads of a page that was kept. Raises NotOurs where it is none that we signed."""
    body, _, rest = page.strip().replace("\r\n", "\n").rpartition("\nsigned ")
    given = rest.partition("\n")[0].strip()  # a mail goes on below
    marks = _signatures(body)
    if not body.startswith(f"{PAGE} ") or not any(hmac.compare_digest(given.encode(), one.encode()) for one in marks):
        raise NotOurs("This file was not signed by this installation, or was changed since")
    parts = [line.split(" ") for line in body.split("\n")[1:]]
    return [Head(chain, int(link), digest) for chain, link, digest in parts]


def differences(kept: list[Head]) -> list[str]:
    """Chains that no longer hold what they held: cut, emptied, or with hashes computed anew. A link that went with its
    month says nothing more."""
    wrong = []
    with connection.cursor() as cursor:
        for head in kept:
            cursor.execute(LINKS, {"chain": head.chain, "link": head.link})
            row = cursor.fetchone()
            if row is None:
                wrong.append(f"{head.chain}: link {head.link} is missing; the chain was cut")
            elif row[0] and row[0] != head.hash:
                wrong.append(f"{head.chain}: link {head.link} has another hash; the chain was made anew")
    return wrong


class NotOurs(Refusal):
    """The file of heads is none that this installation signed."""


PAGE = "linekeeper audit heads"


def _signatures(body: str) -> list[str]:
    """Ours first, then those of former keys."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [salted_hmac("accounts.audit.heads", body, secret=key, algorithm="sha256").hexdigest() for key in keys]
