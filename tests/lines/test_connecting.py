"""A carrier is connected in the back office: tried by one page, added, its SIMs imported; no command line."""

from __future__ import annotations

import html
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from simulator.dialects import emnify, hologram
from simulator.running import Running, running

from accounts.models import User
from accounts.policy import OPERATOR
from lines.commands.stock import add_carrier, add_rate_plan
from lines.models import Carrier, Line
from lines.work.clients import close_clients
from lines.work.connecting import look_at
from tests.fleets import Fleet
from tests.proofs import log_in, with_factor

CONNECT = "/back-office/lines/carrier/connect/"


@pytest.fixture
def fleet(transactional_db: None) -> Fleet:
    """The gate before a carrier has a connection of its own, which sees what is committed."""
    return Fleet()


@pytest.fixture
def simulator(settings: Any) -> Iterator[Running]:
    settings.CARRIER_HOSTS = ["127.0.0.1"]
    with running(simbase=3, iotportal=3, others=7, clock="2026-11-20T12:00:00Z", quiet=True) as served:
        yield served
        close_clients()


@pytest.fixture
def office(fleet: Fleet, admin_user: User) -> Client:
    return log_in(Client(), with_factor(admin_user), proved=("password", "mfa"))


def connect(office: Client, simulator: Running, kind: str, **given: str) -> tuple[int, str]:
    answer = office.post(f"{CONNECT}?kind={kind}", {"name": kind.title(), "url": simulator.url_of(kind), **given})
    said = " ".join(str(one) for one in get_messages(answer.wsgi_request))
    return answer.status_code, html.unescape(said or answer.content.decode())


def plan_of(carrier: Carrier) -> int:
    return add_rate_plan(
        name="World", carrier=carrier, per_mb=Decimal("0.01"), per_sms=Decimal(0), per_day=Decimal(0), by=OPERATOR
    ).pk


def test_a_carrier_is_chosen_and_asks_for_what_it_needs(office: Client) -> None:
    assert "Twilio Super SIM" in office.get(CONNECT).content.decode()
    answer = office.post(CONNECT, {"kind": "soracom"})
    assert (answer.status_code, answer["Location"]) == (302, f"{CONNECT}?kind=soracom")
    page = office.get(answer["Location"]).content.decode()
    assert "Auth key id" in page
    assert "https://g.api.soracom.io/v1" in page


def test_it_is_tried_added_and_its_sims_are_imported(office: Client, simulator: Running) -> None:
    status, said = connect(office, simulator, "hologram", secret_api_key=hologram.KEY)
    assert status == 302
    assert "Hologram connected. 7 SIMs: LIVE 7. Carrier plans: 73." in said
    carrier = Carrier.objects.get(kind="hologram")
    desk = f"/back-office/lines/carrier/{carrier.pk}"
    plan = plan_of(carrier)
    for on_plan, count in (("74", 0), ("73", 7), ("", 7)):
        office.post(f"{desk}/import/", {"plan": plan, "on_plan": on_plan})
        assert Line.objects.filter(carrier=carrier, account=None).count() == count
    assert sorted(Line.objects.filter(carrier=carrier).values_list("iccid", flat=True)) == sorted(
        simulator.iccids("hologram")
    )
    office.post(f"{desk}/test/")
    assert {call["status"] for call in simulator.calls(carrier="hologram")} == {200}
    assert {call["verb"] for call in simulator.calls(carrier="hologram")} == {"GET"}


def test_wrong_credentials_keep_nothing(office: Client, simulator: Running) -> None:
    status, page = connect(office, simulator, "hologram", secret_api_key="wrong-key-12345")
    assert status == 422
    assert "Hologram did not accept the credentials. Nothing is kept." in page
    assert "wrong-key-12345" not in page
    assert not Carrier.objects.filter(kind="hologram").exists()


@pytest.mark.parametrize(
    ("fault", "says"), [("html", "something else"), ("error", "failed at"), ("drop_before", "reached")]
)
def test_a_carrier_that_does_not_answer_keeps_nothing(
    office: Client, simulator: Running, fault: str, says: str
) -> None:
    simulator.fault(fault, carrier="emnify", path="/sim")
    status, page = connect(office, simulator, "emnify", secret_application_token=emnify.TOKEN)
    assert status == 422
    assert says in page
    assert not Carrier.objects.filter(kind="emnify").exists()


def test_the_address_is_one_that_the_installation_calls(office: Client, simulator: Running, settings: Any) -> None:
    settings.CARRIER_HOSTS = []
    elsewhere = "https://elsewhere.example/api"
    status, page = connect(office, simulator, "hologram", url=elsewhere, secret_api_key=hologram.KEY)
    assert status == 422
    assert "elsewhere.example is not a host that this installation calls" in page
    assert simulator.calls(carrier="hologram") == []


def test_a_carrier_without_a_list_is_tried_and_says_so(office: Client, simulator: Running) -> None:
    given = {"secret_client_id": simulator.client_id, "secret_secret_key": simulator.secret_key}
    status, said = connect(office, simulator, "iotportal", **given)
    assert status == 302
    assert "Import them from a file." in said


def test_a_list_with_usage_is_stock_as_well(fleet: Fleet, simulator: Running) -> None:
    carrier = add_carrier(
        name="Basis", kind="simbase", url=simulator.simbase, secrets={"api_key": simulator.api_key}, by=OPERATOR
    )
    assert "3 SIMs: enabled 3" in str(look_at(carrier))


def test_one_bad_sim_costs_itself(fleet: Fleet, simulator: Running) -> None:
    carrier = add_carrier(
        name="Holo", kind="hologram", url=simulator.url_of("hologram"), secrets={"api_key": hologram.KEY}, by=OPERATOR
    )
    simulator.fault("missing_iccid", carrier="hologram", count=1)
    assert "could not be read" in str(look_at(carrier))
