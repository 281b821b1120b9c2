"""What Simbase's API v1 answers: its words, the shapes of its answers, and what they say in ours."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from decimal import Decimal
from functools import lru_cache
from typing import Literal

import msgspec
from kit.identifiers import read_imei, read_msisdn

from .base import (
    LABELS,
    LONGEST_LABEL,
    Billed,
    Device,
    Odd,
    Page,
    Part,
    Reading,
    Setting,
    Sms,
    Status,
    Switch,
    tags_text,
)
from .fields import (
    Bytes,
    Count,
    Iccid,
    NoJson,
    Unreadable,
    Words,
    amount_of,
    country_of,
    decoded,
    ip_of,
    location_of,
    same_sim,
    short_text,
    status_of,
    utc_moment,
)

# Simbase v1: Global Variables, sim_state. "Blocked": no service until the customer's account with Simbase is topped up.
WORDS: Words = {
    "enabled": (Switch.ON, False),
    "disabled": (Switch.OFF, False),
    "blocked - enabled": (Switch.ON, True),
    "blocked - disabled": (Switch.OFF, True),
}

PAGE_SIZE = 250
MOST_SIMS = 1000  # of a page that we read: four times what we ask for
MOST_ODD = 25  # records set aside; where there are more, and most are, it is the page that is wrong
AHEAD = dt.timedelta(hours=24)  # how far the carrier's clock may run before ours
NO_TIME = "0000-00-00 00:00:00"  # how MySQL writes that there is none


class _Sim(msgspec.Struct):
    """Simbase v1: SIM cards, sims[]"""

    iccid: Iccid
    usage_data: Bytes
    sim_state: str | None = None
    last_update: str | None = None
    usage_sms_mo: Count | None = None


class _Detail(_Sim):
    """Simbase v1: Get SIM"""

    imei: str | None = None
    msisdn: str | None = None


class _Envelope(msgspec.Struct):
    """Simbase v1: SIM cards, all but the SIMs"""

    total_pages: Count
    page: Count | None = None
    records: Count | None = None


class _List(_Envelope, kw_only=True):
    sims: list[_Sim]


class _Rough(_Envelope, kw_only=True):
    """The same where a record is not what it should be: each is read by itself."""

    sims: list[msgspec.Raw]


class _Named(msgspec.Struct):
    """Whose record it is, where the rest cannot be read."""

    iccid: Iccid


class _Usage(msgspec.Struct):
    """Simbase v1: Get SIM Usage"""

    usage_data: Bytes
    iccid: str | None = None
    month: str | None = None


class _Bill(_Usage, kw_only=True):
    """The same: what it cost, in the currency of the account, and of that the parts that follow from use."""

    cost: Decimal
    cost_data: Decimal
    cost_sms: Decimal


class _Device(msgspec.Struct):
    """Simbase v1: Get SIM, all but the counter. The document says `ip` and `ip_address`, `location_updates` and
    `lu_count` for one thing each."""

    iccid: Iccid
    imei: str | None = None
    msisdn: str | None = None
    carrier: str | None = None
    country_iso: str | None = None
    radio: str | None = None
    apn: str | None = None
    hardware: str | None = None
    ip: str | None = None
    ip_address: str | None = None
    lat: str | float | None = None
    lon: str | float | None = None
    sessions: Count | None = None
    zero_sessions: Count | None = None
    location_updates: Count | None = None
    lu_count: Count | None = None
    throttle: str | None = None
    imei_lock: str | None = None
    plan_id: str | None = None
    device_name: str | None = None
    tags: list[str] | None = None


class _Edited(msgspec.Struct):
    """Simbase v1: Edit SIM card"""

    throttle: str | None = None
    imei_lock: str | None = None
    plan_id: str | None = None
    device_name: str | None = None
    tags: list[str] | None = None


class _Sent(msgspec.Struct):
    """Simbase v1: Send SMS"""

    time: str


class _Message(msgspec.Struct):
    """Simbase v1: SMS, messages[]. The direction is the server's: `out` goes to the device."""

    message: str
    direction: Literal["in", "out"]
    timestamp: str


class _Messages(msgspec.Struct):
    """Simbase v1: SMS"""

    messages: list[_Message]
    count: Count | None = None


