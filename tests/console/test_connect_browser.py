"""A carrier is connected in Chromium: chosen, tried, its SIMs imported onto a plan, its webhook opened."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer
from simulator.dialects import hologram, onence
from simulator.running import Running, running

from accounts.commands.desk import let_into_back_office
from accounts.models import User
from accounts.policy import OPERATOR
from lines.commands.stock import add_rate_plan
from lines.models import Carrier, Line
from lines.work.clients import close_clients
from tests.console.console_people import PHONE, Visit, fits
from tests.proofs import with_factor

WIDE = {"width": 1280, "height": 900}


@pytest.fixture
def anna(transactional_db: None) -> User:
    return with_factor(let_into_back_office(email="anna@office.example", password="orbit-lantern-42", by=OPERATOR))


@pytest.fixture
def simulator(settings: Any, live_server: LiveServer) -> Iterator[Running]:
    settings.CARRIER_HOSTS, settings.CONSOLE_URL = ["127.0.0.1"], live_server.url
    with running(simbase=1, iotportal=1, others=7, clock="2026-11-20T12:00:00Z", quiet=True) as served:
        yield served
        close_clients()


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_carrier_comes_in_by_pages_alone(
    visit: Visit, live_server: LiveServer, anna: User, simulator: Running, viewport: dict[str, int]
) -> None:
    page = visit(login=anna.email, to=f"{live_server.url}/back-office/lines/carrier/connect/", viewport=viewport)
    page.get_by_label("Carrier").select_option(label="Hologram")
    page.get_by_role("button", name="Choose carrier").click()
    page.wait_for_url("**/connect/?kind=hologram")
    assert page.get_by_label("API address").input_value() == "https://dashboard.hologram.io/api/1"
    page.get_by_label("API address").fill(simulator.url_of("hologram"))
    page.get_by_label("Api key").fill(hologram.KEY)
    page.get_by_role("button", name="Test and connect").click()
    expect(page.get_by_text("Hologram connected. 7 SIMs")).to_be_visible()
    assert fits(page)
    carrier = Carrier.objects.get()
    prices: dict[str, Any] = {"per_mb": Decimal("0.01"), "per_sms": Decimal(0), "per_day": Decimal(0)}
    add_rate_plan(name="World", carrier=carrier, by=OPERATOR, **prices)
    desk = f"{live_server.url}/back-office/lines/carrier/{carrier.pk}"
    page.goto(f"{desk}/import/")
    page.get_by_label("Rate plan").select_option(index=1)
    page.get_by_label("Carrier plan").fill("73")
    page.get_by_role("button", name="Import SIMs").click()
    expect(page.get_by_text("7 SIMs imported into inventory.")).to_be_visible()
    assert Line.objects.filter(carrier=carrier, account=None, plan__name="World").count() == 7
    page.goto(f"{desk}/test/")
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text("Hologram answered. 7 SIMs")).to_be_visible()


def test_a_carriers_webhook_is_opened_by_its_page(
    visit: Visit, live_server: LiveServer, anna: User, simulator: Running
) -> None:
    page = visit(login=anna.email, to=f"{live_server.url}/back-office/lines/carrier/connect/?kind=onence")
    page.get_by_label("API address").fill(simulator.url_of("onence"))
    page.get_by_label("Username").fill(onence.USER)
    page.get_by_label("Password").fill(onence.PASSWORD)
    page.get_by_role("button", name="Test and connect").click()
    expect(page.get_by_text("1NCE connected. 7 SIMs")).to_be_visible()
    page.goto(f"{live_server.url}/back-office/lines/carrier/{Carrier.objects.get().pk}/webhook/")
    page.get_by_role("button", name="Create address").click()
    expect(page.get_by_text(f"{live_server.url}/carriers/told/").first).to_be_visible()
