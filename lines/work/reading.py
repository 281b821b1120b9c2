"""Reading usage: chunks of a pass are fetched side by side and applied one by one; then balances decide."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction
from kit import clock
from kit.bells import Bell, ring
from kit.identifiers import spellings
from kit.sweeps import apart

from lines import policy
from lines.carriers.base import CarrierClient, CarrierFailure, Malformed, Odd, Page, Reading, Refused, Unreachable
from lines.carriers.wire import Unauthorized
from lines.commands import drives, passes
from lines.commands.days import of_days
from lines.commands.differences import note_unknown
from lines.commands.readings import Applied, apply_readings
from lines.commands.wishes import Enforced, enforce
from lines.models import Carrier, Chunk, FinalTotal, Line
from lines.work.clients import client_for

PAGES_AT_ONCE = 4
LINES_AT_ONCE = 8
FINALS_AT_ONCE = 50
HOPELESS = 10  # lines of a range that got no answer before the rest is left for later
IN_PLACE_ATTEMPTS = 3

T = TypeVar("T")


@dataclass(slots=True)
class Read:
    """What was read of a carrier and what followed; `failed` counts chunks and lines without an answer."""

    applied: Applied = field(default_factory=Applied)
    enforced: Enforced = field(default_factory=Enforced)
    turned: int = 0  # by who listens for pages: rules
    failed: int = 0
    final_totals: int = 0
    errors: list[str] = field(default_factory=list)

    def note(self, failure: CarrierFailure) -> None:
        if str(failure) not in self.errors and len(self.errors) < 10:
            self.errors.append(str(failure))


def attempt(call: Callable[[], T]) -> T | CarrierFailure:
    """The call's answer, or how it failed: so that one failure among many calls side by side stays one."""
    try:
        return call()
    except CarrierFailure as failure:
        return failure