class _State(msgspec.Struct):
    """Simbase v1: Edit SIM card, and Get SIM where only the state is wanted."""

    sim_state: str
    iccid: str | None = None


_LIST = msgspec.json.Decoder(_List)
_ROUGH = msgspec.json.Decoder(_Rough)
_SIM = msgspec.json.Decoder(_Sim)
_NAMED = msgspec.json.Decoder(_Named)
_DETAIL = msgspec.json.Decoder(_Detail)
_USAGE = msgspec.json.Decoder(_Usage)
_BILL = msgspec.json.Decoder(_Bill)
_STATE = msgspec.json.Decoder(_State)
_DEVICE = msgspec.json.Decoder(_Device)
_EDITED = msgspec.json.Decoder(_Edited)
_SENT = msgspec.json.Decoder(_Sent)
_MESSAGES = msgspec.json.Decoder(_Messages)


def page_in(body: bytes, *, number: int, now: dt.datetime) -> Page:
    """The page that was asked for, or an earlier one that says so. Raises Unreadable."""
    months, odd = _Months(now), list[Odd]()
    found: _List | _Rough
    try:
        found = decoded(_LIST, body)
        readings = [_reading(sim, months) for sim in found.sims]
    except NoJson:
        raise
    except Unreadable:
        found = decoded(_ROUGH, body)
        readings = _one_by_one(found.sims[:MOST_SIMS], months, odd)
    if len(found.sims) > MOST_SIMS:
        raise Unreadable("it has more SIMs than a page may have")
    if found.records is not None and found.records != len(found.sims):
        raise Unreadable("records is not the number of its SIMs")
    answered = number if found.page is None else found.page
    if not (1 <= answered <= number or answered == found.total_pages == 0):
        raise Unreadable("it is another page")
    if len(odd) > MOST_ODD and len(odd) > len(readings):
        raise Unreadable(f"most of its SIMs cannot be read: {odd[0].why}")
    return Page(answered, found.total_pages, tuple(readings), tuple(odd), len(found.sims) >= PAGE_SIZE)


def _one_by_one(sims: list[msgspec.Raw], months: _Months, odd: list[Odd]) -> list[Reading]:
    """What can be read of them; what cannot is added to `odd`."""
    readings = []
    for raw in sims:
        body = bytes(raw)
        try:
            readings.append(_reading(decoded(_SIM, body), months))
        except Unreadable as error:
            odd.append(Odd(_iccid_in(body), str(error), body))
    return readings


def _iccid_in(body: bytes) -> str | None:
    try:
        return decoded(_NAMED, body).iccid
    except Unreadable:
        return None


def line_in(body: bytes, *, iccid: str, now: dt.datetime) -> Reading:
    """The SIM that was asked for. Raises Unreadable."""
    found = decoded(_DETAIL, body)
    same_sim(found.iccid, iccid)
    return _reading(found, _Months(now), imei=read_imei(found.imei), msisdn=read_msisdn(found.msisdn))


def total_in(body: bytes, *, iccid: str, month: dt.date) -> int:
    """The bytes of the month that was asked for. Raises Unreadable."""
    found = decoded(_USAGE, body)
    _same_month(found, iccid, month)
    return found.usage_data


def bill_in(body: bytes, *, iccid: str, month: dt.date) -> Billed:
    """What the month that was asked for cost; line rental, network and voice are one part. Raises Unreadable."""
    found = decoded(_BILL, body)
    _same_month(found, iccid, month)
    data, sms = amount_of(found.cost_data), amount_of(found.cost_sms)
    parts = {Part.DATA: data, Part.SMS: sms, Part.DAYS: amount_of(found.cost) - data - sms}
    if any(amount < 0 for amount in parts.values()):
        raise Unreadable("a part of the costs is more than all")
    return Billed(parts, used=found.usage_data)


def _same_month(found: _Usage, iccid: str, month: dt.date) -> None:
    same_sim(found.iccid, iccid)
    if found.month is not None and found.month != f"{month:%Y-%m}":
        raise Unreadable("it is another month")


def state_in(body: bytes, *, iccid: str) -> Status:
    """The state of the SIM that was asked for. Raises Unreadable."""
    found = decoded(_STATE, body)
    same_sim(found.iccid, iccid)
    return _status(found.sim_state)


