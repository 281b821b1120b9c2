"""Onomondo: SIMs by ids of its own, usage in records with their times, a switch that confirms at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import msgspec

from .base import Abilities, CallKind, Card, Device, Odd, Reading, Refused, Setting, Status, Stock, Switch
from .fields import Bytes, Iccid, Unreadable, Words, checked_iccid, decoded, same_sim, status_of
from .rest import Headers, RestClient, cards_of, counter_of, date_of, month_of
from .webhooks import About, News, Proof, Webhook, each_news, moment_of
from .wire import Call

# It has no word for a SIM's state, but a field `activated`.
WORDS: Words = {"activated": (Switch.ON, False), "deactivated": (Switch.OFF, False)}
REACHED = Status(Switch.ON, "data limit reached", blocked=True)
PAGE_SIZE = 1000
LEAST_LIMIT = 500_000  # bytes
LABEL, LIMIT = "label", "data_limit"  # members of a SIM
MONTHLY = "monthly"


class _Limit(msgspec.Struct):
    """Bytes; `used` is not in the document, but in what it answers."""

    total: float | None = None
    type: str | None = None
    used: float | None = None


class _Sim(msgspec.Struct):
    """Onomondo: Retrieve information for a specific SIM"""

    id: str
    iccid: Iccid
    activated: bool
    label: str | None = None
    network_whitelist: str | None = None
    data_limit: _Limit | None = None

    @property
    def status(self) -> Status:
        """One that has used up its limit is on, and gets no data until the limit's period ends."""
        limit = self.data_limit or _Limit()
        if self.activated and limit.total and limit.used is not None and limit.used >= limit.total:
            return REACHED
        return status_of("activated" if self.activated else "deactivated", WORDS)

    @property
    def settings(self) -> dict[Setting, str]:
        """What it says of how the SIM is set. A limit of another period than a month is none that could be set here."""
        limit = self.data_limit or _Limit()
        is_told = limit.total is not None and limit.type == MONTHLY
        monthly = {Setting.DATA_LIMIT: str(round(limit.total or 0))} if is_told else {}
        return {Setting.DEVICE_NAME: self.label or ""} | monthly


class _Used(msgspec.Struct):
    """Onomondo: Retrieve usage for a specific SIM, usage[]"""

    sim_id: str
    bytes: Bytes
    timestamp: str


class _Usage(msgspec.Struct):
    usage: list[_Used]


_SIM = msgspec.json.Decoder(_Sim)
_SIMS = msgspec.json.Decoder(list[_Sim])
_USAGE = msgspec.json.Decoder(_Usage)


class _Event(msgspec.Struct):
    """Onomondo: webhook events"""

    type: str
    iccid: Iccid | None = None
    time: str | None = None


_EVENT = msgspec.json.Decoder(_Event)


def _tell(event: _Event) -> Iterator[News]:
    """One without an ICCID names the SIM by Onomondo's own number, which says nothing here."""
    if event.iccid is not None:
        about = About.DEVICE if event.type.startswith(("network-", "location")) else About.USAGE
        yield News(event.iccid, about, moment_of(event.time))


def news_in(body: bytes) -> Sequence[News]:
    """What a webhook says. Raises Unreadable."""
    return each_news(body, _EVENT, _tell)


