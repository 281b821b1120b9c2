"""What every carrier is to us, whichever it is: one suite, run on each adapter over HTTP."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from lines.carriers.base import (
    CallKind,
    CarrierFailure,
    Malformed,
    OpenGate,
    OutcomeUnknown,
    Part,
    Refused,
    Status,
    Switch,
    Unreachable,
)

if TYPE_CHECKING:
    from tests.carriers.conftest import Carrier

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
LAST = dt.date(2026, 10, 1)
NOBODY = "8999999999999999999"


class TestReading:
    def test_a_counter_is_what_the_device_used(self, carrier: Carrier) -> None:
        before = carrier.client.read_line(carrier.iccid, now=NOW).counter
        carrier.simulator.add_bytes(carrier.iccid, 1_048_577)
        assert carrier.client.read_line(carrier.iccid, now=NOW).counter == before + 1_048_577

    def test_a_line_says_whose_it_is_and_how_it_is(self, carrier: Carrier) -> None:
        reading = carrier.client.read_line(carrier.iccid, now=NOW)
        assert reading.iccid == carrier.iccid
        assert reading.status == Status(Switch.ON, carrier.known.on)
        abilities = carrier.client.abilities
        assert reading.imei == (carrier.simulator.fleet(carrier.kind)[0]["imei"] if abilities.tells_imei else None)
        assert bool(reading.msisdn) is abilities.tells_msisdn
        assert (reading.msisdn or "0").lstrip("+").isdigit()

    def test_another_device_shows_as_another_imei(self, carrier: Carrier) -> None:
        carrier.simulator.event("imei", iccid=carrier.iccid, imei="359091101234567")
        if not carrier.client.abilities.tells_imei:
            assert carrier.client.read_line(carrier.iccid, now=NOW).imei is None
            return
        assert carrier.client.read_line(carrier.iccid, now=NOW).imei == "359091101234567"

    def test_an_unknown_sim_is_refused(self, carrier: Carrier) -> None:
        with pytest.raises(Refused, match="not found"):
            carrier.client.read_line(NOBODY, now=NOW)

    @pytest.mark.parametrize(
        "iccid", ["", "123", "../../simcards", "89123000000000000g1", "89123000000000000001234", "８" * 19]
    )
    def test_what_is_no_iccid_is_not_even_asked_for(self, carrier: Carrier, iccid: str) -> None:
        for ask in (
            lambda: carrier.client.read_line(iccid, now=NOW),
            lambda: carrier.client.get_status(iccid),
            lambda: carrier.client.set_switch(iccid, on=False),
        ):
            with pytest.raises(Refused):
                ask()
        assert carrier.calls() == 0

    def test_what_it_cannot_do_is_refused_without_a_call(self, carrier: Carrier) -> None:
        abilities = carrier.client.abilities
        if not abilities.lists_lines:
            with pytest.raises(Refused):
                carrier.client.read_page(1, now=NOW)
        if not abilities.final_totals:
            with pytest.raises(Refused):
                carrier.client.final_total(carrier.iccid, dt.date(2026, 10, 1))
        assert carrier.calls() == 0


class TestCosts:
    def test_a_finished_months_cost_is_told_by_its_parts_or_refused_without_a_call(self, carrier: Carrier) -> None:
        told = carrier.client.abilities.tells_costs
        if not told:
            with pytest.raises(Refused):
                carrier.client.get_bill(carrier.iccid, LAST, now=NOW)
            assert carrier.calls() == 0
            return
        carrier.simulator.add_bytes(carrier.iccid, 250_000_000, at="2026-10-05T10:00:00Z")
        found = carrier.client.get_bill(carrier.iccid, LAST, now=NOW)
        assert (frozenset(found.parts), found.used) == (told, 250_000_000)
        assert found.currency in ("", "USD")
        assert found.parts[Part.DATA] > 1
        carrier.fault("html")
        with pytest.raises(Malformed):
            carrier.client.get_bill(carrier.iccid, LAST, now=NOW)


class TestStatus:
    def test_a_status_is_read_by_itself(self, carrier: Carrier) -> None:
        assert carrier.client.get_status(carrier.iccid) == Status(Switch.ON, carrier.known.on)

    def test_an_unknown_word_survives(self, carrier: Carrier) -> None:
        if not carrier.known.has_words:
            assert set(carrier.client.words) == {carrier.known.on, carrier.known.off}
            return
        carrier.says("Maintenance Hold 7")
        assert carrier.client.get_status(carrier.iccid) == Status(None, "Maintenance Hold 7")
        assert carrier.client.read_line(carrier.iccid, now=NOW).status == Status(None, "Maintenance Hold 7")

    def test_a_known_word_is_known_in_any_case_and_kept_as_it_came(self, carrier: Carrier) -> None:
        word = carrier.known.off.title() if carrier.known.has_words else carrier.known.off
        carrier.says(word)
        assert carrier.client.get_status(carrier.iccid) == Status(Switch.OFF, word)

    def test_an_unknown_sim_has_none(self, carrier: Carrier) -> None:
        with pytest.raises(Refused):
            carrier.client.get_status(NOBODY)


class TestSwitch:
    def test_off_and_on_again(self, carrier: Carrier) -> None:
        for on, word in ((False, carrier.known.off), (True, carrier.known.on)):
            answer = carrier.client.set_switch(carrier.iccid, on=on)
            status = Status(Switch.ON if on else Switch.OFF, word)
            assert answer == (status if carrier.client.abilities.confirms_at_once else None)
            assert carrier.client.get_status(carrier.iccid) == status
            assert carrier.word() == word

    def test_twice_is_once(self, carrier: Carrier) -> None:
        for _ in range(2):
            carrier.client.set_switch(carrier.iccid, on=False)
        assert carrier.word() == carrier.known.off

    def test_an_unknown_sim_is_refused(self, carrier: Carrier) -> None:
        with pytest.raises(Refused):
            carrier.client.set_switch(NOBODY, on=True)


READ_FAULTS = {
    "the carrier cuts the connection": ("drop_before", {}, Unreachable),
    "the carrier cuts the connection after it worked": ("drop_after", {}, Unreachable),
    "500": ("error", {"status": 500}, Unreachable),
    "503 with Retry-After": ("error", {"status": 503, "retry_after": 1}, Unreachable),
    "408": ("error", {"status": 408}, Unreachable),
    "a redirect": ("error", {"status": 302}, Unreachable),
    "403": ("error", {"status": 403}, Refused),
    "404": ("error", {"status": 404}, Refused),
    "a page of HTML": ("html", {}, Malformed),
    "half an answer": ("truncate", {}, Malformed),
    "a counter in quotes": ("usage_text", {}, Malformed),
    "a negative counter": ("usage_negative", {}, Malformed),
    "no counter": ("usage_null", {}, Malformed),
    "no ICCID": ("missing_iccid", {}, Malformed),
}


class TestReadFails:
    @pytest.mark.parametrize(("kind", "scope", "failure"), READ_FAULTS.values(), ids=READ_FAULTS.keys())
    def test_and_says_how_and_then_works_again(
        self, carrier: Carrier, kind: str, scope: dict[str, Any], failure: type[CarrierFailure]
    ) -> None:
        carrier.client.get_status(carrier.iccid)  # so that no login is in the way
        carrier.fault(kind, **scope)
        with pytest.raises(failure) as caught:
            carrier.client.read_line(carrier.iccid, now=NOW)
        assert type(caught.value) is failure
        assert len(str(caught.value)) <= 300
        assert carrier.client.read_line(carrier.iccid, now=NOW).iccid == carrier.iccid

    def test_a_trailing_comma_is_read_over_in_every_answer(self, carrier: Carrier) -> None:
        carrier.fault(
            "trailing_comma", path=f"^/(?!{carrier.known.login}|getStatus)", count=None
        )  # a bare word has no comma
        assert carrier.client.read_line(carrier.iccid, now=NOW).iccid == carrier.iccid
        assert carrier.client.get_status(carrier.iccid).switch is Switch.ON
        assert carrier.client.get_device(carrier.iccid) == carrier.client.get_device(carrier.iccid)
        assert set(carrier.gate.results) == {None}

    def test_an_odd_answer_about_one_sim_is_no_sign_that_the_carrier_is_not_well(self, carrier: Carrier) -> None:
        carrier.client.get_status(carrier.iccid)
        for fault, is_about_one in (("usage_text", True), ("html", False), ("truncate", False)):
            carrier.fault(fault)
            with pytest.raises(Malformed):
                carrier.client.read_line(carrier.iccid, now=NOW)
            failure = carrier.gate.results[-1]
            assert failure is not None
            assert failure.about_one is is_about_one

    def test_each_call_passes_the_gate_as_what_it_is_for(self, carrier: Carrier) -> None:
        client, iccid = carrier.client, carrier.iccid
        client.read_line(iccid, now=NOW)
        kinds = {CallKind.READING}
        assert set(carrier.gate.kinds) == kinds
        asks: dict[CallKind, Callable[[], object]] = {
            CallKind.SWITCHING: lambda: client.set_switch(iccid, on=True),
            CallKind.DEVICES: lambda: client.get_device(iccid),
        }
        if client.abilities.sends_sms:
            asks[CallKind.MESSAGES] = lambda: client.list_sms(iccid, since=NOW)
        for kind, ask in asks.items():
            carrier.gate.kinds.clear()
            ask()
            assert set(carrier.gate.kinds) == {kind}

    def test_a_malformed_answer_is_kept_raw(self, carrier: Carrier) -> None:
        carrier.fault("html")
        with pytest.raises(Malformed) as caught:
            carrier.client.read_line(carrier.iccid, now=NOW)
        assert b"We are working on it" in caught.value.body

    @pytest.mark.parametrize("kind", ["hang", "hang_after"])
    def test_a_silent_carrier_is_unreachable_at_the_deadline(self, carrier: Carrier, kind: str) -> None:
        with closing(carrier.open(timeout=0.4)) as client:
            client.get_status(carrier.iccid)
            carrier.fault(kind)
            since = time.monotonic()
            with pytest.raises(Unreachable, match=r"within 0\.4 s"):
                client.read_line(carrier.iccid, now=NOW)
            assert 0.3 < time.monotonic() - since < 3

    def test_nobody_there_is_unreachable(self, carrier: Carrier) -> None:
        with closing(carrier.open(url=f"http://127.0.0.1:{_closed_port()}")) as client:
            with pytest.raises(Unreachable, match="cannot be reached"):
                client.read_line(carrier.iccid, now=NOW)
            with pytest.raises(Unreachable):
                client.get_status(carrier.iccid)


WRITE_FAULTS = {
    "the connection is cut before it acts": ("drop_before", {}, OutcomeUnknown, False),
    "the connection is cut after it acted": ("drop_after", {}, OutcomeUnknown, True),
    "500": ("error", {"status": 500}, OutcomeUnknown, False),
    "503 with Retry-After": ("error", {"status": 503, "retry_after": 1}, OutcomeUnknown, False),
    "a redirect": ("error", {"status": 307}, OutcomeUnknown, False),
    "a page of HTML": ("html", {}, OutcomeUnknown, False),
    "half an answer": ("truncate", {}, OutcomeUnknown, True),
    "403": ("error", {"status": 403}, Refused, False),
    "409": ("error", {"status": 409}, Refused, False),
    "429 for long": ("error", {"status": 429, "retry_after": 60}, Unreachable, False),
    "429 without a time": ("error", {"status": 429}, Unreachable, False),
}


class TestWriteFails:
    @pytest.mark.parametrize(("kind", "scope", "failure", "acted"), WRITE_FAULTS.values(), ids=WRITE_FAULTS.keys())
    def test_and_never_says_that_nothing_happened_when_something_may_have(
        self, carrier: Carrier, kind: str, scope: dict[str, Any], failure: type[CarrierFailure], acted: bool
    ) -> None:
        carrier.client.get_status(carrier.iccid)
        if kind == "truncate" and not carrier.known.answers_change:
            acted, kind = False, "html"  # half of nothing is nothing
        carrier.fault_at_change(kind, **scope)
        with pytest.raises(failure) as caught:
            carrier.client.set_switch(carrier.iccid, on=False)
        assert isinstance(caught.value, OutcomeUnknown) == (failure is OutcomeUnknown)
        assert (carrier.word() == carrier.known.off) == acted
        assert carrier.client.get_status(carrier.iccid).switch == (Switch.OFF if acted else Switch.ON)

    def test_a_silent_carrier_may_have_acted(self, carrier: Carrier) -> None:
        with closing(carrier.open(timeout=0.4)) as client:
            client.get_status(carrier.iccid)
            carrier.fault_at_change("hang_after")
            with pytest.raises(OutcomeUnknown):
                client.set_switch(carrier.iccid, on=False)
        assert carrier.word() == carrier.known.off

    def test_nobody_there_has_done_nothing(self, carrier: Carrier) -> None:
        with closing(carrier.open(url=f"http://127.0.0.1:{_closed_port()}")) as client, pytest.raises(Unreachable):
            client.set_switch(carrier.iccid, on=False)


class TestTooManyCalls:
    def test_a_short_wait_is_slept_and_the_call_made_again(self, carrier: Carrier) -> None:
        carrier.client.get_status(carrier.iccid)
        carrier.simulator.ask("DELETE", "/calls")
        carrier.fault_at_change("error", status=429, retry_after=1)
        since = time.monotonic()
        carrier.client.set_switch(carrier.iccid, on=False)
        assert time.monotonic() - since >= 1
        assert carrier.word() == carrier.known.off
        assert len([call for call in carrier.simulator.calls(carrier=carrier.kind) if call["verb"] != "GET"]) == 2

    def test_a_second_429_is_passed_on(self, carrier: Carrier) -> None:
        carrier.client.get_status(carrier.iccid)
        carrier.fault("error", status=429, retry_after=0, count=2)
        with pytest.raises(Unreachable) as caught:
            carrier.client.read_line(carrier.iccid, now=NOW)
        assert caught.value.retry_after == 0
        assert carrier.client.read_line(carrier.iccid, now=NOW)

    def test_a_long_wait_is_passed_on_at_once(self, carrier: Carrier) -> None:
        carrier.fault("error", status=429, retry_after=90)
        since = time.monotonic()
        with pytest.raises(Unreachable) as caught:
            carrier.client.read_line(carrier.iccid, now=NOW)
        assert caught.value.retry_after == 90
        assert time.monotonic() - since < 5

    def test_a_wait_of_more_than_two_seconds_is_passed_on_though_there_is_time(self, carrier: Carrier) -> None:
        with closing(carrier.open(timeout=30)) as client:
            carrier.fault("error", status=429, retry_after=3)
            since = time.monotonic()
            with pytest.raises(Unreachable) as caught:
                client.read_line(carrier.iccid, now=NOW)
            assert caught.value.retry_after == 3
            assert time.monotonic() - since < 2.5

    def test_a_wait_may_be_given_as_a_date(self, carrier: Carrier) -> None:
        carrier.fault("error", status=429, retry_after=90, retry_as_date=True)
        with pytest.raises(Unreachable) as caught:
            carrier.client.read_line(carrier.iccid, now=NOW)
        assert caught.value.retry_after == pytest.approx(90, abs=3)

    def test_a_wait_beyond_the_deadline_is_passed_on(self, carrier: Carrier) -> None:
        with closing(carrier.open(timeout=0.9)) as client:
            carrier.fault("error", status=429, retry_after=1)
            with pytest.raises(Unreachable) as caught:
                client.read_line(carrier.iccid, now=NOW)
            assert caught.value.retry_after == 1


class TestGate:
    def test_every_call_passes_it_and_reports_back(self, carrier: Carrier) -> None:
        carrier.client.read_line(carrier.iccid, now=NOW)
        carrier.client.set_switch(carrier.iccid, on=False)
        assert carrier.gate.entered == carrier.calls()
        assert carrier.gate.results == [None] * carrier.gate.entered

    def test_a_refusal_is_a_success_for_the_breaker(self, carrier: Carrier) -> None:
        with pytest.raises(Refused):
            carrier.client.read_line(NOBODY, now=NOW)
        assert set(carrier.gate.results) == {None}

    @pytest.mark.parametrize("kind", ["drop_before", "error", "html"])
    def test_a_failure_is_reported_as_it_is_raised(self, carrier: Carrier, kind: str) -> None:
        carrier.client.get_status(carrier.iccid)
        carrier.fault(kind)
        with pytest.raises(CarrierFailure) as caught:
            carrier.client.set_switch(carrier.iccid, on=False)
        assert carrier.gate.results[-1] is caught.value

    def test_a_repeated_call_passes_it_again(self, carrier: Carrier) -> None:
        carrier.client.get_status(carrier.iccid)
        carrier.fault("error", status=429, retry_after=0)
        carrier.client.get_status(carrier.iccid)
        assert carrier.gate.entered == carrier.calls()
        assert [type(result) for result in carrier.gate.results[-2:-1]] != [type(None)]

    def test_when_it_is_shut_nothing_is_sent_and_nothing_reported(self, carrier: Carrier) -> None:
        carrier.gate.shut = Unreachable("The breaker is open.", retry_after=30)
        with pytest.raises(Unreachable) as caught:
            carrier.client.set_switch(carrier.iccid, on=False)
        assert caught.value is carrier.gate.shut
        assert carrier.gate.results == []
        assert carrier.calls() == 0

    def test_waiting_at_it_is_not_the_carriers_time(self, carrier: Carrier) -> None:
        class Slow(OpenGate):
            def enter(self, kind: CallKind) -> None:
                time.sleep(0.6)

        with closing(carrier.open(gate=Slow(), timeout=0.5)) as client:
            assert client.get_status(carrier.iccid).switch is Switch.ON


class TestCredentials:
    def test_wrong_ones_are_refused_and_appear_in_no_message(self, carrier: Carrier) -> None:
        with closing(carrier.open_with(carrier.known.wrong)) as client:
            for ask in (
                lambda: client.read_line(carrier.iccid, now=NOW),
                lambda: client.set_switch(carrier.iccid, on=False),
            ):
                with pytest.raises(Refused) as caught:
                    ask()
                assert "wrong-key" not in f"{caught.value!r} {caught.value.__cause__!r}"
        assert carrier.word() == carrier.known.on

    def test_a_missing_one_is_named(self, carrier: Carrier) -> None:
        for name in carrier.client.secret_names:
            with pytest.raises(Refused, match=name):
                carrier.open_with({name: " "})

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "api.example.com",
            "ftp://example.com",
            "https://",
            "https://me:word@example.com",
            "http://[::1",
            "https://a.b/?k=1",
        ],
    )
    def test_an_address_that_is_none_is_refused(self, carrier: Carrier, url: str) -> None:
        with pytest.raises(Refused, match="address"):
            carrier.open(url=url or " ")


def test_threads_share_a_client(carrier: Carrier) -> None:
    iccids = carrier.simulator.iccids(carrier.kind, 40)
    for number, iccid in enumerate(iccids):
        carrier.simulator.add_bytes(iccid, 1000 + number)
    expected = {iccid: carrier.client.read_line(iccid, now=NOW).counter for iccid in iccids}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda iccid: carrier.client.read_line(iccid, now=NOW), iccids * 5))
    assert {reading.iccid: reading.counter for reading in found} == expected
    assert carrier.gate.results == [None] * carrier.calls()


def test_a_slow_call_of_one_thread_does_not_touch_anothers_deadline(carrier: Carrier) -> None:
    carrier.client.get_status(carrier.iccid)
    other = carrier.simulator.iccids(carrier.kind, 2)[1]
    carrier.fault("delay", path=other, seconds=0.7)
    with closing(carrier.open(timeout=0.5)) as client:
        client.get_status(carrier.iccid)
        failures = []
        thread = threading.Thread(target=lambda: failures.append(_failure_of(lambda: client.get_status(other))))
        thread.start()
        time.sleep(0.3)
        assert client.get_status(carrier.iccid).switch is Switch.ON
        thread.join()
    assert [type(failure) for failure in failures] == [Unreachable]


def _failure_of(ask: Callable[[], object]) -> CarrierFailure | None:
    try:
        ask()
    except CarrierFailure as failure:
        return failure
    return None


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
