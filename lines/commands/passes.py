"""Reading a carrier's lines: passes, their chunks, and the final totals of finished months, all as rows."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from kit import clock
from kit.identifiers import all_spellings, asked, sim_key
from kit.sql import array

from accounts.commands import Happened, record_many
from accounts.policy import SYSTEM
from lines import counting, policy
from lines.carriers.base import Malformed, Odd
from lines.commands import leases
from lines.commands.readings import Applied
from lines.models import Carrier, CarrierHealth, Chunk, FinalTotal, Line, Quarantine, ReadingPass
from lines.policy import Hold

CHUNK = 250  # lines
MAX_ATTEMPTS = 5  # a chunk that failed so often waits for the next pass


@transaction.atomic
def plan_pass(*, carrier: Carrier, by_page: bool, planned_for: dt.datetime | None = None) -> ReadingPass | None:
    """Begins a pass over a carrier's lines; None when it is planned already. One by hand replaces what is left open."""
    reading_pass: ReadingPass | None
    if planned_for is None:
        finish_passes(carrier=carrier)
        reading_pass = ReadingPass.objects.create(carrier=carrier)
    else:
        reading_pass, made = ReadingPass.objects.get_or_create(carrier=carrier, planned_for=planned_for)
        if not made:
            return None
    if by_page:
        Chunk.objects.create(reading_pass=reading_pass, page=1)
    else:
        _plan_ranges(reading_pass)
    return reading_pass


def _plan_ranges(reading_pass: ReadingPass) -> None:
    """Ranges of at most CHUNK lines by id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lines_chunk (reading_pass_id, first_line, last_line, attempts, last_error)"
            " SELECT %s, min(id), max(id), 0, '' FROM"
            "  (SELECT id, (row_number() OVER (ORDER BY id) - 1) / %s AS part FROM lines_line"
            "    WHERE carrier_id = %s) l GROUP BY part ORDER BY part",
            [reading_pass.pk, CHUNK, reading_pass.carrier_id],
        )


def plan_due_passes(*, by_page: frozenset[str]) -> int:
    """Plans a pass for each carrier whose last one began long enough ago and is over; says how many."""
    planned = 0
    for carrier in Carrier.objects.filter(is_active=True):
        now = clock.now()
        begun = ReadingPass.objects.filter(carrier=carrier, started_at__lte=now)  # a clock may have jumped back
        last = begun.order_by("-started_at").first()
        if last is not None:
            if last.finished_at is None and _is_alive(last):
                continue
            pages = carrier.kind in by_page
            lines = Line.objects.filter(carrier=carrier).count()
            calls = policy.calls_a_pass(lines, by_page=pages)
            finals = FinalTotal.objects.filter(carrier=carrier, done_at=None, due_at__lte=now).count()
            pause = policy.read_interval(carrier.read_every, calls, carrier.calls_per_day, finals)
            if now < last.started_at + dt.timedelta(seconds=pause):
                continue
            finish_passes(carrier=carrier)
        if plan_pass(carrier=carrier, by_page=carrier.kind in by_page, planned_for=now.replace(microsecond=0)):
            planned += 1
    return planned


def _is_alive(reading_pass: ReadingPass) -> bool:
    """A pass with chunks left; one without any is over, whoever forgot to say so."""
    return Chunk.objects.filter(reading_pass=reading_pass).exists()


def finish_passes(*, carrier: Carrier) -> None:
    """Ends a carrier's open passes; what they had left is read by the next."""
    open_passes = ReadingPass.objects.filter(carrier=carrier, finished_at__isnull=True)
    left = Chunk.objects.filter(reading_pass=OuterRef("pk")).order_by().values("reading_pass").annotate(n=Count("pk"))
    open_passes.update(lost=F("lost") + Coalesce(Subquery(left.values("n")), 0))
    Chunk.objects.filter(reading_pass__in=open_passes).delete()
    open_passes.update(finished_at=clock.now())


