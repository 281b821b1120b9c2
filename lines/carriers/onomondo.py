"""Onomondo: SIMs by ids of its own, usage in records with their times, a switch that confirms at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import msgspec

from .base import Abilities, CallKind, Card, Device, Reading, Refused, Setting, Status, Stock, Switch
from .fields import Bytes, Count, Iccid, Unreadable, Words, checked_iccid, decoded, same_sim, status_of
from .rest import Headers, RestClient, cards_of, counter_of, date_of, month_of, reading_of
from .webhooks import About, News, Proof, Webhook, each_news, moment_of
from .wire import Call

# It has no word for a SIM's state, but a field `activated`.
WORDS: Words = {"activated": (Switch.ON, False), "deactivated": (Switch.OFF, False)}
REACHED = Status(Switch.ON, "data limit reached", blocked=True)
PAGE_SIZE = 1000
LEAST_LIMIT = 500_000  # bytes
LABEL, LIMIT = "label", "data_limit"  # members of a SIM
MONTHLY = "monthly"
MOST_PAGES = 100  # of a SIM's records
PAGE = "page:"  # a cursor that the newer API named


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
    """Onomondo: Retrieve usage for a specific SIM, usage[]. Its newer API says `time` and `iccid`."""

    bytes: Bytes
    sim_id: str | None = None
    iccid: str | None = None
    timestamp: str | None = None
    time: str | None = None


class _Turn(msgspec.Struct):
    """Where a list goes on, in the newer API."""

    next_page: str | None = None
    has_more: bool | None = None


class _Usage(msgspec.Struct):
    usage: list[_Used]
    pagination: _Turn | None = None


class _Sims(msgspec.Struct):
    """The newer API's list of SIMs; the document's is a bare array."""

    sims: list[msgspec.Raw]
    total: Count | None = None
    pagination: _Turn | None = None


_SIM = msgspec.json.Decoder(_Sim)
_SIMS = msgspec.json.Decoder(list[msgspec.Raw] | _Sims)
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
        """Onomondo: Retrieve information for all SIMs, after so many or, in the newer API, from a page that it names"""
        page, after = cursor.removeprefix(PAGE), 0 if cursor.startswith(PAGE) else int(cursor or "0")
        where: dict[str, str | int] = {"next_page": page} if cursor.startswith(PAGE) else {"offset": after}
        call = Call("GET", "/sims", params={"limit": PAGE_SIZE} | where, of_one=False)
        return self.ask(call, partial(stock_in, after=after))

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
        return reading_of(sim.iccid, self._used(sim, CallKind.READING), month, sim.status)

    def final_total(self, iccid: str, month: dt.date) -> int:
        """Onomondo: Retrieve usage for a specific SIM"""
        return counter_of(self._used(self._sim(iccid, CallKind.TOTALS), CallKind.TOTALS), month)

    def _used(self, sim: _Sim, kind: CallKind) -> list[tuple[dt.date, int]]:
        """A SIM's records, each dated by its own time, of as many pages as there are."""
        used, page = list[tuple[dt.date, int]](), ""
        for _ in range(MOST_PAGES):
            params = {"next_page": page} if page else None
            call = Call("GET", f"/usage/{sim.id}", params=params, kind=kind)
            some, page = self.ask(call, partial(used_in, sim=sim, page=page))
            used += some
            if not page:
                return used
        raise Refused(f"Onomondo’s list of what {sim.iccid} used does not end.")

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


def stock_in(body: bytes, *, after: int) -> Stock:
    """Raises Unreadable."""
    raws, listed = _sims_in(body)
    cards, odd = cards_of(raws, _SIM, _card)
    page = _next_page(listed.pagination)
    if listed.pagination is None:  # it goes on after so many
        is_full = len(raws) >= PAGE_SIZE or (bool(raws) and after + len(raws) < (listed.total or 0))
        return Stock(cards, str(after + len(raws)) if is_full else "", odd, listed.total)
    return Stock(cards, PAGE + page if page else "", odd, listed.total)


def _card(sim: _Sim) -> Card:
    return Card(sim.iccid, sim.status, sim.label or "", sim.network_whitelist or "")


def _sims_in(body: bytes) -> tuple[list[msgspec.Raw], _Sims]:
    found = decoded(_SIMS, body)
    listed = found if isinstance(found, _Sims) else _Sims(found)
    return listed.sims, listed


def _next_page(turn: _Turn | None, page: str = "") -> str:
    """What names the next page; empty at the end. Raises Unreadable where a list goes on and does not say where."""
    if turn is None or turn.has_more is False:
        return ""
    if turn.has_more and turn.next_page in (None, "", page):
        raise Unreadable("it goes on and does not say where")
    return "" if turn.next_page == page else turn.next_page or ""


def found_in(body: bytes, *, iccid: str) -> _Sim | None:
    """The SIM that was asked for; the search finds parts of ids and labels as well. Raises Unreadable."""
    sims = (decoded(_SIM, bytes(raw)) for raw in _sims_in(body)[0])
    return next((sim for sim in sims if _is(sim, iccid)), None)


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


def used_in(body: bytes, *, sim: _Sim, page: str = "") -> tuple[list[tuple[dt.date, int]], str]:
    """A SIM's records, each dated by its own time, and the page where they go on. Raises Unreadable."""
    found = decoded(_USAGE, body)
    return [_used_in(one, sim) for one in found.usage], _next_page(found.pagination, page)


def _used_in(one: _Used, sim: _Sim) -> tuple[dt.date, int]:
    if one.sim_id not in (None, sim.id) or (one.sim_id is None and one.iccid is None):
        raise Unreadable("it is another SIM")
    if one.iccid is not None:
        same_sim(one.iccid, sim.iccid)
    if (at := one.timestamp or one.time) is None:
        raise Unreadable("a record has no time")
    return date_of(at), one.bytes
