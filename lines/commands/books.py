"""Proving the books now and then: asked for, run by a worker, kept."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from kit import clock

from accounts.policy import SYSTEM, Actor
from lines.models import BooksCheck

LEASE = dt.timedelta(minutes=30)
KEPT = 60


@transaction.atomic
def ask_check(*, by: Actor) -> BooksCheck:
    """One that waits already is the same one."""
    waiting = BooksCheck.objects.select_for_update().filter(started_at=None).first()
    return waiting or BooksCheck.objects.create(asked_by=by.name)


def ask_daily() -> None:
    """One check a day, whoever else asks."""
    if not BooksCheck.objects.filter(asked_at__gt=clock.now() - dt.timedelta(hours=24)).exists():
        ask_check(by=SYSTEM)


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
def end_check(*, check_id: int, result: dict[str, object]) -> None:
    """Keeps the answer, and the last ones before it."""
    ended = {"ended_at": clock.now(), "is_good": result.get("ok") is True, "result": result}
    BooksCheck.objects.filter(pk=check_id).update(**ended)
    old = BooksCheck.objects.order_by("-pk").values_list("pk", flat=True)[KEPT:]
    BooksCheck.objects.filter(pk__in=list(old)).delete()