def claim_chunks(*, carrier: Carrier, limit: int) -> list[Chunk]:
    """Takes due chunks of a carrier's open passes. One that has killed every worker that took it ends unread."""
    ids = leases.claim(
        model=Chunk,
        limit=limit,
        where="reading_pass_id IN (SELECT id FROM lines_readingpass WHERE carrier_id = %s AND finished_at IS NULL)",
        parameters=[carrier.pk],
        longest_wait=leases.AN_HOUR,
    )
    chunks = list(Chunk.objects.filter(pk__in=ids).order_by("pk"))
    for chunk in chunks:
        if chunk.attempts > MAX_ATTEMPTS:
            chunk_done(chunk=chunk, applied=Applied(), failed=1, is_lost=True)
    return [chunk for chunk in chunks if chunk.attempts <= MAX_ATTEMPTS]


def chunks_held(*, carrier: Carrier) -> bool:
    """Whether another living worker still reads for this carrier."""
    where = "reading_pass_id IN (SELECT id FROM lines_readingpass WHERE carrier_id = %s AND finished_at IS NULL)"
    return leases.is_held(model=Chunk, where=where, parameters=[carrier.pk])


@transaction.atomic
def add_pages(*, chunk: Chunk, upto: int) -> None:
    """The pages up to this one become chunks, unless the list was seen to end before. Harmless twice."""
    reading_pass = ReadingPass.objects.select_for_update().get(pk=chunk.reading_pass_id)
    if reading_pass.finished_at is not None or reading_pass.last_page is not None or upto <= reading_pass.pages:
        return
    Chunk.objects.bulk_create(
        [Chunk(reading_pass=reading_pass, page=page) for page in range(reading_pass.pages + 1, upto + 1)],
        ignore_conflicts=True,
        batch_size=5000,
    )
    reading_pass.pages = upto
    reading_pass.save(update_fields=["pages"])


@transaction.atomic
def end_pages(*, chunk: Chunk, last: int) -> None:
    """The carrier's list ended with this page: what is planned after it is not asked for."""
    reading_pass = ReadingPass.objects.select_for_update().get(pk=chunk.reading_pass_id)
    reading_pass.last_page = min(last, reading_pass.last_page or last)
    reading_pass.save(update_fields=["last_page"])
    Chunk.objects.filter(reading_pass=reading_pass, page__gt=last).exclude(pk=chunk.pk).delete()


@transaction.atomic
def chunk_done(*, chunk: Chunk, applied: Applied, failed: int = 0, is_lost: bool = False) -> None:
    """A chunk is read and applied, or lost; the last one ends its pass."""
    Chunk.objects.filter(pk=chunk.pk).delete()
    ReadingPass.objects.filter(pk=chunk.reading_pass_id).update(
        readings=F("readings") + applied.readings,
        unknown=F("unknown") + applied.unknown,
        failed=F("failed") + failed,
        lost=F("lost") + int(is_lost),
        bytes_moved=F("bytes_moved") + applied.bytes_moved,
        charged=F("charged") + applied.charged,
    )
    if not Chunk.objects.filter(reading_pass_id=chunk.reading_pass_id).exists():
        ReadingPass.objects.filter(pk=chunk.reading_pass_id, finished_at__isnull=True).update(finished_at=clock.now())


def chunk_failed(*, chunk: Chunk, error: str, wait: float | None = None, at_once: bool = False) -> bool:
    """A chunk could not be read and is due again, after a pause or at once; False when it has failed too often."""
    if chunk.attempts >= MAX_ATTEMPTS:
        return False
    pause = max(policy.retry_after(chunk.attempts), dt.timedelta(seconds=wait or 0))
    Chunk.objects.filter(pk=chunk.pk).update(
        due_at=None if at_once else clock.now() + pause, leased_until=None, last_error=error[:300]
    )
    return True


