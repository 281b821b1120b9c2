"""emnify, API v1: SIMs and endpoints by its own numbers, a month's counter with its time, an application token."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import ClassVar

from .base import Abilities, Billed, CallKind, Device, Part, Reading, Refused, Setting, Sms, Status, Stock
from .emnify_answers import (
    FIELD,
    LOGIN,
    PAGE_SIZE,
    WORDS,
    Endpoint,
    Sim,
    bill_in,
    device_in,
    endpoint_in,
    found_in,
    messages_in,
    reading_in,
    setting_in,
    stock_in,
    total_in,
)
from .fields import checked_iccid, decoded, status_of
from .rest import Headers, RestClient, bearer, month_of, nothing_in
from .streams import streamed_news
from .webhooks import Proof, Webhook
from .wire import Call

ON, OFF = 1, 2  # the numbers of Activated and Suspended


class Emnify(RestClient):
    """emnify's REST API, with an application token. A SIM has a number of its own, and its endpoint another."""

    kind: ClassVar[str] = "emnify"
    title: ClassVar[str] = "emnify"
    address: ClassVar[str] = "https://cdn.emnify.net"
    calls_per_second: ClassVar[float] = 10.0
    abilities: ClassVar[Abilities] = Abilities(
        tells_cycle=True,
        final_totals=True,
        tells_imei=True,
        tells_msisdn=True,
        sends_sms=True,
        lists_stock=True,
        resets=True,
        settings=frozenset({Setting.IMEI_LOCK}),
        labels=frozenset({Setting.DEVICE_NAME}),
        tells_costs=frozenset({Part.DATA, Part.SMS}),
    )
    words = WORDS
    webhook = Webhook(
        Proof(),
        streamed_news,
        "In emnify’s portal add a data stream of the type REST API in bulk mode, events and usage, to the address.",
    )
    secret_names: ClassVar[frozenset[str]] = frozenset({"application_token"})
    logs_in = True

    def login_call(self, kind: CallKind) -> Call:
        """emnify: Retrieve authentication token"""
        json = {"application_token": self.secrets["application_token"]}
        return Call("POST", "/api/v1/authenticate", json=json, kind=kind, of_one=False, is_secret=True)

    def token_in(self, body: bytes) -> Headers:
        return bearer(decoded(LOGIN, body).auth_token)

    def read_stock(self, cursor: str = "") -> Stock:
        """emnify: List SIMs; a page that is not full is the last"""
        page = int(cursor or "1")
        call = Call("GET", "/api/v1/sim", params={"page": page, "per_page": PAGE_SIZE, "sort": "id"}, of_one=False)
        cards, odd = self.ask(call, stock_in)
        return Stock(cards, str(page + 1) if len(cards) + len(odd) >= PAGE_SIZE else "", odd)

    def _sim(self, iccid: str, kind: CallKind) -> Sim:
        """emnify: List SIMs, the one of this ICCID. Raises Refused where there is none."""
        call = Call("GET", "/api/v1/sim", params={"q": f"iccid:{checked_iccid(iccid)}"}, kind=kind)
        found = self.ask(call, partial(found_in, iccid=iccid))
        if found is None:
            raise Refused(f"emnify has no SIM {iccid}: not found.")
        return found

    def _endpoint(self, iccid: str, kind: CallKind) -> int:
        sim = self._sim(iccid, kind)
        if sim.endpoint is None:
            raise Refused(f"The SIM {iccid} has no endpoint at emnify.")
        return sim.endpoint.id

    def _described(self, sim: Sim, kind: CallKind) -> Endpoint:
        """emnify: Endpoint details; a SIM without one is in no device."""
        if sim.endpoint is None:
            return Endpoint()
        return self.ask(Call("GET", f"/api/v1/endpoint/{sim.endpoint.id}", kind=kind), endpoint_in)

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:
        """emnify: List SIMs, Endpoint details, SIM usage and cost statistics"""
        sim = self._sim(iccid, CallKind.READING)
        endpoint = self._described(sim, CallKind.READING)
        month, _ = month_of(now)
        call = Call("GET", f"/api/v1/sim/{sim.id}/stats")
        return self.ask(call, partial(reading_in, sim=sim, endpoint=endpoint, month=month))

    def final_total(self, iccid: str, month: dt.date) -> int:
        """emnify: Retrieve daily usage statistics for an endpoint"""
        endpoint = self._endpoint(iccid, CallKind.TOTALS)
        after = (month + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
        params = {"start_date": month.isoformat(), "end_date": after.isoformat()}
        call = Call("GET", f"/api/v1/endpoint/{endpoint}/stats/daily", params=params, kind=CallKind.TOTALS)
        return self.ask(call, partial(total_in, month=month))

    def get_bill(self, iccid: str, month: dt.date, *, now: dt.datetime) -> Billed:
        """emnify: SIM usage and cost statistics, of the last month alone"""
        running, _ = month_of(now)
        if (running - dt.timedelta(days=1)).replace(day=1) != month:
            raise Refused("emnify tells costs of the last month only; it was not asked.")
        sim = self._sim(iccid, CallKind.TOTALS)
        call = Call("GET", f"/api/v1/sim/{sim.id}/stats", kind=CallKind.TOTALS)
        return self.ask(call, partial(bill_in, month=month))

    def get_status(self, iccid: str) -> Status:
        """emnify: List SIMs, status"""
        return status_of(self._sim(iccid, CallKind.SWITCHING).status.description, WORDS)

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """emnify: Update a SIM, which does not say how it is then. The endpoint stays as it is."""
        sim = self._sim(iccid, CallKind.SWITCHING)
        json = {"status": {"id": ON if on else OFF}}
        call = Call("PATCH", f"/api/v1/sim/{sim.id}", json=json, acts=True, kind=CallKind.SWITCHING)
        return self.ask(call, nothing_in)

    def reset_connection(self, iccid: str) -> None:
        """emnify: Reset endpoint connectivity: its session and its place are forgotten"""
        endpoint = self._endpoint(iccid, CallKind.SETTINGS)
        json = {"pdp_context": None, "location": None}
        path = f"/api/v1/endpoint/{endpoint}/connectivity"
        self.ask(Call("PATCH", path, json=json, acts=True, kind=CallKind.SETTINGS), nothing_in)

    def get_device(self, iccid: str) -> Device:
        """emnify: List SIMs, Endpoint details"""
        sim = self._sim(iccid, CallKind.DEVICES)
        return device_in(sim, self._described(sim, CallKind.DEVICES))

    def set_setting(self, iccid: str, setting: Setting, value: str) -> str:
        """emnify: Update an endpoint; read back."""
        if setting not in FIELD:
            raise self.cannot(f"set the {setting} of a SIM")
        path = f"/api/v1/endpoint/{self._endpoint(iccid, CallKind.SETTINGS)}"
        json = {FIELD[setting]: value if setting is Setting.DEVICE_NAME else value == "on"}
        self.ask(Call("PATCH", path, json=json, acts=True, kind=CallKind.SETTINGS), nothing_in)
        return self.ask(Call("GET", path, kind=CallKind.SETTINGS), partial(setting_in, setting=setting))

    def send_sms(self, iccid: str, text: str) -> Sms:
        """emnify: Send SMS to an endpoint. It gives no name: which message it is, the list tells."""
        path = f"/api/v1/endpoint/{self._endpoint(iccid, CallKind.MESSAGES)}/sms"
        self.ask(Call("POST", path, json={"payload": text}, acts=True, kind=CallKind.MESSAGES), nothing_in)
        return Sms("", True, text, None)

    def list_sms(self, iccid: str, *, since: dt.datetime) -> tuple[Sms, ...]:  # noqa: ARG002 - it gives the last ones
        """emnify: List sent and received SMS"""
        path = f"/api/v1/endpoint/{self._endpoint(iccid, CallKind.MESSAGES)}/sms"
        return self.ask(Call("GET", path, kind=CallKind.MESSAGES), messages_in)
