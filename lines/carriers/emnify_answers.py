"""What emnify answers: its words, the shapes of its answers, and what they say in ours."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
from kit.identifiers import read_imei, read_msisdn

from .base import Billed, Card, Device, Odd, Part, Reading, Refused, Setting, Sms, SmsFate, Status, Switch
from .fields import (
    Currency,
    Iccid,
    Unreadable,
    Words,
    amount_of,
    decoded,
    ip_of,
    same_sim,
    short_text,
    status_of,
    utc_moment,
)
from .rest import bytes_of, cards_of, counter_of, date_of

WORDS: Words = {
    "activated": (Switch.ON, False),
    "suspended": (Switch.OFF, False),
    "issued": (Switch.OFF, False),
    "factory test": (Switch.READY, False),
    "deleted": (Switch.OFF, True),
}
FATES = {
    "delivered": SmsFate.DELIVERED,
    "failed": SmsFate.FAILED,
    "expired": SmsFate.FAILED,
    "deleted": SmsFate.FAILED,
    "pending": SmsFate.PENDING,
    "in progress": SmsFate.PENDING,
}
PAGE_SIZE = 500


class _Login(msgspec.Struct):
    """emnify: Retrieve authentication token"""

    auth_token: str


class _Id(msgspec.Struct):
    id: int


class _Word(msgspec.Struct):
    description: str


class Sim(msgspec.Struct):
    """emnify: List SIMs"""

    id: int
    iccid: Iccid
    status: _Word
    endpoint: _Id | None = None
    msisdn: str | None = None
    imsi: str | None = None

    @property
    def state(self) -> Status:
        return status_of(self.status.description, WORDS)


class Endpoint(msgspec.Struct):
    """emnify: Endpoint details"""

    name: str | None = None
    imei: str | None = None
    imei_lock: bool | None = None
    ip_address: str | None = None


class _Unit(msgspec.Struct):
    code: Currency


class _Volume(msgspec.Struct):
    """Data in MB, or messages, and what they cost the operator."""

    volume: float
    cost: Decimal | None = None
    currency: _Unit | None = None
    month: str | None = None
    last_updated: str | None = None


class _Month(msgspec.Struct):
    data: _Volume | None = None
    sms: _Volume | None = None


class _Stats(msgspec.Struct):
    """emnify: SIM usage and cost statistics, [0]. A month without traffic is left out."""

    current_month: _Month | None = None
    last_month: _Month | None = None


class _Day(msgspec.Struct):
    """emnify: Retrieve daily usage statistics for an endpoint"""

    date: str
    data: _Volume | None = None


class _Message(msgspec.Struct):
    """emnify: List sent and received SMS"""

    id: int
    payload: str
    submit_date: str
    status: _Word
    sms_type: _Word


LOGIN = msgspec.json.Decoder(_Login)
_SIM = msgspec.json.Decoder(Sim)
_SIMS = msgspec.json.Decoder(list[Sim])
_ENDPOINT = msgspec.json.Decoder(Endpoint)
_STATS = msgspec.json.Decoder(list[_Stats])
_DAYS = msgspec.json.Decoder(list[_Day])
_MESSAGES = msgspec.json.Decoder(list[_Message])


def stock_in(body: bytes) -> tuple[tuple[Card, ...], tuple[Odd, ...]]:
    """Raises Unreadable."""
    return cards_of(body, _SIM, lambda sim: Card(sim.iccid, sim.state, msisdn=read_msisdn(sim.msisdn)))


def found_in(body: bytes, *, iccid: str) -> Sim | None:
    """The SIM that was asked for, if there is one. Raises Unreadable."""
    found = decoded(_SIMS, body)
    for sim in found:
        same_sim(sim.iccid, iccid)
    return found[0] if found else None


def endpoint_in(body: bytes) -> Endpoint:
    """Raises Unreadable."""
    return decoded(_ENDPOINT, body)


FIELD = {Setting.IMEI_LOCK: "imei_lock", Setting.DEVICE_NAME: "name"}  # of an endpoint, as it is edited


def _settings_of(endpoint: Endpoint) -> dict[Setting, str]:
    """What it says of how the SIM is set; what it leaves out is not known."""
    lock = {} if endpoint.imei_lock is None else {Setting.IMEI_LOCK: "on" if endpoint.imei_lock else "off"}
    return lock | ({} if endpoint.name is None else {Setting.DEVICE_NAME: endpoint.name})


def setting_in(body: bytes, *, setting: Setting) -> str:
    """Raises Unreadable."""
    found = _settings_of(endpoint_in(body)).get(setting)
    if found is None:
        raise Unreadable("it does not say how it is set now")
    return found


def reading_in(body: bytes, *, sim: Sim, endpoint: Endpoint, month: dt.date) -> Reading:
    """The running month's counter; a month that is not there, or that is an earlier one, has no traffic yet."""
    stats = decoded(_STATS, body)
    current = (stats[0].current_month if stats else None) or _Month()
    data, sms = _of(month, current.data), _of(month, current.sms)
    messages = round(sms.volume) if sms else 0
    return Reading(
        sim.iccid,
        bytes_of(data.volume) if data else 0,
        month,
        sim.state,
        last_seen=utc_moment(data.last_updated) if data and data.last_updated else None,
        imei=read_imei(endpoint.imei),
        msisdn=read_msisdn(sim.msisdn),
        sms_usage=messages,
        sms_mark=messages,
    )


