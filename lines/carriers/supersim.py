"""Super SIM, API v1, of Twilio and of KORE, which took it over: SIMs by ids of its own, usage by days, changes that are
scheduled, forms for JSON."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from .base import (
    Abilities,
    Billed,
    CallKind,
    Card,
    Device,
    Part,
    Reading,
    Refused,
    Sms,
    SmsFate,
    Status,
    Stock,
    Switch,
    Unreachable,
)
from .fields import (
    Bytes,
    Currency,
    Iccid,
    Unreadable,
    Words,
    amount_of,
    checked_iccid,
    decoded,
    same_sim,
    status_of,
    utc_moment,
)
from .rest import Headers, RestClient, basic, bearer, cards_of, counter_of, date_of, month_of, reading_of
from .webhooks import About, KoreSignature, News, TwilioSignature, Webhook, each_news, moment_of
from .wire import Call

WORDS: Words = {
    "active": (Switch.ON, False),
    "ready": (Switch.READY, False),
    "inactive": (Switch.OFF, False),
    "new": (Switch.OFF, False),
}  # "scheduled", between two of them, says nothing of how it is
FATES = {
    "queued": SmsFate.PENDING,
    "sent": SmsFate.PENDING,
    "delivered": SmsFate.DELIVERED,
    "failed": SmsFate.FAILED,
}
PAGE_SIZE = 500
NOT_BILLED = 86_400.0  # seconds until it is asked again
MOST_DAYS = 1000  # rows of a month's usage
_SID = re.compile(r"H[SC][0-9a-fA-F]{32}")


class _Sim(msgspec.Struct):
    """Twilio Super SIM: Sim"""

    sid: str
    iccid: Iccid
    status: str
    unique_name: str | None = None
    fleet_sid: str | None = None

    @property
    def state(self) -> Status:
        return status_of(self.status, WORDS)


class _Meta(msgspec.Struct):
    next_page_url: str | None = None


class _Sims(msgspec.Struct):
    sims: list[msgspec.Raw]
    meta: _Meta


class _Period(msgspec.Struct):
    start_time: str


class _Used(msgspec.Struct):
    """Twilio Super SIM: UsageRecord, a day"""

    sim_sid: str | None
    period: _Period
    data_total: Bytes
    data_total_billed: Decimal | None = None
    billed_unit: Currency | None = None  # none while its billing has not got to it


class _Usage(msgspec.Struct):
    usage_records: list[_Used]
    meta: _Meta


class _Command(msgspec.Struct):
    """Twilio Super SIM: SmsCommand"""

    sid: str
    payload: str | None
    status: str
    direction: str
    date_created: str


class _Commands(msgspec.Struct):
    sms_commands: list[_Command]


_SIM = msgspec.json.Decoder(_Sim)
_SIMS = msgspec.json.Decoder(_Sims)
_USAGE = msgspec.json.Decoder(_Usage)
_COMMAND = msgspec.json.Decoder(_Command)
_COMMANDS = msgspec.json.Decoder(_Commands)


class _Connection(msgspec.Struct):
    sim_iccid: Iccid


class _Event(msgspec.Struct):
    """Twilio Event Streams: SuperSim.ConnectionEvent"""

    type: str
    data: _Connection
    time: str | None = None


_EVENT = msgspec.json.Decoder(_Event)


def _tell(event: _Event) -> Iterator[News]:
    """A session that goes on or ends has used something; one that begins may be of another device."""
    used = event.type.endswith((".updated", ".ended"))
    yield News(event.data.sim_iccid, About.USAGE if used else About.DEVICE, moment_of(event.time))


def news_in(body: bytes) -> Sequence[News]:
    """What an event stream says. Raises Unreadable."""
    return each_news(body, _EVENT, _tell)


class SuperSim(RestClient):
    """Twilio's Super SIM API, with an account's SID and its token, or an API key and its secret."""

    kind: ClassVar[str] = "supersim"
    title: ClassVar[str] = "Twilio Super SIM"
    address: ClassVar[str] = "https://supersim.twilio.com"
    calls_per_second: ClassVar[float] = 10.0
    abilities: ClassVar[Abilities] = Abilities(
        tells_cycle=True,
        final_totals=True,
        lists_stock=True,
        sends_sms=True,
        tells_sms_fate=True,
        tells_costs=frozenset({Part.DATA}),
    )
    words = WORDS
    webhook = Webhook(
        TwilioSignature(),
        news_in,
        "In Event Streams add a sink of the type webhook to the address, and subscribe it to Super SIM’s connection"
        " events.",
    )
    secret_names: ClassVar[frozenset[str]] = frozenset({"account_sid", "auth_token"})

    def signed(self, secrets: Mapping[str, str]) -> Headers:
        return basic(secrets["account_sid"], secrets["auth_token"])

    def read_stock(self, cursor: str = "") -> Stock:
        """Twilio Super SIM: list of Sims. An answer names the address of the next page, of which the query is taken."""
        params: dict[str, str | int] = {"PageSize": PAGE_SIZE, **dict(parse_qsl(cursor))}
        found = self.ask(Call("GET", "/v1/Sims", params=params, of_one=False), sims_in)
        cards, odd = cards_of(found.sims, _SIM, _card)
        return Stock(cards, urlsplit(found.meta.next_page_url or "").query, odd)

    def _sim(self, iccid: str, kind: CallKind) -> _Sim:
        """Twilio Super SIM: list of Sims, the one of this ICCID. Raises Refused where there is none."""
        call = Call("GET", "/v1/Sims", params={"Iccid": checked_iccid(iccid)}, kind=kind)
        found = self.ask(call, partial(found_in, iccid=iccid))
        if found is None:
            raise Refused(f"{self.title} has no SIM {iccid}: not found.")
        return found

    def _used(self, sim: _Sim, first: dt.date, after: dt.date, kind: CallKind) -> Call:
        """Twilio Super SIM: list of UsageRecords by day"""
        params: dict[str, str | int] = {
            "Sim": sim.sid,
            "Granularity": "day",
            "StartTime": f"{first}T00:00:00Z",
            "EndTime": f"{after}T00:00:00Z",
            "PageSize": MOST_DAYS,
        }
        return Call("GET", "/v1/UsageRecords", params=params, kind=kind)

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:
        """Twilio Super SIM: list of Sims, list of UsageRecords"""
        sim = self._sim(iccid, CallKind.READING)
        month, today = month_of(now)
        call = self._used(sim, month, today + dt.timedelta(days=1), CallKind.READING)
        return self.ask(call, partial(reading_in, sim=sim, month=month))

    def final_total(self, iccid: str, month: dt.date) -> int:
        """Twilio Super SIM: list of UsageRecords"""
        sim = self._sim(iccid, CallKind.TOTALS)
        after = (month + dt.timedelta(days=32)).replace(day=1)
        return self.ask(self._used(sim, month, after, CallKind.TOTALS), partial(total_in, sim=sim, month=month))

    def get_bill(self, iccid: str, month: dt.date, *, now: dt.datetime) -> Billed:  # noqa: ARG002 - any month
        """Twilio Super SIM: list of UsageRecords, data_total_billed. A SIM's monthly fee is told nowhere."""
        sim = self._sim(iccid, CallKind.TOTALS)
        after = (month + dt.timedelta(days=32)).replace(day=1)
        call = self._used(sim, month, after, CallKind.TOTALS)
        return self.ask(call, partial(bill_in, sim=sim, month=month, title=self.title))

    def get_status(self, iccid: str) -> Status:
        """Twilio Super SIM: list of Sims, status"""
        return self._sim(iccid, CallKind.SWITCHING).state

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """Twilio Super SIM: update a Sim. It is scheduled: read back."""
        sim = self._sim(iccid, CallKind.SWITCHING)
        form = {"Status": "active" if on else "inactive"}
        call = Call("POST", f"/v1/Sims/{sim.sid}", form=form, acts=True, kind=CallKind.SWITCHING)
        self.ask(call, partial(sim_in, iccid=iccid))
        return None

    def get_device(self, iccid: str) -> Device:
        """Twilio Super SIM: list of Sims. Of IMEI, number and place its calls tell nothing."""
        self._sim(iccid, CallKind.DEVICES)
        return Device()

    def send_sms(self, iccid: str, text: str) -> Sms:
        """Twilio Super SIM: create an SmsCommand"""
        sim = self._sim(iccid, CallKind.MESSAGES)
        form = {"Sim": sim.sid, "Payload": text}
        return self.ask(Call("POST", "/v1/SmsCommands", form=form, acts=True, kind=CallKind.MESSAGES), command_in)

    def list_sms(self, iccid: str, *, since: dt.datetime) -> tuple[Sms, ...]:  # noqa: ARG002 - it gives the last ones
        """Twilio Super SIM: list of SmsCommands"""
        params: dict[str, str | int] = {"Sim": self._sim(iccid, CallKind.MESSAGES).sid, "PageSize": 100}
        return self.ask(Call("GET", "/v1/SmsCommands", params=params, kind=CallKind.MESSAGES), commands_in)

    def get_sms(self, iccid: str, ref: str) -> Sms:  # noqa: ARG002 - a command's id is enough
        """Twilio Super SIM: fetch an SmsCommand"""
        if not _SID.fullmatch(ref):
            raise Refused(f"{self.title} gives no message such a name; it was not asked.")
        return self.ask(Call("GET", f"/v1/SmsCommands/{ref}", kind=CallKind.MESSAGES), command_in)


