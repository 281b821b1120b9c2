"""What is known of the device behind a line: facts, places, sessions, and everything that happened to the line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from kit.money import ZERO
from kit.sql import streamed

from accounts.models import Account, Event
from accounts.policy import Right
from accounts.queries import Viewer
from lines.carriers import CLIENTS
from lines.carriers.base import Abilities, Setting
from lines.models import Carrier, Line, LineDevice, LineSecret, LineSetting, NameSharing, Sighting
from lines.policy import balance_subject, cycle_start, wallet_subject
from lines.queries.usage import days_of, imported_in

ROWS = 100


@dataclass(frozen=True, slots=True)
class DeviceShown:
    """What the carrier said of a SIM and when; `facts` by the names of carriers.base.Device."""

    facts: dict[str, Any]
    asked_at: dt.datetime | None
    error: str
    abilities: Abilities
    settings: dict[str, LineSetting]
    has_codes: bool
    apn: str
    apn_user: str
    apn_password: str
    may_set: frozenset[Setting]

    def setting(self, setting: Setting) -> str | None:
        """How it is set at the carrier, as far as we know."""
        row = self.settings.get(setting)
        if row is not None and row.confirmed is not None:
            return row.confirmed
        found: str | None = self.facts.get("settings", {}).get(setting)
        return found


def settable(*, carrier: Carrier) -> frozenset[Setting]:
    """What people may set on a SIM of this carrier: of what only some accounts may, where ours has been said to."""
    abilities = CLIENTS[carrier.kind].abilities
    return abilities.settings | (abilities.edits if carrier.device_edits else frozenset())


def device_of(line: Line) -> DeviceShown:
    """The caller has checked whose line it is."""
    row = LineDevice.objects.filter(line=line).first()
    facts = row.facts if row else {}
    return DeviceShown(
        facts=facts,
        asked_at=row.asked_at if row else None,
        error=row.last_error if row else "",
        abilities=CLIENTS[line.carrier.kind].abilities,
        settings={one.name: one for one in LineSetting.objects.filter(line=line)},
        has_codes=LineSecret.objects.filter(line=line).exists(),
        apn=facts.get("apn") or line.carrier.apn,
        apn_user=line.carrier.apn_user,
        apn_password=line.carrier.opened_apn_password,
        may_set=settable(carrier=line.carrier),
    )


def shares_names(account: Account) -> bool:
    """Whether an account's notes and tags are sent to its lines' carriers."""
    return NameSharing.objects.filter(account=account).exists()


def sightings_of(viewer: Viewer, line: Line) -> QuerySet[Sighting]:
    """A line may have had other holders and payers: what was seen then is theirs."""
    account = viewer.account
    seen = Sighting.objects.filter(line=line)
    return seen.filter(account=account) if account.is_subaccount else seen.filter(payer=account)


def connections_of(viewer: Viewer, line: Line, *, cycle: dt.date | None = None) -> Iterator[Sighting]:
    """Sessions and stays, the newest first; those of a cycle, or of all."""
    seen = sightings_of(viewer, line).order_by("-started_at", "-pk")
    return streamed(seen if cycle is None else seen.filter(cycle=cycle), size=1000)


@dataclass(frozen=True, slots=True)
class Destination:
    """Bytes of a cycle in a country; no country: not known where."""

    country: str
    used: int
    last_seen: dt.datetime | None


def destinations_of(viewer: Viewer, line: Line, cycle: dt.date) -> list[Destination]:
    """Where a cycle's bytes were used, as far as carriers said; together they are what was used in it."""
    seen = sightings_of(viewer, line).filter(cycle=cycle)
    found: dict[str, Destination] = {}
    for country, used, at in seen.values_list("country", "used", "seen_at"):
        before = found.get(country)
        at = max(at, before.last_seen) if before and before.last_seen else at
        found[country] = Destination(country, used + (before.used if before else 0), at)
    total = days_of(viewer, line.iccid).filter(cycle=cycle).aggregate(all=Coalesce(Sum("used"), 0))["all"]
    total += sum(imported_in(viewer, line.iccid, cycle).values())
    rest = total - sum(one.used for one in found.values())
    if rest > 0:
        nowhere = found.get("")
        found[""] = Destination("", rest + (nowhere.used if nowhere else 0), nowhere.last_seen if nowhere else None)
    return sorted((one for one in found.values() if one.used), key=lambda one: -one.used)


