"""What carriers say of the devices behind lines: kept a while, and each place and session written down."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Sum
from kit import clock, crypto
from kit.errors import Refusal
from kit.identifiers import NotAnIccid, all_spellings, read_iccid, sim_key
from kit.sql import array

from accounts.commands import record
from accounts.policy import Actor
from lines import policy
from lines.carriers.base import Device
from lines.commands import leases
from lines.commands.countries import note_country
from lines.commands.identity import Told, keep_identity
from lines.commands.looks import want_looks
from lines.models import Carrier, CarrierHealth, Line, LineDay, LineDevice, LineSecret, LineState, Sighting
from lines.policy.looks import LOOKS_SHARE
from lines.queries.looks import looks_in
from lines.queries.stock import is_proved

WINDOW = 5_000  # lines that one round of them considers

# Lines that moved since their carrier was last asked about them, going round by id.
DUE = """
SELECT l.id FROM lines_line l
  JOIN lines_linestate st ON st.line_id = l.id
  LEFT JOIN lines_linedevice d ON d.line_id = l.id
 WHERE l.carrier_id = %(carrier)s AND l.id > %(after)s AND l.id <= %(until)s AND l.payer_id IS NOT NULL
   AND st.cycle IS NOT NULL
   AND (d.line_id IS NULL OR (NOT d.is_due AND (d.cycle IS DISTINCT FROM st.cycle OR d.counter <> st.counter)))
 ORDER BY l.id LIMIT %(limit)s
"""


TOLD_SETTINGS = """
UPDATE lines_linesetting s SET confirmed = t.value, confirmed_at = %s
  FROM unnest(%s::text[], %s::text[]) AS t(name, value)
 WHERE s.line_id = %s AND s.name = t.name AND NOT s.is_open AND s.confirmed IS DISTINCT FROM t.value
"""


# Lines that rules watch come first, the one that was looked at longest ago before the others.
WATCHED = """
SELECT l.id FROM lines_watchedline w
  JOIN lines_line l ON l.id = w.line_id AND l.payer_id IS NOT NULL
  JOIN lines_linestate st ON st.line_id = l.id AND st.cycle IS NOT NULL
  LEFT JOIN lines_linedevice d ON d.line_id = l.id
 WHERE w.carrier_id = %(carrier)s
   AND (d.line_id IS NULL OR (NOT d.is_due AND (d.cycle IS DISTINCT FROM st.cycle OR d.counter <> st.counter)))
 ORDER BY d.asked_at NULLS FIRST, l.id LIMIT %(limit)s
"""


@transaction.atomic
def watch_lines(*, line_ids: Sequence[int]) -> None:
    """These lines, and no others, are looked at before others. Harmless twice."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM lines_watchedline WHERE NOT line_id = ANY(%s::bigint[])", [array(line_ids)])
        cursor.execute(
            "INSERT INTO lines_watchedline (line_id, carrier_id) SELECT id, carrier_id FROM lines_line"
            " WHERE id = ANY(%s::bigint[]) ORDER BY id ON CONFLICT DO NOTHING",
            [array(line_ids)],
        )


def _plan_watched(carrier: Carrier, calls_today: int, seconds: float) -> int:
    """Marks watched lines, as many as the day's spare calls allow in so many seconds."""
    limit = int(looks_in(carrier=carrier, calls_today=calls_today, seconds=seconds) + random.random())  # noqa: S311
    with connection.cursor() as cursor:
        cursor.execute(WATCHED, {"carrier": carrier.pk, "limit": limit})
        due = [row[0] for row in cursor.fetchall()]
    want_looks(carrier_id=carrier.pk, line_ids=due)
    return len(due)


@transaction.atomic
def plan_looks(*, carrier: Carrier, seconds: float) -> int:
    """Marks a few lines that have moved to be asked about: first those that rules watch, by the day's spare calls, then
    others, as many as a share of the calls allows."""
    health = CarrierHealth.objects.select_for_update().get(pk=carrier.pk)
    if carrier.calls_per_day is None:
        allowed = carrier.pace * LOOKS_SHARE * seconds
    else:
        allowed = carrier.calls_per_day * LOOKS_SHARE * seconds / 86_400
    limit = int(allowed + random.random())  # noqa: S311 - spreading load, not a secret
    calls_today = health.calls_today if health.day == clock.today() else 0
    watched = _plan_watched(carrier, calls_today, seconds)
    if not limit:
        return watched
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(id) FROM (SELECT id FROM lines_line WHERE carrier_id = %s AND id > %s ORDER BY id LIMIT %s) w",
            [carrier.pk, health.looked_through, WINDOW],
        )
        until = cursor.fetchone()[0]
        due: list[int] = []
        if until is not None:
            asked = {"carrier": carrier.pk, "after": health.looked_through, "until": until, "limit": limit}
            cursor.execute(DUE, asked)
            due = [row[0] for row in cursor.fetchall()]
        health.looked_through = due[-1] if len(due) == limit else until or 0
        health.save(update_fields=["looked_through"])
    want_looks(carrier_id=carrier.pk, line_ids=due)
    return watched + len(due)


