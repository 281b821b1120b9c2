"""Another Linekeeper as a carrier: the adapter of Keepgo's API calls this product's own, over HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing

import pytest
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from accounts.queries import credential_of
from lines.carriers import open_client
from lines.carriers.base import CarrierClient, Refused, Status, Switch
from lines.carriers.wire import Unauthorized
from lines.models import Line
from tests.fleets import MB, Fleet, reading_of

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture
def fleet(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    monkeypatch.setenv("LINEKEEPER_NOW", NOW.isoformat())
    monkeypatch.setattr("lines.carriers.keepgo._stamp", lambda: str(int(NOW.timestamp())))
    return Fleet()


def secrets_of(account: Account) -> dict[str, str]:
    found = credential_of(account)
    return {"account_uuid": account.uuid.hex, "user_uuid": found.user_uuid, "shared_key": found.shared_key}


@pytest.fixture
def client(account: Account, live_server: LiveServer) -> Iterator[CarrierClient]:
    with closing(open_client("keepgo", url=f"{live_server.url}/api", secrets=secrets_of(account))) as client:
        yield client


@pytest.fixture
def line(fleet: Fleet, account: Account) -> Line:
    return fleet.lines(account, 3)[0]


def test_its_lines_are_our_stock(client: CarrierClient, line: Line, account: Account) -> None:
    page = client.read_stock()
    assert sorted(card.iccid for card in page.cards) == sorted(account.lines.values_list("iccid", flat=True))
    assert (page.cursor, page.total, page.odd) == ("", 3, ())


def test_what_it_charges_is_our_counter_to_the_byte(client: CarrierClient, line: Line, fleet: Fleet) -> None:
    for day, used in ((2, 0), (3, 5 * MB), (19, 7 * MB + 1)):
        fleet.apply("simbase", f"2026-11-{day:02}T12:00", [reading_of(line, used, "2026-11-01")])
    reading = client.read_line(line.iccid, now=NOW)
    assert (reading.iccid, reading.counter, reading.cycle) == (line.iccid, 7 * MB + 1, dt.date(2026, 11, 1))
    assert reading.status == Status(Switch.ON, "Activated")


def test_it_is_switched_off_there_and_says_so(client: CarrierClient, line: Line) -> None:
    client.set_switch(line.iccid, on=False)
    line.refresh_from_db()
    assert client.get_status(line.iccid) == Status(Switch.OFF, "Deactivated")
    client.set_switch(line.iccid, on=True)
    assert client.get_status(line.iccid) == Status(Switch.READY, "Activation Ready")  # until its own carrier says so


def test_a_line_of_somebody_else_is_not_there(client: CarrierClient, fleet: Fleet) -> None:
    other = fleet.lines(fleet.account(), 1)[0]
    for ask in (
        lambda: client.read_line(other.iccid, now=NOW),
        lambda: client.set_switch(other.iccid, on=False),
        lambda: client.final_total(other.iccid, dt.date(2026, 10, 1)),
    ):
        with pytest.raises(Refused, match=r"(?i)not found|no such|there is no"):
            ask()


def test_a_wrong_key_is_said(account: Account, live_server: LiveServer) -> None:
    wrong = secrets_of(account) | {"shared_key": "0" * 32}
    client = open_client("keepgo", url=f"{live_server.url}/api", secrets=wrong)
    with closing(client), pytest.raises(Unauthorized):
        client.get_status("8944538415800000004")