@dataclass(frozen=True, slots=True)
class ChargedIn:
    """What a cycle's bytes cost in a zone's country, or at the plan's default price (no country); USD."""

    country: str
    zone: str
    used: int
    cost: Decimal


def charged_in(viewer: Viewer, line: Line, cycle: dt.date) -> list[ChargedIn]:
    """By country, the default price last; empty for who sees no money, and where no zone has a price."""
    if not viewer.may(Right.SEE_MONEY):
        return []
    rows = days_of(viewer, line.iccid).filter(cycle=cycle, used__gt=0).order_by()
    sums = rows.values_list("price__country", "price__zone__name").annotate(Sum("used"), Sum("cost"))
    found = [ChargedIn(country, zone or "", used, cost) for country, zone, used, cost in sums]
    found.sort(key=lambda one: (not one.country, one.zone, one.country))
    return found if any(one.country for one in found) else []


@dataclass(frozen=True, slots=True)
class DayOfLine:
    """Bytes of a day, and what they and the line fee cost in USD; None for who sees no money."""

    day: dt.date
    used: int
    cost: Any


def statistics_of(viewer: Viewer, line: Line, cycle: dt.date, *, today: dt.date) -> list[DayOfLine]:
    """Every day of a cycle up to today, the empty ones too."""
    rows = days_of(viewer, line.iccid).filter(cycle=cycle).values_list("day")
    found = {day: (used, cost + fee) for day, used, cost, fee in rows.annotate(Sum("used"), Sum("cost"), Sum("fee"))}
    for day, count in imported_in(viewer, line.iccid, cycle).items():
        before = found.get(day, (0, ZERO))
        found[day] = before[0] + count, before[1]
    last = min(today, cycle_start(cycle + dt.timedelta(days=31), cycle.day) - dt.timedelta(days=1))
    sees_money = viewer.may(Right.SEE_MONEY)
    days = [cycle + dt.timedelta(days=number) for number in range((last - cycle).days + 1)]
    days += sorted(set(found) - set(days))
    sums = [(day, *found.get(day, (0, ZERO))) for day in days]
    return [DayOfLine(day, used, cost if sees_money else None) for day, used, cost in sums]


def events_of(viewer: Viewer, line: Line, *, before: int | None = None) -> tuple[list[Event], bool]:
    """What happened to a line while it was this viewer's, the newest first, and whether there is more.

    With the turns of the payer's balance in that time: they suspend all its lines at once, by one event.
    """
    account = viewer.account
    whose = Q(account=account) if account.is_subaccount else Q(account=account) | Q(account__parent=account)
    events = Event.objects.filter(_about(viewer, line, whose))
    if before is not None:
        events = events.filter(pk__lt=before)
    rows = list(events.select_related("account").order_by("-id")[: ROWS + 1])
    return rows[:ROWS], len(rows) > ROWS


def _about(viewer: Viewer, line: Line, whose: Q) -> Q:
    about = whose & Q(subject=f"line:{line.iccid}")
    if line.payer is None or line.payer != viewer.account:
        return about
    subjects = [balance_subject(line.payer.uuid)]
    if line.account is not None and line.account.is_subaccount:
        subjects.append(wallet_subject(line.account.uuid))
    return about | Q(account=line.payer, subject__in=subjects, at__gt=line.added_at)


def imeis_of(viewer: Viewer, line: Line) -> list[Event]:
    """The changes of device, the newest first."""
    account = viewer.account
    whose = Q(account=account) if account.is_subaccount else Q(account=account) | Q(account__parent=account)
    return list(Event.objects.filter(whose, subject=f"line:{line.iccid}", verb="imei.changed").order_by("-id")[:ROWS])
