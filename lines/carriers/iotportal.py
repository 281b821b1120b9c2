"""IoT Portal, Core API: one call for each SIM, no list and no times, a token that expires without notice."""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal, TypeVar

import msgspec

from .base import (
    Abilities,
    CarrierClient,
    Device,
    Gate,
    Malformed,
    Page,
    Reading,
    Refused,
    Setting,
    Sms,
    SmsFate,
    Status,
    Switch,
    Unreachable,
)
from .deadline import Deadline
from .fields import (
    LONGEST_WORD,
    Bytes,
    Count,
    Iccid,
    Unreadable,
    Words,
    checked_iccid,
    decoded,
    imei_of,
    ip_of,
    msisdn_of,
    short_text,
    status_of,
    utc_moment,
)
from .wire import Call, Unauthorized, Wire, fits_a_header, required

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
API_VERSION = "v1"  # the last part of SendSMS's path, which the document leaves open
MOST_MESSAGES = 50  # that one look fetches; more than these since the last look are left to the next

SULK = 10.0  # seconds during which a refused login is not tried again: an account may be locked by too many


class _Usage(msgspec.Struct):
    """IoT Portal: CTD Usage. ctdSMSUsage does not say which messages it counts: it only tells when to look for some."""

    iccid: Iccid
    bytes: Bytes = msgspec.field(name="ctdDataUsage")
    status: str | None = None
    imei: str | None = None
    msisdn: str | None = None
    messages: Count | None = msgspec.field(name="ctdSMSUsage", default=None)


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


class _Session(msgspec.Struct):
    """IoT Portal: Get Session Info, the last one; without an end while it is open."""

    iccid: str | None = None
    ip: str | None = msgspec.field(name="ipAddress", default=None)
    started: str | None = msgspec.field(name="dateSessionStarted", default=None)
    ended: str | None = msgspec.field(name="dateSessionEnded", default=None)


class _Taken(msgspec.Struct):
    """IoT Portal: Send SMS (the document shows no answer)."""

    id: int | str | None = msgspec.field(name="smsMsgId", default=None)


class _Ids(msgspec.Struct):
    """IoT Portal: Get SMS Ids (the document shows no answer)."""

    ids: list[int | str] = msgspec.field(name="smsMsgIds")
    iccid: str | None = None


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
_IDS = msgspec.json.Decoder(_Ids)
_MESSAGE = msgspec.json.Decoder(_Message)
_LOGIN = msgspec.json.Decoder(_Login)
_STATE = msgspec.json.Decoder(str | _State)
_ANYTHING = msgspec.json.Decoder()
_REF = re.compile(r"[0-9A-Za-z_-]{1,64}")
_BARE_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_. -]*")