def device_in(body: bytes, *, iccid: str) -> Device:
    """The SIM that was asked for. Raises Unreadable."""
    found = decoded(_DEVICE, body)
    same_sim(found.iccid, iccid)
    ip = found.ip if found.ip is not None else found.ip_address
    given = {Setting.THROTTLE: found.throttle, Setting.IMEI_LOCK: found.imei_lock, Setting.PLAN: found.plan_id}
    given[Setting.DEVICE_NAME] = found.device_name
    return Device(
        imei=read_imei(found.imei),
        msisdn=read_msisdn(found.msisdn),
        network=short_text(found.carrier),
        country=country_of(found.country_iso),
        radio=short_text(found.radio),
        apn=short_text(found.apn),
        hardware=short_text(found.hardware),
        static_ip=ip_of(ip),
        sessions=found.sessions,
        zero_sessions=found.zero_sessions,
        location_updates=found.location_updates if found.location_updates is not None else found.lu_count,
        settings={setting: _setting(setting, word) for setting, word in given.items() if word} | _tags(found.tags),
        location=location_of(found.lat, found.lon),
    )


def _tags(tags: list[str] | None) -> dict[Setting, str]:
    return {Setting.TAGS: tags_text(tags)} if tags else {}


def setting_in(body: bytes, *, setting: Setting) -> str:
    """How it is set now. Raises Unreadable."""
    word = getattr(decoded(_EDITED, body), FIELD[setting])
    if word is None or (not word and setting not in LABELS):
        raise Unreadable("it does not say how it is set now")
    return tags_text(word) if setting is Setting.TAGS else _setting(setting, word)


FIELD = {
    Setting.THROTTLE: "throttle",
    Setting.IMEI_LOCK: "imei_lock",
    Setting.PLAN: "plan_id",
    Setting.DEVICE_NAME: "device_name",
    Setting.TAGS: "tags",
}


def _setting(setting: Setting, word: str) -> str:
    if setting is Setting.DEVICE_NAME:
        return word[:LONGEST_LABEL]
    if setting is not Setting.THROTTLE:
        return word[:64]
    speed = re.fullmatch(r"SPEED_([0-9]{1,6})_KBPS", word)
    return speed[1] if speed else "" if word == "NO_LIMIT" else word[:64]


def sent_in(body: bytes, *, text: str) -> Sms:
    """Raises Unreadable."""
    return _sms(text, decoded(_SENT, body).time, to_device=True)


def messages_in(body: bytes) -> tuple[Sms, ...]:
    """Raises Unreadable."""
    found = decoded(_MESSAGES, body)
    if found.count is not None and found.count != len(found.messages):
        raise Unreadable("count is not the number of its messages")
    return tuple([_sms(one.message, one.timestamp, to_device=one.direction == "out") for one in found.messages])


def _sms(text: str, time: str, *, to_device: bool) -> Sms:
    """Simbase has no name for a message: its time and its text are one, which two of the same second share."""
    at = utc_moment(time)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return Sms(f"{'out' if to_device else 'in'} {at:%Y-%m-%dT%H:%M:%S} {digest}", to_device, text, at)


class _Months:
    """The months that a counter read now can belong to."""

    def __init__(self, now: dt.datetime) -> None:
        now = now.astimezone(dt.UTC)
        self.current = now.date().replace(day=1)
        self.last = (now + AHEAD).date().replace(day=1)
        self.now = now


def _reading(sim: _Sim, months: _Months, *, imei: str | None = None, msisdn: str | None = None) -> Reading:
    """usage_data belongs to the month of the last record; a SIM without any has used nothing, this month.

    A record of a time to come opens no month: it is of this one, until our own clock says so too.
    """
    seen = utc_moment(sim.last_update) if sim.last_update and sim.last_update != NO_TIME else None
    cycle = dt.date(seen.year, seen.month, 1) if seen else months.current
    if cycle > months.last:
        raise Unreadable("last_update lies in a month to come")
    if seen is not None and cycle > months.current:
        cycle, seen = months.current, months.now
    status = _status(sim.sim_state) if sim.sim_state else None
    sent = sim.usage_sms_mo
    return Reading(sim.iccid, sim.usage_data, cycle, status, sent, seen, imei, msisdn, sms_mark=sent)


@lru_cache(maxsize=64)
def _status(word: str) -> Status:
    return status_of(word, WORDS)