class _Token(msgspec.Struct):
    """KORE: auth token"""

    access_token: str


_TOKEN = msgspec.json.Decoder(_Token)


class Kore(SuperSim):
    """KORE's Super SIM API: Twilio's, with an API client's id and secret, for which another host gives a token."""

    kind: ClassVar[str] = "kore"
    title: ClassVar[str] = "KORE Super SIM"
    address: ClassVar[str] = "https://supersim.api.korewireless.com"
    webhook = Webhook(
        KoreSignature(),
        news_in,
        "In KORE’s developer portal create a webhook secret and paste it here. Then add a destination of the type"
        " webhook to the address, and a streaming rule for Super SIM’s connection events.",
    )
    secret_names: ClassVar[frozenset[str]] = frozenset({"client_id", "client_secret"})
    logs_in = True

    def signed(self, secrets: Mapping[str, str]) -> Headers:  # noqa: ARG002 - a token signs them
        return {}

    def login_address(self, url: str) -> str:
        return url.replace("//supersim.api.", "//api.", 1)

    def login_call(self, kind: CallKind) -> Call:
        """KORE: auth token"""
        form = {"grant_type": "client_credentials", **self.secrets}
        return Call("POST", "/api-services/v1/auth/token", form=form, kind=kind, of_one=False, is_secret=True)

    def token_in(self, body: bytes) -> Headers:
        return bearer(decoded(_TOKEN, body).access_token)