class Reader:
    """Works through one carrier's due chunks and final totals.

    `in_place`: what fails is tried again at once, by real time, instead of at the next bell.
    """

    def __init__(self, carrier: Carrier, *, patience: float, stop: Callable[[], bool], in_place: bool = False) -> None:
        self.carrier = carrier
        self.client: CarrierClient = client_for(carrier, patience=patience)
        self.stop = stop
        self.in_place = in_place
        self.read = Read()
        self._pages_seen: dict[tuple[int, str, str, int], int] = {}

    def run(self) -> Read:
        with ThreadPoolExecutor(max_workers=LINES_AT_ONCE, thread_name_prefix="read") as pool:
            self._read_chunks(pool)
        return self.read

    def run_final_totals(self) -> Read:
        """Fetches finished months' totals while the day's calls allow it: reading and driving come first."""
        if self.client.abilities.final_totals:
            with ThreadPoolExecutor(max_workers=LINES_AT_ONCE, thread_name_prefix="final") as pool:
                self._read_final_totals(pool)
        return self.read

    def _read_chunks(self, pool: ThreadPoolExecutor) -> None:
        by_page = self.client.abilities.lists_lines
        while not self.stop():
            chunks = passes.claim_chunks(carrier=self.carrier, limit=PAGES_AT_ONCE if by_page else 1)
            if chunks and by_page:
                self._read_pages(chunks, pool)
            elif chunks:
                self._read_range(chunks[0], pool)
            elif self.in_place and passes.chunks_held(carrier=self.carrier):
                time.sleep(0.2)  # another worker reads for this pass, which is over when that one is done
            else:
                break

    def _read_pages(self, chunks: Sequence[Chunk], pool: ThreadPoolExecutor) -> None:
        read_at = clock.now()
        answers = pool.map(lambda chunk: attempt(lambda: self.client.read_page(chunk.page or 1, now=read_at)), chunks)
        for chunk, page in zip(chunks, answers, strict=True):
            if isinstance(page, CarrierFailure):
                self._failed(chunk, f"page {chunk.page}", page)
                continue
            self._plan_further(chunk, page)
            if self._is_astray(chunk, page):
                self._apply(page.readings, read_at)
                wrong = Unreachable(f"{self.carrier.name} answered page {chunk.page} with page {page.number}.")
                self._failed(chunk, f"page {chunk.page}", wrong)
                continue
            failed = passes.set_aside(carrier=self.carrier, odd=page.odd) if page.odd else 0
            self._apply(page.readings, read_at, chunk=chunk, failed=failed)
            self.read.turned += ring(Bell.PAGE_APPLIED)

    def _plan_further(self, chunk: Chunk, page: Page) -> None:
        """The list goes on as long as there are answers: what it says of its length is doubted."""
        asked = chunk.page or 1
        if self._is_astray(chunk, page):
            return
        is_empty = asked > 1 and not page.readings and not page.odd
        if is_empty or page.number < asked or self._came_before(chunk, page):
            passes.end_pages(chunk=chunk, last=asked - 1)
        else:
            upto = policy.pages_after(page=asked, told=page.total_pages, is_full=page.is_full, lines=self._lines_there)
            passes.add_pages(chunk=chunk, upto=upto)

    def _is_astray(self, chunk: Chunk, page: Page) -> bool:
        """Another page came though this one should be there: it is asked for again. Past the end that is usual."""
        asked = chunk.page or 1
        return page.number < min(asked, page.total_pages) and asked <= -(-self._lines_there // policy.PAGE_LINES)

    def _came_before(self, chunk: Chunk, page: Page) -> bool:
        """Whether these are the SIMs of an earlier page: a list that never ends tells its last page again."""
        if not page.readings:
            return False
        key = (chunk.reading_pass_id, page.readings[0].iccid, page.readings[-1].iccid, len(page.readings))
        return self._pages_seen.setdefault(key, chunk.page or 1) < (chunk.page or 1)

    @cached_property
    def _lines_there(self) -> int:
        return Line.objects.filter(carrier=self.carrier).count()

    def _read_range(self, chunk: Chunk, pool: ThreadPoolExecutor) -> None:
        read_at = clock.now()
        lines = list(
            Line.objects.filter(
                carrier=self.carrier, pk__gte=chunk.first_line, pk__lte=chunk.last_line, payer__isnull=False
            ).only("iccid", "carrier_iccid")
        )
        unreachable: list[Unreachable] = []

        def read_line(line: Line) -> Reading | CarrierFailure | None:
            if len(unreachable) >= HOPELESS:
                return None
            asked_at = (
                clock.now()
            )  # a chunk of calls takes long: which of two answers is the newer one is each line's own
            answer = self._read_line(line, asked_at)
            if isinstance(answer, Unreachable):
                unreachable.append(answer)
            return replace(answer, asked_at=asked_at) if isinstance(answer, Reading) else answer

        answers = list(pool.map(read_line, lines))
        readings = [answer for answer in answers if isinstance(answer, Reading)]
        for line, answer in zip(lines, answers, strict=True):
            if isinstance(answer, CarrierFailure):
                self.read.note(answer)
                self._keep_malformed(f"line {line.iccid}", answer, line.iccid)
        if len(unreachable) >= HOPELESS or (unreachable and not readings):
            self._apply(readings, read_at)
            self._failed(chunk, f"lines {chunk.first_line} to {chunk.last_line}", unreachable[-1])
        else:
            self._apply(readings, read_at, chunk=chunk, failed=len(lines) - len(readings))
        self.read.turned += ring(Bell.PAGE_APPLIED)

    def _read_line(self, line: Line, asked_at: dt.datetime) -> Reading | CarrierFailure:
        """One line's counter; a SIM that the carrier does not know so is asked for once in its other spelling."""
        first = attempt(lambda: self.client.read_line(line.called, now=asked_at))
        if not isinstance(first, Refused) or isinstance(first, Unauthorized):
            return first
        for spelling in {line.iccid, *spellings(line.iccid)} - {line.called}:
            answer = attempt(lambda: self.client.read_line(spelling, now=asked_at))  # noqa: B023 - called at once
            if not isinstance(answer, Refused):
                return answer
        return first

    def _apply(
        self,
        readings: Sequence[Reading],
        read_at: dt.datetime,
        *,
        chunk: Chunk | None = None,
        failed: int = 0,
        are_finals: bool = False,
    ) -> None:
        """Applies readings and, in the same transaction, ends their chunk; then lets the payers' balances decide.

        Asking a carrier took seconds: where the session was ended meanwhile they are applied on a new one. That is
        harmless where they were applied already.
        """
        try:
            applied, failed = self._applied(readings, read_at, chunk, failed, are_finals=are_finals)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block:
                raise
            connection.close()
            applied, failed = self._applied(readings, read_at, chunk, failed, are_finals=are_finals)
        self.read.applied.add(applied)
        self.read.failed += failed
        if applied.payer_ids:
            enforced = enforce(account_ids=sorted(applied.payer_ids))
            self.read.enforced.suspended += enforced.suspended
            self.read.enforced.reactivated += enforced.reactivated

    def _applied(
        self, readings: Sequence[Reading], read_at: dt.datetime, chunk: Chunk | None, failed: int, *, are_finals: bool
    ) -> tuple[Applied, int]:
        """What was applied, and how many failed with those that could not be booked."""
        with transaction.atomic():
            bad: list[Odd] = []
            applied = Applied()
            days = [] if are_finals else of_days(carrier=self.carrier, readings=readings, read_at=read_at)
            for part in self._booked(days, read_at, bad, are_days=True):
                part.readings = 0  # they are of the answers that are counted below
                applied.add(part)
            for part in self._booked(readings, read_at, bad, are_finals=are_finals):
                applied.add(part)
            if bad:  # a counter or a balance beyond what a column takes: the others of the page are booked
                failed += passes.set_aside(carrier=self.carrier, odd=bad)
            note_unknown(carrier=self.carrier, readings=applied.strangers)
            if not are_finals and self.client.abilities.confirms_at_once:
                drives.doubts_settled(carrier=self.carrier, read_at=read_at)
            applied.strangers.clear()
            if chunk is not None:
                passes.chunk_done(chunk=chunk, applied=applied, failed=failed)
        return applied, failed

    def _booked(
        self,
        readings: Sequence[Reading],
        read_at: dt.datetime,
        bad: list[Odd],
        *,
        are_finals: bool = False,
        are_days: bool = False,
    ) -> list[Applied]:
        """What the database does not take of them is added to `bad`."""
        return apart(
            readings,
            lambda some: apply_readings(
                carrier=self.carrier,
                readings=some,
                read_at=read_at,
                has_finals=self.client.abilities.final_totals,
                are_finals=are_finals,
                wraps_at=self.client.abilities.wraps_at,
                are_days=are_days,
            ),
            lambda one, error: bad.append(Odd(one.iccid, f"It cannot be booked: {error}", repr(one).encode())),
        )

    def _failed(self, chunk: Chunk, call: str, failure: CarrierFailure) -> None:
        self.read.note(failure)
        self._keep_malformed(call, failure)
        wait = failure.retry_after if isinstance(failure, Unreachable) else None
        hopeless = isinstance(failure, Refused) or (self.in_place and chunk.attempts >= IN_PLACE_ATTEMPTS)
        if hopeless or not passes.chunk_failed(chunk=chunk, error=str(failure), wait=wait, at_once=self.in_place):
            passes.chunk_done(chunk=chunk, applied=Applied(), failed=1, is_lost=True)
            self.read.failed += 1
        elif self.in_place:
            time.sleep(min(wait or 0.2 * 2**chunk.attempts, 10.0))

    def _keep_malformed(self, call: str, failure: CarrierFailure, iccid: str = "") -> None:
        if isinstance(failure, Malformed):
            passes.quarantine(carrier=self.carrier, call=call, failure=failure, iccid=iccid)

    def _read_final_totals(self, pool: ThreadPoolExecutor) -> None:
        if self.client.abilities.lists_lines:
            self.read.final_totals += passes.settle_by_list(carrier=self.carrier)
        while not self.stop() and passes.may_fetch_final_totals(carrier=self.carrier):
            finals = passes.claim_final_totals(carrier=self.carrier, limit=FINALS_AT_ONCE)
            if not finals:
                break
            read_at = clock.now()
            totals = pool.map(lambda f: attempt(lambda: self.client.final_total(f.line.called, f.cycle)), finals)
            settled: list[tuple[FinalTotal, int]] = []
            for final, total in zip(finals, totals, strict=True):
                if isinstance(total, CarrierFailure):
                    self._final_failed(final, total)
                else:
                    settled.append((final, total))
            with transaction.atomic():
                self._apply(
                    [Reading(f.line.iccid, counter=total, cycle=f.cycle) for f, total in settled],
                    read_at,
                    are_finals=True,
                )
                passes.final_totals_done(totals=settled)
            self.read.final_totals += len(settled)

    def _final_failed(self, final: FinalTotal, failure: CarrierFailure) -> None:
        self.read.note(failure)
        self.read.failed += 1
        self._keep_malformed(f"final total of {final.line.iccid} for {final.cycle:%Y-%m}", failure)
        wait = failure.retry_after if isinstance(failure, Unreachable) else None
        passes.final_total_failed(final=final, error=str(failure), give_up=isinstance(failure, Refused), wait=wait)
