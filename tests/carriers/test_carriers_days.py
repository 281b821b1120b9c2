"""Carriers that tell usage by days or records, and list their SIMs apart from it: what that becomes here."""

from __future__ import annotations

import datetime as dt
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from simulator import Running

from lines.carriers import CLIENTS
from lines.carriers.base import Malformed, OutcomeUnknown, Refused, Setting, Stock, Switch
from lines.carriers.deadline import Deadline
from lines.carriers.exchange import Answer
from lines.carriers.fields import Unreadable
from lines.carriers.rest import bytes_of, counter_of
from tests.carriers.documented import DOCUMENTED, Checked, calls_of

if TYPE_CHECKING:
    from tests.carriers.conftest import Carrier

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
NOBODY = "8999999999999999999"
VALUES = {
    "imei_lock": ["on", "off"],
    "data_limit": ["500000000"],
    "device_name": ["meter 7", ""],
    "tags": ['["a", "b"]', "[]"],
}  # that each setting is given once; plans are a carrier's own
MONTH, LAST = dt.date(2026, 11, 1), dt.date(2026, 10, 1)


def whole_stock(carrier: Carrier) -> list[Stock]:
    pages: list[Stock] = []
    cursor = ""
    while True:
        pages.append(carrier.client.read_stock(cursor))
        cursor = pages[-1].cursor
        if not cursor:
            return pages