class IotPortal(CarrierClient):
    """IoT Portal's Core API, with a token from Login."""

    kind: ClassVar[str] = "iotportal"
    title: ClassVar[str] = "IoT Portal"
    calls_per_second: ClassVar[float] = 50.0
    abilities: ClassVar[Abilities] = Abilities(
        sends_sms=True, tells_sms_fate=True, tells_sessions=True, switches_many=True
    )
    secret_names: ClassVar[frozenset[str]] = frozenset({"client_id", "secret_key"})

    def __init__(
        self, *, url: str, secrets: Mapping[str, str], gate: Gate | None = None, timeout: float = 20.0
    ) -> None:
        found = required("IoT Portal", self.secret_names, secrets)
        self._credentials = {"clientId": found["client_id"], "secretKey": found["secret_key"]}
        self._wire = Wire("IoT Portal", url=url, gate=gate, secrets=[found["secret_key"]])
        self._timeout = timeout
        self._login_lock = threading.Lock()
        self._token: str | None = None
        self._refusal: Refused | None = None
        self._refused_at = 0.0
        self._failure: Unreachable | None = None
        self._failed_at = 0.0

    def read_page(self, number: int, *, now: dt.datetime) -> Page:  # noqa: ARG002 - the interface
        raise Refused("IoT Portal has no list of SIMs; each is read by itself.")

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:  # noqa: ARG002 - no time is given to compare
        """IoT Portal: CTD Usage"""
        call = Call("GET", f"/ctdUsage/{checked_iccid(iccid)}")
        return self._call(call, partial(usage_in, iccid=iccid))

    def final_total(self, iccid: str, month: dt.date) -> int:  # noqa: ARG002 - the interface
        raise Refused("IoT Portal gives no totals of finished months.")

    def get_status(self, iccid: str) -> Status:
        """IoT Portal: Get Status"""
        return self._call(Call("GET", f"/getStatus/{checked_iccid(iccid)}"), partial(status_in, iccid=iccid))

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """IoT Portal: Request Status Change, the call that all accounts have. It is a request: read the state back."""
        call = Call("PUT", f"/RequestStatusChange/{checked_iccid(iccid)}", json=_switched(on), acts=True)
        return self._call(call, accepted)

    def set_switches(self, iccids: Sequence[str], *, on: bool, name: str, callback: str) -> None:
        """IoT Portal: Bulk Edit Device, which most accounts may not call."""
        json = {
            "update": _switched(on),
            "queueId": name,
            "webhookUrl": callback,
            "iccids": [checked_iccid(iccid) for iccid in iccids],
        }
        self._call(Call("PUT", "/BulkEditDevice", json=json, acts=True), accepted)

    def get_device(self, iccid: str) -> Device:
        """IoT Portal: Get Device, then Get Session Info"""
        path = checked_iccid(iccid)
        found = self._call(Call("GET", f"/GetDevice/{path}"), partial(device_in, iccid=iccid))
        return self._call(Call("GET", f"/sessionInfo/{path}"), partial(session_in, iccid=iccid, device=found))

    def send_sms(self, iccid: str, text: str) -> Sms:
        """IoT Portal: Send SMS"""
        path = f"/SendSMS/{checked_iccid(iccid)}/{API_VERSION}"
        return self._call(Call("PUT", path, json={"messageText": text}, acts=True), partial(taken_in, text=text))

    def list_sms(self, iccid: str, *, since: dt.datetime) -> tuple[Sms, ...]:
        """IoT Portal: Get SMS Ids, then Get SMS from the newest back to one that is older than `since`."""
        ids = self._call(Call("GET", f"/GetSMSIds/{checked_iccid(iccid)}"), partial(ids_in, iccid=iccid))
        found: list[Sms] = []
        for ref in ids[:MOST_MESSAGES]:
            found.append(self.get_sms(iccid, ref))
            if (at := found[-1].at) is not None and at < since:
                break
        return tuple(found)

    def get_sms(self, iccid: str, ref: str) -> Sms:
        """IoT Portal: Get SMS"""
        if not _REF.fullmatch(ref):
            raise Refused("IoT Portal gives no message such a name; it was not asked.")
        return self._call(Call("GET", f"/GetSMS/{ref}"), partial(message_in, iccid=iccid, ref=ref))

    def close(self) -> None:
        self._wire.close()

    def _call(self, call: Call, decode: Callable[[bytes], T]) -> T:
        """A call with a token. At a 401 the token has expired: it was not acted on, so log in again, once."""
        deadline = Deadline(self._timeout)
        token = self._token or self._log_in(None, deadline)
        try:
            return self._wire.call(_with(call, token), deadline, decode)
        except Unauthorized:
            token = self._log_in(token, deadline)
        return self._wire.call(_with(call, token), deadline, decode)

    def _log_in(self, stale: str | None, deadline: Deadline) -> str:
        """A token other than the stale one. Many threads may come at once: the first logs in, the others find it.

        They wait as long as it does, which may have to wait at the gate, and share its failure.
        """
        came = time.monotonic()
        with deadline.stands_still():
            self._login_lock.acquire()
        try:
            if self._token is not None and self._token != stale:
                return self._token
            if self._refusal and time.monotonic() - self._refused_at < SULK:
                raise type(self._refusal)(str(self._refusal))
            if self._failure and came <= self._failed_at:
                raise Unreachable(str(self._failure), retry_after=self._failure.retry_after)
            self._token = None
            try:
                self._token = self._new_token(deadline)
            except Unreachable as failure:
                self._failure, self._failed_at = failure, time.monotonic()
                raise
            return self._token
        finally:
            self._login_lock.release()

    def _new_token(self, deadline: Deadline) -> str:
        """IoT Portal: Account Login. Raises Refused or Unreachable, before a change too: nothing is asked yet."""
        try:
            token = self._wire.call(Call("POST", "/Login", json=self._credentials), deadline, token_in)
        except Malformed as failure:  # the body may hold a token: it is not to be quarantined
            raise Unreachable(str(failure)) from None
        except Refused as refusal:
            self._refusal, self._refused_at = _why_refused(refusal), time.monotonic()
            raise self._refusal from refusal
        self._refusal = None
        self._wire.hide(token)
        return token


