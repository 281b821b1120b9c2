"""Hologram, API v1: links are SIMs and devices stand beside them; usage by days, a switch that is read back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from .base import Abilities, CallKind, Device, Reading, Refused, Setting, Status, Stock
from .fields import checked_iccid
from .hologram_answers import (
    PAGE_SIZE,
    WORDS,
    Described,
    Link,
    about_in,
    accepted,
    device_in,
    link_in,
    reading_in,
    stock_in,
    total_in,
)
from .rest import Headers, RestClient, basic, month_of
from .wire import Call

MOST_DAYS = 1000  # rows of a month's usage: one a day and network


class Hologram(RestClient):
    """Hologram's REST API, with an API key. Both a link (the SIM) and its device have numbers of their own."""

    kind: ClassVar[str] = "hologram"
    title: ClassVar[str] = "Hologram"
    address: ClassVar[str] = "https://dashboard.hologram.io/api/1"
    calls_per_second: ClassVar[float] = 5.0
    abilities: ClassVar[Abilities] = Abilities(
        tells_cycle=True,
        final_totals=True,
        tells_imei=True,
        tells_msisdn=True,
        lists_stock=True,
        settings=frozenset({Setting.PLAN}),
        labels=frozenset({Setting.DEVICE_NAME}),
    )
    words = WORDS
    secret_names: ClassVar[frozenset[str]] = frozenset({"api_key"})

    def signed(self, secrets: Mapping[str, str]) -> Headers:
        return basic("apikey", secrets["api_key"])

    def read_stock(self, cursor: str = "") -> Stock:
        """Hologram: List cellular links, after the number of the last one"""
        params: dict[str, str | int] = {"limit": PAGE_SIZE}
        if cursor:
            params["startafter"] = int(cursor)
        return self.ask(Call("GET", "/links/cellular", params=params, of_one=False), stock_in)

    def _link(self, iccid: str, kind: CallKind) -> Link:
        """Hologram: List cellular links, the one of this ICCID. Raises Refused where there is none."""
        call = Call("GET", "/links/cellular", params={"sim": checked_iccid(iccid)}, kind=kind)
        found = self.ask(call, partial(link_in, iccid=iccid))
        if found is None:
            raise Refused(f"Hologram has no SIM {iccid}: not found.")
        return found

    def _about(self, link: Link, kind: CallKind) -> Described | None:
        """Hologram: Retrieve a device; a link without one is in none."""
        return self.ask(Call("GET", f"/devices/{link.deviceid}", kind=kind), about_in) if link.deviceid else None

    def _usage(self, link: Link, first: dt.date, end: dt.date, kind: CallKind) -> Call:
        """Hologram: Daily data usage summaries"""
        params = {"linkid": link.id, "timestart": _unix(first), "timeend": _unix(end) - 1, "limit": MOST_DAYS}
        return Call("GET", "/usage/data/daily", params=params, kind=kind)

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:
        """Hologram: List cellular links, Retrieve a device, Daily data usage summaries"""
        link = self._link(iccid, CallKind.READING)
        month, today = month_of(now)
        about = self._about(link, CallKind.READING)
        imei = about.read_imei if about else None
        call = self._usage(link, month, today + dt.timedelta(days=1), CallKind.READING)
        return self.ask(call, partial(reading_in, link=link, imei=imei, month=month))

    def final_total(self, iccid: str, month: dt.date) -> int:
        """Hologram: Daily data usage summaries"""
        link = self._link(iccid, CallKind.TOTALS)
        after = (month + dt.timedelta(days=32)).replace(day=1)
        return self.ask(self._usage(link, month, after, CallKind.TOTALS), partial(total_in, link=link, month=month))

    def get_status(self, iccid: str) -> Status:
        """Hologram: List cellular links, state"""
        return self._link(iccid, CallKind.SWITCHING).status

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """Hologram: Pause or unpause a SIM. It takes a while: read back."""
        link = self._link(iccid, CallKind.SWITCHING)
        json = {"state": "live" if on else "pause"}
        call = Call("POST", f"/links/cellular/{link.id}/state", json=json, acts=True, kind=CallKind.SWITCHING)
        return self.ask(call, accepted)

    def get_device(self, iccid: str) -> Device:
        """Hologram: List cellular links, Retrieve a device"""
        link = self._link(iccid, CallKind.DEVICES)
        return device_in(link, self._about(link, CallKind.DEVICES))

    def set_setting(self, iccid: str, setting: Setting, value: str) -> str:
        """Hologram: Change a SIM data plan, by the plan's number, read back; Update a device, its name."""
        if setting is Setting.DEVICE_NAME:
            return self._named(self._link(iccid, CallKind.SETTINGS), value)
        if setting is not Setting.PLAN:
            raise self.cannot(f"set the {setting} of a SIM")
        if not value.isdecimal():
            raise Refused("Hologram names its plans by numbers; it was not asked.")
        link = self._link(iccid, CallKind.SETTINGS)
        json = {"planid": int(value)}
        path = f"/links/cellular/{link.id}/changeplan"
        self.ask(Call("POST", path, json=json, acts=True, kind=CallKind.SETTINGS), accepted)
        return str(self._link(iccid, CallKind.SETTINGS).planid or "")

    def _named(self, link: Link, name: str) -> str:
        if not link.deviceid:
            raise Refused(f"The SIM {link.sim} is in no device at Hologram, which keeps the name.")
        path, json = f"/devices/{link.deviceid}", {"name": name}
        return self.ask(Call("PUT", path, json=json, acts=True, kind=CallKind.SETTINGS), about_in).name or ""


def _unix(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
