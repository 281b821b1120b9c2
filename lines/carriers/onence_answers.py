"""What 1NCE answers: its words, the shapes of its answers, and what they say in ours."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
from kit.identifiers import read_imei, read_msisdn

from .base import Card, Device, Reading, Setting, Sms, SmsFate, Status, Stock, Switch
from .fields import Iccid, Unreadable, Words, country_of, decoded, ip_of, same_sim, short_text, status_of, utc_moment
from .rest import bytes_of, cards_of, counter_of, date_of, reading_of

WORDS: Words = {"enabled": (Switch.ON, False), "disabled": (Switch.OFF, False)}
FATES = {"delivered": SmsFate.DELIVERED, "failed": SmsFate.FAILED, "expired": SmsFate.FAILED}
FATES |= dict.fromkeys(("pending", "in progress", "delivery attempt pending"), SmsFate.PENDING)
FIELD = {Setting.IMEI_LOCK: "imei_lock", Setting.DEVICE_NAME: "label"}  # of a SIM, as it is edited
PAGE_SIZE = 100


class _Login(msgspec.Struct):
    """1NCE: Obtain Access Token"""

    access_token: str


class _Sim(msgspec.Struct):
    """1NCE v2: Get Single SIM"""

    iccid: Iccid
    status: str
    imei: str | None = None
    msisdn: str | None = None
    imsi: str | None = None
    ip_address: str | None = None
    imei_lock: bool | None = None
    label: str | None = None


class _Volume(msgspec.Struct):
    volume: str


class _Day(msgspec.Struct):
    """1NCE v1: Get SIM Usage, stats[]; volumes are texts, MB with six decimals and a count of messages."""

    date: str
    data: _Volume | None = None
    sms: _Volume | None = None


class _Usage(msgspec.Struct):
    stats: list[_Day]


class _Country(msgspec.Struct):
    iso_code: str | None = None


class _Operator(msgspec.Struct):
    name: str | None = None
    country: _Country | None = None


class _Location(msgspec.Struct):
    operator: _Operator | None = None
    country: _Country | None = None


class _Radio(msgspec.Struct):
    description: str | None = None


class _Session(msgspec.Struct):
    """1NCE v2: Get SIM Status, pdp_contexts[]"""

    created: str | None = None
    ue_ip_address: str | None = None
    rat_type: _Radio | None = None


class _Place(msgspec.Struct):
    """1NCE v2: Get SIM Status"""

    location: _Location | None = None
    pdp_contexts: list[_Session] = []


class _Word(msgspec.Struct):
    description: str


class _Message(msgspec.Struct):
    """1NCE v2: Get SMS Details"""

    id: int
    payload: str
    submit_date: str
    status: _Word
    sms_type: _Word


class _Sent(msgspec.Struct):
    """1NCE v2: Create SMS"""

    id: str


LOGIN = msgspec.json.Decoder(_Login)
_SIM = msgspec.json.Decoder(_Sim)
_USAGE = msgspec.json.Decoder(_Usage)
_PLACE = msgspec.json.Decoder(_Place)
_MESSAGE = msgspec.json.Decoder(_Message)
_MESSAGES = msgspec.json.Decoder(list[_Message])
_SENT = msgspec.json.Decoder(_Sent)


def stock_in(body: bytes) -> Stock:
    """Raises Unreadable."""
    cards, odd = cards_of(body, _SIM, _card)
    return Stock(cards, odd=odd)


def _card(sim: _Sim) -> Card:
    status = status_of(sim.status, WORDS)
    return Card(sim.iccid, status, sim.label or "", imei=read_imei(sim.imei), msisdn=read_msisdn(sim.msisdn))


def sim_in(body: bytes, *, iccid: str) -> _Sim:
    """The SIM that was asked for. Raises Unreadable."""
    found = decoded(_SIM, body)
    same_sim(found.iccid, iccid)
    return found


def status_in(body: bytes, *, iccid: str) -> Status:
    """Raises Unreadable."""
    return status_of(sim_in(body, iccid=iccid).status, WORDS)


def _settings_of(sim: _Sim) -> dict[Setting, str]:
    """What it says of how the SIM is set; what it leaves out is not known."""
    lock = {} if sim.imei_lock is None else {Setting.IMEI_LOCK: "on" if sim.imei_lock else "off"}
    return lock | ({} if sim.label is None else {Setting.DEVICE_NAME: sim.label})


def setting_in(body: bytes, *, setting: Setting, iccid: str) -> str:
    """Raises Unreadable."""
    sim = sim_in(body, iccid=iccid)
    return (sim.label or "") if setting is Setting.DEVICE_NAME else "on" if sim.imei_lock else "off"


def _days(body: bytes) -> tuple[list[tuple[dt.date, int]], int]:
    """The bytes of each day, and the messages of all. Raises Unreadable."""
    stats = decoded(_USAGE, body).stats
    days = [(date_of(day.date), bytes_of(_figure(day.data.volume))) for day in stats if day.data]
    return days, sum(int(_figure(day.sms.volume)) for day in stats if day.sms)


def _figure(text: str) -> float:
    try:
        found = Decimal(text)
    except ArithmeticError as error:
        raise Unreadable("a volume is no number") from error
    if not found.is_finite():
        raise Unreadable("a volume is no number")
    return float(found)


def total_in(body: bytes, *, month: dt.date) -> int:
    """Raises Unreadable."""
    return counter_of(_days(body)[0], month, once=True)


def reading_in(body: bytes, *, sim: _Sim, month: dt.date) -> Reading:
    """Raises Unreadable."""
    days, messages = _days(body)
    return reading_of(
        sim.iccid,
        days,
        month,
        status_of(sim.status, WORDS),
        once=True,
        imei=read_imei(sim.imei),
        msisdn=read_msisdn(sim.msisdn),
        sms_usage=messages,
        sms_mark=messages,
    )


def device_in(body: bytes, *, sim: _Sim) -> Device:
    """Raises Unreadable."""
    found = decoded(_PLACE, body)
    operator = found.location.operator if found.location else None
    country = (operator.country if operator else None) or (found.location.country if found.location else None)
    last = found.pdp_contexts[-1] if found.pdp_contexts else _Session()
    return Device(
        imei=read_imei(sim.imei),
        msisdn=read_msisdn(sim.msisdn),
        imsi=short_text(sim.imsi),
        network=short_text(operator.name if operator else None),
        country=country_of(country.iso_code if country else None),
        radio=short_text(last.rat_type.description if last.rat_type else None),
        static_ip=ip_of(sim.ip_address),
        session_ip=ip_of(last.ue_ip_address),
        session_started=utc_moment(last.created) if last.created else None,
        settings=_settings_of(sim),
    )


def _sms(one: _Message) -> Sms:
    word = one.status.description
    to_device = one.sms_type.description == "MT"
    fate = FATES.get(word.lower()) if to_device else None
    return Sms(str(one.id), to_device, one.payload, utc_moment(one.submit_date), fate, short_text(word) or "")


def message_in(body: bytes) -> Sms:
    """Raises Unreadable."""
    return _sms(decoded(_MESSAGE, body))


def messages_in(body: bytes) -> tuple[Sms, ...]:
    """Raises Unreadable."""
    return tuple([_sms(one) for one in decoded(_MESSAGES, body)])


def sent_in(body: bytes, *, text: str) -> Sms:
    """Raises Unreadable."""
    return Sms(decoded(_SENT, body).id, True, text, None, SmsFate.PENDING)
