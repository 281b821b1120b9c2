"""1NCE, API v2, and v1 where that alone has it: usage by days, a switch that is read back, an OAuth2 token."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import ClassVar

from .base import Abilities, CallKind, Device, Reading, Refused, Setting, Sms, Status, Stock
from .fields import checked_iccid, decoded
from .onence_answers import (
    FIELD,
    LOGIN,
    PAGE_SIZE,
    WORDS,
    device_in,
    message_in,
    messages_in,
    reading_in,
    sent_in,
    setting_in,
    sim_in,
    status_in,
    stock_in,
    total_in,
)
from .rest import Headers, RestClient, basic, bearer, last_day, month_of, nothing_in
from .streams import streamed_news
from .webhooks import Password, Webhook
from .wire import Call


class OneNce(RestClient):
    """1NCE's management API, signed in with the user name and password of an API user."""

    kind: ClassVar[str] = "onence"
    title: ClassVar[str] = "1NCE"
    address: ClassVar[str] = "https://api.1nce.com/management-api"
    calls_per_second: ClassVar[float] = 10.0
    abilities: ClassVar[Abilities] = Abilities(
        tells_cycle=True,
        final_totals=True,
        sends_sms=True,
        tells_sms_fate=True,
        tells_imei=True,
        tells_msisdn=True,
        lists_stock=True,
        resets=True,
        tells_place=True,
        tells_sessions=True,
        settings=frozenset({Setting.IMEI_LOCK}),
        labels=frozenset({Setting.DEVICE_NAME}),
    )
    words = WORDS
    webhook = Webhook(
        Password(),
        streamed_news,
        "In 1NCE’s portal add a data stream of the type HTTP/Webhook, events and usage, with address and login.",
    )
    secret_names: ClassVar[frozenset[str]] = frozenset({"username", "password"})
    logs_in = True

    def login_call(self, kind: CallKind) -> Call:
        """1NCE: Obtain Access Token"""
        headers = basic(self.secrets["username"], self.secrets["password"])
        json = {"grant_type": "client_credentials"}
        return Call("POST", "/oauth/token", json=json, headers=headers, kind=kind, of_one=False, is_secret=True)

    def token_in(self, body: bytes) -> Headers:
        return bearer(decoded(LOGIN, body).access_token)

    def read_stock(self, cursor: str = "") -> Stock:
        """1NCE v2: Get All SIMs. How many pages there are stands in a header."""
        page = int(cursor or "1")
        told: dict[str, str] = {}
        call = Call("GET", "/v2/sims", params={"page": page, "pageSize": PAGE_SIZE}, of_one=False)
        found = self.ask(call, stock_in, lambda headers: told.update(pages=headers.get("X-Total-Pages", "")))
        pages = int(told["pages"]) if told["pages"].isdecimal() else page
        return Stock(found.cards, str(page + 1) if page < pages and found.cards else "", found.odd)

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:
        """1NCE v2: Get Single SIM, then v1: Get SIM Usage of this month's days"""
        month, today = month_of(now)
        sim = self.ask(Call("GET", f"/v2/sims/{checked_iccid(iccid)}"), partial(sim_in, iccid=iccid))
        return self.ask(self._usage(iccid, month, today), partial(reading_in, sim=sim, month=month))

    def final_total(self, iccid: str, month: dt.date) -> int:
        """1NCE v1: Get SIM Usage of that month's days"""
        call = self._usage(iccid, month, last_day(month), kind=CallKind.TOTALS)
        return self.ask(call, partial(total_in, month=month))

    def _usage(self, iccid: str, first: dt.date, last: dt.date, kind: CallKind = CallKind.READING) -> Call:
        params = {"start_dt": first.isoformat(), "end_dt": last.isoformat()}
        return Call("GET", f"/v1/sims/{checked_iccid(iccid)}/usage", params=params, kind=kind)

    def get_status(self, iccid: str) -> Status:
        """1NCE v2: Get Single SIM, status"""
        call = Call("GET", f"/v2/sims/{checked_iccid(iccid)}", kind=CallKind.SWITCHING)
        return self.ask(call, partial(status_in, iccid=iccid))

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """1NCE v2: Modify SIM card. Its answer is empty: the state is read back."""
        json = {"iccid": iccid, "status": "Enabled" if on else "Disabled"}
        call = Call("PUT", f"/v2/sims/{checked_iccid(iccid)}", json=json, acts=True, kind=CallKind.SWITCHING)
        return self.ask(call, nothing_in)

    def reset_connection(self, iccid: str) -> None:
        """1NCE v2: Create Connectivity Reset"""
        call = Call("POST", f"/v2/sims/{checked_iccid(iccid)}/reset", acts=True, kind=CallKind.SETTINGS)
        self.ask(call, nothing_in)

    def get_device(self, iccid: str) -> Device:
        """1NCE v2: Get Single SIM, then Get SIM Status: where it was last seen, and its sessions"""
        path = f"/v2/sims/{checked_iccid(iccid)}"
        sim = self.ask(Call("GET", path, kind=CallKind.DEVICES), partial(sim_in, iccid=iccid))
        return self.ask(Call("GET", f"/v2/sims/{iccid}/status", kind=CallKind.DEVICES), partial(device_in, sim=sim))

    def set_setting(self, iccid: str, setting: Setting, value: str) -> str:
        """1NCE v2: Modify SIM card; read back."""
        if setting not in FIELD:
            raise self.cannot(f"set the {setting} of a SIM")
        path = f"/v2/sims/{checked_iccid(iccid)}"
        json = {"iccid": iccid, FIELD[setting]: value if setting is Setting.DEVICE_NAME else value == "on"}
        self.ask(Call("PUT", path, json=json, acts=True, kind=CallKind.SETTINGS), nothing_in)
        return self.ask(Call("GET", path, kind=CallKind.SETTINGS), partial(setting_in, setting=setting, iccid=iccid))

    def send_sms(self, iccid: str, text: str) -> Sms:
        """1NCE v2: Create SMS"""
        path = f"/v2/sims/{checked_iccid(iccid)}/sms"
        call = Call("POST", path, json={"payload": text}, acts=True, kind=CallKind.MESSAGES)
        return self.ask(call, partial(sent_in, text=text))

    def list_sms(self, iccid: str, *, since: dt.datetime) -> tuple[Sms, ...]:  # noqa: ARG002 - it gives the last ones
        """1NCE v2: Get MT/MO-SMS, its first page"""
        params = {"page": 1, "per_page": PAGE_SIZE}
        call = Call("GET", f"/v2/sims/{checked_iccid(iccid)}/sms", params=params, kind=CallKind.MESSAGES)
        return self.ask(call, messages_in)

    def get_sms(self, iccid: str, ref: str) -> Sms:
        """1NCE v2: Get SMS Details"""
        if not ref.isdecimal():
            raise Refused("1NCE gives no message such a name; it was not asked.")
        call = Call("GET", f"/v2/sims/{checked_iccid(iccid)}/sms/{ref}", kind=CallKind.MESSAGES)
        return self.ask(call, message_in)