def quarantine(*, carrier: Carrier, call: str, failure: Malformed, iccid: str = "") -> None:
    """Keeps an answer that could not be read, whole; the same one again is counted. `iccid`: whom it is about."""
    digest = hashlib.sha256(failure.body).hexdigest()
    row, made = Quarantine.objects.get_or_create(
        carrier=carrier,
        call=call[:200],
        digest=digest,
        month=clock.month(),
        defaults={
            "error": str(failure)[:300],
            "body": failure.body,
            "line": Line.objects.filter(carrier=carrier, iccid=iccid).first() if iccid else None,
        },
    )
    if not made:
        Quarantine.objects.filter(pk=row.pk, month=row.month).update(times=F("times") + 1, at=clock.now())


def set_aside(*, carrier: Carrier, odd: Sequence[Odd]) -> int:
    """Keeps the records of a page that could not be read, with their reasons; says how many are of lines of ours."""
    told = all_spellings(asked(one.iccid)[0] for one in odd if one.iccid)
    lines = {
        sim_key(iccid): pk
        for iccid, pk in Line.objects.filter(carrier=carrier, iccid__in=told).values_list("iccid", "pk")
    }
    ours = [lines.get(sim_key(asked(one.iccid)[0])) if one.iccid else None for one in odd]
    for one, line_id in zip(odd, ours, strict=True):
        row, made = Quarantine.objects.get_or_create(
            carrier=carrier,
            call=f"record of {one.iccid or 'a SIM without an ICCID'}",
            digest=hashlib.sha256(one.why.encode()).hexdigest(),
            month=clock.month(),
            defaults={"error": one.why[:300], "body": one.body, "line_id": line_id},
        )
        if not made:
            Quarantine.objects.filter(pk=row.pk, month=row.month).update(
                times=F("times") + 1, at=clock.now(), body=one.body
            )
    return sum(line_id is not None for line_id in ours)


@transaction.atomic
def plan_final_totals(*, carrier: Carrier) -> None:
    """Once a month: every line whose counter still belongs to a finished month is to be settled. Harmless twice."""
    current = carrier.cycle_of(clock.today())
    health = CarrierHealth.objects.select_for_update().get(pk=carrier.pk)
    if health.finals_planned_for == current:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lines_finaltotal (line_id, carrier_id, cycle, due_at, attempts, last_error)"
            " SELECT l.id, l.carrier_id, st.cycle,"
            "        (st.cycle + interval '1 month') AT TIME ZONE 'UTC' + %s * interval '1 second', 0, ''"
            "   FROM lines_line l JOIN lines_linestate st ON st.line_id = l.id"
            "  WHERE l.carrier_id = %s AND l.payer_id IS NOT NULL AND st.cycle < %s"
            "    AND st.cycle >= st.since_cycle"
            " ON CONFLICT (line_id, cycle) DO NOTHING",
            [counting.FINALS_AFTER.total_seconds(), carrier.pk, current],
        )
    health.finals_planned_for = current
    health.save(update_fields=["finals_planned_for"])


def may_fetch_final_totals(*, carrier: Carrier) -> bool:
    """Whether the day's calls are less than half used up: the rest is kept for reading and driving."""
    if carrier.calls_per_day is None:
        return True
    health = CarrierHealth.objects.get(pk=carrier.pk)
    return health.day != clock.today() or health.calls_today < carrier.calls_per_day * policy.FINALS_SHARE


def claim_final_totals(*, carrier: Carrier, limit: int) -> list[FinalTotal]:
    """Takes final totals that are to be fetched, with their lines."""
    ids = leases.claim(
        model=FinalTotal, limit=limit, where="carrier_id = %s AND done_at IS NULL", parameters=[carrier.pk]
    )
    return list(FinalTotal.objects.filter(pk__in=ids).select_related("line").order_by("pk"))


