"""The console on a phone: rows of two lines, the sheet of filters, the code on a card, and a page without a network."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import qrcode
from django.test import Client
from playwright.sync_api import expect

from accounts.models import Account
from tests.console.axe_checks import wrong_in_any_look
from tests.console.console_people import PHONE, MakeLine, Visit, client_of, fits
from tests.evenly import evenly

pytestmark = pytest.mark.django_db


def test_the_code_on_a_card_leads_to_its_line_or_to_adding_it(
    acme: Account, harbour: Account, make_line: MakeLine
) -> None:
    line, client = make_line(acme), client_of(acme)
    for code in (line.iccid, f"https://sim.example/?iccid={line.iccid}&x=1", f"ICCID: {line.iccid}"):
        assert client.get("/lines/scan/", {"code": code}).headers["Location"] == f"/lines/{line.iccid}/"
    strange = "8944500000000000017"
    said = client.get("/lines/scan/", {"code": strange}).content.decode()
    assert f"/lines/add/?iccid={strange}" in said
    assert "has no ICCID" in evenly(client.get("/lines/scan/", {"code": "4006381333931"}).content.decode())
    outside = client_of(harbour).get("/lines/scan/", {"code": line.iccid}).content.decode()  # not theirs
    assert "one of your lines" in evenly(outside)
    assert "/lines/add/" not in outside


def test_the_reader_may_run_on_its_own_page_alone(acme: Account) -> None:
    client = client_of(acme)
    policies = [client.get(path).headers["Content-Security-Policy"] for path in ("/lines/scan/", "/lines/")]
    assert ["wasm-unsafe-eval" in policy for policy in policies] == [True, False]


def test_the_worker_keeps_the_page_without_a_network_and_nothing_of_a_customer(acme: Account) -> None:
    client = client_of(acme)
    script = client.get("/worker.js")
    files = json.loads(re.search(r"FILES = (\[.*\]);", script.content.decode())[1])  # type: ignore[index]
    assert files[0] == "/offline/"
    assert all(file.startswith("/static/") for file in files[1:])
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert client.get("/offline/").content == Client().get("/offline/").content
    told = client.get("/manifest.webmanifest").json()
    assert (told["start_url"], told["display"], len(told["icons"])) == ("/", "standalone", 2)


def test_a_white_labels_phone_meets_its_own_name(harbour: Account) -> None:
    told = client_of(harbour).get("/manifest.webmanifest").json()
    assert (told["name"], told["icons"]) == ("Acme", [])
    assert "Linekeeper" not in client_of(harbour).get("/offline/").content.decode()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_line_is_found_and_opened_with_one_thumb(
    acme: Account, make_line: MakeLine, visit: Visit, tmp_path: Path
) -> None:
    lines = [make_line(acme, notes=f"Truck {number}") for number in range(10)]
    page = visit(login="jane@acme.example", viewport=PHONE, has_touch=True, to="/lines/")
    rows = page.locator("#rows tr")
    expect(rows).to_have_count(10)
    bar = page.locator(".thumb-bar").bounding_box()
    eighth = rows.nth(7).bounding_box()
    assert bar is not None
    assert eighth is not None
    assert eighth["y"] + eighth["height"] <= bar["y"]
    assert bar["height"] >= 44
    assert fits(page)
    page.get_by_role("button", name="Filters").click()
    expect(page.locator("#status")).to_be_visible()
    assert wrong_in_any_look(page) == []
    page.set_viewport_size(PHONE)
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#status")).to_be_hidden()
    page.locator(".thumb-bar").get_by_role("link", name="Scan").click()
    page.wait_for_url("**/lines/scan/")
    qrcode.make(f"ICCID:{lines[3].iccid}").save(tmp_path / "card.png")
    page.locator("#scan-photo").set_input_files(tmp_path / "card.png")
    page.wait_for_url(f"**/lines/{lines[3].iccid}/")