def claim_looks(*, carrier: Carrier, limit: int) -> list[tuple[int, str]]:
    """Takes lines of a carrier that are to be asked about: ids, and ICCIDs as it spells them."""
    ids = leases.claim(model=LineDevice, limit=limit, where="carrier_id = %s AND is_due", parameters=[carrier.pk])
    return [(line.pk, line.called) for line in Line.objects.filter(pk__in=ids).order_by("pk")]


def claim_look(*, line: Line) -> bool:
    """Takes one line to ask about it now; False where somebody else is asking."""
    LineDevice.objects.get_or_create(line=line, defaults={"carrier_id": line.carrier_id})
    LineDevice.objects.filter(line=line).update(due_at=None)
    return bool(leases.claim(model=LineDevice, limit=1, where="line_id = %s", parameters=[line.pk]))


@transaction.atomic
def look_failed(*, line_id: int, error: str, give_up: bool, wait: float | None = None) -> None:
    """The carrier did not say: what it said before stays, and it is asked again later."""
    row = LineDevice.objects.select_for_update().get(pk=line_id)
    pause = policy.retry_after(row.attempts)
    row.due_at = clock.now() + (pause if wait is None else max(pause, dt.timedelta(seconds=wait)))
    row.is_due, row.leased_until, row.last_error = row.is_due and not give_up, None, error[:300]
    row.save(update_fields=["due_at", "is_due", "leased_until", "last_error"])


@transaction.atomic
def keep_device(*, line_id: int, device: Device, asked_at: dt.datetime) -> LineDevice:
    """Keeps what a carrier says of a SIM, and writes down where it was seen and what it used there. Harmless twice."""
    state = LineState.objects.select_for_update().get(pk=line_id)
    line = Line.objects.select_related("carrier", "account", "payer").get(pk=line_id)
    row = LineDevice.objects.select_for_update().get_or_create(line=line, defaults={"carrier_id": line.carrier_id})[0]
    if row.asked_at is not None and asked_at < row.asked_at:
        return row
    if line.payer_id is not None and state.cycle is not None:
        _see(line, state, row, device, asked_at)
    row.facts, row.asked_at = facts_of(device=device), asked_at
    row.cycle, row.counter = state.cycle, state.counter
    row.is_due, row.due_at, row.attempts, row.leased_until, row.last_error = False, None, 0, None, ""
    row.save()
    if device.settings:
        names, values = array(map(str, device.settings)), array(device.settings.values())
        with connection.cursor() as cursor:
            cursor.execute(TOLD_SETTINGS, [asked_at, names, values, line_id])
    keep_identity(carrier=line.carrier, told=[Told(line_id, device.imei, device.msisdn)])
    return row


def facts_of(*, device: Device) -> dict[str, Any]:
    """A device as it is kept: without its place on the map, which is only looked at on request."""
    found = dataclasses.asdict(device) | {"location": None}
    found["settings"] = {str(name): value for name, value in device.settings.items()}
    return {
        name: value.isoformat() if isinstance(value, dt.datetime) else value
        for name, value in found.items()
        if value not in (None, {})
    }


def _see(line: Line, state: LineState, row: LineDevice, device: Device, asked_at: dt.datetime) -> None:
    """Adds what was used since the last look to the sighting that goes on, or begins another."""
    assert line.account is not None
    assert line.payer is not None
    assert state.cycle is not None
    goes_on = row.cycle == state.cycle
    seen = Sighting(
        line=line,
        account=line.account,
        payer=line.payer,
        cycle=state.cycle,
        started_at=max(row.asked_at or asked_at, line.held_since or line.added_at),
        ended_at=asked_at,
        seen_at=asked_at,
        is_session=False,
        country=device.country or "",
        network=device.network or "",
        radio=device.radio or "",
        ip=device.session_ip or device.static_ip,
        sessions=max(0, (device.sessions or 0) - (row.facts.get("sessions", 0) if goes_on else 0)),
        used=max(0, state.counter - (max(row.counter, state.baseline) if goes_on else state.baseline)),
    )
    if device.session_started is not None:
        seen.is_session, seen.sessions = True, 1
        seen.started_at, seen.ended_at = device.session_started, device.session_ended
        if seen.ended_at is not None and seen.ended_at < (line.held_since or line.added_at):
            return  # somebody else's
        seen.used = min(seen.used, _used_since(line, device.session_started.date()))
    elif not seen.country and not seen.network:
        return
    elif row.asked_at is None:
        seen.used = seen.sessions = 0  # what was before the first look was nobody knows where
    last = Sighting.objects.filter(line=line).order_by("-started_at", "-pk").first()
    note_country(state=state, seen=seen, looked=row.asked_at)
    if last is None or _place(last) != _place(seen):
        seen.save()
        return
    more = 0 if seen.is_session else seen.sessions
    Sighting.objects.filter(pk=last.pk).update(
        ended_at=seen.ended_at, seen_at=asked_at, used=F("used") + seen.used, sessions=F("sessions") + more
    )