# The counter up to which a month was charged stands in its finished cycle, or in the state while no newer one began. A
# total that is held is asked for once more: a second answer decides.
SETTLE = f"""
UPDATE lines_finaltotal f
   SET total = t.total, leased_until = NULL, last_error = '',
       charged = coalesce((SELECT c.counter FROM lines_linecycle c JOIN lines_line l ON l.id = c.line_id
                            WHERE c.line_id = f.line_id AND c.cycle = f.cycle AND c.payer_id = l.payer_id),
                          (SELECT st.counter FROM lines_linestate st
                            WHERE st.line_id = f.line_id AND st.cycle = f.cycle)),
       done_at = CASE WHEN held.is_so THEN NULL ELSE %(now)s END,
       due_at = CASE WHEN held.is_so THEN %(now)s + %(again)s * interval '1 second' ELSE f.due_at END
  FROM unnest(%(finals)s::bigint[], %(totals)s::bigint[]) AS t(id, total),
       LATERAL (SELECT EXISTS (SELECT FROM lines_heldmovement h JOIN lines_finaltotal o ON o.id = t.id
                                WHERE h.line_id = o.line_id AND h.cycle = o.cycle AND h.state = '{Hold.HELD}') AS is_so)
       AS held
 WHERE f.id = t.id
RETURNING f.line_id, f.cycle, f.total, f.charged
"""
FINAL_AGAIN = dt.timedelta(hours=1)


@transaction.atomic
def final_totals_done(*, totals: Sequence[tuple[FinalTotal, int]]) -> None:
    """These months are settled; a total below what was charged is written down for the back office."""
    values: dict[str, Any] = {
        "now": clock.now(),
        "again": FINAL_AGAIN.total_seconds(),
        "finals": array(final.pk for final, _ in totals),
        "totals": array(total for _, total in totals),
    }
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, values)
        _note_below(cursor.fetchall())


# A page of the list that was asked for when the total was due, and shows the finished month still, carries its total:
# the line has not moved since. Only of the others each is asked for.
SETTLE_BY_LIST = f"""
UPDATE lines_finaltotal f
   SET total = coalesce(st.shown_lower, st.counter), charged = st.counter, done_at = %(now)s, last_error = ''
  FROM lines_linestate st
 WHERE f.carrier_id = %(carrier)s AND f.done_at IS NULL AND f.leased_until IS NULL
   AND st.line_id = f.line_id AND st.cycle = f.cycle
   AND st.read_at >= (f.cycle + interval '1 month') AT TIME ZONE 'UTC' + %(after)s * interval '1 second'
   AND NOT EXISTS (SELECT FROM lines_heldmovement h
                    WHERE h.line_id = f.line_id AND h.cycle = f.cycle AND h.state = '{Hold.HELD}')
RETURNING f.line_id, f.cycle, f.total, f.charged
"""


@transaction.atomic
def settle_by_list(*, carrier: Carrier) -> int:
    """Settles the months whose totals pages of the list have shown; says how many. It calls nobody."""
    after = counting.FINALS_AFTER.total_seconds()
    with connection.cursor() as cursor:
        cursor.execute(SETTLE_BY_LIST, {"carrier": carrier.pk, "now": clock.now(), "after": after})
        settled = cursor.fetchall()
    _note_below(settled)
    return len(settled)


def _note_below(settled: Sequence[tuple[Any, ...]]) -> None:
    """Writes down totals below what was charged. Rows: line, month, total, the counter that was charged up to."""
    below = [row for row in settled if row[3] is not None and row[2] < row[3]]
    lines = Line.objects.in_bulk([row[0] for row in below])
    record_many(
        by=SYSTEM,
        verb="final_total.below_charged",
        things=[
            Happened(None, f"line:{lines[line].iccid}", {"month": f"{cycle:%Y-%m}", "total": total, "charged": charged})
            for line, cycle, total, charged in below
        ],
    )


def final_total_failed(*, final: FinalTotal, error: str, give_up: bool, wait: float | None = None) -> None:
    """It is fetched again later; or never, where the carrier refuses."""
    pause = max(policy.retry_after(final.attempts), dt.timedelta(seconds=wait or 0))
    FinalTotal.objects.filter(pk=final.pk).update(
        due_at=clock.now() + pause,
        done_at=clock.now() if give_up else None,
        leased_until=None,
        last_error=error[:300],
    )
