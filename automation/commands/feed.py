"""What happened becomes what is told: one row for each event, in an order that no reader can miss one in."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from django.db import connection, transaction
from kit import clock
from kit.endpoints import moment

from automation.kinds import BY_TYPE, REQUESTS, STATUS, VERSION
from automation.models import AwaitedLine, FeedEvent, Swept, TroubledCarrier, WebhookDelivery, WebhookEndpoint
from automation.queries.feed import GONE
from billing.commands.notifying import take_for_webhooks, tell_many
from billing.policy.notices import Kind as NoticeKind
from billing.words import Telling, Told
from lines.models import Carrier, Line
from lines.policy import Wanted
from lines.queries.health import health_of
from lines.sentences import of_trouble

KEPT = dt.timedelta(days=90)
BATCH = 1_000
LOCK = 7_021_003  # of whoever writes the feed
PATIENCE = 5  # tries of a carrier, before it is told that it does not take the request
ABOUT = {
    "line": "iccid",
    "job": "job_uuid",
    "order": "order_uuid",
    "rule": "rule_uuid",
}  # subjects, as the API calls them

# What a message says stands in the message alone, as long as it is kept: here it is still.
NEW = """
SELECT e.id, e.verb, e.at, e.subject, e.actor_name,
       CASE WHEN m.id IS NULL THEN e.detail ELSE e.detail - 'text_digest' || jsonb_build_object('text', m.text)
         || CASE WHEN m.doubt = '' THEN '{}' ELSE jsonb_build_object('listed', m.doubt) END END,
       a.uuid, coalesce(a.parent_id, a.id)
  FROM accounts_event e JOIN accounts_account a ON a.id = e.account_id
  LEFT JOIN lines_smsmessage m ON e.verb = ANY('{sms.received,sms.doubted}') AND m.id = (e.detail->>'sms')::bigint
 WHERE e.id > %(after)s AND e.verb = ANY(%(verbs)s::text[])
   AND NOT EXISTS (SELECT FROM automation_feedevent f WHERE f.source = e.id)
 ORDER BY e.id LIMIT %(limit)s
"""
# The carrier agrees, or answered with a word that nobody knows: nothing is asked of it any more.
CONFIRMED = """
DELETE FROM automation_awaitedline w USING lines_line l, lines_linestate st, accounts_account a
 WHERE l.id = w.line_id AND st.line_id = w.line_id AND a.id = l.account_id
   AND NOT EXISTS (SELECT FROM lines_drive d WHERE d.line_id = w.line_id)
RETURNING 'line.confirmed', l.iccid, w."on", (st.wanted = %(on)s) = w."on", st.confirmed_at, a.uuid,
          coalesce(a.parent_id, a.id), ''
"""
FAILING = """
UPDATE automation_awaitedline w SET failed = true
  FROM lines_line l, lines_drive d, accounts_account a
 WHERE l.id = w.line_id AND d.line_id = w.line_id AND a.id = l.account_id AND NOT w.failed
   AND (d.is_refused OR d.attempts >= %(tries)s)
RETURNING CASE WHEN d.is_refused THEN 'line.refused' ELSE 'line.failed' END, l.iccid, w."on", true, NULL::timestamptz,
          a.uuid, coalesce(a.parent_id, a.id), d.last_error
"""


def envelope(*, kind: str, ident: uuid.UUID, at: dt.datetime, account: uuid.UUID, data: dict[str, Any]) -> str:
    """The one shape of messages and of the feed, as JSON."""
    told = {
        "id": f"evt_{ident.hex}",
        "type": kind,
        "version": VERSION,
        "timestamp": at,
        "at": moment(at),
        "account_uuid": account.hex,
        "data": {"account": account.hex} | data,
    }
    return msgspec.json.encode(told).decode()


@transaction.atomic
def publish(*, after: int) -> int:
    """Tells what happened behind this event and was not told, and what carriers confirmed since; says how many.
    Harmless twice, and beside another that does the same."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(NEW, {"after": after, "verbs": list(BY_TYPE), "limit": BATCH})
        rows = cursor.fetchall()
    _tell(_of_event(row) for row in rows)
    _await(rows)
    return len(rows)


@transaction.atomic
def publish_carriers() -> int:
    """Tells which requests carriers confirmed, and which they do not take. Harmless twice."""
    told = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        for sql in (CONFIRMED, FAILING):
            cursor.execute(sql, {"on": Wanted.ACTIVE.value, "tries": PATIENCE})
            told += [_of_carrier(row) for row in cursor.fetchall() if row[3]]
    return len(_tell(told))


def _of_event(row: Sequence[Any]) -> FeedEvent:
    event, verb, at, subject, actor, detail, account, payer = row
    detail = msgspec.json.decode(detail) if isinstance(detail, str) else detail
    about, _, name = subject.partition(":")
    data = {"subject": subject, "by": actor} | ({ABOUT[about]: name} if about in ABOUT and name else {}) | detail
    return _made(verb, at=at, account=account, payer=payer, data=data, source=event)


def _of_carrier(row: Sequence[Any]) -> FeedEvent:
    kind, iccid, on, _, confirmed_at, account, payer, why = row
    data = {"subject": f"line:{iccid}", "iccid": iccid, "status": STATUS[on]} | ({"why": why} if why else {})
    return _made(kind, at=confirmed_at or clock.now(), account=account, payer=payer, data=data)


