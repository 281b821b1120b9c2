"""How the carriers are: whether they answer, how old their numbers are, how many calls are left today."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, Min, Q, Sum
from django.db.models.functions import Now
from kit import clock

from accounts.queries import Viewer
from lines import policy
from lines.carriers import CLIENTS
from lines.carriers.base import CallKind
from lines.models import Breaker, Carrier, CarrierHealth, Line, Quarantine, ReadingPass
from lines.queries.scope import lines_of

RECENT = dt.timedelta(hours=24)  # of which the failures are counted
KNOWN = dt.timedelta(days=7)  # older readings are not looked for
SLACK = 60  # seconds that three turns may take longer
BY_PAGE = frozenset(kind for kind, client in CLIENTS.items() if client.abilities.lists_lines)
KINDS = tuple(CallKind)
NEEDED = frozenset({CallKind.READING, CallKind.SWITCHING})  # without these its lines are not what we show


@dataclass(frozen=True, slots=True)
class Shut:
    """A kind of call that is not made until then: it failed too often, or the carrier asked for a pause."""

    kind: CallKind
    until: dt.datetime
    is_pause: bool
    why: str


@dataclass(frozen=True, slots=True)
class Health:
    """A carrier now. `read_at`: when the last whole reading began; `shut`: the kinds of calls that are not made."""

    carrier_id: int
    name: str
    answers: bool  # the breakers of reading and of switching are closed
    shut: tuple[Shut, ...]
    last_answer_at: dt.datetime | None
    last_failure_at: dt.datetime | None
    last_failure: str
    tries_again_at: dt.datetime | None
    calls_left: int | None  # None: no limit
    read_at: dt.datetime | None
    is_late: bool
    lag: dt.timedelta | None  # since then
    is_partial: bool  # pages or ranges of the last reading gave no answer
    readings: int
    failed: int
    set_aside: int  # lines of ours whose records of the last day could not be read

    @property
    def is_troubled(self) -> bool:
        return not self.answers or self.calls_left == 0 or self.is_late


def health_of(carriers: list[Carrier], *, with_set_aside: bool = True) -> list[Health]:
    """Each of these carriers, in a few statements however many there are."""
    now, today = clock.now(), clock.today()
    rows = {row.pk: row for row in CarrierHealth.objects.filter(carrier__in=carriers)}
    shut = _shut(carriers)
    recent = ReadingPass.objects.filter(carrier__in=carriers, started_at__gte=now - KNOWN, started_at__lte=now)
    passes = recent.values("carrier_id").order_by()
    done = passes.annotate(
        began=Max("started_at", filter=Q(finished_at__isnull=False, lost=0)),
        first=Min("started_at"),
        in_part=Max("started_at", filter=Q(finished_at__isnull=False, lost__gt=0)),
        ended=Max("finished_at"),
        read=Sum("readings", filter=Q(started_at__gte=now - RECENT)),
        lost=Sum("failed", filter=Q(started_at__gte=now - RECENT)),
    )
    read: dict[int, dict[str, Any]] = {row["carrier_id"]: dict(row) for row in done}
    odd = Quarantine.objects.filter(carrier__in=carriers if with_set_aside else [], line__isnull=False)
    for row in (
        odd.filter(at__gte=now - RECENT).values("carrier_id").order_by().annotate(lines=Count("line", distinct=True))
    ):
        read.setdefault(row["carrier_id"], {})["odd"] = row["lines"]
    return [
        _health(carrier, rows.get(carrier.pk), shut.get(carrier.pk, []), read.get(carrier.pk, {}), now, today)
        for carrier in carriers
    ]


def _shut(carriers: list[Carrier]) -> dict[int, list[Shut]]:
    """What is not called, by carrier. An open breaker stays open until the call that tries it comes back."""
    found: dict[int, list[Shut]] = {}
    paused = Q(paused_until__gt=Now())  # these times are the database's real ones
    rows = Breaker.objects.filter(carrier__in=carriers).annotate(is_paused=paused)
    for one in rows.order_by("carrier_id", "kind"):
        if one.open_until is not None:
            shut = Shut(CallKind(one.kind), one.open_until, False, one.last_failure)
        elif one.paused_until is not None and one.is_paused:
            shut = Shut(CallKind(one.kind), one.paused_until, True, one.last_failure)
        else:
            continue
        found.setdefault(one.carrier_id, []).append(shut)
    return found


def _health(
    carrier: Carrier,
    row: CarrierHealth | None,
    shut: list[Shut],
    read: dict[str, Any],
    now: dt.datetime,
    today: dt.date,
) -> Health:
    used = row.calls_today if row and row.day == today else 0
    began: dt.datetime | None = read.get("began")
    ended: dt.datetime | None = read.get("ended")
    answers = [at for at in (row.last_success_at if row else None, ended) if at]
    silent = [one for one in shut if one.kind in NEEDED and not one.is_pause]
    since = began or read.get("first")  # where no reading was a whole one: since the first that was none
    late = since is not None and now - since > policy.late_after(carrier.read_every, carrier.calls_per_day)
    return Health(
        carrier_id=carrier.pk,
        name=carrier.name,
        answers=not silent,
        shut=tuple(shut),
        last_answer_at=max(answers, default=None),
        last_failure_at=row.last_failure_at if row else None,
        last_failure=row.last_failure if row else "",
        tries_again_at=min((one.until for one in silent), default=None),
        calls_left=None if carrier.calls_per_day is None else max(0, carrier.calls_per_day - used),
        read_at=began,
        is_late=late,
        lag=now - since if since else None,
        is_partial=bool(read.get("in_part") and (began is None or read["in_part"] > began)),
        readings=read.get("read") or 0,
        failed=read.get("lost") or 0,
        set_aside=read.get("odd") or 0,
    )


def troubles_of(viewer: Viewer, *, carrier_id: int | None = None) -> list[Health]:
    """The carriers that a viewer's lines are at and that are not well; or this one, where it is not."""
    carriers = Carrier.objects.filter(is_active=True)
    if carrier_id is not None:
        carriers = carriers.filter(pk=carrier_id)
    found = health_of(list(carriers.order_by("name")), with_set_aside=False)
    troubled = [one for one in found if one.is_troubled]
    return [one for one in troubled if lines_of(viewer).filter(carrier_id=one.carrier_id).order_by().exists()]