def _card(sim: _Sim) -> Card:
    return Card(sim.iccid, sim.state, sim.unique_name or "", sim.fleet_sid or "")


def sims_in(body: bytes) -> _Sims:
    """Raises Unreadable."""
    return decoded(_SIMS, body)


def sim_in(body: bytes, *, iccid: str) -> _Sim:
    """Raises Unreadable."""
    found = decoded(_SIM, body)
    same_sim(found.iccid, iccid)
    if not _SID.fullmatch(found.sid):
        raise Unreadable("the SIM's id is none")
    return found


def found_in(body: bytes, *, iccid: str) -> _Sim | None:
    """The SIM that was asked for, if there is one. Raises Unreadable."""
    found = [sim_in(bytes(raw), iccid=iccid) for raw in sims_in(body).sims]
    return found[0] if found else None


def _days_in(body: bytes, sim: _Sim) -> list[tuple[dt.date, _Used]]:
    found = decoded(_USAGE, body)
    if found.meta.next_page_url:
        raise Unreadable("it is only a part of the month")
    if any(one.sim_sid not in (None, sim.sid) for one in found.usage_records):
        raise Unreadable("it is another SIM")
    return [(date_of(one.period.start_time), one) for one in found.usage_records]


def reading_in(body: bytes, *, sim: _Sim, month: dt.date) -> Reading:
    """Raises Unreadable."""
    days = [(day, one.data_total) for day, one in _days_in(body, sim)]
    return reading_of(sim.iccid, days, month, sim.state)


def total_in(body: bytes, *, sim: _Sim, month: dt.date) -> int:
    """The bytes of a month's days. Raises Unreadable."""
    return counter_of([(day, one.data_total) for day, one in _days_in(body, sim)], month)


def bill_in(body: bytes, *, sim: _Sim, month: dt.date, title: str) -> Billed:
    """What the data of a month's days cost. Raises Unreadable, and Unreachable while some of it is not billed."""
    days = [(day, one) for day, one in _days_in(body, sim) if day.replace(day=1) == month]
    used = counter_of([(day, one.data_total) for day, one in days], month)
    if any(one.data_total and one.billed_unit is None for _, one in days):
        raise Unreachable(f"{title} has not billed all days yet.", retry_after=NOT_BILLED)
    units = {one.billed_unit.upper() for _, one in days if one.billed_unit}
    if len(units) > 1:
        raise Unreadable("its costs are of two currencies")
    cost = sum((one.data_total_billed or Decimal(0) for _, one in days), Decimal(0))
    return Billed({Part.DATA: amount_of(cost)}, units.pop() if units else "", used)


def _sms(one: _Command) -> Sms:
    to_device = one.direction == "to_sim"
    fate = FATES.get(one.status.lower()) if to_device else None
    return Sms(one.sid, to_device, one.payload or "", utc_moment(one.date_created), fate, one.status[:40])


def command_in(body: bytes) -> Sms:
    """Raises Unreadable."""
    return _sms(decoded(_COMMAND, body))


def commands_in(body: bytes) -> tuple[Sms, ...]:
    """Raises Unreadable."""
    return tuple([_sms(one) for one in decoded(_COMMANDS, body).sms_commands])
