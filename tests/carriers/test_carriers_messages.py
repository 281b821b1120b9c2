"""Messages, devices and settings of every carrier: the contract's further calls, faults included."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from lines.carriers import iotportal_answers as iotportal
from lines.carriers import simbase_answers as simbase
from lines.carriers.base import (
    CarrierFailure,
    Device,
    Malformed,
    OutcomeUnknown,
    Refused,
    Setting,
    SmsFate,
    Unreachable,
)
from lines.carriers.fields import Unreadable

if TYPE_CHECKING:
    from tests.carriers.conftest import Carrier

NOBODY = "8999999999999999999"
SINCE = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
SMS_PATH = "[sS][mM][sS]"


def texts(carrier: Carrier) -> list[tuple[bool, str]]:
    return sorted((one.to_device, one.text) for one in carrier.client.list_sms(carrier.iccid, since=SINCE))


class TestMessages:
    def test_what_is_sent_and_what_comes_is_listed(self, texting: Carrier) -> None:
        taken = texting.client.send_sms(texting.iccid, "reboot ⚙")
        texting.simulator.event("sms", iccid=texting.iccid, text="done")
        assert taken.to_device
        assert texts(texting) == [(False, "done"), (True, "reboot ⚙")]
        ours = next(one for one in texting.client.list_sms(texting.iccid, since=SINCE) if one.to_device)
        assert taken.ref in ("", ours.ref)
        assert ours.at is not None
        assert abs((ours.at - dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)).total_seconds()) < 5

    def test_a_fate_is_told_or_refused_without_a_call(self, texting: Carrier) -> None:
        taken = texting.client.send_sms(texting.iccid, "hello")
        before = texting.calls()
        if texting.client.abilities.tells_sms_fate:
            assert texting.client.get_sms(texting.iccid, taken.ref).fate is SmsFate.DELIVERED
        else:
            with pytest.raises(Refused):
                texting.client.get_sms(texting.iccid, taken.ref)
            assert texting.calls() == before

    def test_a_sim_that_is_off_or_unknown_gets_none(self, texting: Carrier) -> None:
        texting.client.set_switch(texting.iccid, on=False)
        for iccid in (texting.iccid, NOBODY):
            with pytest.raises(Refused):
                texting.client.send_sms(iccid, "hello")
        assert texts(texting) == []

    @pytest.mark.parametrize(
        ("kind", "scope", "failure", "went"),
        [
            ("drop_before", {}, OutcomeUnknown, False),
            ("drop_after", {}, OutcomeUnknown, True),
            ("error", {"status": 500}, OutcomeUnknown, False),
            ("html", {}, OutcomeUnknown, False),
            ("error", {"status": 403}, Refused, False),
            ("error", {"status": 429}, Unreachable, False),
        ],
    )
    def test_a_lost_answer_never_says_that_nothing_was_sent(
        self, texting: Carrier, kind: str, scope: dict[str, Any], failure: type[CarrierFailure], went: bool
    ) -> None:
        texting.client.get_status(texting.iccid)
        texting.fault(kind, path=SMS_PATH, **scope)
        with pytest.raises(failure):
            texting.client.send_sms(texting.iccid, "hello")
        assert texts(texting) == ([(True, "hello")] if went else [])

    @pytest.mark.parametrize(("kind", "failure"), [("drop_before", Unreachable), ("html", Malformed)])
    def test_a_list_that_fails_says_how(self, texting: Carrier, kind: str, failure: type[CarrierFailure]) -> None:
        texting.client.get_status(texting.iccid)
        texting.fault(kind, path=SMS_PATH)
        with pytest.raises(failure):
            texting.client.list_sms(texting.iccid, since=SINCE)


def test_who_sends_no_messages_refuses_without_a_call(carrier: Carrier) -> None:
    if carrier.client.abilities.sends_sms:
        assert carrier.client.list_sms(carrier.iccid, since=SINCE) == ()
        return
    for ask in (
        lambda: carrier.client.send_sms(carrier.iccid, "hello"),
        lambda: carrier.client.list_sms(carrier.iccid, since=SINCE),
    ):
        with pytest.raises(Refused):
            ask()
    assert carrier.calls() == 0


class TestDevice:
    def test_a_carrier_tells_what_it_says_it_tells(self, carrier: Carrier) -> None:
        found, abilities = carrier.client.get_device(carrier.iccid), carrier.client.abilities
        assert found.imei == (carrier.simulator.fleet(carrier.kind)[0]["imei"] if abilities.tells_imei else None)
        assert bool(found.country and found.network and found.radio) == abilities.tells_place
        assert (found.location is not None) == abilities.tells_location
        assert abilities.tells_place or found.sessions is None
        assert abilities.tells_sessions or found.session_started is None

    def test_an_unknown_sim_is_refused_and_no_iccid_not_asked_for(self, carrier: Carrier) -> None:
        with pytest.raises(Refused, match="not found"):
            carrier.client.get_device(NOBODY)
        before = carrier.calls()
        for ask in (
            lambda: carrier.client.get_device("../x"),
            lambda: carrier.client.send_sms("../x", "hello"),
            lambda: carrier.client.list_sms("../x", since=SINCE),
            lambda: carrier.client.set_setting("../x", Setting.IMEI_LOCK, "on"),
        ):
            with pytest.raises(Refused):
                ask()
        assert carrier.calls() == before

    @pytest.mark.parametrize("kind", ["html", "truncate", "missing_iccid"])
    def test_what_is_no_answer_is_malformed(self, carrier: Carrier, kind: str) -> None:
        carrier.client.get_status(carrier.iccid)
        carrier.fault(kind)
        with pytest.raises(Malformed):
            carrier.client.get_device(carrier.iccid)


class TestSettings:
    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            (Setting.THROTTLE, "500"),
            (Setting.THROTTLE, ""),
            (Setting.IMEI_LOCK, "on"),
            (Setting.IMEI_LOCK, "off"),
            (Setting.PLAN, ""),
        ],
    )
    def test_what_is_set_is_confirmed_and_shown_or_refused_without_a_call(
        self, carrier: Carrier, setting: Setting, value: str
    ) -> None:
        value = carrier.known.plan if setting is Setting.PLAN else value
        if setting in carrier.client.abilities.settings:
            assert carrier.client.set_setting(carrier.iccid, setting, value) == value
            assert carrier.client.get_device(carrier.iccid).settings[setting] == value
        else:
            with pytest.raises(Refused):
                carrier.client.set_setting(carrier.iccid, setting, value)
            assert carrier.calls() == 0

    def test_a_value_that_there_is_not_is_refused(self, simbase: Carrier) -> None:
        with pytest.raises(Refused):
            simbase.client.set_setting(simbase.iccid, Setting.THROTTLE, "7")


ICCID = "8944538415800000004"
DETAIL = {
    "iccid": ICCID, "imei": "353813082812345", "ip": "Dynamic", "lat": "38.9", "lon": "-77.0", "country_iso": "us",
    "throttle": "SPEED_100_KBPS", "lu_count": 3, "plan_id": "p",
}  # fmt: skip


def test_a_device_is_read_as_the_document_says_in_either_of_its_words() -> None:
    found = simbase.device_in(json.dumps(DETAIL).encode(), iccid=ICCID)
    assert (found.country, found.static_ip, found.location_updates) == ("US", None, 3)
    assert found.settings == {Setting.THROTTLE: "100", Setting.PLAN: "p"}
    other = simbase.device_in(json.dumps(DETAIL | {"ip": None, "ip_address": "10.0.0.14"}).encode(), iccid=ICCID)
    assert other.static_ip == "10.0.0.14"
    odd = simbase.device_in(json.dumps(DETAIL | {"lat": "x", "country_iso": "??", "imei": "N/A"}).encode(), iccid=ICCID)
    assert (odd.location, odd.country, odd.imei) == (None, None, None)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b"<html>", b'{"iccid": 5}', b"\xff", b"[" * 5000])
def test_junk_is_unreadable_and_nothing_else(body: bytes) -> None:
    for read in (
        lambda: simbase.device_in(body, iccid=ICCID),
        lambda: simbase.messages_in(body),
        lambda: simbase.sent_in(body, text="x"),
        lambda: simbase.setting_in(body, setting=Setting.PLAN),
        lambda: iotportal.device_in(body, iccid=ICCID),
        lambda: iotportal.message_in(body, iccid=ICCID, ref="7"),
    ):
        with pytest.raises(Unreadable):
            read()
    if body != b"[]":  # some networks answer so that there is none
        with pytest.raises(Unreadable):
            iotportal.ids_in(body, iccid=ICCID)


@pytest.mark.parametrize("body", [b"[]", b"null", b"<html>", b'{"iccid": 5}', b"\xff"])
def test_a_session_that_is_none_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        iotportal.session_in(body, iccid=ICCID, device=Device())


def test_messages_of_other_sims_and_with_other_names_are_not_taken() -> None:
    message = {"smsMsgId": 7, "msgType": "MO", "messageText": "x", "status": "Received", "iccid": ICCID}
    with pytest.raises(Unreadable):
        iotportal.message_in(json.dumps(message).encode(), iccid=NOBODY, ref="7")
    with pytest.raises(Unreadable):
        iotportal.message_in(json.dumps(message).encode(), iccid=ICCID, ref="8")
    with pytest.raises(Unreadable):
        iotportal.ids_in(json.dumps({"smsMsgIds": ["../../x"]}).encode(), iccid=ICCID)
    assert iotportal.taken_in(b"", text="x").ref == ""