def _switched(on: bool) -> dict[str, str]:
    return {"status": "ACTIVATED" if on else "DEACTIVATED"}


def _with(call: Call, token: str) -> Call:
    """The token is the whole header, without a scheme word."""
    return Call(call.method, call.path, json=call.json, headers={"Authorization": token}, acts=call.acts)


def _why_refused(refusal: Refused) -> Refused:
    if isinstance(refusal, Unauthorized):
        return Unauthorized(f"IoT Portal does not accept the client_id and secret_key. {refusal}")
    return Refused(f"IoT Portal does not let us log in. {refusal}")


def usage_in(body: bytes, *, iccid: str) -> Reading:
    """The SIM that was asked for, in an array of one. Raises Unreadable."""
    (found,) = decoded(_USAGE, body)
    _same_sim(found.iccid, iccid)
    status = status_of(found.status, WORDS) if found.status else None
    imei, msisdn = imei_of(found.imei), msisdn_of(found.msisdn)
    return Reading(iccid, found.bytes, None, status, imei=imei, msisdn=msisdn, sms_mark=found.messages)


def status_in(body: bytes, *, iccid: str) -> Status:
    """A bare word, though the header says JSON; a JSON text or an object with a status will do. Raises Unreadable."""
    text = _bare_word(body)
    if text is None:
        found = decoded(_STATE, body)
        text = found if isinstance(found, str) else found.status
        if isinstance(found, _State):
            _same_sim(found.iccid, iccid)
    return status_of(text, WORDS)


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
    _same_sim(found.iccid, iccid)
    return Device(
        imei=imei_of(found.imei),
        msisdn=msisdn_of(found.msisdn),
        imsi=short_text(found.imsi),
        static_ip=ip_of(found.fixed_ip),
        settings={Setting.PLAN: found.plan[:64]} if found.plan else {},
    )


def session_in(body: bytes, *, iccid: str, device: Device) -> Device:
    """The device with its last session. Raises Unreadable."""
    found = decoded(_SESSION, body)
    _same_sim(found.iccid, iccid)
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
    """The newest first: they count up. Raises Unreadable."""
    found = decoded(_IDS, body)
    _same_sim(found.iccid, iccid)
    refs = [_checked_ref(str(one)) for one in found.ids]
    return sorted(refs, key=lambda ref: (len(ref), ref), reverse=True)


def message_in(body: bytes, *, iccid: str, ref: str) -> Sms:
    """The message that was asked for. Raises Unreadable."""
    found = decoded(_MESSAGE, body)
    _same_sim(found.iccid, iccid)
    if str(found.id) != ref:
        raise Unreadable("it is another message")
    fate = FATES.get(found.status.strip().lower())
    return Sms(ref, found.kind == "MT", found.text, _moment(found.sent), fate, found.status[:LONGEST_WORD])


def _checked_ref(ref: str) -> str:
    """A message's id, fit to stand in a path. Raises Unreadable."""
    if not _REF.fullmatch(ref):
        raise Unreadable("a message's id is none")
    return ref


def _bare_word(body: bytes) -> str | None:
    try:
        text = body.strip().decode("ascii")
    except UnicodeDecodeError:
        return None
    is_word = _BARE_WORD.fullmatch(text) and text not in ("null", "true", "false")
    return text if is_word else None


def _same_sim(found: str | None, asked: str) -> None:
    if found is not None and found != asked:
        raise Unreadable("it is another SIM")