class TestStock:
    def test_every_sim_is_listed_once_with_its_state(self, stocked: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
        adapter = type(stocked.client).__module__
        monkeypatch.setattr(f"{adapter}.PAGE_SIZE", 15)
        if find_spec(f"{adapter}_answers"):
            monkeypatch.setattr(f"{adapter}_answers.PAGE_SIZE", 15)
        pages = whole_stock(stocked)
        cards = [card for page in pages for card in page.cards]
        assert [card.iccid for card in cards] == stocked.simulator.iccids(stocked.kind)
        assert len(pages) == 3
        assert {card.status and card.status.word for card in cards} == {stocked.known.on}

    def test_one_bad_sim_costs_itself(self, stocked: Carrier) -> None:
        stocked.fault("missing_iccid")
        page = stocked.client.read_stock()
        assert (len(page.odd), len(page.cards)) == (1, 39)

    def test_what_is_no_list_is_malformed(self, stocked: Carrier) -> None:
        stocked.client.get_status(stocked.iccid)
        stocked.fault("html")
        with pytest.raises(Malformed):
            stocked.client.read_stock()


class TestDays:
    def test_a_counter_has_the_month_that_the_carriers_days_lie_in(self, dated: Carrier) -> None:
        dated.simulator.add_bytes(dated.iccid, 700, at="2026-10-31T23:59:00Z")
        dated.simulator.add_bytes(dated.iccid, 40, at="2026-11-01T00:01:00Z")
        dated.simulator.add_bytes(dated.iccid, 2, at="2026-11-20T11:00:00Z")
        reading = dated.client.read_line(dated.iccid, now=NOW)
        assert (reading.counter, reading.cycle) == (42, MONTH)

    def test_a_month_begins_with_nothing(self, dated: Carrier) -> None:
        dated.simulator.add_bytes(dated.iccid, 700, at="2026-10-31T23:59:00Z")
        dated.simulator.set_clock("2026-11-01T00:00:30Z")
        reading = dated.client.read_line(dated.iccid, now=dt.datetime(2026, 11, 1, 0, 0, 30, tzinfo=dt.UTC))
        assert (reading.counter, reading.cycle) == (0, MONTH)

    def test_what_comes_late_into_a_finished_month_is_in_its_final_total_alone(self, dated: Carrier) -> None:
        dated.simulator.add_bytes(dated.iccid, 700, at="2026-10-05T10:00:00Z")
        before = dated.client.read_line(dated.iccid, now=NOW).counter
        assert dated.client.final_total(dated.iccid, LAST) == 700
        dated.simulator.add_bytes(dated.iccid, 50, month="2026-10")
        assert dated.client.final_total(dated.iccid, LAST) == 750
        assert dated.client.read_line(dated.iccid, now=NOW).counter == before

    def test_a_carrier_that_corrects_itself_shows_a_lower_counter(self, dated: Carrier) -> None:
        dated.simulator.add_bytes(dated.iccid, 1_000)
        dated.simulator.event("corrections", iccid=dated.iccid, bytes=400)
        assert dated.client.read_line(dated.iccid, now=NOW).counter == 600

    def test_a_total_of_an_unknown_sim_is_refused(self, dated: Carrier) -> None:
        with pytest.raises(Refused):
            dated.client.final_total(NOBODY, LAST)

    def test_a_total_with_a_wrong_figure_is_malformed(self, dated: Carrier) -> None:
        dated.simulator.add_bytes(dated.iccid, 700, at="2026-10-05T10:00:00Z")
        for fault in ("usage_negative", "usage_null", "usage_text"):
            dated.fault(fault)
            with pytest.raises(Malformed):
                dated.client.final_total(dated.iccid, LAST)


class TestReset:
    def test_a_connection_is_reset_or_it_is_refused_without_a_call(self, stocked: Carrier) -> None:
        if not stocked.client.abilities.resets:
            with pytest.raises(Refused):
                stocked.client.reset_connection(stocked.iccid)
            assert stocked.calls() == 0
            return
        stocked.client.reset_connection(stocked.iccid)
        assert stocked.simulator.calls(carrier=stocked.kind)[-1]["verb"] in ("POST", "PATCH")
        stocked.fault_at_change("drop_after")
        with pytest.raises(OutcomeUnknown):
            stocked.client.reset_connection(stocked.iccid)

    def test_that_of_an_unknown_sim_is_refused(self, stocked: Carrier) -> None:
        with pytest.raises(Refused):
            stocked.client.reset_connection(NOBODY)


class TestNames:
    """Contract of what a SIM is called at its carrier: what is set is what it then says, and none is none."""

    def test_a_name_is_kept_and_taken_away(self, stocked: Carrier) -> None:
        if Setting.DEVICE_NAME not in stocked.client.abilities.labels:
            with pytest.raises(Refused):
                stocked.client.set_setting(stocked.iccid, Setting.DEVICE_NAME, "meter 7")
            assert stocked.calls() == 0
            return
        for name in ("Pumpe Süd", ""):
            assert stocked.client.set_setting(stocked.iccid, Setting.DEVICE_NAME, name) == name
            assert stocked.client.get_device(stocked.iccid).settings[Setting.DEVICE_NAME] == name
        stocked.client.set_setting(stocked.iccid, Setting.DEVICE_NAME, "")  # harmless twice

    def test_a_lost_answer_leaves_open_what_it_is_called(self, stocked: Carrier) -> None:
        if Setting.DEVICE_NAME in stocked.client.abilities.labels:
            stocked.fault_at_change("drop_after")
            with pytest.raises(OutcomeUnknown):
                stocked.client.set_setting(stocked.iccid, Setting.DEVICE_NAME, "meter 7")


class TestLimit:
    """Contract of a carrier's own limit of a month."""

    def test_a_limit_is_kept_and_its_end_is_said(self, stocked: Carrier) -> None:
        client, limit = stocked.client, Setting.DATA_LIMIT
        if limit not in client.abilities.settings:
            with pytest.raises(Refused):
                client.set_setting(stocked.iccid, limit, "500000000")
            assert stocked.calls() == 0
            return
        assert client.set_setting(stocked.iccid, limit, "500000000") == "500000000"
        assert client.get_device(stocked.iccid).settings[limit] == "500000000"
        assert client.get_status(stocked.iccid).blocked is False
        stocked.simulator.add_bytes(stocked.iccid, 500_000_000)
        reached = client.get_status(stocked.iccid)
        assert (reached.switch, reached.blocked, reached.word) == (Switch.ON, True, "data limit reached")
        assert client.read_line(stocked.iccid, now=NOW).status == reached
        client.set_setting(stocked.iccid, limit, "900000000")
        assert client.get_status(stocked.iccid).blocked is False
        with pytest.raises(Refused):
            client.set_setting(stocked.iccid, limit, str(client.abilities.least_limit - 1))


class TestCounter:
    def test_days_of_other_months_are_left_out(self) -> None:
        days = [(dt.date(2026, 10, 31), 5), (dt.date(2026, 11, 1), 7), (dt.date(2026, 12, 1), 9)]
        assert counter_of(days, MONTH) == 7

    def test_a_day_that_stands_there_twice_leaves_open_which_is_true(self) -> None:
        days = [(dt.date(2026, 11, 1), 7), (dt.date(2026, 11, 1), 7)]
        assert counter_of(days, MONTH) == 14  # records
        with pytest.raises(Unreadable):
            counter_of(days, MONTH, once=True)

    @pytest.mark.parametrize("count", [-1, 2**53 + 1])
    def test_what_no_counter_holds_is_unreadable(self, count: int) -> None:
        with pytest.raises(Unreadable):
            counter_of([(dt.date(2026, 11, 1), count)], MONTH)

    def test_six_decimals_of_a_megabyte_are_bytes(self) -> None:
        assert [bytes_of(figure) for figure in (0.0, 0.000001, 0.002803, 1234567.890123)] == [0, 1, 2803, 1234567890123]
        for figure in (-0.1, float("inf"), float("nan")):
            with pytest.raises(Unreadable):
                bytes_of(figure)


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_every_call_that_is_said_to_be_used_is_made(kind: str, simulator: Running) -> None:
    """By one walk over all that the adapter can do, each call and answer held against the document."""
    from tests.carriers.conftest import carrier_of

    for carrier in carrier_of(kind, simulator):
        client, iccid, abilities = carrier.client, carrier.iccid, carrier.client.abilities
        client.read_stock()
        client.read_line(iccid, now=NOW)
        if abilities.final_totals:
            client.final_total(iccid, LAST)
        if abilities.tells_costs:
            client.get_bill(iccid, LAST, now=NOW)
        client.set_switch(iccid, on=False)
        client.set_switch(iccid, on=True)
        client.get_device(iccid)
        if abilities.resets:
            client.reset_connection(iccid)
        for setting in abilities.settings:
            for value in VALUES.get(setting, [carrier.known.plan]):
                client.set_setting(iccid, setting, value)
        for label in abilities.labels:
            for value in VALUES[label]:
                client.set_setting(iccid, label, value)
        if abilities.tells_funds:
            client.get_funds()
        if abilities.sends_sms:
            sent = client.send_sms(iccid, "hello")
            client.list_sms(iccid, since=NOW)
            if abilities.tells_sms_fate:
                client.get_sms(iccid, sent.ref)
        assert set().union(*(way.seen for way in carrier.checked)) == {
            name for name, call in calls_of(kind).items() if call
        }


def test_a_call_that_is_not_as_documented_is_found() -> None:
    class Silent:
        def ask(self, *_: object) -> Answer:
            raise NotImplementedError

        def close(self) -> None:
            pass

    way = Checked(Silent(), "hologram", "/hologram")
    for method, target, body, why in (
        ("GET", "/hologram/links/cellulars", None, "no GET"),
        ("GET", "/hologram/plans", None, "not to be used"),
        ("GET", "/hologram/links/cellular?simm=1", None, "no query parameter simm"),
        ("GET", "/hologram/devices/abc", None, "deviceid"),
        ("POST", "/hologram/links/cellular/7/state", b'{"state": "off"}', "is not one of"),
        ("POST", "/hologram/links/cellular/7/state", b'{"state": "live", "x": 1}', "Additional properties"),
        ("POST", "/hologram/links/cellular/7/state", None, "lacks its body"),
        ("GET", "/hologram/links/cellular", None, "lacks"),
    ):
        headers = {"Content-Type": "application/json"} | ({} if why == "lacks" else {"Authorization": "x"})
        with pytest.raises(AssertionError, match=why):
            way.ask(method, target, headers, body, Deadline(1))


def test_the_adapters_of_documents_are_those_that_there_are() -> None:
    assert set(DOCUMENTED) <= set(CLIENTS)
