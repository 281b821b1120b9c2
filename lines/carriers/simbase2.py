"""Simbase, API v2: no document of it is public, so what clients that people run agree on, and nothing that one guesses.

It does not say of which month its running usage is: the lines app decides, as for every carrier that gives no time.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import ClassVar

import msgspec
from kit.countries import code_of
from kit.identifiers import read_imei, read_msisdn

from .base import (
    LABELS,
    Abilities,
    CallKind,
    Card,
    Device,
    Funds,
    Reading,
    Setting,
    Status,
    Stock,
    Switch,
    tags_text,
)
from .fields import (
    Bytes,
    Count,
    Currency,
    Iccid,
    Unreadable,
    Words,
    amount_of,
    checked_iccid,
    decoded,
    ip_of,
    location_of,
    same_sim,
    short_text,
    status_of,
)
from .rest import Headers, RestClient, bearer, cards_of, nothing_in
from .simbase_webhook import WEBHOOK
from .wire import Call

WORDS: Words = {
    "enabled": (Switch.ON, False),
    "disabled": (Switch.OFF, False),
}  # "enabling", between the two, says nothing of how it is
PAGE_SIZE = 100
FIELD = {
    Setting.IMEI_LOCK: "imei_lock",
    Setting.DEVICE_NAME: "name",
    Setting.TAGS: "tags",
}


class _Used(msgspec.Struct):
    """Simbase v2: current_month_usage"""

    data: Bytes
    sms_mo: Count = 0
    sms_mt: Count = 0
    data_sessions: Count | None = None
    zero_sessions: Count | None = None


class _Connection(msgspec.Struct):
    carrier: str | None = None
    country: str | None = None


class _Place(msgspec.Struct):
    lat: str | float | None = None
    lon: str | float | None = None
    country: str | None = None
    radio: str | None = None


class _Sim(msgspec.Struct):
    """Simbase v2: a SIM card; the list has no connection and no location."""

    iccid: Iccid
    state: str
    current_month_usage: _Used | None = None
    name: str | None = None
    tags: list[str] | None = None
    imei: str | None = None
    msisdn: str | None = None
    plan_id: str | None = None
    hardware: str | None = None
    imei_lock: str | None = None
    public_ip: str | None = None
    private_network_ip: str | None = None
    connection: _Connection | None = None
    location: _Place | None = None

    @property
    def status(self) -> Status:
        return status_of(self.state, WORDS)

    @property
    def settings(self) -> dict[Setting, str]:
        """What it says of how the SIM is set; what it leaves out is not known."""
        given = {Setting.IMEI_LOCK: self.imei_lock, Setting.PLAN: self.plan_id, Setting.DEVICE_NAME: self.name}
        tags = {} if self.tags is None else {Setting.TAGS: tags_text(self.tags)}
        return {setting: word for setting, word in given.items() if word is not None} | tags


class _Sims(msgspec.Struct):
    simcards: list[msgspec.Raw]
    has_more: bool
    cursor: str | None = None
    count: Count | None = None


class _Balance(msgspec.Struct):
    """Simbase v2: account balance"""

    balance: Decimal
    currency: Currency
    auto_top_up_enabled: bool | None = None
    auto_top_up_threshold: Decimal | None = None
    auto_top_up_amount: Decimal | None = None


_SIM = msgspec.json.Decoder(_Sim)
_SIMS = msgspec.json.Decoder(_Sims)
_BALANCE = msgspec.json.Decoder(_Balance)


class Simbase2(RestClient):
    """Simbase's API v2, with an API key as a bearer token."""

    kind: ClassVar[str] = "simbase2"
    title: ClassVar[str] = "Simbase v2"
    address: ClassVar[str] = "https://api.simbase.com/v2"
    calls_per_second: ClassVar[float] = 10.0
    calls_per_day: ClassVar[int | None] = 5000
    abilities: ClassVar[Abilities] = Abilities(
        tells_imei=True,
        tells_msisdn=True,
        lists_stock=True,
        resets=True,
        tells_place=True,
        tells_location=True,
        tells_funds=True,
        settings=frozenset({Setting.IMEI_LOCK, Setting.PLAN}),
        labels=LABELS,
    )
    words = WORDS
    webhook = WEBHOOK
    secret_names: ClassVar[frozenset[str]] = frozenset({"api_key"})

    def signed(self, secrets: Mapping[str, str]) -> Headers:
        return bearer(secrets["api_key"])

    def read_stock(self, cursor: str = "") -> Stock:
        """Simbase v2: simcards, by a cursor"""
        params: dict[str, str | int] = {"limit": PAGE_SIZE}
        if cursor:
            params["cursor"] = cursor
        return self.ask(Call("GET", "/simcards", params=params, of_one=False), stock_in)

    def _sim(self, iccid: str, kind: CallKind) -> _Sim:
        """Simbase v2: a SIM card"""
        return self.ask(Call("GET", f"/simcards/{checked_iccid(iccid)}", kind=kind), partial(sim_in, iccid=iccid))

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:  # noqa: ARG002 - it says no time of its own
        """Simbase v2: a SIM card, current_month_usage"""
        return self.ask(Call("GET", f"/simcards/{checked_iccid(iccid)}"), partial(reading_in, iccid=iccid))

    def get_status(self, iccid: str) -> Status:
        """Simbase v2: a SIM card, state"""
        return self._sim(iccid, CallKind.SWITCHING).status

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """Simbase v2: state. It is accepted and takes a while: read back."""
        json = {"state": "enabled" if on else "disabled"}
        path = f"/simcards/{checked_iccid(iccid)}/state"
        return self.ask(Call("POST", path, json=json, acts=True, kind=CallKind.SWITCHING), nothing_in)

    def reset_connection(self, iccid: str) -> None:
        """Simbase v2: reset, which ends the running session"""
        path = f"/simcards/{checked_iccid(iccid)}/reset"
        self.ask(Call("POST", path, acts=True, kind=CallKind.SETTINGS), nothing_in)

    def get_device(self, iccid: str) -> Device:
        """Simbase v2: a SIM card"""
        sim = self._sim(iccid, CallKind.DEVICES)
        connection, place, used = sim.connection or _Connection(), sim.location or _Place(), sim.current_month_usage
        return Device(
            imei=read_imei(sim.imei),
            msisdn=read_msisdn(sim.msisdn),
            network=short_text(connection.carrier),
            country=code_of(connection.country or place.country or "") or None,
            radio=short_text(place.radio),
            hardware=short_text(sim.hardware),
            static_ip=ip_of(sim.public_ip) or ip_of(sim.private_network_ip),
            sessions=used.data_sessions if used else None,
            zero_sessions=used.zero_sessions if used else None,
            settings=sim.settings,
            location=location_of(place.lat, place.lon),
        )

    def set_setting(self, iccid: str, setting: Setting, value: str) -> str:
        """Simbase v2: edit a SIM card, or its rate plan; what it answers is not known, so the SIM is read back."""
        path, kind = f"/simcards/{checked_iccid(iccid)}", CallKind.SETTINGS
        if setting is Setting.PLAN:
            call = Call("POST", f"{path}/rateplan", json={"plan_id": value}, acts=True, kind=kind)
        elif setting in FIELD:
            given = json.loads(value) if setting is Setting.TAGS else value
            call = Call("PATCH", path, json={FIELD[setting]: given}, acts=True, kind=kind)
        else:
            raise self.cannot(f"set the {setting} of a SIM")
        self.ask(call, nothing_in)
        return self._sim(iccid, kind).settings.get(setting, "")

    def get_funds(self) -> Funds:
        """Simbase v2: account balance"""
        return self.ask(Call("GET", "/account/balance", kind=CallKind.FUNDS, of_one=False), funds_in)


