"""Each carrier that calls us calls by itself when something happens there, signed as it signs; its line is read before
its turn, and what was used is known."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kit import clock
from simulator.ringing import SAID
from simulator.running import Running, running

from accounts.commands import open_account
from accounts.policy import OPERATOR
from lines.carriers import CLIENTS
from lines.carriers.webhooks import Whose
from lines.commands import webhooks
from lines.models import Line, SmsLook, ToldLine
from lines.work.clients import close_clients
from lines.work.told import read_told
from tests.carriers.conftest import NOW
from tests.fleets import at, state
from tests.lines.test_reset_connection import line_at

KINDS = sorted(kind for kind, client in CLIENTS.items() if client.webhook)
THEIRS = {"keepgo": "whsec_" + base64.b64encode(b"k" * 32).decode()}


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=2, iotportal=2, others=2, clock=NOW, quiet=True) as served:
        yield served


@pytest.fixture
def listening(
    simulators: Running, transactional_db: None, live_server: Any, settings: Any
) -> Iterator[Callable[[str], tuple[Line, dict[str, str]]]]:
    """Makes an activated line at a carrier of a kind, which calls us from then on."""
    settings.CONSOLE_URL = live_server.url
    simulators.reset()

    def made(kind: str) -> tuple[Line, dict[str, str]]:
        line = line_at(simulators, kind, open_account(name="Acme", owner_email="owner@acme.example", by=OPERATOR))
        is_theirs = webhooks.webhook_of(kind=kind).proof.whose is Whose.THEIRS
        hook = webhooks.open_webhook(
            carrier=line.carrier, secret=THEIRS.get(kind, "of-the-portal") if is_theirs else "", by=OPERATOR
        )
        address = f"{live_server.url}/carriers/told/{webhooks.token_of(webhook=hook)}/"
        given = {"carrier": kind, "url": address, "secret": webhooks.secret_of(webhook=hook)}
        simulators.ask("PUT", "/webhooks", given)
        return line, given

    with clock.frozen(at("2026-11-20T12:00")):
        yield made
    close_clients()


def test_each_carrier_that_calls_is_played() -> None:
    assert sorted(SAID) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_used_is_told_and_read(
    simulators: Running, listening: Callable[[str], tuple[Line, dict[str, str]]], kind: str
) -> None:
    line, given = listening(kind)
    simulators.add_bytes(line.iccid, 5_000_000)
    told = {"carrier": line.carrier.kind, "iccid": line.iccid, "about": "usage", "status": 200}
    assert simulators.ask("GET", "/webhooks")["answers"] == [told]
    assert list(ToldLine.objects.filter(is_due=True).values_list("line__iccid", flat=True)) == [line.iccid]
    read = read_told(line.carrier, patience=5.0, stop=lambda: False, seconds=5.0)
    assert (read.applied.readings, read.errors) == (1, [])
    assert state(line).counter == 5_000_000
    simulators.ask("PUT", "/webhooks", given | {"secret": THEIRS["keepgo"].replace("a", "b")})
    simulators.add_bytes(line.iccid, 7)
    is_proved = CLIENTS[line.carrier.kind].webhook.proof.whose is not Whose.NONE  # type: ignore[union-attr]
    assert simulators.ask("GET", "/webhooks")["answers"][-1]["status"] == (404 if is_proved else 200)


@pytest.mark.parametrize("kind", ["simbase", "onence", "emnify"])
def test_a_message_from_a_device_is_told_and_looked_for(
    simulators: Running, listening: Callable[[str], tuple[Line, dict[str, str]]], kind: str
) -> None:
    line, _ = listening(kind)
    simulators.event("sms", iccid=line.iccid, text="hello")
    assert [one["status"] for one in simulators.ask("GET", "/webhooks")["answers"]] == [200]
    assert SmsLook.objects.get(is_due=True).line == line
    assert not ToldLine.objects.filter(is_due=True).exists()