def _used_since(line: Line, day: dt.date) -> int:
    """The most that a session may have used: what the line did since the day on which it began."""
    return LineDay.objects.filter(line=line, day__gte=day).aggregate(used=Sum("used"))["used"] or 0


def _place(one: Sighting) -> tuple[object, ...]:
    """What makes two sightings one: whose, and the session, or the network in a cycle."""
    whose = (one.account_id, one.payer_id, one.is_session)
    if one.is_session:
        return *whose, one.started_at
    return *whose, one.cycle, one.country, one.network, one.radio, one.ip


@transaction.atomic
def look_at_location(*, line: Line, by: Actor) -> None:
    """Writes down that somebody looked where a line is; the place itself is kept nowhere."""
    record(by=by, verb="line.located", account_id=line.account_id, subject=f"line:{line.iccid}")


class LineNotProved(Refusal):
    """Nobody has confirmed yet that the line is rightly its payer's."""


CODES = ("pin", "puk", "pin2", "puk2")


@dataclass(slots=True)
class CodesKept:
    """Of how many lines codes are kept, which ICCIDs are no line's, and each row that was refused, with why."""

    kept: int = 0
    unknown: list[str] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)


@transaction.atomic
def keep_secrets(*, rows: Sequence[tuple[int, Mapping[str, str]]], by: Actor) -> CodesKept:
    """Keeps PINs and PUKs of lines, encrypted; every bad row is named. Of two rows for one SIM neither is believed."""
    done = CodesKept()
    sims: dict[str, tuple[int, str, dict[str, str]]] = {}
    twice: set[str] = set()
    for number, row in rows:
        codes = {name: row.get(name, "") for name in CODES if row.get(name)}
        if not codes or not all(_is_code(name, code) for name, code in codes.items()):
            done.bad.append((number, "a PIN has 4 to 8 digits, a PUK has 8; at least one is to be given"))
            continue
        try:
            key = sim_key(read_iccid(row["iccid"]))
        except NotAnIccid as bad:
            done.bad.append((number, bad.message))
            continue
        if key in sims:
            twice.add(key)
            done.bad.append((number, f"the same SIM stands in row {sims[key][0]}; neither was taken"))
        else:
            sims[key] = number, row["iccid"], codes
    for key in twice:
        done.bad.append((sims[key][0], "the same SIM stands in another row; neither was taken"))
        del sims[key]
    lines = {sim_key(line.iccid): line for line in Line.objects.filter(iccid__in=all_spellings(sims))}
    kept = [
        LineSecret(
            line=line,
            codes=crypto.encrypt(json.dumps(sims[key][2]), row=f"line:{line.pk}"),
            kept_at=clock.now(),
        )
        for key, line in lines.items()
    ]
    LineSecret.objects.bulk_create(
        kept, update_conflicts=True, unique_fields=["line"], update_fields=["codes", "kept_at"], batch_size=1000
    )
    record(by=by, verb="lines.codes_kept", detail={"lines": len(kept)})
    done.kept, done.unknown = len(kept), [iccid for key, (_, iccid, _) in sims.items() if key not in lines]
    return done


def _is_code(name: str, code: str) -> bool:
    return code.isascii() and code.isdecimal() and (len(code) == 8 if "puk" in name else 4 <= len(code) <= 8)


@transaction.atomic
def show_secrets(*, line: Line, by: Actor) -> dict[str, str]:
    """A line's PIN and PUK, by name; the look is written down. None are kept: empty. Raises LineNotProved."""
    row = LineSecret.objects.filter(line=line).first()
    if row is None:
        return {}
    if not is_proved(line):
        raise LineNotProved("PIN and PUK appear once this line was activated. Your provider can confirm it before.")
    record(by=by, verb="line.codes_shown", account_id=line.account_id, subject=f"line:{line.iccid}")
    codes: dict[str, str] = json.loads(crypto.decrypt(row.codes, row=f"line:{row.pk}"))
    return codes