def sim_in(body: bytes, *, iccid: str) -> _Sim:
    """The SIM that was asked for. Raises Unreadable."""
    found = decoded(_SIM, body)
    same_sim(found.iccid, iccid)
    return found


def reading_in(body: bytes, *, iccid: str) -> Reading:
    """Raises Unreadable."""
    sim = sim_in(body, iccid=iccid)
    used, imei, msisdn = sim.current_month_usage, read_imei(sim.imei), read_msisdn(sim.msisdn)
    if used is None:
        raise Unreadable("it does not say what was used")
    return Reading(
        sim.iccid,
        used.data,
        None,
        sim.status,
        sms_usage=used.sms_mo + used.sms_mt,
        imei=imei,
        msisdn=msisdn,
        sessions=used.data_sessions,
    )


def stock_in(body: bytes) -> Stock:
    """Raises Unreadable."""
    found = decoded(_SIMS, body)
    cards, odd = cards_of(found.simcards, _SIM, _card)
    return Stock(cards, (found.cursor or "") if found.has_more else "", odd, found.count)


def _card(sim: _Sim) -> Card:
    return Card(sim.iccid, sim.status, sim.name or "", sim.plan_id or "", read_imei(sim.imei), read_msisdn(sim.msisdn))


def funds_in(body: bytes) -> Funds:
    """Raises Unreadable."""
    found = decoded(_BALANCE, body)
    threshold, amount = found.auto_top_up_threshold, found.auto_top_up_amount
    return Funds(
        balance=amount_of(found.balance),
        currency=found.currency.upper(),
        threshold=None if threshold is None else amount_of(threshold),
        amount=None if amount is None else amount_of(amount),
        is_auto=found.auto_top_up_enabled,
    )