def _made(
    kind: str, *, at: dt.datetime, account: uuid.UUID, payer: int, data: dict[str, Any], source: int | None = None
) -> FeedEvent:
    """`source`: the event of the audit that it tells, if one does."""
    ident = uuid.uuid4()
    body = envelope(kind=kind, ident=ident, at=at, account=account, data=data)
    topic = BY_TYPE[kind].topic
    return FeedEvent(uuid=ident, account_id=payer, source=source, topic=topic, type=kind, at=at, body=body)


@transaction.atomic
def publish_troubles() -> int:
    """Tells each account which carriers of its lines are in trouble since the last look, and which are well again;
    says to how many. Harmless twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    found = health_of(list(Carrier.objects.filter(is_active=True)), with_set_aside=False)
    troubled = {one.carrier_id: of_trouble(one) for one in found if one.is_troubled}
    before = set(TroubledCarrier.objects.values_list("carrier_id", flat=True))
    at = clock.now()
    TroubledCarrier.objects.bulk_create(TroubledCarrier(carrier_id=pk, since=at) for pk in troubled.keys() - before)
    TroubledCarrier.objects.filter(carrier_id__in=before - troubled.keys()).delete()
    changed = {pk: ("carrier.trouble", {"why": troubled[pk]}) for pk in troubled.keys() - before}
    changed |= {pk: ("carrier.recovered", {}) for pk in before - troubled.keys()}
    theirs = Line.objects.filter(carrier__in=changed, payer__isnull=False).order_by()
    rows = list(theirs.values_list("carrier_id", "carrier__name", "payer_id", "payer__uuid").distinct())
    _notify(rows, changed, at)
    told = []
    for carrier_id, name, payer, account in rows:
        kind, more = changed[carrier_id]
        data = {"subject": f"carrier:{name}", "carrier": name, **more}
        told.append(_made(kind, at=at, account=account, payer=payer, data=data))
    return len(_tell(told))


Changed = dict[int, tuple[str, dict[str, str]]]  # by carrier: the kind of event, and what it says


def _notify(rows: Iterable[tuple[int, str, int, uuid.UUID]], changed: Changed, at: dt.datetime) -> None:
    """People of these accounts, who may see carriers, are told which are in trouble and which are well again."""
    tellings = []
    for carrier_id, name, payer, _ in rows:
        what, more = changed[carrier_id]
        first, _, rest = more.get("why", f"{name} is read again. Its lines have new numbers soon.").partition(". ")
        told = Told(first, rest)
        key, page = f"{what}:{carrier_id}:{payer}:{at.isoformat()}", f"/lines/?carrier={carrier_id}"
        tellings.append(Telling(payer, key, told, page, about=f"carrier:{carrier_id}"))
    tell_many(kind=NoticeKind.CARRIERS, tellings=tellings)


@transaction.atomic
def publish_notifications() -> int:
    """Tells what people chose to be told by webhook; says how much. Harmless twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    told = []
    for notice, people in take_for_webhooks(most=BATCH):
        data = {"kind": notice.kind, "title": notice.subject, "text": notice.text, "page": notice.page}
        more: dict[str, Any] = {"subject": f"notice:{notice.pk}", **data, "people": people}
        account = notice.account
        told.append(_made("notification.sent", at=clock.now(), account=account.uuid, payer=account.payer_id, data=more))
    return len(_tell(told))


def _tell(rows: Iterable[FeedEvent]) -> list[FeedEvent]:
    """Into the feed, and to each address that hears of it, in the same transaction: no event is told to one of them
    and not to the other."""
    made = FeedEvent.objects.bulk_create(rows)
    endpoints = WebhookEndpoint.objects.filter(account__in={row.account_id for row in made}, is_on=True)
    pairs = [(row, one) for one in endpoints for row in made if row.account_id == one.account_id]
    deliver(pairs=[(row, one) for row, one in pairs if row.topic in one.topics and row.at >= one.since])
    return made


def deliver(*, pairs: Iterable[tuple[FeedEvent, WebhookEndpoint]]) -> int:
    """A message for each; says for how many. One that has been made already is not made again."""
    messages = [
        WebhookDelivery(endpoint=one, feed=row, event_id=row.source, topic=row.topic, body=row.body)
        for row, one in pairs
    ]
    return len(WebhookDelivery.objects.bulk_create(messages, ignore_conflicts=True))


def _await(rows: Sequence[Sequence[Any]]) -> None:
    """The last request of each line."""
    wanted = {row[3].removeprefix("line:"): (REQUESTS[row[1]], row[2]) for row in rows if row[1] in REQUESTS}
    lines = Line.objects.filter(iccid__in=wanted).values_list("pk", "iccid")
    AwaitedLine.objects.bulk_create(
        [AwaitedLine(line_id=pk, on=wanted[iccid][0], since=wanted[iccid][1]) for pk, iccid in lines],
        update_conflicts=True,
        unique_fields=["line"],
        update_fields=["on", "since", "failed"],
    )


@transaction.atomic
def drop_old_events(*, limit: int = 10_000) -> int:
    """Events told over 90 days ago leave the feed; says how many."""
    old = FeedEvent.objects.filter(told_at__lt=clock.now() - KEPT).order_by("pk")
    waits = WebhookDelivery.objects.filter(feed__in=old, delivered_at=None, failed_at=None).values("feed")
    AwaitedLine.objects.filter(line__account=None).delete()
    ids = list(old.exclude(pk__in=waits).values_list("pk", flat=True)[:limit])
    if ids:
        Swept.objects.update_or_create(name=GONE, defaults={"last_event": ids[-1]})
    return FeedEvent.objects.filter(pk__in=ids).delete()[0]