def set_aside_of(iccid: str) -> Quarantine | None:
    """Why a line's last record could not be read; None where one was read since."""
    unread = Q(line__state__read_at=None) | Q(at__gt=F("line__state__read_at"))
    return Quarantine.objects.filter(unread, line__iccid=iccid).order_by("-at").first()


def set_aside_count(viewer: Viewer) -> int:
    """Lines of a viewer whose last record could not be read: their numbers stand still."""
    recent = Quarantine.objects.filter(line__isnull=False, at__gte=clock.now() - RECENT)
    odd = recent.filter(Q(line__state__read_at=None) | Q(at__gt=F("line__state__read_at"))).values("line_id")
    return lines_of(viewer).filter(pk__in=odd).order_by().count()


def overdue(now: dt.datetime) -> list[tuple[Carrier, dt.timedelta]]:
    """Carriers of which nothing whole was read for three of their turns, and for how long."""
    found = []
    held = Line.objects.exclude(payer=None).values("carrier_id").order_by().annotate(n=Count("pk"))
    lines = {row["carrier_id"]: row["n"] for row in held}
    for carrier in Carrier.objects.filter(is_active=True, pk__in=lines):
        passes = ReadingPass.objects.filter(carrier=carrier, started_at__lte=now)
        whole = passes.filter(finished_at__isnull=False, lost=0).order_by("-started_at").first()
        last = whole.started_at if whole else carrier.created_at
        calls = policy.calls_a_pass(lines[carrier.pk], by_page=carrier.kind in BY_PAGE)
        turn = policy.read_interval(carrier.read_every, calls, carrier.calls_per_day)
        if now - last > dt.timedelta(seconds=3 * turn + SLACK):
            found.append((carrier, now - last))
    return found


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work of one kind that is due now, and since when the oldest is."""

    kind: str
    count: int
    oldest: dt.timedelta | None


# Rows that are due and that nobody works on, each kind with the moment since which it is.
DUE = {
    "reading": "SELECT count(*), min(coalesce(c.due_at, p.started_at)) FROM lines_chunk c"
    " JOIN lines_readingpass p ON p.id = c.reading_pass_id WHERE p.finished_at IS NULL AND {due}",
    "commands": "SELECT count(*), min(coalesce(c.due_at, c.since)) FROM lines_drive c WHERE {due}",
    "settings": "SELECT count(*), min(coalesce(c.due_at, c.since)) FROM lines_linesetting c WHERE c.is_open AND {due}",
    "messages": "SELECT count(*), min(coalesce(c.due_at, c.created_at)) FROM lines_smsmessage c"
    " WHERE c.is_open AND {due}",
    "final totals": "SELECT count(*), min(c.due_at) FROM lines_finaltotal c WHERE c.done_at IS NULL AND {due}",
}
FREE = "(c.due_at IS NULL OR c.due_at <= %(now)s) AND (c.leased_until IS NULL OR c.leased_until < clock_timestamp())"


def backlog(now: dt.datetime) -> list[Backlog]:
    """What is due of each kind. Asked by probes every few seconds: indexes alone, and small tables."""
    found = []
    with connection.cursor() as cursor:
        for kind, statement in DUE.items():
            cursor.execute(statement.format(due=FREE), {"now": now})
            count, since = cursor.fetchone()
            found.append(Backlog(kind, count, max(now - since, dt.timedelta()) if since else None))
    return found
