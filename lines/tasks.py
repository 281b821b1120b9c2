"""When work is done: bells that Celery rings. What is due is a row; a lost bell is rung again by the next sweep."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict

from celery import shared_task
from django.db.models import Q
from kit import clock
from kit.sweeps import each

from billing.commands import statements
from lines import carriers
from lines.commands import (
    books,
    budget,
    bulk,
    capping,
    changes,
    claims,
    costs,
    devices,
    differences,
    jobs,
    keeping,
    lists,
    naming,
    passes,
    retention,
    usage_exports,
    webhooks,
)
from lines.models import Carrier, Move
from lines.policy import CLEARING
from lines.work import funds, messages, moving
from lines.work.billed import read_costs
from lines.work.devices import look
from lines.work.driving import drive_carrier
from lines.work.jobs import run_jobs
from lines.work.reading import Reader
from lines.work.settings import set_due
from lines.work.statements import write_one
from lines.work.sync import enforce_all, keep_days
from lines.work.told import read_told
from lines.work.usage_exports import write_usage_exports as write_exports

log = logging.getLogger(__name__)

SHIFT = 40.0  # seconds that one bell works at the most: under the tasks' time limit
TOLD_EVERY = 5.0  # seconds between two rounds of lines that carriers told of
LOOK_EVERY = 60.0  # seconds between two rounds of looks at devices, as the schedule has it
STRETCH = 180.0  # seconds that the second books are worked at by one bell
PATIENCE = 5.0  # seconds that a call waits for the carrier's gate

BY_PAGE = frozenset(kind for kind, client in carriers.CLIENTS.items() if client.abilities.lists_lines)
WITH_COSTS = frozenset(kind for kind, client in carriers.CLIENTS.items() if client.abilities.tells_costs)
WITH_FINALS = frozenset(kind for kind, client in carriers.CLIENTS.items() if client.abilities.final_totals)


def _shift() -> Callable[[], bool]:
    end = time.monotonic() + SHIFT
    return lambda: time.monotonic() > end


@shared_task
def plan_passes() -> int:
    """Plans what is due to be read, and rings for it."""
    with_finals = Carrier.objects.filter(is_active=True, kind__in=WITH_FINALS)
    each(with_finals, lambda carrier: passes.plan_final_totals(carrier=carrier))
    with_costs = Carrier.objects.filter(is_active=True, kind__in=WITH_COSTS)
    each(with_costs, lambda carrier: costs.plan_costs(carrier=carrier))
    planned = passes.plan_due_passes(by_page=BY_PAGE)
    if planned:
        read_usage.delay()
    return planned


@shared_task
def read_usage() -> int:
    """Reads due chunks of all carriers; what changed its mind is driven at once."""
    stop = _shift()

    def read_carrier(carrier: Carrier) -> tuple[int, bool]:
        reader = Reader(carrier, patience=PATIENCE, stop=stop)
        reader.run()
        read = reader.run_final_totals()
        read_costs(carrier, patience=PATIENCE, stop=stop)
        enforced = read.enforced.suspended + read.enforced.reactivated
        return read.applied.readings, bool(read.applied.to_drive or enforced or read.turned)

    done = each(Carrier.objects.filter(is_active=True), read_carrier)
    if any(turned for _, turned in done):
        drive_lines.delay()
    return sum(readings for readings, _ in done)


@shared_task
def read_told_lines() -> int:
    """Reads the lines of which carriers have told by calling us; what changed its mind is driven at once."""
    stop = _shift()

    def read_carrier(carrier: Carrier) -> tuple[int, bool]:
        read = read_told(carrier, patience=PATIENCE, stop=stop, seconds=TOLD_EVERY)
        enforced = read.enforced.suspended + read.enforced.reactivated
        return read.applied.readings, bool(read.applied.to_drive or enforced or read.turned)

    done = each(Carrier.objects.filter(is_active=True, webhook__isnull=False), read_carrier)
    if any(turned for _, turned in done):
        drive_lines.delay()
    return sum(readings for readings, _ in done)


@shared_task
def drive_lines() -> int:
    """Drives the lines that are due, and sets what is to be set on their SIMs."""
    stop = _shift()
    carriers_in_use = list(Carrier.objects.filter(is_active=True))
    driven = each(carriers_in_use, lambda one: drive_carrier(one, patience=PATIENCE, stop=stop).confirmed)
    return sum(driven) + sum(each(carriers_in_use, lambda one: set_due(one, patience=PATIENCE, stop=stop)))


@shared_task
def handle_messages() -> int:
    """Hands messages to carriers, asks what became of them, and fetches those from devices."""
    stop = _shift()
    carriers_in_use = Carrier.objects.filter(is_active=True)
    return sum(each(carriers_in_use, lambda one: messages.handle_messages(one, patience=PATIENCE, stop=stop).asked))


@shared_task
def look_at_devices() -> int:
    """Asks carriers about devices that have moved, as far as a small share of their calls goes."""
    stop = _shift()

    def look_at(carrier: Carrier) -> int:
        naming.plan_names(carrier=carrier)
        devices.plan_looks(carrier=carrier, seconds=LOOK_EVERY)
        return look(carrier, patience=PATIENCE, stop=stop)

    return sum(each(Carrier.objects.filter(is_active=True), look_at))


@shared_task
def read_funds() -> int:
    """Asks what the operator still has with its carriers, once an hour each."""
    return sum(each(Carrier.objects.filter(is_active=True), lambda one: funds.read_funds(one, patience=PATIENCE)))


@shared_task
def find_differences() -> int:
    """Compares the carriers' stock with ours."""
    carriers_in_use = Carrier.objects.filter(is_active=True)
    return sum(
        each(carriers_in_use, lambda one: differences.find_differences(carrier=one, by_page=one.kind in BY_PAGE))
    )


