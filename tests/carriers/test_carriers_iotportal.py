"""IoT Portal alone: its token, its array of one, its bare words."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from lines.carriers import login
from lines.carriers.base import Malformed, OutcomeUnknown, Reading, Refused, Status, Switch, Unreachable
from lines.carriers.fields import Unreadable
from lines.carriers.iotportal import IotPortal
from lines.carriers.iotportal_answers import accepted, status_in, token_in, usage_in

if TYPE_CHECKING:
    from tests.carriers.conftest import Carrier

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
ICCID = "8931082322089353632"
USAGE = {
    "iccid": ICCID,
    "imsi": "204080823514892",
    "msisdn": "3197044863841",
    "imei": "8613300585142338",
    "status": "INVENTORY",
    "ctdDataUsage": 0,
    "ctdSMSUsage": 0,
    "ctdVoiceUsage": 0,
    "ctdSessionCount": None,
}


def usage(*rows: Mapping[str, object]) -> Reading:
    return usage_in(json.dumps(rows).encode(), iccid=ICCID)


class TestLogin:
    def test_one_token_serves_many_calls(self, iotportal: Carrier) -> None:
        for _ in range(3):
            iotportal.client.get_status(iotportal.iccid)
        assert iotportal.calls("login") == 1

    def test_an_expired_token_costs_one_more_login(self, iotportal: Carrier) -> None:
        iotportal.client.get_status(iotportal.iccid)
        iotportal.simulator.ask("POST", "/tokens/expire")
        assert iotportal.client.get_status(iotportal.iccid).switch is Switch.ON
        assert iotportal.calls("login") == 2

    def test_a_switch_is_turned_in_spite_of_an_expired_token(self, iotportal: Carrier) -> None:
        iotportal.client.get_status(iotportal.iccid)
        iotportal.simulator.ask("POST", "/tokens/expire")
        iotportal.client.set_switch(iotportal.iccid, on=False)
        assert iotportal.word() == "DEACTIVATED"

    def test_many_threads_with_an_expired_token_log_in_once(self, iotportal: Carrier) -> None:
        iotportal.client.get_status(iotportal.iccid)
        iotportal.simulator.ask("POST", "/tokens/expire")
        iccids = iotportal.simulator.iccids("iotportal", 24)
        with ThreadPoolExecutor(12) as pool:
            found = list(pool.map(iotportal.client.get_status, iccids))
        assert {status.switch for status in found} == {Switch.ON}
        assert iotportal.calls("login") == 2

    def test_many_threads_without_a_token_log_in_once(self, iotportal: Carrier) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(iotportal.client.get_status, iotportal.simulator.iccids("iotportal", 8)))
        assert iotportal.calls("login") == 1

    def test_those_who_wait_for_a_login_share_its_failure(self, iotportal: Carrier) -> None:
        iotportal.fault("delay", path="^/Login", seconds=0.8)
        iotportal.fault("error", path="^/Login", status=503, retry_after=40)
        with ThreadPoolExecutor(6) as pool:
            waiting = [pool.submit(iotportal.client.get_status, iotportal.iccid) for _ in range(6)]
        failures = [one.exception() for one in waiting]
        assert [(type(failure), getattr(failure, "retry_after", None)) for failure in failures] == [
            (Unreachable, 40)
        ] * 6
        assert iotportal.calls() == 1
        assert iotportal.client.get_status(iotportal.iccid).switch is Switch.ON

    def test_those_who_wait_for_a_login_wait_while_it_stands_at_the_gate(
        self, iotportal: Carrier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(iotportal.gate, "enter", lambda _kind: time.sleep(0.6))
        with closing(iotportal.open(gate=iotportal.gate, timeout=0.5)) as client, ThreadPoolExecutor(3) as pool:
            found = list(pool.map(client.get_status, iotportal.simulator.iccids("iotportal", 3)))
        assert {status.switch for status in found} == {Switch.ON}
        assert iotportal.calls("login") == 1

    def test_a_second_401_is_a_refusal(self, iotportal: Carrier) -> None:
        iotportal.client.get_status(iotportal.iccid)
        iotportal.fault("error", status=401, count=2)
        with pytest.raises(Refused, match="401"):
            iotportal.client.get_status(iotportal.iccid)
        assert iotportal.client.get_status(iotportal.iccid).switch is Switch.ON

    def test_wrong_credentials_are_said_to_be_wrong_and_not_tried_for_every_line(self, iotportal: Carrier) -> None:
        with closing(iotportal.open_with({"client_id": "nobody"})) as client:
            for iccid in iotportal.simulator.iccids("iotportal", 5):
                with pytest.raises(Refused, match="does not accept the client_id and secret_key"):
                    client.read_line(iccid, now=NOW)
        assert iotportal.calls() == iotportal.calls("login") == 1

    def test_credentials_that_work_again_are_tried_again(
        self, iotportal: Carrier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(login, "SULK", 0.0)
        iotportal.fault("error", status=401, path="^/Login")
        with pytest.raises(Refused):
            iotportal.client.get_status(iotportal.iccid)
        assert iotportal.client.get_status(iotportal.iccid).switch is Switch.ON

    @pytest.mark.parametrize("kind", ["drop_before", "drop_after", "error", "html", "truncate"])
    def test_a_login_that_fails_has_changed_nothing(self, iotportal: Carrier, kind: str) -> None:
        iotportal.fault(kind, path="^/Login")
        with pytest.raises(Unreachable) as caught:
            iotportal.client.set_switch(iotportal.iccid, on=False)
        assert not isinstance(caught.value, Malformed | OutcomeUnknown)
        assert iotportal.word() == "ACTIVATED"
        iotportal.client.set_switch(iotportal.iccid, on=False)
        assert iotportal.word() == "DEACTIVATED"

    def test_logins_pass_the_gate_too(self, iotportal: Carrier) -> None:
        iotportal.client.get_status(iotportal.iccid)
        assert iotportal.gate.entered == 2

    def test_neither_key_nor_token_is_logged(self, iotportal: Carrier, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        iotportal.client.get_status(iotportal.iccid)
        assert "getStatus" in caplog.text
        assert iotportal.simulator.secret_key not in caplog.text
        assert isinstance(iotportal.client, IotPortal)
        token = iotportal.client._login._token
        assert token is not None
        assert token["Authorization"] not in caplog.text

    @pytest.mark.parametrize(
        "body", [b"{}", b'{"data": null}', b'{"data": {"token": ""}}', b'{"data": {"token": "a\\r\\nb"}}', b'"token"']
    )
    def test_what_is_no_token_is_not_taken(self, body: bytes) -> None:
        with pytest.raises(Unreadable):
            token_in(body)


class TestReading:
    def test_it_gives_no_time_and_so_no_cycle(self, iotportal: Carrier) -> None:
        reading = iotportal.client.read_line(iotportal.iccid, now=NOW)
        assert (reading.cycle, reading.last_seen, reading.sms_sent) == (None, None, None)

    def test_the_documents_own_example_is_read(self) -> None:
        reading = usage(USAGE)
        assert (reading.counter, reading.status) == (0, Status(Switch.OFF, "INVENTORY"))
        assert (reading.imei, reading.msisdn) == ("8613300585142338", "3197044863841")

    def test_a_session_count_of_null_is_no_fault(self, iotportal: Carrier) -> None:
        assert iotportal.client.read_line(iotportal.iccid, now=NOW).counter == 0

    @pytest.mark.parametrize("rows", [(), (USAGE, USAGE), ({**USAGE, "iccid": "8931082322089353633"},)])
    def test_anything_but_the_one_asked_for_is_not_taken(self, rows: tuple[dict[str, object], ...]) -> None:
        with pytest.raises(Unreadable):
            usage(*rows)

    @pytest.mark.parametrize("counter", [None, "0", 1.0, True, -1, 2**53 + 1, []])
    def test_a_counter_that_is_none_spoils_the_answer(self, counter: object) -> None:
        with pytest.raises(Unreadable):
            usage({**USAGE, "ctdDataUsage": counter})

    def test_only_the_sim_and_its_counter_must_be_there(self) -> None:
        assert usage({"iccid": ICCID, "ctdDataUsage": 7}).counter == 7


class TestStatusAnswer:
    @pytest.mark.parametrize(
        "body",
        [
            b"ACTIVATED",
            b"ACTIVATED\r\n",
            b'"ACTIVATED"',
            b' {"status": "ACTIVATED"}',
            b'{"iccid": "8931082322089353632", "status": "ACTIVATED", "more": [1]}',
        ],
    )
    def test_a_word_comes_bare_or_in_json(self, body: bytes) -> None:
        assert status_in(body, iccid=ICCID) == Status(Switch.ON, "ACTIVATED")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"true",
            b"5",
            b"[]",
            b'"ACTIVATED',
            b'""',
            b"{}",
            b'{"status": null}',
            b'{"iccid": "8931082322089353633", "status": "ACTIVATED"}',
            b"<html>ACTIVATED</html>",
            b"\xff\xfe",
            b"ACTIVATED, at once",
        ],
    )
    def test_anything_else_spoils_the_answer(self, body: bytes) -> None:
        with pytest.raises(Unreadable):
            status_in(body, iccid=ICCID)

    @pytest.mark.parametrize(
        ("word", "switch"),
        [
            ("ACTIVATED", Switch.ON),
            ("ACTIVATION_READY", Switch.READY),
            ("TEST_READY", Switch.READY),
            ("INVENTORY", Switch.OFF),
            ("DEACTIVATED", Switch.OFF),
            ("RETIRED", Switch.OFF),
            ("PURGED", Switch.OFF),
            ("REPLACED", Switch.OFF),
            ("Live", None),
        ],
    )
    def test_jaspers_words_are_translated_and_others_survive(self, word: str, switch: Switch | None) -> None:
        assert status_in(word.encode(), iccid=ICCID) == Status(switch, word)


class TestRequest:
    @pytest.mark.parametrize("body", [b"", b" \n", b"OK", b'"OK"', b"{}", b'{"status": "ACTIVATED"}', b"null", b"[]"])
    def test_an_undocumented_answer_is_accepted(self, body: bytes) -> None:
        takes: Callable[[bytes], object] = accepted
        assert takes(body) is None

    @pytest.mark.parametrize("body", [b"<html>", b'{"status": "ACT', b"\x00"])
    def test_but_not_a_web_page_or_half_of_one(self, body: bytes) -> None:
        with pytest.raises(Unreadable):
            accepted(body)

    def test_a_carrier_that_is_slow_to_act_is_read_back(self, iotportal: Carrier) -> None:
        iotportal.simulator.settings(iotportal={"status_delay_seconds": 30})
        assert iotportal.client.set_switch(iotportal.iccid, on=False) is None
        assert iotportal.client.get_status(iotportal.iccid).switch is Switch.ON
        iotportal.simulator.advance(seconds=30)
        assert iotportal.client.get_status(iotportal.iccid).switch is Switch.OFF


CALLBACK = "http://127.0.0.1:9/called"


class TestManyAtOnce:
    def test_many_are_queued_under_our_name_and_switched(self, iotportal: Carrier) -> None:
        iotportal.simulator.settings(edit_allowed=True)
        iccids = iotportal.simulator.iccids("iotportal", 3)
        iotportal.client.set_switches(iccids, on=False, name="edit-1", callback=CALLBACK)
        (call,) = iotportal.simulator.calls(carrier="iotportal", name="bulk_edit_device")
        sent = {"update": {"status": "DEACTIVATED"}, "queueId": "edit-1", "webhookUrl": CALLBACK, "iccids": iccids}
        assert json.loads(call["body"]) == sent
        until = time.monotonic() + 5
        while iotportal.word() != "DEACTIVATED" and time.monotonic() < until:
            time.sleep(0.02)
        assert {iotportal.client.get_status(iccid).switch for iccid in iccids} == {Switch.OFF}

    def test_most_accounts_may_not(self, iotportal: Carrier) -> None:
        with pytest.raises(Refused):
            iotportal.client.set_switches([iotportal.iccid], on=False, name="edit-2", callback=CALLBACK)
        assert iotportal.word() == "ACTIVATED"

    def test_a_lost_answer_leaves_it_unknown(self, iotportal: Carrier) -> None:
        iotportal.simulator.settings(edit_allowed=True)
        iotportal.fault("drop_after")
        with pytest.raises(OutcomeUnknown):
            iotportal.client.set_switches([iotportal.iccid], on=False, name="edit-3", callback=CALLBACK)

    def test_no_iccid_of_ours_is_not_asked_for(self, iotportal: Carrier) -> None:
        with pytest.raises(Refused):
            iotportal.client.set_switches([iotportal.iccid, "../1"], on=True, name="edit-4", callback=CALLBACK)
        assert iotportal.calls("bulk_edit_device") == 0

    def test_a_carrier_without_such_a_call_says_so_unasked(self, simbase: Carrier) -> None:
        with pytest.raises(Refused):
            simbase.client.set_switches([simbase.iccid], on=True, name="edit-5", callback=CALLBACK)
        assert simbase.calls() == 0
