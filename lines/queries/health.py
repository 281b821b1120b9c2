"""How the carriers are: whether they answer, how old their numbers are, how many calls are left today."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Q, Sum
from kit import clock

from accounts.queries import Viewer
from lines import policy
from lines.carriers.base import CallKind
from lines.models import Breaker, Carrier, CarrierHealth, ReadingPass
from lines.queries.scope import lines_of

RECENT = dt.timedelta(hours=24)  # of which the failures are counted
KNOWN = dt.timedelta(days=7)  # older readings are not looked for
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
    readings: int
    failed: int

    @property
    def is_troubled(self) -> bool:
        return not self.answers or self.calls_left == 0 or self.is_late


def health_of(carriers: list[Carrier]) -> list[Health]:
    """Each of these carriers."""
    now, today = clock.now(), clock.today()
    rows = {row.pk: row for row in CarrierHealth.objects.filter(carrier__in=carriers)}
    shut = _shut(carriers)
    recent = ReadingPass.objects.filter(carrier__in=carriers, started_at__gte=now - KNOWN)
    passes = recent.values("carrier_id").order_by()
    done = passes.annotate(
        began=Max("started_at", filter=Q(finished_at__isnull=False)),
        ended=Max("finished_at"),
        read=Sum("readings", filter=Q(started_at__gte=now - RECENT)),
        lost=Sum("failed", filter=Q(started_at__gte=now - RECENT)),
    )
    read: dict[int, dict[str, Any]] = {row["carrier_id"]: dict(row) for row in done}
    return [
        _health(carrier, rows.get(carrier.pk), shut.get(carrier.pk, []), read.get(carrier.pk, {}), now, today)
        for carrier in carriers
    ]


def _shut(carriers: list[Carrier]) -> dict[int, list[Shut]]:
    """What is not called, by carrier. An open breaker stays open until the call that tries it comes back."""
    real_now = dt.datetime.now(dt.UTC)  # these times are real ones
    found: dict[int, list[Shut]] = {}
    for one in Breaker.objects.filter(carrier__in=carriers).order_by("carrier_id", "kind"):
        if one.open_until is not None:
            shut = Shut(CallKind(one.kind), one.open_until, False, one.last_failure)
        elif one.paused_until is not None and one.paused_until > real_now:
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
    late = began is not None and now - began > policy.late_after(carrier.read_every, carrier.calls_per_day)
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
        readings=read.get("read") or 0,
        failed=read.get("lost") or 0,
    )


def troubles_of(viewer: Viewer, *, carrier_id: int | None = None) -> list[Health]:
    """The carriers that a viewer's lines are at and that are not well; or this one, where it is not."""
    carriers = Carrier.objects.filter(is_active=True)
    if carrier_id is not None:
        carriers = carriers.filter(pk=carrier_id)
    troubled = [one for one in health_of(list(carriers.order_by("name"))) if one.is_troubled]
    return [one for one in troubled if lines_of(viewer).filter(carrier_id=one.carrier_id).order_by().exists()]
