"""What Hologram answers: its words, the shapes of its answers, and what they say in ours."""

from __future__ import annotations

import datetime as dt

import msgspec
from kit.identifiers import read_imei, read_msisdn

from .base import Card, Device, Reading, Refused, Setting, Status, Stock, Switch
from .fields import Bytes, Iccid, Unreadable, Words, decoded, same_sim, short_text, status_of
from .rest import cards_of, counter_of, date_of, reading_of

WORDS: Words = {
    "live": (Switch.ON, False),
    "paused-user": (Switch.OFF, False),
    "paused-sys": (Switch.OFF, True),
    "inactive": (Switch.OFF, False),
    "dead": (Switch.OFF, True),
}
PAGE_SIZE = 500


class Link(msgspec.Struct):
    """Hologram: List cellular links, data[]"""

    id: int
    sim: Iccid
    state: str
    deviceid: int | None = None
    msisdn: str | None = None
    imsi: str | None = None
    planid: int | None = None

    @property
    def status(self) -> Status:
        return status_of(self.state, WORDS)


class _Links(msgspec.Struct):
    data: list[msgspec.Raw]
    continues: bool = False


class Described(msgspec.Struct):
    """Hologram: Retrieve a device"""

    id: int
    imei: str | None = None
    name: str | None = None

    @property
    def read_imei(self) -> str | None:
        return read_imei(self.imei)


class _One(msgspec.Struct):
    data: Described


class _Day(msgspec.Struct):
    """Hologram: Daily data usage summaries, data[]"""

    bytes: Bytes
    timestamp: str
    linkid: int


class _Days(msgspec.Struct):
    data: list[_Day]
    continues: bool = False


class _Done(msgspec.Struct):
    success: bool
    error: str | None = None


_LINK = msgspec.json.Decoder(Link)
_LINKS = msgspec.json.Decoder(_Links)
_DEVICE = msgspec.json.Decoder(_One)
_DAYS = msgspec.json.Decoder(_Days)
_DONE = msgspec.json.Decoder(_Done)


def stock_in(body: bytes) -> Stock:
    """Raises Unreadable."""
    found = decoded(_LINKS, body)
    last: list[int] = []

    def card(link: Link) -> Card:
        last.append(link.id)
        return Card(link.sim, link.status, plan=str(link.planid or ""), msisdn=read_msisdn(link.msisdn))

    cards, odd = cards_of(found.data, _LINK, card)
    return Stock(cards, str(max(last)) if found.continues and last else "", odd)


def link_in(body: bytes, *, iccid: str) -> Link | None:
    """The SIM that was asked for, if there is one. Raises Unreadable."""
    found = [decoded(_LINK, bytes(raw)) for raw in decoded(_LINKS, body).data]
    for link in found:
        same_sim(link.sim, iccid)
    return found[0] if found else None


def about_in(body: bytes) -> Described:
    """Raises Unreadable."""
    return decoded(_DEVICE, body).data


def _days_in(body: bytes, link: Link) -> list[tuple[dt.date, int]]:
    found = decoded(_DAYS, body)
    if found.continues:
        raise Unreadable("it is only a part of the month")
    if any(day.linkid != link.id for day in found.data):
        raise Unreadable("it is another SIM")
    return [(date_of(day.timestamp), day.bytes) for day in found.data]


def total_in(body: bytes, *, link: Link, month: dt.date) -> int:
    """Raises Unreadable."""
    return counter_of(_days_in(body, link), month)


def reading_in(body: bytes, *, link: Link, imei: str | None, month: dt.date) -> Reading:
    """Raises Unreadable."""
    days, msisdn = _days_in(body, link), read_msisdn(link.msisdn)
    return reading_of(link.sim, days, month, link.status, imei=imei, msisdn=msisdn)


def device_in(link: Link, about: Described | None) -> Device:
    plan = {Setting.PLAN: str(link.planid)} if link.planid is not None else {}
    name = {Setting.DEVICE_NAME: about.name} if about and about.name is not None else {}
    imei, msisdn = about.read_imei if about else None, read_msisdn(link.msisdn)
    return Device(imei=imei, msisdn=msisdn, imsi=short_text(link.imsi), settings=plan | name)


def accepted(body: bytes) -> None:
    """Raises Unreadable, and Refused where it says no in an answer that is none."""
    found = decoded(_DONE, body)
    if not found.success:
        raise Refused(f"Hologram refused: {short_text(found.error) or 'it does not say why'}.")
