"""An account sells to its sub-accounts in the console, and a sub-account's people see their balance and no cost."""

from __future__ import annotations

import csv
import io
import re
import uuid
from decimal import Decimal

import pytest
from django.test import Client
from kit import clock

from accounts.models import Account, Membership, User
from accounts.policy import OPERATOR, Role
from accounts.queries import owner_of
from billing.models import Entry
from lines.commands.resale import Credit, Own, Plus, add_price_list, charge_by, set_list_price
from lines.commands.reselling import charge_subaccounts
from lines.models import Line, PriceList, ResaleTerms
from tests.fleets import MB, Fleet, at, available, state
from tests.responses import ClientResponse, streamed_content


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet(per_mb="0.017")


@pytest.fixture
def acme(fleet: Fleet) -> Account:
    return fleet.account()


@pytest.fixture
def harbour(fleet: Fleet, acme: Account) -> Account:
    return fleet.account(parent=acme)


def read(answer: ClientResponse) -> str:
    """A page's text, however its template is laid out."""
    return " ".join(answer.content.decode().split())


def browser(account: Account, role: Role = Role.OWNER) -> Client:
    client = Client()
    if role is Role.OWNER and not account.is_subaccount:
        client.force_login(owner_of(account))
        return client
    user = User.objects.create_user(f"{role}{account.pk}@people.example")
    Membership.objects.create(user=user, account=account, role=role)
    client.force_login(user)
    return client


def sold(fleet: Fleet, acme: Account, harbour: Account) -> tuple[Line, PriceList]:
    """100 MB on 10 November at a markup of 50 %."""
    line = fleet.line(harbour)
    with clock.frozen(at("2026-11-10T08:00")):
        made = add_price_list(account=acme, name="Retail", plus=Plus(Decimal(50)), by=OPERATOR)
        first = Credit(Decimal(30), "November in advance", uuid.uuid4().hex)
        charge_by(
            subaccount=harbour, price_list=made, since=clock.today(), credit_limit=None, credit=first, by=OPERATOR
        )
        fleet.read(line, "2026-11-10T08:00", 0)
        fleet.read(line, "2026-11-10T09:00", 100 * MB)
        charge_subaccounts(today=clock.today())
    return line, made


def test_the_owner_makes_a_list_charges_a_subaccount_and_gives_credit(acme: Account, harbour: Account) -> None:
    jane, at_ = browser(acme), f"/subaccounts/{harbour.uuid.hex}/balance/"
    with clock.frozen(at("2026-11-10T08:00")):
        assert "Create a price list first" in read(jane.get(at_))
        made = jane.post("/subaccounts/prices/new/", {"name": "Retail", "percent": "50", "places": "4"})
        assert made["Location"] == f"/subaccounts/prices/{PriceList.objects.get().uuid.hex}/"
        assert "$0.0255" in read(jane.get(made["Location"]))
        form = {
            "price_list": PriceList.objects.get().uuid.hex, "pays": "postpaid", "credit_limit": "25",
            "since": "2026-11-10", "amount": "", "note": "", "key": uuid.uuid4().hex,
        }  # fmt: skip
        assert jane.post(f"{at_}terms/", form)["Location"] == at_
        credit = {"amount": "12.50", "note": "by bank", "key": uuid.uuid4().hex}
        for _ in range(2):  # the second click
            assert jane.post(f"{at_}credit/", credit).status_code == 302
        assert available(harbour) == Decimal("12.50")
        assert Entry.objects.filter(account=harbour).count() == 1
        page = read(jane.get(at_))
        assert "$12.50" in page
        assert "by bank" in page
        assert jane.post(f"{at_}credit/", credit | {"amount": "0"}).status_code == 422
        assert jane.post(f"{at_}stop/").status_code == 302
        assert "pays for" in read(jane.get(at_))


