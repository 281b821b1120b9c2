"""Soracom Air: a SIM's id is its ICCID, usage by days and speed class, a switch that confirms, a key and a token."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

import msgspec
from kit.identifiers import read_imei, read_msisdn

from .base import Abilities, CallKind, Card, Device, Reading, Refused, Setting, Status, Stock, Switch
from .fields import (
    Bytes,
    Count,
    Iccid,
    Unreadable,
    Words,
    checked_iccid,
    decoded,
    ip_of,
    same_sim,
    short_text,
    status_of,
)
from .rest import Headers, RestClient, cards_of, counter_of, month_of, nothing_in, reading_of
from .webhooks import News, Token, Webhook, each_news
from .wire import Call, fits_a_header

WORDS: Words = {
    "active": (Switch.ON, False),
    "inactive": (Switch.OFF, False),
    "suspended": (Switch.OFF, False),
    "standby": (Switch.READY, False),
    "ready": (Switch.READY, False),
    "terminated": (Switch.OFF, True),
}
PAGE_SIZE = 100
NAME = "name"  # the tag that names a SIM
NEXT = "x-soracom-next-key"  # the header that names the next page


class _Login(msgspec.Struct, rename="camel"):
    """Soracom: auth"""

    api_key: str
    token: str


class _Cell(msgspec.Struct, rename="camel"):
    radio_type: str | None = None


class _Session(msgspec.Struct, rename="camel"):
    """Soracom: a SIM's sessionStatus; its time is in milliseconds."""

    imei: str | None = None
    imsi: str | None = None
    online: bool | None = None
    last_updated_at: Count | Bytes | None = None
    ue_ip_address: str | None = None
    cell: _Cell | None = None


class _Before(msgspec.Struct, rename="camel"):
    """Soracom: a SIM's previousSession; times in milliseconds."""

    created_time: Bytes | None = None
    deleted_time: Bytes | None = None
    ue_ip_address: str | None = None


class _Subscriber(msgspec.Struct, rename="camel"):
    msisdn: str | None = None


class _Profile(msgspec.Struct, rename="camel"):
    subscribers: dict[str, _Subscriber] = {}


class _Lock(msgspec.Struct):
    imei: str | None = None


class _Sim(msgspec.Struct, rename="camel"):
    """Soracom: a SIM"""

    sim_id: Iccid
    status: str
    session_status: _Session | None = None
    previous_session: _Before | None = None
    profiles: dict[str, _Profile] = {}
    imei_lock: _Lock | None = None
    tags: dict[str, str] = {}

    @property
    def msisdn(self) -> str | None:
        numbers = (one.msisdn for profile in self.profiles.values() for one in profile.subscribers.values())
        return next((found for number in numbers if (found := read_msisdn(number))), None)

    @property
    def session(self) -> _Session:
        return self.session_status or _Session()

    @property
    def settings(self) -> dict[Setting, str]:
        lock = "on" if self.imei_lock and self.imei_lock.imei else "off"
        return {Setting.IMEI_LOCK: lock, Setting.DEVICE_NAME: self.tags.get(NAME, "")}


class _Traffic(msgspec.Struct, rename="camel"):
    upload_byte_size_total: Bytes
    download_byte_size_total: Bytes


class _Day(msgspec.Struct, rename="camel"):
    """Soracom: Air usage; one a day, by speed class."""

    unixtime: Bytes
    data_traffic_stats_map: dict[str, _Traffic] = {}


_LOGIN = msgspec.json.Decoder(_Login)
_SIM = msgspec.json.Decoder(_Sim)
_DAYS = msgspec.json.Decoder(list[_Day])


class _Event(msgspec.Struct):
    """What we ask the operator to write into an event handler's web request."""

    sim: Iccid


_EVENT = msgspec.json.Decoder(_Event)


def _tell(event: _Event) -> Iterator[News]:
    yield News(event.sim)


def news_in(body: bytes) -> Sequence[News]:
    """What an event handler says. Raises Unreadable."""
    return each_news(body, _EVENT, _tell)


