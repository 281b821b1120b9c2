"""Every example answer of the carriers' documents, byte for byte, from a server that records what it is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lines.carriers import open_client
from lines.carriers.base import CarrierClient, Setting, SmsFate, Status, Switch
from tests.carriers.conftest import CountingGate, OddCarrier

EXAMPLES = Path(__file__).parent / "examples"
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
SIM, DEVICE = "8912300000000000001", "8931082322089353632"
SECRETS = {
    "simbase": {"api_key": "key-of-the-example"},
    "iotportal": {"client_id": "client", "secret_key": "secret-of-the-example"},
}
ON, INVENTORY = Status(Switch.ON, "enabled"), Status(Switch.OFF, "INVENTORY")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


NAMED = {Setting.DEVICE_NAME: "Test SIM Card", Setting.TAGS: '["Test SIM"]'}


def the_list(client: CarrierClient) -> None:
    page = client.read_page(1, now=NOW)
    assert (page.number, page.total_pages, page.odd) == (1, 1, ())
    assert [one.counter for one in page.readings] == [456768798, 74031104, 13423341, 0]
    assert [one.cycle for one in page.readings] == [
        dt.date(2022, 3, 1),
        dt.date(2022, 4, 1),
        dt.date(2022, 3, 1),
        dt.date(2021, 7, 1),
    ]
    assert [one.sms_sent for one in page.readings] == [3, 2, 1, 0]
    assert {one.status for one in page.readings} == {ON}


def one_sim(client: CarrierClient) -> None:
    reading = client.read_line(SIM, now=NOW)
    assert (reading.counter, reading.status, reading.sms_sent) == (36878336, ON, 2)
    assert (reading.imei, reading.msisdn) == ("353813082812345", "14844012345")
    assert client.get_status(SIM) == ON
    device = client.get_device(SIM)
    assert (device.network, device.country, device.radio, device.apn) == ("AT&T", "US", "LTE", "simbase")
    assert (device.hardware, device.static_ip) == ("Apple iPhone 7 Plus", "10.0.0.22")
    assert (device.sessions, device.zero_sessions, device.location_updates) == (11, 0, 14)
    assert device.settings == {Setting.THROTTLE: "", Setting.IMEI_LOCK: "off", Setting.PLAN: "def-usd.us-1"} | NAMED
    assert device.location is not None
    assert (device.location.latitude, device.location.longitude) == (38.8987649, -77.0372855)


def the_balance(client: CarrierClient) -> None:
    funds = client.get_funds()
    assert (funds.balance, funds.currency, funds.at) == (Decimal("256.9469"), "USD", at("2022-07-27 15:07:11"))
    assert (funds.threshold, funds.amount, funds.is_auto) == (Decimal(10), Decimal(20), True)


def a_month(client: CarrierClient) -> None:
    assert client.final_total(SIM, dt.date(2022, 8, 1)) == 667335680


def an_edit(client: CarrierClient) -> None:
    assert client.set_switch(SIM, on=True) == ON
    assert client.set_setting(SIM, Setting.THROTTLE, "") == ""
    assert client.set_setting(SIM, Setting.IMEI_LOCK, "off") == "off"


def a_message(client: CarrierClient) -> None:
    sent = client.send_sms(SIM, "test")
    assert (sent.at, sent.text, sent.to_device) == (at("2022-04-13 09:46:22"), "test", True)


def messages(client: CarrierClient) -> None:
    listed = client.list_sms(SIM, since=at("2022-04-01 00:00:00"))
    assert [(one.text, one.to_device) for one in listed] == [("test", True), ("Connected", False), ("STATUS", True)]
    assert {one.fate for one in listed} <= {None, SmsFate.PENDING}


def usage(client: CarrierClient) -> None:
    reading = client.read_line(DEVICE, now=NOW)
    assert (reading.counter, reading.cycle, reading.status) == (0, None, INVENTORY)
    assert (reading.imei, reading.msisdn, reading.sms_mark) == ("8613300585142338", "3197044863841", 0)


def a_device(client: CarrierClient) -> None:
    device = client.get_device(DEVICE)
    assert (device.imei, device.msisdn, device.imsi) == ("8613300585142338", "3197044863841", "204080823514892")
    assert device.settings == {Setting.PLAN: "Pangea EU Economy 300MB", Setting.DEVICE_ID: "Pangea test SIM"}
    assert device.details == {
        "status": "INVENTORY",
        "customer": "#8941 Pangea Retired",
        "account": "100096903",
        "communication_plan": "Pangea EU (pkp18-inet) DATA SMS Voice",
        "network_plan": "MULTINETWORK",
        "contract": "1-Current",
        "pool": "1 GB",
        "shared": "no",
        "activated": "2023-06-23T11:14:37.998000+00:00",
        "created": "2022-10-17T13:06:14.364000+00:00",
        "updated": "2023-08-16T11:35:10.351000+00:00",
        "shipped": "2023-02-19T23:00:00+00:00",
    }
    assert device.session_ip == "100.126.61.98"
    assert device.session_started == device.session_ended == at("2023-08-16 10:50:07.220")


def a_status(client: CarrierClient) -> None:
    assert client.get_status(DEVICE) == INVENTORY


# Which examples answer which paths, and what is to be read in them. What no call of ours asks is in NOT_ASKED.
CASES: dict[str, tuple[dict[str, str], Callable[[CarrierClient], None]]] = {
    "simbase-sim-cards": ({"/simcards?": "simbase-sim-cards"}, the_list),
    "simbase-get-sim": ({f"/simcards/{SIM}": "simbase-get-sim"}, one_sim),
    "simbase-get-sim-usage": ({f"/simcards/{SIM}/usage/2022-08": "simbase-get-sim-usage"}, a_month),
    "simbase-edit-sim-card": ({f"/simcards/{SIM}": "simbase-edit-sim-card"}, an_edit),
    "simbase-send-sms": ({f"/simcards/{SIM}/sms": "simbase-send-sms"}, a_message),
    "simbase-balance": ({"/balance": "simbase-balance"}, the_balance),
    "simbase-sms": ({f"/simcards/{SIM}/sms": "simbase-sms"}, messages),
    "iotportal-ctd-usage": ({f"/ctdUsage/{DEVICE}": "iotportal-ctd-usage"}, usage),
    "iotportal-get-device": (
        {f"/GetDevice/{DEVICE}": "iotportal-get-device", f"/sessionInfo/{DEVICE}": "iotportal-get-session-info"},
        a_device,
    ),
    "iotportal-get-status": ({f"/getStatus/{DEVICE}": "iotportal-get-status"}, a_status),
}
NOT_ASKED = {"simbase-plans"}
MENDED = {"simbase-get-sim"}  # its example has a comma too many: the raw body is kept


def test_every_example_is_read_or_named_as_one_that_is_not_asked_for() -> None:
    read = {name for paths, _ in CASES.values() for name in paths.values()}
    assert {path.stem for path in EXAMPLES.iterdir()} == read | NOT_ASKED


@pytest.mark.parametrize("name", CASES)
def test_the_documents_own_example_is_read(odd: OddCarrier, name: str) -> None:
    paths, check = CASES[name]
    kind, gate = name.split("-")[0], CountingGate()

    def play(handler: Any) -> None:
        if handler.path == "/Login":
            body = b'{"data": {"token": "a-token"}}'
        else:
            (found,) = [example for path, example in paths.items() if handler.path.startswith(path)]
            body = (EXAMPLES / f"{found}.json").read_bytes()
        odd.answering(body, Content_Type="application/json")(handler)

    odd.play = play
    with closing(open_client(kind, url=odd.url, secrets=SECRETS[kind], gate=gate)) as client:
        check(client)
    assert set(gate.results) == {None}
    assert {body for _, body in gate.kept} == ({(EXAMPLES / f"{name}.json").read_bytes()} if name in MENDED else set())
    assert {path for _, path, _, _ in odd.received} - {"/Login"} >= {path for path in paths if "?" not in path}


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b"36878336,\n", b"36878336,\n\t \r\n"),
        lambda body: body.replace(b'"zero_sessions": 0', b'"zero_sessions": NaN'),
        lambda body: body.replace(b'"Test SIM"\n', b'"Test SIM, ] NaN",\n'),
    ],
    ids=["a BOM", "blanks after the comma", "NaN", "a comma in a text and one in a list"],
)
def test_what_is_unambiguous_is_read(odd: OddCarrier, spoilt: Callable[[bytes], bytes]) -> None:
    body = spoilt((EXAMPLES / "simbase-get-sim.json").read_bytes())
    odd.play = odd.answering(body)
    with closing(open_client("simbase", url=odd.url, secrets=SECRETS["simbase"])) as client:
        assert client.read_line(SIM, now=NOW).counter == 36878336
        assert client.get_status(SIM) == ON
        assert client.get_device(SIM).sessions == 11


def test_a_mended_answer_is_kept_as_it_came_without_secrets_and_a_token_is_never(odd: OddCarrier) -> None:
    gate, body = CountingGate(), b'{"iccid": "%s", "sim_state": "enabled", "was": "key-of-the-example",}' % SIM.encode()
    odd.play = odd.answering(body)
    with closing(open_client("simbase", url=odd.url, secrets=SECRETS["simbase"], gate=gate)) as client:
        assert client.get_status(SIM) == ON
    assert gate.kept == [("GET /simcards/…", body.replace(b"key-of-the-example", b"***"))]

    def play(handler: Any) -> None:
        token = b'{"data": {"token": "a-token",}}'
        odd.answering(token if handler.path == "/Login" else b"INVENTORY")(handler)

    odd.play, gate.kept = play, []
    with closing(open_client("iotportal", url=odd.url, secrets=SECRETS["iotportal"], gate=gate)) as client:
        assert client.get_status(DEVICE) == INVENTORY
    assert gate.kept == []
