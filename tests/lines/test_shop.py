"""Coverage as it is loaded and found; SIM cards as they are asked for, answered and withdrawn."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from kit import clock
from kit.errors import Invalid, NotFound, Refusal
from kit.tables import Row, Table
from pytest_django import Settings

from accounts.models import Account, Event
from accounts.policy import OPERATOR, Actor, ActorKind
from accounts.queries import owner_of
from billing.models import Notice
from lines.commands.coverage import COLUMNS, coverage_of, load_coverage
from lines.commands.orders import OrderEnded, Wish, answer_order, ask_for_cards, withdraw_order
from lines.models import Coverage, Order
from lines.queries import shop
from tests.fleets import Fleet

JANE = Actor(ActorKind.PERSON, "owner@acme.example")
WISH = Wish(quantity=50, contact="Jane", email="jane@acme.example", address="Quay 1, Rotterdam")
GOOD = {"country": "Kenya", "code": "ke", "network": "Safaricom", "technologies": "4G 2G"}


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def account(fleet: Fleet) -> Account:
    return fleet.account()


@pytest.fixture
def client(account: Account) -> Client:
    client = Client()
    client.force_login(owner_of(account))
    return client


def plan_name(fleet: Fleet) -> str:
    return fleet.plans["simbase"].name


def load(fleet: Fleet, *rows: dict[str, str]) -> object:
    named = [{"rate plan": plan_name(fleet)} | row for row in rows]
    table = [Row(number, {one.name: row.get(one.name, "") for one in COLUMNS}) for number, row in enumerate(named, 2)]
    return load_coverage(table=Table(table), by=OPERATOR)


def test_a_load_is_the_whole_truth_about_its_plans(fleet: Fleet) -> None:
    load(fleet, GOOD, GOOD | {"network": "Airtel"})
    load(fleet, GOOD)
    load(fleet, GOOD)
    row = Coverage.objects.get()
    assert (row.code, row.network, row.technologies) == ("KE", "Safaricom", "2G 4G")
    assert Event.objects.filter(verb="coverage.loaded").count() == 3


def test_one_bad_row_changes_nothing_and_every_bad_row_is_named(fleet: Fleet, tmp_path: Path) -> None:
    load(fleet, GOOD)
    file = tmp_path / "coverage.csv"
    name = plan_name(fleet)
    file.write_text(
        f"Rate_Plan,country,code,network,technologies\n{name},Peru,PE,Claro,4G\nNo such,Peru,PE,Claro,\n"
        f"{name},Peru,PR,Entel,4G\n{name},Peru,PE,claro,6G\n{name},Peru,pe,CLARO,4G,5G\n"
    )
    loaded = load_coverage(table=coverage_of(path=file), by=OPERATOR)
    assert [(row["row"], str(row["why"])[:22]) for row in loaded.bad_rows] == [
        (3, "there is no rate plan "),
        (4, "PR is Puerto Rico; Per"),
        (5, "“6G”: write technologi"),
        (6, "This row has 6 cells, "),
    ]
    assert Coverage.objects.get().country == "Kenya"
    with pytest.raises(SystemExit):
        call_command("import_coverage", str(file))
    file.write_text("country,code\n")
    with pytest.raises(CommandError, match="No heading was found"):
        call_command("import_coverage", str(file))


def test_the_example_file_is_good(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    example = Path(__file__).parents[2] / "lines" / "coverage.example.csv"
    for kind, name in (("simbase", "World"), ("iotportal", "Europe")):
        type(fleet.plans[kind]).objects.filter(pk=fleet.plans[kind].pk).update(name=name)
    call_command("import_coverage", str(example), "--json")
    answer = json.loads(capsys.readouterr().out)
    assert answer["refused"] == 0
    assert set(answer["networks"]) == {"World", "Europe"}


def test_coverage_is_found_by_country_code_and_network_with_the_price_in_force(
    fleet: Fleet, account: Account, client: Client
) -> None:
    peru = {"country": "Peru", "code": "PE", "network": "Claro", "technologies": "4G"}
    load(fleet, GOOD, peru, GOOD | {"network": "Airtel"})
    found = {
        q: [country.name for country in shop.coverage(account, q=q, plan_id=None, page=1, now=clock.now()).countries]
        for q in ("", "ke", "safari", "per", "zz", "4G")
    }
    assert found == {
        "": ["Kenya", "Peru"],
        "ke": ["Kenya"],
        "safari": ["Kenya"],
        "per": ["Peru"],
        "zz": [],
        "4G": ["Kenya", "Peru"],
    }
    text = text_of(client, "/coverage/?q=safaricom")
    assert "Airtel 2G 4G , Safaricom 2G 4G $0.01 $0.05" in text
    assert "Peru" not in text
    assert "Nothing matches" in text_of(client, "/coverage/?q=%27%3B--&page=9999")
    assert client.get("/coverage/?q=kenya&plan=99")["Location"] == "/coverage/?q=kenya"


def form(**more: object) -> dict[str, object]:
    said = {"quantity": 50, "contact": "Jane", "email": "jane@acme.example", "address": "Quay 1", "key": uuid.uuid4()}
    return said | more


def test_ten_go_to_the_store_and_more_to_the_contact_form(client: Client, settings: Settings) -> None:
    settings.STORE_URL = "https://store.example/"
    assert 'href="https://store.example/"' in client.get("/orders/").content.decode()
    assert 'href="https://store.example/"' in client.get("/store/").content.decode()
    refused = client.post("/orders/", form(quantity=10))
    assert (refused.status_code, Order.objects.count()) == (422, 0)
    assert "Up to 10 are bought in the store" in refused.content.decode()
    twice = form(quantity=11)
    assert [client.post("/orders/", twice).status_code for _ in range(2)] == [302, 302]
    assert Order.objects.get().quantity == 11
    settings.STORE_URL = ""
    assert "no store" in text_of(client, "/store/")


def test_an_answer_is_read_in_the_console_and_mailed_to_who_asked(account: Account, client: Client) -> None:
    order = ask_for_cards(account=account, wish=WISH, key=uuid.uuid4(), by=JANE)
    answer_order(order_id=order.pk, answer="$60.00, on Friday.", by=OPERATOR)
    with pytest.raises(OrderEnded):
        answer_order(order_id=order.pk, answer="Again", by=OPERATOR)
    with pytest.raises(OrderEnded):
        withdraw_order(account=account, key=order.uuid, by=JANE)
    notice = Notice.objects.get()
    assert (notice.to, notice.page, notice.text) == (["jane@acme.example"], "/orders/", "$60.00, on Friday.")
    assert "$60.00, on Friday." in text_of(client, "/orders/")


def test_a_request_is_withdrawn_by_its_account_alone(fleet: Fleet, account: Account, client: Client) -> None:
    order = ask_for_cards(account=account, wish=WISH, key=uuid.uuid4(), by=JANE)
    other = fleet.account()
    with pytest.raises(NotFound):
        withdraw_order(account=other, key=order.uuid, by=JANE)
    with pytest.raises(Invalid):
        ask_for_cards(account=other, wish=WISH, key=order.uuid, by=JANE)
    stranger = Client()
    stranger.force_login(owner_of(other))
    assert "50 SIM cards" not in text_of(stranger, "/orders/")
    for _ in range(2):
        client.post(f"/orders/{order.uuid}/withdraw/")
    assert [event.verb for event in Event.objects.filter(subject=f"order:{order.pk}").order_by("pk")] == [
        "order.asked",
        "order.withdrawn",
    ]


def test_a_sub_account_neither_orders_nor_sees_prices(fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    with pytest.raises(Refusal, match="main account"):
        ask_for_cards(account=sub, wish=WISH, key=uuid.uuid4(), by=JANE)
    client = Client()
    client.force_login(owner_of(sub))
    assert {client.get(path).status_code for path in ("/orders/", "/store/", "/coverage/")} == {404}
    assert client.post(f"/orders/{uuid.uuid4()}/withdraw/").status_code == 404