class Soracom(RestClient):
    """Soracom's API, with an authentication key: by it come an API key and a token, each in a header."""

    kind: ClassVar[str] = "soracom"
    title: ClassVar[str] = "Soracom"
    address: ClassVar[str] = "https://g.api.soracom.io/v1"
    calls_per_second: ClassVar[float] = 5.0
    abilities: ClassVar[Abilities] = Abilities(
        tells_cycle=True,
        final_totals=True,
        confirms_at_once=True,
        tells_imei=True,
        tells_msisdn=True,
        lists_stock=True,
        resets=True,
        tells_sessions=True,
        settings=frozenset({Setting.IMEI_LOCK}),
        labels=frozenset({Setting.DEVICE_NAME}),
    )
    words = WORDS
    webhook = Webhook(
        Token("X-Linekeeper-Token"),
        news_in,
        "In Soracom add an event handler that sends a POST request to the address with the header and the body"
        ' {"sim": "${simId}"}.',
    )
    secret_names: ClassVar[frozenset[str]] = frozenset({"auth_key_id", "auth_key"})
    logs_in = True

    def login_call(self, kind: CallKind) -> Call:
        """Soracom: auth"""
        json = {"authKeyId": self.secrets["auth_key_id"], "authKey": self.secrets["auth_key"]}
        return Call("POST", "/auth", json=json, kind=kind, of_one=False, is_secret=True)

    def token_in(self, body: bytes) -> Headers:
        found = decoded(_LOGIN, body)
        if not (fits_a_header(found.api_key) and fits_a_header(found.token)):
            raise Unreadable("the token cannot be sent in a header")
        return {"X-Soracom-API-Key": found.api_key, "X-Soracom-Token": found.token}

    def read_stock(self, cursor: str = "") -> Stock:
        """Soracom: List SIMs. A header names the next page."""
        told: dict[str, str] = {}
        params: dict[str, str | int] = {"limit": PAGE_SIZE}
        if cursor:
            params["last_evaluated_key"] = cursor
        call = Call("GET", "/sims", params=params, of_one=False)
        cards, odd = self.ask(
            call, lambda body: cards_of(body, _SIM, _card), lambda headers: told.update(next=headers.get(NEXT, ""))
        )
        return Stock(cards, told["next"], odd)

    def _sim(self, iccid: str, kind: CallKind) -> _Sim:
        """Soracom: Gets information about the IoT SIM"""
        return self.ask(Call("GET", f"/sims/{checked_iccid(iccid)}", kind=kind), partial(sim_in, iccid=iccid))

    def _changed(self, iccid: str, what: str, kind: CallKind, json: dict[str, str] | None = None) -> _Sim:
        """A change of a SIM; the answer is how it is now."""
        call = Call("POST", f"/sims/{checked_iccid(iccid)}/{what}", json=json, acts=True, kind=kind)
        return self.ask(call, partial(sim_in, iccid=iccid))

    def _days(self, iccid: str, first: dt.date, end: dt.datetime, kind: CallKind) -> Call:
        """Soracom: Get Air Usage Report of SIM, by days"""
        start = int(dt.datetime.combine(first, dt.time(), dt.UTC).timestamp())
        params: dict[str, str | int] = {"from": start, "to": int(end.timestamp()), "period": "day"}
        return Call("GET", f"/stats/air/sims/{checked_iccid(iccid)}", params=params, kind=kind)

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:
        """Soracom: Gets information about the IoT SIM, Get Air Usage Report of SIM"""
        sim = self._sim(iccid, CallKind.READING)
        month, _ = month_of(now)
        status, imei = status_of(sim.status, WORDS), read_imei(sim.session.imei)
        return self.ask(
            self._days(iccid, month, now, CallKind.READING),
            lambda body: reading_of(sim.sim_id, days_in(body), month, status, once=True, imei=imei, msisdn=sim.msisdn),
        )

    def final_total(self, iccid: str, month: dt.date) -> int:
        """Soracom: Get Air Usage Report of SIM"""
        after = dt.datetime.combine((month + dt.timedelta(days=32)).replace(day=1), dt.time(), dt.UTC)
        call = self._days(iccid, month, after - dt.timedelta(seconds=1), CallKind.TOTALS)
        return self.ask(call, partial(total_in, month=month))

    def get_status(self, iccid: str) -> Status:
        """Soracom: Gets information about the IoT SIM, status"""
        return status_of(self._sim(iccid, CallKind.SWITCHING).status, WORDS)

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """Soracom: Activate SIM, Deactivate SIM"""
        found = self._changed(iccid, "activate" if on else "deactivate", CallKind.SWITCHING)
        return status_of(found.status, WORDS)

    def reset_connection(self, iccid: str) -> None:
        """Soracom: Delete and reconnect the Session"""
        self._changed(iccid, "delete_session", CallKind.SETTINGS)

    def get_device(self, iccid: str) -> Device:
        """Soracom: Gets information about the IoT SIM"""
        sim = self._sim(iccid, CallKind.DEVICES)
        session, before = sim.session, sim.previous_session or _Before()
        return Device(
            imei=read_imei(session.imei),
            msisdn=sim.msisdn,
            imsi=short_text(session.imsi),
            radio=short_text(session.cell.radio_type if session.cell else None),
            session_ip=ip_of(session.ue_ip_address) or ip_of(before.ue_ip_address),
            session_started=_moment(before.created_time),
            session_ended=_moment(before.deleted_time),
            settings=sim.settings,
        )

    def set_setting(self, iccid: str, setting: Setting, value: str) -> str:
        """Soracom: Sets IMEI lock, to the IMEI that it knows; Unsets IMEI lock; Bulk Add or Update tags"""
        if setting is Setting.DEVICE_NAME:
            return self._named(iccid, value)
        if setting is not Setting.IMEI_LOCK:
            raise self.cannot(f"set the {setting} of a SIM")
        if value != "on":
            return self._changed(iccid, "unset_imei_lock", CallKind.SETTINGS).settings[setting]
        imei = self._sim(iccid, CallKind.SETTINGS).session.imei
        if not imei:
            raise Refused("Soracom knows no IMEI to which the SIM could be locked.")
        return self._changed(iccid, "set_imei_lock", CallKind.SETTINGS, {"imei": imei}).settings[setting]

    def _named(self, iccid: str, name: str) -> str:
        """Soracom: Bulk Add or Update tags; Deletes a tag, where there is one and the name is to be none"""
        path = f"/sims/{checked_iccid(iccid)}/tags"
        if name:
            tags = [{"tagName": NAME, "tagValue": name}]
            call = Call("PUT", path, json=tags, acts=True, kind=CallKind.SETTINGS)
            return self.ask(call, partial(sim_in, iccid=iccid)).settings[Setting.DEVICE_NAME]
        if self._sim(iccid, CallKind.SETTINGS).tags.get(NAME):
            self.ask(Call("DELETE", f"{path}/{NAME}", acts=True, kind=CallKind.SETTINGS), nothing_in)
        return name