def _of(month: dt.date, volume: _Volume | None) -> _Volume | None:
    """Figures of this month. Raises Unreadable for those of a month to come."""
    if volume is None or volume.month is None:
        return volume
    told = date_of(volume.month).replace(day=1)
    if told > month:
        raise Unreadable("its month lies ahead")
    return volume if told == month else None


def bill_in(body: bytes, *, month: dt.date) -> Billed:
    """What the last month cost; one that is not there had no traffic. Raises Unreadable, and Refused where traffic has
    no cost: that is told of organizations without inclusive volumes alone."""
    stats = decoded(_STATS, body)
    last = (stats[0].last_month if stats else None) or _Month()
    data, sms = _of(month, last.data), _of(month, last.sms)
    costs = {Part.DATA: data, Part.SMS: sms}
    if any(one.cost is None and one.volume for one in costs.values() if one):
        raise Refused("emnify tells no costs of an organization with inclusive volumes.")
    units = {one.currency.code.upper() for one in costs.values() if one and one.currency}
    if len(units) > 1:
        raise Unreadable("its costs are of two currencies")
    parts = {part: amount_of((one.cost if one else None) or Decimal(0)) for part, one in costs.items()}
    return Billed(parts, units.pop() if units else "", bytes_of(data.volume) if data else 0)


def total_in(body: bytes, *, month: dt.date) -> int:
    """Raises Unreadable."""
    days = [(date_of(day.date), bytes_of(day.data.volume)) for day in decoded(_DAYS, body) if day.data]
    return counter_of(days, month, once=True)


def device_in(sim: Sim, endpoint: Endpoint) -> Device:
    return Device(
        imei=read_imei(endpoint.imei),
        msisdn=read_msisdn(sim.msisdn),
        imsi=short_text(sim.imsi),
        static_ip=ip_of(endpoint.ip_address),
        settings=_settings_of(endpoint),
    )


def _sms(one: _Message) -> Sms:
    word, to_device = one.status.description, one.sms_type.description == "MT"
    fate = FATES.get(word.lower()) if to_device else None
    return Sms(str(one.id), to_device, one.payload, utc_moment(one.submit_date), fate, short_text(word) or "")


def messages_in(body: bytes) -> tuple[Sms, ...]:
    """Raises Unreadable."""
    return tuple([_sms(one) for one in decoded(_MESSAGES, body)])
