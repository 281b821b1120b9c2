"""IoT Portal, Core API: one call for each SIM, no list and no times, a token that expires without notice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar, TypeVar

from .base import (
    Abilities,
    CallKind,
    CarrierClient,
    Device,
    Dialect,
    Gate,
    Page,
    Reading,
    Refused,
    Setting,
    Sms,
    Status,
)
from .deadline import Deadline
from .fields import checked_iccid
from .iotportal_answers import (
    EDITED,
    REF,
    WORDS,
    accepted,
    device_in,
    ids_in,
    message_in,
    session_in,
    status_in,
    taken_in,
    token_in,
    usage_in,
)
from .login import Login
from .wire import Call, Wire, required

T = TypeVar("T")

API_VERSION = "v1"  # the last part of SendSMS's path, which the document leaves open: unless the operator knows better
MOST_MESSAGES = 50  # that one look fetches; more than these since the last look are left to the next


class IotPortal(CarrierClient):
    """IoT Portal's Core API, with a token from Login."""

    kind: ClassVar[str] = "iotportal"
    title: ClassVar[str] = "IoT Portal"
    calls_per_second: ClassVar[float] = 50.0
    abilities: ClassVar[Abilities] = Abilities(
        tells_imei=True,
        tells_msisdn=True,
        sends_sms=True,
        tells_sms_fate=True,
        tells_sessions=True,
        switches_many=True,
        other_words=True,
        edits=frozenset(EDITED),
        states=("INVENTORY", "TEST_READY", "ACTIVATION_READY", "RETIRED"),
    )
    words = WORDS
    secret_names: ClassVar[frozenset[str]] = frozenset({"client_id", "secret_key"})

    def __init__(
        self,
        *,
        url: str,
        secrets: Mapping[str, str],
        gate: Gate | None = None,
        timeout: float = 20.0,
        dialect: Dialect | None = None,
    ) -> None:
        dialect = dialect or Dialect()
        self._words = dialect.words_with(WORDS)
        self._asks = {"on": "ACTIVATED", "off": "DEACTIVATED"} | dict(dialect.asks)
        self._sms_version = dialect.sms_version or API_VERSION
        found = required("IoT Portal", self.secret_names, secrets)
        self._credentials = {"clientId": found["client_id"], "secretKey": found["secret_key"]}
        self._wire = Wire("IoT Portal", url=url, gate=gate, secrets=[found["secret_key"]])
        self._timeout = timeout
        self._login = Login(
            self._wire,
            credentials="client_id and secret_key",
            call=self._login_call,
            decode=lambda body: {"Authorization": token_in(body)},
        )

    def read_page(self, number: int, *, now: dt.datetime) -> Page:  # noqa: ARG002 - the interface
        raise Refused("IoT Portal has no list of SIMs; each is read by itself.")

    def read_line(self, iccid: str, *, now: dt.datetime) -> Reading:  # noqa: ARG002 - no time is given to compare
        """IoT Portal: CTD Usage"""
        call = Call("GET", f"/ctdUsage/{checked_iccid(iccid)}")
        return self._call(call, partial(usage_in, iccid=iccid, words=self._words))

    def final_total(self, iccid: str, month: dt.date) -> int:  # noqa: ARG002 - the interface
        raise Refused("IoT Portal gives no totals of finished months.")

    def get_status(self, iccid: str) -> Status:
        """IoT Portal: Get Status"""
        return self._call(
            Call("GET", f"/getStatus/{checked_iccid(iccid)}", kind=CallKind.SWITCHING),
            partial(status_in, iccid=iccid, words=self._words),
        )

    def set_switch(self, iccid: str, *, on: bool) -> Status | None:
        """IoT Portal: Request Status Change, the call that all accounts have. It is a request: read the state back."""
        call = Call(
            "PUT",
            f"/RequestStatusChange/{checked_iccid(iccid)}",
            json=self._switched(on),
            acts=True,
            kind=CallKind.SWITCHING,
        )
        return self._call(call, accepted)

    def _switched(self, on: bool) -> dict[str, str]:
        return {"status": self._asks["on" if on else "off"]}

    def set_setting(self, iccid: str, setting: Setting, value: str) -> str:
        """IoT Portal: Edit Device, which most accounts may not call; a state by Request Status Change, which all may.

        Neither says how the SIM is now: it is read back.
        """
        path = checked_iccid(iccid)
        if setting is Setting.STATE:
            return self._set_state(path, value, iccid)
        if setting not in EDITED:
            raise self.cannot(f"set the {setting} of a SIM")
        json = {EDITED[setting]: value}
        self._call(Call("PUT", f"/EditDevice/{path}", json=json, acts=True, kind=CallKind.SETTINGS), accepted)
        asked = Call("GET", f"/GetDevice/{path}", kind=CallKind.SETTINGS)
        return self._call(asked, partial(device_in, iccid=iccid)).settings.get(setting, "")

    def _set_state(self, path: str, word: str, iccid: str) -> str:
        json = {"status": word}
        self._call(Call("PUT", f"/RequestStatusChange/{path}", json=json, acts=True, kind=CallKind.SETTINGS), accepted)
        asked = Call("GET", f"/getStatus/{path}", kind=CallKind.SETTINGS)
        return self._call(asked, partial(status_in, iccid=iccid, words=self._words)).word.strip().upper()

    def set_switches(self, iccids: Sequence[str], *, on: bool, name: str, callback: str) -> None:
        """IoT Portal: Bulk Edit Device, which most accounts may not call."""
        json = {
            "update": self._switched(on),
            "queueId": name,
            "webhookUrl": callback,
            "iccids": [checked_iccid(iccid) for iccid in iccids],
        }
        self._call(
            Call("PUT", "/BulkEditDevice", json=json, acts=True, kind=CallKind.SWITCHING, of_one=False), accepted
        )

    def get_device(self, iccid: str) -> Device:
        """IoT Portal: Get Device, then Get Session Info"""
        path = checked_iccid(iccid)
        found = self._call(Call("GET", f"/GetDevice/{path}", kind=CallKind.DEVICES), partial(device_in, iccid=iccid))
        return self._call(
            Call("GET", f"/sessionInfo/{path}", kind=CallKind.DEVICES), partial(session_in, iccid=iccid, device=found)
        )

    def send_sms(self, iccid: str, text: str) -> Sms:
        """IoT Portal: Send SMS"""
        path = f"/SendSMS/{checked_iccid(iccid)}/{self._sms_version}"
        return self._call(
            Call("PUT", path, json={"messageText": text}, acts=True, kind=CallKind.MESSAGES),
            partial(taken_in, text=text),
        )

    def list_sms(self, iccid: str, *, since: dt.datetime) -> tuple[Sms, ...]:
        """IoT Portal: Get SMS Ids, then Get SMS from the newest back to one that is older than `since`."""
        ids = self._call(
            Call("GET", f"/GetSMSIds/{checked_iccid(iccid)}", kind=CallKind.MESSAGES), partial(ids_in, iccid=iccid)
        )
        found: list[Sms] = []
        for ref in ids[:MOST_MESSAGES]:
            found.append(self.get_sms(iccid, ref))
            if (at := found[-1].at) is not None and at < since:
                break
        return tuple(found)

    def get_sms(self, iccid: str, ref: str) -> Sms:
        """IoT Portal: Get SMS"""
        if not REF.fullmatch(ref):
            raise Refused("IoT Portal gives no message such a name; it was not asked.")
        return self._call(
            Call("GET", f"/GetSMS/{ref}", kind=CallKind.MESSAGES), partial(message_in, iccid=iccid, ref=ref)
        )

    def close(self) -> None:
        self._wire.close()

    def _call(self, call: Call, decode: Callable[[bytes], T]) -> T:
        return self._login.call(call, Deadline(self._timeout), decode)

    def _login_call(self, kind: CallKind) -> Call:
        """IoT Portal: Account Login. The token is a whole header, without a scheme word."""
        return Call("POST", "/Login", json=self._credentials, kind=kind, of_one=False, is_secret=True)
