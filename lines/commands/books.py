"""Proving the books now and then: asked for, run by workers, kept."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from kit import clock

from accounts.policy import SYSTEM, Actor
from lines.models import BooksCheck

LEASE = dt.timedelta(minutes=30)
KEPT = 60
LATE = dt.timedelta(days=4)  # finals and boundaries change days that are so long over


@transaction.atomic
def ask_check(*, by: Actor, since: dt.date | None = None) -> BooksCheck:
    """One that waits already is the same one, and looks as far back as anybody asked."""
    waiting = BooksCheck.objects.select_for_update().filter(started_at=None, ended_at=None).first()
    if waiting is None:
        return BooksCheck.objects.create(asked_by=by.name, since=since)
    if waiting.since is not None and not waiting.progress and (since is None or since < waiting.since):
        waiting.since = since
        waiting.save(update_fields=["since"])
    return waiting


def ask_daily() -> None:
    """One check a day, whoever else asks: of what changed since the last one that found nothing."""
    if BooksCheck.objects.filter(asked_at__gt=clock.now() - dt.timedelta(hours=24)).exists():
        return
    last = BooksCheck.objects.filter(is_good=True).order_by("-pk").first()
    ask_check(by=SYSTEM, since=(last.asked_at - LATE).date() if last else None)


@transaction.atomic
def claim_check() -> BooksCheck | None:
    """The oldest that nobody runs; one whose worker died is free after its lease."""
    now = clock.now()
    free = BooksCheck.objects.select_for_update(skip_locked=True).filter(ended_at=None).order_by("pk")
    check = next((one for one in free if one.started_at is None or one.started_at < now - LEASE), None)
    if check is not None:
        check.started_at = now
        check.save(update_fields=["started_at"])
    return check


@transaction.atomic
def note_progress(*, check_id: int, progress: dict[str, object], is_free: bool) -> None:
    """How far a check is; a free one is gone on with by whoever comes next."""
    started = None if is_free else clock.now()
    BooksCheck.objects.filter(pk=check_id, ended_at=None).update(progress=progress, started_at=started)


@transaction.atomic
def end_check(*, check_id: int, result: dict[str, object]) -> None:
    """Keeps the answer, and the last ones before it."""
    ended = {"ended_at": clock.now(), "is_good": result.get("ok") is True, "result": result, "progress": {}}
    BooksCheck.objects.filter(pk=check_id).update(**ended)
    old = BooksCheck.objects.order_by("-pk").values_list("pk", flat=True)[KEPT:]
    BooksCheck.objects.filter(pk__in=list(old)).delete()
