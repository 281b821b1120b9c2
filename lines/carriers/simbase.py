"""Simbase, API v1: a list in pages of 250, usage of the calendar month (UTC), a switch that confirms at once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from .base import (
    LABELS,
    Abilities,
    Billed,
    CallKind,
    Device,
    Funds,
    Page,
    Part,
    Reading,
    Setting,
    Sms,
    Status,
)
from .fields import checked_iccid
from .rest import Headers, RestClient
from .simbase_answers import (
    FIELD,
    PAGE_SIZE,
    WORDS,
    bill_in,
    device_in,
    line_in,
    messages_in,
    page_in,
    sent_in,
    setting_in,
    state_in,
    total_in,
)
from .simbase_funds import funds_in
from .simbase_webhook import WEBHOOK
from .wire import Call


class Simbase(RestClient):
    """Simbase's API v1, with an API key in a header of its own."""

    kind: ClassVar[str] = "simbase"
    title: ClassVar[str] = "Simbase"
    address: ClassVar[str] = "https://api.simbase.com"
    calls_per_second: ClassVar[float] = 10.0
    calls_per_day: ClassVar[int | None] = 5000
    abilities: ClassVar[Abilities] = Abilities(
        lists_lines=True,
        tells_cycle=True,
        final_totals=True,
        confirms_at_once=True,
        tells_imei=True,
        tells_msisdn=True,
        sends_sms=True,
        tells_place=True,
        tells_location=True,
        tells_funds=True,
        tells_costs=frozenset(Part),
        settings=frozenset({Setting.THROTTLE, Setting.IMEI_LOCK, Setting.PLAN}),
        labels=LABELS,
        throttles=(100, 200, 500, 1000, 2500, 5000),
    )
    words = WORDS
    webhook = WEBHOOK
    secret_names: ClassVar[frozenset[str]] = frozenset({"api_key"})

    def signed(self, secrets: Mapping[str, str]) -> Headers:
        return {"x-api-key": secrets["api_key"]}

    def read_page(self, number: int, *, now: dt.datetime) -> Page:
        """Simbase v1: SIM cards. A page past the last may be answered with the last one, under its own number."""
        call = Call("GET", "/simcards", params={"pagesize": PAGE_SIZE, "page": number}, of_one=False)
        return self.ask(call, partial(page_in, number=number, now=now))

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:
        """Simbase v1: Get SIM"""
        call = Call("GET", f"/simcards/{checked_iccid(iccid)}")
        return self.ask(call, partial(line_in, iccid=iccid, now=now))

    def final_total(self, iccid: str, month: dt.date) -> int:
        """Simbase v1: Get SIM Usage"""
        call = Call("GET", f"/simcards/{checked_iccid(iccid)}/usage/{month:%Y-%m}", kind=CallKind.TOTALS)
        return self.ask(call, partial(total_in, iccid=iccid, month=month))

    def get_bill(self, iccid: str, month: dt.date, *, now: dt.datetime) -> Billed:  # noqa: ARG002 - any month
        """Simbase v1: Get SIM Usage, cost"""
        call = Call("GET", f"/simcards/{checked_iccid(iccid)}/usage/{month:%Y-%m}", kind=CallKind.TOTALS)
        return self.ask(call, partial(bill_in, iccid=iccid, month=month))

    def get_status(self, iccid: str) -> Status:
        """Simbase v1: Get SIM, sim_state"""
        call = Call("GET", f"/simcards/{checked_iccid(iccid)}", kind=CallKind.SWITCHING)
        return self.ask(call, partial(state_in, iccid=iccid))

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """Simbase v1: Edit SIM card, sim_state; the answer is the state that the SIM has now."""
        json = {"sim_state": "enabled" if on else "disabled"}
        call = Call("PATCH", f"/simcards/{checked_iccid(iccid)}", json=json, acts=True, kind=CallKind.SWITCHING)
        return self.ask(call, partial(state_in, iccid=iccid))

    def get_device(self, iccid: str) -> Device:
        """Simbase v1: Get SIM"""
        call = Call("GET", f"/simcards/{checked_iccid(iccid)}", kind=CallKind.DEVICES)
        return self.ask(call, partial(device_in, iccid=iccid))

    def set_setting(self, iccid: str, setting: Setting, value: str) -> str:
        """Simbase v1: Edit SIM card; the answer is how the SIM is now."""
        if setting not in FIELD:
            raise self.cannot(f"set the {setting} of a SIM")
        name, wanted = FIELD[setting], value if setting is not Setting.TAGS else json.loads(value)
        if setting is Setting.THROTTLE:
            wanted = f"SPEED_{value}_KBPS" if value else "NO_LIMIT"
        path = f"/simcards/{checked_iccid(iccid)}"
        call = Call("PATCH", path, json={name: wanted}, acts=True, kind=CallKind.SETTINGS)
        return self.ask(call, partial(setting_in, setting=setting))

    def get_funds(self) -> Funds:
        """Simbase v1: Balance"""
        call = Call("GET", "/balance", kind=CallKind.FUNDS, of_one=False)
        return self.ask(call, funds_in)

    def send_sms(self, iccid: str, text: str) -> Sms:
        """Simbase v1: Send SMS. It says when, and never whether the message arrived."""
        json = {"message": text}
        call = Call("POST", f"/simcards/{checked_iccid(iccid)}/sms", json=json, acts=True, kind=CallKind.MESSAGES)
        return self.ask(call, partial(sent_in, text=text))

    def list_sms(self, iccid: str, *, since: dt.datetime) -> tuple[Sms, ...]:  # noqa: ARG002 - it gives the last ones
        """Simbase v1: SMS"""
        call = Call("GET", f"/simcards/{checked_iccid(iccid)}/sms", kind=CallKind.MESSAGES)
        return self.ask(call, messages_in)
