"""How often devices are looked at, and how long a change of one may stay unseen."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q
from kit import clock

from lines import policy
from lines.carriers import CLIENTS
from lines.carriers.base import Setting
from lines.models import Carrier, Line, LineSetting, WatchedLine
from lines.policy.looks import LOOKS_SHARE, expected_delay, seconds_left, spare_calls


def looks_in(*, carrier: Carrier, calls_today: int, seconds: float) -> float:
    """How many watched lines of a carrier may be looked at in so many seconds, from now on."""
    if carrier.calls_per_day is None:
        return carrier.pace * LOOKS_SHARE * seconds
    left = seconds_left(clock.now())
    return _spare(carrier, calls_today, left) * seconds / left


def _spare(carrier: Carrier, calls_today: int, left: float) -> float:
    assert carrier.calls_per_day is not None
    calls = policy.calls_a_pass(Line.objects.filter(carrier=carrier).count(), by_page=reads_pages(carrier))
    interval = policy.read_interval(carrier.read_every, calls, carrier.calls_per_day)
    return spare_calls(
        calls_per_day=carrier.calls_per_day,
        calls_today=calls_today,
        calls_of_a_pass=calls,
        interval=interval,
        left=left,
    )


def reads_pages(carrier: Carrier) -> bool:
    return CLIENTS[carrier.kind].abilities.lists_lines


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a change of device usually stays unseen with a carrier, and what that comes from."""

    carrier: str
    lines: int
    calls_per_day: int | None
    usually: dt.timedelta | None  # None: no call is left for it
    locks: bool = False  # the carrier has an IMEI lock of its own, which acts at once


def unlocked(line_ids: list[int]) -> list[int]:
    """Those of these lines whose carrier has an IMEI lock of its own that nobody has asked for."""
    kinds = [kind for kind, client in CLIENTS.items() if Setting.IMEI_LOCK in client.abilities.settings]
    asked = LineSetting.objects.filter(name=Setting.IMEI_LOCK, wanted="on").filter(Q(is_open=True) | Q(confirmed="on"))
    lines = Line.objects.filter(pk__in=line_ids, carrier__kind__in=kinds).exclude(pk__in=asked.values("line"))
    return list(lines.order_by("pk").values_list("pk", flat=True))


def delays(line_ids: list[int]) -> list[Delay]:
    """For each carrier of these lines that tells IMEIs only when it is asked about a SIM, were they watched."""
    found = []
    for carrier in Carrier.objects.filter(lines__in=line_ids).distinct().order_by("name"):
        if not reads_pages(carrier):
            continue  # its IMEI comes with each reading
        watched = set(WatchedLine.objects.filter(carrier=carrier).values_list("line", flat=True))
        lines = len(watched | set(Line.objects.filter(carrier=carrier, pk__in=line_ids).values_list("pk", flat=True)))
        endless = carrier.calls_per_day is None
        looks = carrier.pace * LOOKS_SHARE * 86_400 if endless else _spare(carrier, 0, 86_400.0)
        locks = Setting.IMEI_LOCK in CLIENTS[carrier.kind].abilities.settings
        found.append(
            Delay(carrier.name, lines, carrier.calls_per_day, expected_delay(lines=lines, looks_a_day=looks), locks)
        )
    return found