class Onomondo(RestClient):
    """Onomondo's API, with an organization's key, which is the whole header."""

    kind: ClassVar[str] = "onomondo"
    title: ClassVar[str] = "Onomondo"
    address: ClassVar[str] = "https://api.onomondo.com"
    calls_per_second: ClassVar[float] = 10.0
    calls_per_minute: ClassVar[int | None] = 600
    abilities: ClassVar[Abilities] = Abilities(
        tells_cycle=True,
        final_totals=True,
        confirms_at_once=True,
        lists_stock=True,
        settings=frozenset({Setting.DATA_LIMIT}),
        labels=frozenset({Setting.DEVICE_NAME}),
        least_limit=LEAST_LIMIT,
    )
    words = WORDS
    webhook = Webhook(Proof(), news_in, "In Onomondo’s app add a webhook to the address, for all types of events.")
    secret_names: ClassVar[frozenset[str]] = frozenset({"api_key"})

    def signed(self, secrets: Mapping[str, str]) -> Headers:
        return {"Authorization": secrets["api_key"]}

    def read_stock(self, cursor: str = "") -> Stock:
        """Onomondo: Retrieve information for all SIMs, after so many"""
        after = int(cursor or "0")
        call = Call("GET", "/sims", params={"limit": PAGE_SIZE, "offset": after}, of_one=False)
        cards, odd = self.ask(call, stock_in)
        came = len(cards) + len(odd)
        return Stock(cards, str(after + came) if came >= PAGE_SIZE else "", odd)

    def _sim(self, iccid: str, kind: CallKind) -> _Sim:
        """Onomondo: Find SIMs, the one of this ICCID. Raises Refused where there is none."""
        call = Call("GET", "/sims/find", params={"query": checked_iccid(iccid)}, kind=kind)
        found = self.ask(call, partial(found_in, iccid=iccid))
        if found is None:
            raise Refused(f"Onomondo has no SIM {iccid}: not found.")
        return found

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:
        """Onomondo: Find SIMs, Retrieve usage for a specific SIM"""
        sim = self._sim(iccid, CallKind.READING)
        month, _ = month_of(now)
        return self.ask(Call("GET", f"/usage/{sim.id}"), partial(reading_in, sim=sim, month=month))

    def final_total(self, iccid: str, month: dt.date) -> int:
        """Onomondo: Retrieve usage for a specific SIM"""
        sim = self._sim(iccid, CallKind.TOTALS)
        call = Call("GET", f"/usage/{sim.id}", kind=CallKind.TOTALS)
        return self.ask(call, partial(total_in, sim=sim, month=month))

    def get_status(self, iccid: str) -> Status:
        """Onomondo: Find SIMs, activated"""
        return self._sim(iccid, CallKind.SWITCHING).status

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """Onomondo: Update a SIM; the answer is how it is now."""
        return self._changed(iccid, {"activated": on}, CallKind.SWITCHING).status

    def _changed(self, iccid: str, json: dict[str, Any], kind: CallKind) -> _Sim:
        """Onomondo: Update a SIM; the answer is how it is now."""
        sim = self._sim(iccid, kind)
        call = Call("PATCH", f"/sims/{sim.id}", json=json, acts=True, kind=kind)
        return self.ask(call, partial(sim_in, iccid=iccid))

    def get_device(self, iccid: str) -> Device:
        """Onomondo: Find SIMs. Of IMEI, number and place its document tells nothing."""
        return Device(settings=self._sim(iccid, CallKind.DEVICES).settings)

    def set_setting(self, iccid: str, setting: Setting, value: str) -> str:
        """Onomondo: Update a SIM, its label or its limit of a month."""
        if setting is Setting.DEVICE_NAME:
            json: dict[str, Any] = {LABEL: value or None}
        elif setting is Setting.DATA_LIMIT:
            json = {LIMIT: {"total": int(value), "type": MONTHLY}}
        else:
            raise self.cannot(f"set the {setting} of a SIM")
        return self._changed(iccid, json, CallKind.SETTINGS).settings.get(setting, "")


def stock_in(body: bytes) -> tuple[tuple[Card, ...], tuple[Odd, ...]]:
    """Raises Unreadable."""
    return cards_of(body, _SIM, lambda sim: Card(sim.iccid, sim.status, sim.label or "", sim.network_whitelist or ""))


def found_in(body: bytes, *, iccid: str) -> _Sim | None:
    """The SIM that was asked for; the search finds parts of ids and labels as well. Raises Unreadable."""
    return next((sim for sim in decoded(_SIMS, body) if _is(sim, iccid)), None)


def _is(sim: _Sim, iccid: str) -> bool:
    try:
        same_sim(sim.iccid, iccid)
    except Unreadable:
        return False
    return True


def sim_in(body: bytes, *, iccid: str) -> _Sim:
    """Raises Unreadable."""
    found = decoded(_SIM, body)
    same_sim(found.iccid, iccid)
    return found


def total_in(body: bytes, *, sim: _Sim, month: dt.date) -> int:
    """The records of a month, each dated by its own time. Raises Unreadable."""
    used = decoded(_USAGE, body).usage
    if any(one.sim_id != sim.id for one in used):
        raise Unreadable("it is another SIM")
    return counter_of([(date_of(one.timestamp), one.bytes) for one in used], month)


def reading_in(body: bytes, *, sim: _Sim, month: dt.date) -> Reading:
    """Raises Unreadable."""
    return Reading(sim.iccid, total_in(body, sim=sim, month=month), month, sim.status)