def test_what_is_sold_below_cost_is_said(fleet: Fleet, acme: Account, harbour: Account) -> None:
    line, made = sold(fleet, acme, harbour)
    jane = browser(acme)
    with clock.frozen(at("2026-11-10T10:00")):
        set_list_price(
            price_list=made, plan=line.plan, price=Own(Decimal("0.01")), since=at("2026-11-11").date(), by=OPERATOR
        )
        page = read(jane.get("/subaccounts/margins/?by=line"))
        assert line.iccid in page
        assert "Below cost" not in page
    with clock.frozen(at("2026-11-11T09:00")):
        fleet.read(line, "2026-11-11T09:00", 1_100 * MB)
        charge_subaccounts(today=clock.today())
        assert "Below cost: data" in read(jane.get(f"/subaccounts/prices/{made.uuid.hex}/"))
        for by in ("subaccount", "plan", "line"):
            page = read(jane.get(f"/subaccounts/margins/?by={by}"))
            assert "Below cost" in page
            assert "$12.55" in page  # 100 MB at 0.0255, 1,000 MB at 0.01
            assert "$18.70" in page  # 1,100 MB at 0.017
        assert "Sold below cost" in read(jane.get(f"/subaccounts/{harbour.uuid.hex}/balance/"))
        assert jane.get("/subaccounts/margins/?by=country").status_code == 404


def test_its_people_see_their_prices_and_balance_and_no_cost(fleet: Fleet, acme: Account, harbour: Account) -> None:
    sold(fleet, acme, harbour)
    kim = browser(harbour, Role.VIEWER)
    with clock.frozen(at("2026-11-10T10:00")):
        page = read(kim.get("/wallet/"))
        assert "$27.45" in page
        assert "$0.0255" in page
        assert "November in advance" in page
        statement = streamed_content(kim.get("/wallet/2026-11/")).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(statement)))
        assert rows[1] == ["2026-11-10", str(100 * MB), "2.550000", "0.000000", "0", "0.000000", "2.550000"]
        for text in (page, statement, read(kim.get("/")), read(kim.get("/lines/"))):
            assert not re.search(r"0\.017|1\.70|50\s?%|[Mm]argin|[Mm]arkup", text)
        for address in ("/subaccounts/", "/subaccounts/prices/", "/subaccounts/margins/", "/billing/"):
            assert kim.get(address).status_code == 404
        assert kim.get("/wallet/2026-13/").status_code == kim.get("/wallet/2027-01/").status_code == 404
        assert ">Balance<" in read(kim.get("/"))


def test_it_is_nobody_elses(fleet: Fleet, acme: Account, harbour: Account) -> None:
    line, made = sold(fleet, acme, harbour)
    other, sister = fleet.account(), fleet.account(parent=acme)
    eve, lee, tom = browser(other), browser(sister, Role.USER), browser(acme, Role.VIEWER)
    terms = ResaleTerms.objects.count()
    with clock.frozen(at("2026-11-10T10:00")):
        assert lee.get("/wallet/").status_code == eve.get("/wallet/").status_code == 404
        assert ">Balance<" not in read(lee.get("/"))
        at_ = f"/subaccounts/{harbour.uuid.hex}/balance/"
        credit = {"amount": "5", "note": "mine", "key": uuid.uuid4().hex}
        terms_form = {"price_list": made.uuid.hex, "pays": "prepaid", "since": "2026-11-11"}
        for client in (eve, lee):
            assert client.get(at_).status_code == client.get(f"/subaccounts/prices/{made.uuid.hex}/").status_code == 404
            assert client.post(f"{at_}credit/", credit).status_code == client.post(f"{at_}stop/").status_code == 404
            assert client.post(f"{at_}terms/", terms_form).status_code == 404
        assert tom.get(at_).status_code == 200  # who may only see
        assert tom.post(f"{at_}terms/", terms_form).status_code == tom.post(f"{at_}credit/", credit).status_code == 404
        assert tom.post("/subaccounts/prices/new/", {"name": "x", "percent": "1", "places": "6"}).status_code == 404
        theirs = f"/subaccounts/{fleet.account(parent=other).uuid.hex}/balance/terms/"
        answer = eve.post(theirs, terms_form | {"amount": "", "note": "", "key": uuid.uuid4().hex})
        assert answer.status_code == 422
    assert (ResaleTerms.objects.count(), state(line).why) == (terms, "")
    assert available(harbour) == Decimal("27.45")
