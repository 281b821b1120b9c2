"""A device is made to connect anew from its line's page, where the carrier can; else the page says why not."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from kit import clock
from simulator.running import Running, running

from accounts.commands import open_account
from accounts.models import Account, Event
from accounts.policy import OPERATOR, Actor, ActorKind
from billing.commands import adjust
from lines.carriers import CLIENTS
from lines.carriers.base import Switch
from lines.commands.budget import AskedTooOften
from lines.commands.sms import LineNotActive
from lines.commands.stock import add_carrier, add_rate_plan, import_lines
from lines.models import Carrier, Line, LineState
from lines.policy.budget import ASKED_A_MINUTE
from lines.work.clients import close_clients
from lines.work.resetting import CannotReset, reset_connection
from tests.carriers.conftest import KNOWN, NOW
from tests.console.console_people import client_of
from tests.evenly import evenly
from tests.fleets import at

ANNA = Actor(ActorKind.PERSON, "anna@acme.example")
KINDS = sorted(CLIENTS)
ABLE = [kind for kind in KINDS if CLIENTS[kind].abilities.resets]


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=2, iotportal=2, others=2, clock=NOW, quiet=True) as served:
        yield served


@pytest.fixture
def simulator(simulators: Running, transactional_db: None) -> Iterator[Running]:
    simulators.reset()
    simulators.ask("DELETE", "/calls")
    with clock.frozen(at("2026-11-20T12:00")):
        yield simulators
    close_clients()


@pytest.fixture
def acme(simulator: Running) -> Account:
    account = open_account(name="Acme", owner_email="owner@acme.example", by=OPERATOR)
    adjust(account=account, amount=Decimal(100), reason="a start", by=OPERATOR)
    return account


def line_at(simulator: Running, kind: str, acme: Account) -> Line:
    """An activated line of this account at a carrier of the kind."""
    carrier = add_carrier(name=kind, kind=kind, url=simulator.url_of(kind), secrets=KNOWN[kind].secrets, by=OPERATOR)
    Carrier.objects.filter(pk=carrier.pk).update(calls_per_second=500.0, calls_per_day=None)
    carrier.refresh_from_db()
    prices: dict[str, Any] = {"per_mb": Decimal("0.01"), "per_sms": Decimal(0), "per_day": Decimal(0)}
    plan = add_rate_plan(name=f"World {kind}", carrier=carrier, by=OPERATOR, **prices)
    iccid = simulator.iccids(kind)[0]
    import_lines(rows=[(1, iccid)], carrier=carrier, plan=plan, account=acme, active=True, by=OPERATOR)
    LineState.objects.update(reported=Switch.ON, reported_word=KNOWN[kind].on)
    return Line.objects.get(iccid=iccid)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_offers_what_the_carrier_can_and_greys_the_rest_with_the_reason(
    simulator: Running, acme: Account, kind: str
) -> None:
    line = line_at(simulator, kind, acme)
    abilities, title = CLIENTS[kind].abilities, line.carrier.name
    page = evenly(client_of(acme).get(f"/lines/{line.iccid}/settings/").content.decode())
    for is_able, why in (
        (abilities.resets, f"{title} cannot reset a connection."),
        ("throttle" in abilities.settings, f"{title} cannot limit the speed of a SIM."),
        ("imei_lock" in abilities.settings, f"{title} cannot tie a SIM to its device."),
        ("data_limit" in abilities.settings, f"{title} cannot limit the data of a SIM."),
        (bool(abilities.labels), f"{title} keeps no name and tags of a SIM."),
        (abilities.tells_location, f"{title} does not tell where a SIM is."),
    ):
        assert (why in page) is not is_able, why
    sms = evenly(client_of(acme).get(f"/lines/{line.iccid}/sms/").content.decode())
    assert ("carrier sends no messages" in sms) is not abilities.sends_sms


@pytest.mark.parametrize("kind", ABLE)
def test_the_device_is_made_to_connect_anew(simulator: Running, acme: Account, kind: str) -> None:
    line = line_at(simulator, kind, acme)
    client = client_of(acme)
    answer = client.post(f"/lines/{line.iccid}/settings/reset/", follow=True)
    assert "Connection reset. The device reconnects in a minute." in evenly(answer.content.decode())
    assert simulator.calls(carrier=kind)[-1]["verb"] in ("POST", "PATCH")
    (event,) = Event.objects.filter(verb="line.connection_reset")
    assert (event.subject, event.account_id) == (f"line:{line.iccid}", acme.pk)
    assert "Connection reset" in client.get(f"/lines/{line.iccid}/audit/").content.decode()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ABLE])
def test_where_the_carrier_cannot_it_is_not_asked(simulator: Running, acme: Account, kind: str) -> None:
    line = line_at(simulator, kind, acme)
    answer = client_of(acme).post(f"/lines/{line.iccid}/settings/reset/", follow=True)
    assert "carrier cannot reset a connection" in evenly(answer.content.decode())
    assert simulator.calls(carrier=kind) == []
    assert not Event.objects.filter(verb="line.connection_reset").exists()


def test_what_became_of_it_is_said(simulator: Running, acme: Account) -> None:
    line = line_at(simulator, "soracom", acme)
    assert reset_connection(line=line, by=ANNA).says == "Connection reset. The device reconnects in a minute."
    simulator.fault("drop_after", carrier="soracom", count=1)
    assert reset_connection(line=line, by=ANNA).says.startswith("Reset requested. The carrier has not confirmed it.")
    assert Event.objects.filter(verb="line.connection_reset").count() == 2
    for status, why in ((422, "refused"), (429, "did not answer")):
        simulator.fault("error", carrier="soracom", count=1, status=status, retry_after=60)
        with pytest.raises(CannotReset, match=f"Connection not reset. The carrier {why}"):
            reset_connection(line=line, by=ANNA)
    assert Event.objects.filter(verb="line.connection_reset").count() == 2


def test_only_an_activated_line_of_a_carrier_that_is_called_has_a_connection(simulator: Running, acme: Account) -> None:
    line = line_at(simulator, "emnify", acme)
    LineState.objects.update(reported=Switch.OFF)
    line.state.refresh_from_db()
    with pytest.raises(LineNotActive, match="Activate the line first"):
        reset_connection(line=line, by=ANNA)
    LineState.objects.update(reported=Switch.ON)
    line.state.refresh_from_db()
    line.carrier.is_active = False
    with pytest.raises(CannotReset, match="paused"):
        reset_connection(line=line, by=ANNA)
    assert simulator.calls(carrier="emnify") == []


def test_whoever_resets_all_the_time_is_asked_to_wait(simulator: Running, acme: Account) -> None:
    line = line_at(simulator, "soracom", acme)
    for _ in range(ASKED_A_MINUTE):
        reset_connection(line=line, by=ANNA)
    with pytest.raises(AskedTooOften):
        reset_connection(line=line, by=ANNA)
    assert Event.objects.filter(verb="line.connection_reset").count() == ASKED_A_MINUTE