def _moment(milliseconds: int | None) -> dt.datetime | None:
    """A time in milliseconds; what is none is none."""
    if not milliseconds or milliseconds > 2**45:
        return None
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)


def _card(sim: _Sim) -> Card:
    status, imei = status_of(sim.status, WORDS), read_imei(sim.session.imei)
    return Card(sim.sim_id, status, sim.tags.get("name", ""), imei=imei, msisdn=sim.msisdn)


def sim_in(body: bytes, *, iccid: str) -> _Sim:
    """The SIM that was asked for. Raises Unreadable."""
    found = decoded(_SIM, body)
    same_sim(found.sim_id, iccid)
    return found


def days_in(body: bytes) -> list[tuple[dt.date, int]]:
    """The bytes of days in all speed classes, both ways. Raises Unreadable."""
    return [(_date(day.unixtime), _sum(day)) for day in decoded(_DAYS, body)]


def total_in(body: bytes, *, month: dt.date) -> int:
    """Raises Unreadable."""
    return counter_of(days_in(body), month, once=True)


def _date(unixtime: int) -> dt.date:
    if unixtime > 2**35:
        raise Unreadable("a time is none")
    return dt.datetime.fromtimestamp(unixtime, dt.UTC).date()


def _sum(day: _Day) -> int:
    return sum(one.upload_byte_size_total + one.download_byte_size_total for one in day.data_traffic_stats_map.values())