@shared_task
def keep_books() -> int:
    """Line fees, ledger rows of finished days, the colours of all balances, and caps."""
    try:
        keep_days()
    except Exception:
        log.exception("days could not all be kept")
    enforced, capped = enforce_all(), 0
    try:
        capped = capping.check_caps(today=clock.today())
    except Exception:
        log.exception("caps could not be counted")
    turned = enforced.suspended + enforced.reactivated + capped
    if turned:
        drive_lines.delay()
    return turned


@shared_task(soft_time_limit=270, time_limit=285)
def write_statements() -> int:
    """Writes the statements that were asked for; a million rows take one to two minutes."""
    statements.drop_old_statements()
    return 1 if write_one() else 0


@shared_task(soft_time_limit=270, time_limit=285)
def write_usage_exports() -> int:
    """Goes on with files of usage that were asked for, and drops those of over a week ago."""
    usage_exports.drop_old_usage_exports()
    return write_exports(stop=_shift())


@shared_task
def move_lines() -> int:
    """Goes on with accounts that come from Keepgo, and compares both sides."""
    stop = _shift()
    since = clock.now() - CLEARING
    due = Move.objects.filter(Q(confirmed_at=None) | Q(began_at__gt=since)).order_by("pk")
    return sum(each(due, lambda one: moving.go_on(move_id=one.pk, stop=stop)))


@shared_task
def work_jobs() -> int:
    """Goes on with the running jobs; carriers are told at once of what they changed."""
    lines = run_jobs(stop=_shift())
    if lines:
        drive_lines.delay()
    return lines


@shared_task
def forget_unused() -> int:
    """Forgets jobs that nobody started, pasted lists that nobody uses, calls for many lines that are long over,
    calls of carriers that are no news any more, wrong cards and calls that no longer count, and notes of changes
    that no copy asks for."""
    forgotten = jobs.drop_old_previews() + lists.drop_old_lists() + lists.drop_old_files()
    forgotten += bulk.drop_old_edits() + webhooks.forget_calls() + changes.drop_old_changes()
    return forgotten + claims.forget_guesses() + budget.forget_days()


@shared_task(soft_time_limit=270, time_limit=285)
def keep_readings() -> int:
    """Months of kept readings: made ahead, dropped when they are old."""
    return keeping.keep_readings()


@shared_task
def forget_old() -> int:
    """Drops rows that are older than their kind is kept; the next bell goes on."""
    return sum(retention.forget_old(today=clock.today(), stop=_shift()).values())


@shared_task(soft_time_limit=270, time_limit=285)
def prove_books() -> int:
    """Proves the books once a day and when somebody asks; what cannot be proved is kept as not proved.

    The second books of a large fleet take longer than one bell works: the next one goes on with them.
    """
    from lines.books import check_books, recompute_books, with_second_books  # with numpy: large, and once a day
    from lines.recount.audit import Found, Scope

    books.ask_daily()
    check = books.claim_check()
    if check is None:
        return 0
    end = time.monotonic() + STRETCH
    try:
        found = recompute_books(
            scope=Scope(since=check.since),
            found=Found(**check.progress),
            stop=lambda: time.monotonic() > end,
            tell=lambda found: books.note_progress(check_id=check.pk, progress=asdict(found), is_free=False),
        )
        if not found.is_whole:
            books.note_progress(check_id=check.pk, progress=asdict(found), is_free=True)
            return 1
        result = with_second_books(check_books(), found, since=check.since)
    except Exception as error:
        log.exception("the books could not be checked")
        result = {"failed": f"{type(error).__name__}: {error}"[:500]}
    books.end_check(check_id=check.pk, result=result)
    return 1
