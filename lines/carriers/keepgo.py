"""Keepgo's IoT REST API, which Linekeeper speaks too: usage by days in kB, changes at once, a hash for each call."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, TypeVar

import msgspec

from .base import Abilities, CallKind, Card, Device, Reading, Refused, Status, Stock, Switch
from .fields import Count, Iccid, Unreadable, Words, checked_iccid, decoded, same_sim, status_of
from .rest import MOST_BYTES, RestClient, cards_of, counter_of, date_of, month_of, reading_of
from .webhooks import About, News, StandardSignature, Webhook, each_news, moment_of
from .wire import Call, Heard

T = TypeVar("T")

# "Suspended": no service until the account's balance is above its minimum again.
WORDS: Words = {
    "activated": (Switch.ON, False),
    "deactivated": (Switch.OFF, False),
    "suspended": (Switch.OFF, True),
    "activation ready": (Switch.READY, False),
}
PAGE_SIZE = 100
KILOBYTE = 1024


class _Sim(msgspec.Struct):
    """Keepgo: iot_sim_cards, data[]"""

    iccid: Iccid
    status: str
    notes: str | None = None
    rate_plan: str | None = None
    account_name: str | None = None

    @property
    def state(self) -> Status:
        return status_of(self.status, WORDS)


class _Sims(msgspec.Struct):
    data: list[msgspec.Raw]
    total: Count


class _Day(msgspec.Struct):
    """Keepgo: daily_statistics"""

    date: str
    usage_kb: float


class _Done(msgspec.Struct):
    ack: str


_SIM = msgspec.json.Decoder(_Sim)
_SIMS = msgspec.json.Decoder(_Sims)
_DAYS = msgspec.json.Decoder(list[_Day])
_DONE = msgspec.json.Decoder(_Done)


class _Subject(msgspec.Struct):
    subject: str = ""


class _Event(msgspec.Struct):
    """Linekeeper: an event; Keepgo itself documents none."""

    type: str
    data: _Subject
    timestamp: str | None = None


_EVENT = msgspec.json.Decoder(_Event)


def _tell(event: _Event) -> Iterator[News]:
    """What is not about a line, such as a balance, says nothing here."""
    kind, _, iccid = event.data.subject.partition(":")
    if kind == "line" and re.fullmatch(r"[0-9A-Fa-f]{18,22}", iccid):
        about = About.DEVICE if event.type == "imei.changed" else About.USAGE
        yield News(iccid, about, moment_of(event.timestamp))


def news_in(body: bytes) -> Sequence[News]:
    """What an event of another Linekeeper says. Raises Unreadable."""
    return each_news(body, _EVENT, _tell)


class Keepgo(RestClient):
    """Keepgo's API, or that of another Linekeeper. The address ends in `/api`; the account's UUID is put behind it."""

    kind: ClassVar[str] = "keepgo"
    title: ClassVar[str] = "Keepgo"
    calls_per_second: ClassVar[float] = 10.0
    abilities: ClassVar[Abilities] = Abilities(tells_cycle=True, final_totals=True, lists_stock=True)
    words = WORDS
    webhook = Webhook(
        StandardSignature(),
        news_in,
        "Where another Linekeeper is the carrier: add the address there under Automation, Webhooks, with the topics"
        " lines and usage. Paste its signing secret.",
    )
    secret_names: ClassVar[frozenset[str]] = frozenset({"account_uuid", "user_uuid", "shared_key"})

    def ask(self, call: Call, decode: Callable[[bytes], T], heard: Heard | None = None) -> T:
        """Signed with the time at which it goes; the account stands before every path."""
        account = self.secrets["account_uuid"]
        if not re.fullmatch(r"[0-9A-Za-z-]{8,64}", account):
            raise Refused("Keepgo's account_uuid is none; it was not asked.")
        stamp = _stamp()
        digest = hmac.digest(self.secrets["shared_key"].encode(), f"{stamp}{account}".encode(), "sha1")
        signed = {"timestamp": stamp, "hash": base64.b64encode(digest).decode(), "uuid": self.secrets["user_uuid"]}
        return super().ask(replace(call, path=f"/{account}{call.path}", headers=signed), decode, heard)

    def read_stock(self, cursor: str = "") -> Stock:
        """Keepgo: iot_sim_cards"""
        page = int(cursor or "1")
        call = Call("GET", "/iot_sim_cards", params={"page": page, "per_page": PAGE_SIZE}, of_one=False)
        found = self.ask(call, sims_in)
        cards, odd = cards_of(found.data, _SIM, _card)
        more = bool(found.data) and page * PAGE_SIZE < found.total
        return Stock(cards, str(page + 1) if more else "", odd, found.total)

    def _sim(self, iccid: str, kind: CallKind) -> _Sim:
        """Keepgo: iot_sim_cards, the one of this ICCID. Raises Refused where there is none."""
        params: dict[str, str | int] = {"page": 1, "per_page": 25, "common_filter": checked_iccid(iccid)}
        call = Call("GET", "/iot_sim_cards", params=params, kind=kind)
        found = self.ask(call, partial(found_in, iccid=iccid))
        if found is None:
            raise Refused(f"Keepgo has no SIM {iccid}: not found.")
        return found

    def _days(self, iccid: str, month: dt.date, kind: CallKind = CallKind.READING) -> Call:
        params = {"billing_cycle": f"{month:%Y-%m}"}
        return Call("GET", f"/sim_card/{checked_iccid(iccid)}/daily_statistics", params=params, kind=kind)

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:
        """Keepgo: iot_sim_cards, daily_statistics of this cycle"""
        sim = self._sim(iccid, CallKind.READING)
        month, _ = month_of(now)
        return self.ask(
            self._days(iccid, month), lambda body: reading_of(sim.iccid, days_in(body), month, sim.state, once=True)
        )

    def final_total(self, iccid: str, month: dt.date) -> int:
        """Keepgo: daily_statistics of that cycle"""
        return self.ask(self._days(iccid, month, CallKind.TOTALS), partial(total_in, month=month))

    def get_status(self, iccid: str) -> Status:
        """Keepgo: iot_sim_cards, status"""
        return self._sim(iccid, CallKind.SWITCHING).state

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """Keepgo: activation_ready, deactivate; both act at once and do not say how the SIM is then."""
        what = "activation_ready" if on else "deactivate"
        path = f"/sim_card/{checked_iccid(iccid)}/{what}"
        return self.ask(Call("POST", path, json={}, acts=True, kind=CallKind.SWITCHING), accepted)

    def get_device(self, iccid: str) -> Device:
        """Keepgo: iot_sim_cards. Of IMEI, number and place it is not known to tell anything."""
        self._sim(iccid, CallKind.DEVICES)
        return Device()


def _stamp() -> str:
    return str(int(time.time()))


def _card(sim: _Sim) -> Card:
    return Card(sim.iccid, sim.state, sim.notes or "", sim.rate_plan or "", holder=sim.account_name or "")


def sims_in(body: bytes) -> _Sims:
    """Raises Unreadable."""
    return decoded(_SIMS, body)


def found_in(body: bytes, *, iccid: str) -> _Sim | None:
    """The SIM that was asked for; the filter finds notes as well. Raises Unreadable."""
    for raw in sims_in(body).data:
        sim = decoded(_SIM, bytes(raw))
        try:
            same_sim(sim.iccid, iccid)
        except Unreadable:
            continue
        return sim
    return None


def days_in(body: bytes) -> list[tuple[dt.date, int]]:
    """The bytes of a cycle's days. Raises Unreadable."""
    return [(date_of(day.date), _bytes(day.usage_kb)) for day in decoded(_DAYS, body)]


def total_in(body: bytes, *, month: dt.date) -> int:
    """Raises Unreadable."""
    return counter_of(days_in(body), month, once=True)


def _bytes(kilobytes: float) -> int:
    if not 0 <= kilobytes <= MOST_BYTES / KILOBYTE:
        raise Unreadable("a figure in kB is none")
    return round(kilobytes * KILOBYTE)


def accepted(body: bytes) -> None:
    """Raises Unreadable, and Refused where it says no in an answer that is none."""
    if (said := decoded(_DONE, body).ack) != "success":
        raise Refused(f"Keepgo refused: {said[:40]}.")
