"""What only Simbase's API v2 does: no month of its own, changes that are accepted, and answers known in part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
from simulator import Running

from lines.carriers.base import CallKind, Malformed, Refused, Setting, Status, Switch
from lines.carriers.fields import Unreadable
from lines.carriers.simbase2 import funds_in, reading_in, sim_in, stock_in
from tests.carriers.conftest import Carrier, OddCarrier, carrier_of

ICCID = "8944539415800000004"
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture
def simbase2(simulator: Running) -> Iterator[Carrier]:
    yield from carrier_of("simbase2", simulator)


def test_a_reading_has_no_month_and_no_final_total(simbase2: Carrier) -> None:
    reading = simbase2.client.read_line(simbase2.iccid, now=NOW)
    assert (reading.cycle, reading.last_seen) == (None, None)
    with pytest.raises(Refused, match="no totals"):
        simbase2.client.final_total(simbase2.iccid, dt.date(2026, 10, 1))


def test_a_state_between_two_says_nothing(simbase2: Carrier) -> None:
    simbase2.says("enabling")
    assert simbase2.client.get_status(simbase2.iccid) == Status(None, "enabling")


def test_what_the_sim_is_called_is_read_back(simbase2: Carrier) -> None:
    client, iccid = simbase2.client, simbase2.iccid
    assert client.set_setting(iccid, Setting.DEVICE_NAME, "pump 7") == "pump 7"
    assert client.set_setting(iccid, Setting.TAGS, '["north", "pumps"]') == '["north", "pumps"]'
    assert client.set_setting(iccid, Setting.TAGS, "[]") == "[]"
    assert client.get_device(iccid).settings[Setting.DEVICE_NAME] == "pump 7"
    with pytest.raises(Refused):
        client.set_setting(iccid, Setting.THROTTLE, "500")


def test_a_lack_of_money_refuses(odd: OddCarrier, simbase2: Carrier) -> None:
    simbase2.turns_odd()
    odd.play = odd.answering(b'{"message": "insufficient balance"}', 402)
    client = simbase2.open(url=odd.url)
    with pytest.raises(Refused, match="insufficient balance"):
        client.set_switch(simbase2.iccid, on=True)
    client.close()


def test_a_change_of_which_nothing_is_answered_was_made(odd: OddCarrier, simbase2: Carrier) -> None:
    simbase2.turns_odd()
    odd.play = odd.answering(b"", 202)
    client = simbase2.open(url=odd.url)
    assert client.set_switch(simbase2.iccid, on=False) is None
    client.reset_connection(simbase2.iccid)
    assert [path for _, path, _, _ in odd.received] == [
        f"/simcards/{simbase2.iccid}/state", f"/simcards/{simbase2.iccid}/reset"
    ]  # fmt: skip
    client.close()


def test_the_balance_is_the_operators(simbase2: Carrier) -> None:
    found = simbase2.client.get_funds()
    assert (found.balance, found.currency, found.is_auto) == (Decimal("512.4000"), "USD", True)
    assert (found.threshold, found.amount) == (Decimal("50.0000"), Decimal("200.0000"))
    assert simbase2.gate.kinds[-1] is CallKind.FUNDS


USED = b'"current_month_usage": {"data": 5}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"iccid": "%b", "state": "enabled"}' % ICCID.encode(),
        b'{"iccid": "8944539415800000012", "state": "enabled", %b}' % USED,
        b'{"iccid": "%b", "state": "", %b}' % (ICCID.encode(), USED),
        b'{"iccid": "%b", "state": "enabled", "current_month_usage": {"data": -1}}' % ICCID.encode(),
        b'{"iccid": "%b", "state": "enabled", "current_month_usage": {"data": "5"}}' % ICCID.encode(),
        b'{"data": {}}',
        b"[]",
        b"<html>",
    ],
)
def test_what_is_not_as_clients_know_it_is_no_reading(body: bytes) -> None:
    with pytest.raises(Unreadable):
        reading_in(body, iccid=ICCID)


def test_more_than_is_known_is_read_over() -> None:
    body = b'{"iccid": "%b", "state": "enabled", "voice": {"x": 1}, %b}' % (ICCID.encode(), USED)
    assert reading_in(body, iccid=ICCID).counter == 5
    assert sim_in(body, iccid=ICCID).status.switch is Switch.ON
    page = b'{"simcards": [%b, {"iccid": "x"}], "has_more": true, "cursor": "abc", "count": 7, "more": 1}' % body
    stock = stock_in(page)
    assert (len(stock.cards), len(stock.odd), stock.cursor, stock.total) == (1, 1, "abc", 7)
    assert stock_in(page.replace(b"true", b"false")).cursor == ""
    for wrong in (b'{"data": []}', b'{"simcards": {}}', b"[]"):
        with pytest.raises(Unreadable):
            stock_in(wrong)
    for wrong in (
        b'{"balance": "NaN", "currency": "USD"}',
        b'{"balance": 5}',
        b'{"balance": 5, "currency": "dollars"}',
    ):
        with pytest.raises(Unreadable):
            funds_in(wrong)


def test_an_unreadable_record_is_kept(simbase2: Carrier) -> None:
    simbase2.fault("usage_null")
    with pytest.raises(Malformed) as caught:
        simbase2.client.read_line(simbase2.iccid, now=NOW)
    assert b"current_month_usage" in caught.value.body
