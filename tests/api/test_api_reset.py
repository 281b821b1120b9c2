"""A device is made to connect anew by the API: the carrier is asked once for each key, and in no transaction.

Its own limit of a month is set and told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.db import connection
from simulator.running import Running, running

from accounts.models import Account, Event, IdempotentAnswer
from lines.models import Line, LineSetting
from lines.policy import MEGABYTE
from lines.policy.budget import ASKED_A_MINUTE
from lines.work import resetting
from lines.work.clients import close_clients
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.carriers.conftest import NOW
from tests.fleets import Fleet
from tests.lines.test_reset_connection import line_at

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=2, iotportal=2, others=2, clock=NOW, quiet=True) as served:
        yield served


@pytest.fixture
def line(simulators: Running, account: Account) -> Iterator[Line]:
    simulators.reset()
    simulators.ask("DELETE", "/calls")
    yield line_at(simulators, "soracom", account)
    close_clients()


def resets(simulators: Running) -> int:
    return len([call for call in simulators.calls(carrier="soracom") if call["path"].endswith("/delete_session")])


def test_the_carrier_is_asked_once_for_a_key(simulators: Running, client: KeepgoClient, line: Line) -> None:
    path = f"sim_card/{line.iccid}/reset_connection"
    first, again = client.post(path, key="k1"), client.post(path, key="k1")
    assert first.json() == {"is_confirmed": True, "says": "Connection reset. The device reconnects in a minute."}
    assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (200, first.content, "true")
    assert resets(simulators) == 1
    assert client.post(path, key="k2", timestamp=int(time.time()) - 9).status_code == 200
    assert resets(simulators) == 2
    assert Event.objects.filter(verb="line.connection_reset", subject=f"line:{line.iccid}").count() == 2


def test_a_lost_answer_is_said(simulators: Running, client: KeepgoClient, line: Line) -> None:
    simulators.fault("drop_after", carrier="soracom", count=1, path="delete_session")
    found = client.post(f"sim_card/{line.iccid}/reset_connection").json()
    assert (found["is_confirmed"], found["says"][:16]) == (False, "Reset requested.")


def test_the_carrier_is_waited_for_in_no_transaction(
    client: KeepgoClient, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key says meanwhile that the request is under way, also to whoever comes when the first one has died."""
    path = f"sim_card/{line.iccid}/reset_connection"
    seen: list[int | bool] = []

    def dies(**_: object) -> None:
        seen.append(connection.in_atomic_block)
        answer = IdempotentAnswer.objects.get(key="k2")
        seen.append(answer.status)
        raise RuntimeError("the process ends")

    monkeypatch.setattr(resetting, "reset_connection", dies)
    assert client.post(path, key="k2").status_code == 500
    assert seen == [False, 409]
    again = client.post(path, key="k2")
    assert (again.status_code, again.json()["code"]) == (409, "under-way")


def test_the_pages_limits_hold(simulators: Running, client: KeepgoClient, line: Line) -> None:
    path = f"sim_card/{line.iccid}/reset_connection"
    now = int(time.time())
    found = [client.post(path, timestamp=now - number) for number in range(ASKED_A_MINUTE + 1)]
    assert [one.status_code for one in found] == [200] * ASKED_A_MINUTE + [429]
    assert found[-1].json()["code"] == "asked-too-often"
    assert resets(simulators) == ASKED_A_MINUTE


def test_a_carrier_that_cannot_is_not_asked(simulators: Running, account: Account, line: Line) -> None:
    other = line_at(simulators, "hologram", account)
    found = client_of(account).post(f"sim_card/{other.iccid}/reset_connection")
    assert (found.status_code, found.json()["code"]) == (409, "cannot-reset")
    assert simulators.calls(carrier="hologram") == []


def test_a_carriers_own_limit_is_set_and_told(fleet: Fleet, account: Account, client: KeepgoClient) -> None:
    line = fleet.lines(account, 1)[0]
    line.carrier.kind = "onomondo"
    line.carrier.save()
    path = f"sim_card/{line.iccid}/settings"
    assert client.get(path).json()["may_set"] == ["data_limit_mb"]
    assert client.put(path, {"data_limit_mb": 500}).json() == {"ack": "success"}
    assert LineSetting.objects.get().wanted == str(500 * MEGABYTE)
    LineSetting.objects.update(confirmed=str(500 * MEGABYTE), is_open=False)
    assert client.get(path).json()["data_limit_mb"] == 500
    for wrong in (0, -1, 1e12, "NaN"):
        assert client.put(path, {"data_limit_mb": wrong}).status_code == 422, wrong
