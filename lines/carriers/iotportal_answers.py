"""What IoT Portal's Core API answers: its words, the shapes of its answers, and what they say in ours."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any, Literal, TypeVar

import msgspec
from kit.identifiers import read_imei, read_msisdn

from .base import LONGEST_LABEL, Device, Reading, Setting, Sms, SmsFate, Status, Switch
from .fields import (
    LONGEST_WORD,
    Bytes,
    Count,
    Iccid,
    Unreadable,
    Words,
    decoded,
    ip_of,
    same_sim,
    short_text,
    status_of,
    utc_moment,
)
from .wire import fits_a_header

T = TypeVar("T")

# The Core API does not list its words. These are Jasper's, as in its examples; other networks behind it have others.
WORDS: Words = {
    "activated": (Switch.ON, False),
    "activation_ready": (Switch.READY, False),
    "test_ready": (Switch.READY, False),
    "inventory": (Switch.OFF, False),
    "deactivated": (Switch.OFF, False),
    "retired": (Switch.OFF, False),
    "purged": (Switch.OFF, False),
    "replaced": (Switch.OFF, False),
}

# What became of a message; Jasper's words too.
FATES = {
    "pending": SmsFate.PENDING,
    "sent": SmsFate.PENDING,
    "received": SmsFate.DELIVERED,
    "delivered": SmsFate.DELIVERED,
    "cancelled": SmsFate.FAILED,
    "failed": SmsFate.FAILED,
    "undeliverable": SmsFate.FAILED,
}


class _Usage(msgspec.Struct):
    """IoT Portal: CTD Usage. ctdSMSUsage does not say which messages it counts: it also
    tells when to look for some."""

    iccid: Iccid
    bytes: Bytes = msgspec.field(name="ctdDataUsage")
    status: str | None = None
    imei: str | None = None
    msisdn: str | None = None
    messages: Count | None = msgspec.field(name="ctdSMSUsage", default=None)
    voice: Count | None = msgspec.field(name="ctdVoiceUsage", default=None)
    sessions: Count | None = msgspec.field(name="ctdSessionCount", default=None)


class _Token(msgspec.Struct):
    token: str


class _Login(msgspec.Struct):
    """IoT Portal: Account Login"""

    data: _Token


class _State(msgspec.Struct):
    status: str
    iccid: str | None = None


class _Device(msgspec.Struct):
    """IoT Portal: Get Device"""

    iccid: Iccid
    imei: str | None = None
    msisdn: str | None = None
    imsi: str | None = None
    fixed_ip: str | None = msgspec.field(name="fixedIPAddress", default=None)
    plan: str | None = msgspec.field(name="ratePlan", default=None)
    status: str | None = None
    device_id: str | None = msgspec.field(name="deviceID", default=None)
    notes: str | None = msgspec.field(name="simNotes", default=None)
    end_consumer: int | str | None = msgspec.field(name="endConsumerId", default=None)
    modem: str | None = msgspec.field(name="modemID", default=None)
    customer: str | None = None
    account: int | str | None = msgspec.field(name="accountId", default=None)
    communication_plan: str | None = msgspec.field(name="communicationPlan", default=None)
    network_plan: str | None = msgspec.field(name="commsplan", default=None)
    contract: str | None = msgspec.field(name="contractdetails", default=None)
    shared: bool | str | None = msgspec.field(name="isshared", default=None)
    quantity: int | str | None = msgspec.field(name="dataquantity", default=None)
    size: str | None = msgspec.field(name="datasize", default=None)
    parent: str | None = msgspec.field(name="parenticcid", default=None)
    activated: str | None = msgspec.field(name="dateActivated", default=None)
    created: str | None = msgspec.field(name="dateCreated", default=None)
    updated: str | None = msgspec.field(name="dateUpdated", default=None)
    shipped: str | None = msgspec.field(name="dateShipped", default=None)


# What Edit Device writes: the document shows a status alone, and Get Device these names.
EDITED = {Setting.DEVICE_ID: "deviceID", Setting.SIM_NOTES: "simNotes", Setting.END_CONSUMER: "endConsumerId"}


class _Session(msgspec.Struct):
    """IoT Portal: Get Session Info, the last one; without an end while it is open."""

    iccid: str | None = None
    ip: str | None = msgspec.field(name="ipAddress", default=None)
    started: str | None = msgspec.field(name="dateSessionStarted", default=None)
    ended: str | None = msgspec.field(name="dateSessionEnded", default=None)


class _Taken(msgspec.Struct):
    """IoT Portal: Send SMS (the document shows no answer)."""

    id: int | str | None = msgspec.field(name="smsMsgId", default=None)


class _Message(msgspec.Struct):
    """IoT Portal: Get SMS (the document shows no answer)."""

    id: int | str = msgspec.field(name="smsMsgId")
    kind: Literal["MT", "MO"] = msgspec.field(name="msgType")
    text: str = msgspec.field(name="messageText")
    status: str
    iccid: str | None = None
    sent: str | None = msgspec.field(name="dateSent", default=None)


_USAGE = msgspec.json.Decoder(tuple[_Usage])
_DEVICE = msgspec.json.Decoder(_Device)
_SESSION = msgspec.json.Decoder(_Session)
_TAKEN = msgspec.json.Decoder(_Taken)
_LOGIN = msgspec.json.Decoder(_Login)
_STATE = msgspec.json.Decoder(str | _State)
_ANYTHING = msgspec.json.Decoder()
REF = re.compile(r"[0-9A-Za-z_-]{1,64}")
_BARE_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_. -]*")


def usage_in(body: bytes, *, iccid: str, words: Words = WORDS) -> Reading:
    """The SIM that was asked for, in an array of one, spelled as it is there. Raises Unreadable."""
    (found,) = decoded(_USAGE, body)
    same_sim(found.iccid, iccid)
    status = status_of(found.status, words) if found.status else None
    imei, msisdn = read_imei(found.imei), read_msisdn(found.msisdn)
    return Reading(
        found.iccid,
        found.bytes,
        None,
        status,
        imei=imei,
        msisdn=msisdn,
        sms_usage=found.messages,
        voice_usage=found.voice,
        sessions=found.sessions,
        sms_mark=found.messages,
    )


def status_in(body: bytes, *, iccid: str, words: Words = WORDS) -> Status:
    """A bare word, though the header says JSON; a JSON text or an object with a status will do. Raises Unreadable."""
    text = _bare_word(body)
    if text is None:
        found = decoded(_STATE, body)
        text = found if isinstance(found, str) else found.status
        if isinstance(found, _State):
            same_sim(found.iccid, iccid)
    return status_of(text, words)


def token_in(body: bytes) -> str:
    """Raises Unreadable."""
    token = decoded(_LOGIN, body).data.token
    if not fits_a_header(token):
        raise Unreadable("the token cannot be sent in a header")
    return token


def accepted(body: bytes) -> None:
    """The document shows no answer: nothing, a word or any JSON will do. A web page will not. Raises Unreadable."""
    if body.strip() and _bare_word(body) is None:
        decoded(_ANYTHING, body)


def device_in(body: bytes, *, iccid: str) -> Device:
    """The SIM that was asked for. Raises Unreadable."""
    found = decoded(_DEVICE, body)
    same_sim(found.iccid, iccid)
    return Device(
        imei=read_imei(found.imei),
        msisdn=read_msisdn(found.msisdn),
        imsi=short_text(found.imsi),
        static_ip=ip_of(found.fixed_ip),
        settings=_settings_of(found),
        details=_details_of(found),
    )


def _settings_of(found: _Device) -> dict[Setting, str]:
    given = {
        Setting.PLAN: found.plan,
        Setting.DEVICE_ID: found.device_id,
        Setting.SIM_NOTES: found.notes,
        Setting.END_CONSUMER: found.end_consumer,
    }
    return {name: str(value)[: 64 if name is Setting.PLAN else LONGEST_LABEL] for name, value in given.items() if value}


def _details_of(found: _Device) -> dict[str, str]:
    """What a person may want to know besides; the portal's own marks (username, action, globalSimType, zh_q_id) are
    left out. A date that is none is none: it decides nothing."""
    pool = f"{found.quantity} {found.size}" if found.quantity and found.size else None
    texts = {
        "status": found.status,
        "customer": found.customer,
        "account": found.account,
        "modem": found.modem,
        "communication_plan": found.communication_plan,
        "network_plan": found.network_plan,
        "contract": found.contract,
        "pool": pool,
        "shared": None if found.shared in (None, "") else "yes" if str(found.shared).lower() == "true" else "no",
        "parent": found.parent,
    }
    said = {name: short_text(None if text is None else str(text)) for name, text in texts.items()}
    dates = {"activated": found.activated, "created": found.created, "updated": found.updated, "shipped": found.shipped}
    for name, text in dates.items():
        try:
            at = _moment(text)
        except Unreadable:
            continue
        said[name] = at.isoformat() if at else None
    return {name: text for name, text in said.items() if text}


def session_in(body: bytes, *, iccid: str, device: Device) -> Device:
    """The device with its last session. Raises Unreadable."""
    found = decoded(_SESSION, body)
    same_sim(found.iccid, iccid)
    started, ended = _moment(found.started), _moment(found.ended)
    return replace(device, session_ip=ip_of(found.ip), session_started=started, session_ended=ended)


def _moment(text: str | None) -> dt.datetime | None:
    """`2023-06-23 11:14:37.998+0000`. Raises Unreadable."""
    return utc_moment(re.sub(r"([+-][0-9]{2})([0-9]{2})$", r"\1:\2", text)) if text else None


def taken_in(body: bytes, *, text: str) -> Sms:
    """The message, with the id that was given to it; an answer without one is an answer. Raises Unreadable."""
    taken = _Taken() if not body.strip() or _bare_word(body) is not None else decoded(_TAKEN, body)
    return Sms("" if taken.id is None else _checked_ref(str(taken.id)), True, text, None, SmsFate.PENDING)


def ids_in(body: bytes, *, iccid: str) -> list[str]:
    """IoT Portal: Get SMS Ids (the document shows no answer), alone or under `smsMsgIds` or `data`, each bare or named.

    The newest first: they count up. Raises Unreadable.
    """
    found = decoded(_ANYTHING, body)
    for name in ("data", "smsMsgIds", "data"):
        if isinstance(found, dict) and name in found:
            same_sim(_text_of(found.get("iccid")), iccid)
            found = found[name]
    ids = [
        one.get("smsMsgId") if isinstance(one, dict) else one for one in _typed(found, list[int | str | dict[str, Any]])
    ]
    refs = [_checked_ref(str(one)) for one in _typed(ids, list[int | str])]
    return sorted(refs, key=lambda ref: (len(ref), ref), reverse=True)


def message_in(body: bytes, *, iccid: str, ref: str) -> Sms:
    """The message that was asked for, alone, under `data` or in an array of one. Raises Unreadable."""
    inner = decoded(_ANYTHING, body)
    for _ in range(2):
        if isinstance(inner, dict) and "smsMsgId" not in inner and "data" in inner:
            same_sim(_text_of(inner.get("iccid")), iccid)
            inner = inner["data"]
        if isinstance(inner, list) and len(inner) == 1:
            (inner,) = inner
    found = _typed(inner, _Message)
    same_sim(found.iccid, iccid)
    if str(found.id) != ref:
        raise Unreadable("it is another message")
    fate = FATES.get(found.status.strip().lower())
    return Sms(
        ref, found.kind == "MT", found.text, _moment(found.sent), fate, (short_text(found.status) or "")[:LONGEST_WORD]
    )


def _typed(found: object, kind: type[T]) -> T:
    """Raises Unreadable."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)) from error


def _text_of(found: object) -> str | None:
    return found if isinstance(found, str) else None


def _checked_ref(ref: str) -> str:
    """A message's id, fit to stand in a path. Raises Unreadable."""
    if not REF.fullmatch(ref):
        raise Unreadable("a message's id is none")
    return ref


def _bare_word(body: bytes) -> str | None:
    try:
        text = body.strip().decode("ascii")
    except UnicodeDecodeError:
        return None
    is_word = _BARE_WORD.fullmatch(text) and text not in ("null", "true", "false")
    return text if is_word else None
