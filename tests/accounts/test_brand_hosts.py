"""A brand's domain shows login and console in its branding, to its own people only; any other host gets nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from kit import clock
from pytest_django import Settings

from accounts.branding import hosts
from accounts.commands import open_account
from accounts.models import Account, Brand, BrandLogo, Membership, User
from accounts.policy import OPERATOR, Role
from accounts.queries import owner_of
from tests.fleets import Fleet
from tests.letters import posted
from tests.proofs import log_in

HOST = "sims.nordlicht.example"
PASSWORD = "orbit-lantern-42"


@pytest.fixture(autouse=True)
def own_hosts(settings: Settings) -> Iterator[None]:
    settings.ALLOWED_HOSTS = hosts.AllowedHosts(["testserver"])
    hosts.forget()
    yield
    hosts.forget()


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()


@pytest.fixture
def brand(fleet: Fleet) -> Brand:
    brand = Brand.objects.create(
        account=fleet.account(), name="Nordlicht", accent="#8a2be2", bar="#203040", domain=HOST,
        domain_live_at=clock.now(), logo_digest="b" * 64, support_mail="help@nordlicht.example",
    )  # fmt: skip
    BrandLogo.objects.create(brand=brand, image=b"png")
    return brand


def client_of(account: Account, host: str = HOST) -> Client:
    brand = Brand.objects.filter(domain=host).first()
    return log_in(Client(headers={"host": host}), owner_of(account), place=f"{brand.key}@{host}" if brand else "")


def test_a_host_that_is_nobodys_gets_no_page(brand: Brand) -> None:
    for host in ("evil.example", f"x.{HOST}", f"{HOST}.evil.example", "nordlicht.example"):
        assert Client(headers={"host": host}).get("/accounts/login/").status_code == 400


def test_a_domain_that_is_not_live_gets_no_page(brand: Brand) -> None:
    Brand.objects.update(domain_live_at=None)
    assert Client(headers={"host": HOST}).get("/accounts/login/").status_code == 400


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/", "/accounts/signup/", "/nothing/"])
def test_the_pages_of_login_are_in_its_branding(brand: Brand, path: str) -> None:
    body = Client(headers={"host": HOST}).get(path).content.decode()
    assert "· Nordlicht</title>" in body
    assert f"/accounts/brand/{brand.key}/style.css" in body
    assert "linekeeper" not in body.lower()


def test_its_colours_and_logo_are_served_and_kept_by_browsers(brand: Brand) -> None:
    client = Client(headers={"host": HOST})
    style = client.get(f"/accounts/brand/{brand.key}/style.css")
    assert (style["Content-Type"], "light-dark(" in style.content.decode()) == ("text/css; charset=utf-8", True)
    logo = client.get(f"/accounts/brand/{brand.key}/logo.png")
    assert (logo.content, logo["Content-Type"], logo["X-Content-Type-Options"]) == (b"png", "image/png", "nosniff")
    assert logo["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "immutable" in logo["Cache-Control"]


def test_only_its_own_people_come_in_there(fleet: Fleet, brand: Brand) -> None:
    sub, stranger = fleet.account(parent=brand.account), fleet.account()
    for account in (brand.account, sub):
        page = client_of(account).get("/")
        assert page.status_code == 200
        assert "linekeeper" not in page.content.decode().lower()
    page = client_of(stranger).get("/")
    assert page.status_code == 403
    assert stranger.name not in page.content.decode()
    assert client_of(stranger, "testserver").get("/").status_code == 200


def test_nobody_opens_an_account_with_us_in_anothers_branding(brand: Brand) -> None:
    client = Client(headers={"host": HOST})
    body = {"email": "new@x.example", "password1": PASSWORD, "password2": PASSWORD, "account_name": "New"}
    client.post("/accounts/signup/", body)
    assert not Account.objects.filter(name="New").exists()


def test_mails_asked_for_there_are_in_its_branding_and_lead_back(brand: Brand) -> None:
    open_account(name="Sub", owner_email="sub@x.example", password=PASSWORD, parent=brand.account, by=OPERATOR)
    client = Client(headers={"host": HOST})
    for email in ("sub@x.example", "nobody@x.example"):
        client.post("/accounts/password/reset/", {"email": email})
    letters = posted()
    for sent in letters:
        assert sent.from_email == f"Nordlicht <no-reply@{HOST}>"
        assert sent.reply_to == ["help@nordlicht.example"]
        assert "linekeeper" not in str(sent.message()).lower()
    assert [sent.to for sent in letters] == [["sub@x.example"], ["nobody@x.example"]]
    assert re.search(rf"http://{HOST}/accounts/open/reset/#", str(letters[0].body))
    assert "signup" not in letters[1].body


def test_a_subaccounts_browser_keeps_its_branding_after_logging_out(fleet: Fleet) -> None:
    parent = fleet.account()
    client = client_of(fleet.account(parent=parent), "testserver")
    client.get("/")
    client.post("/accounts/logout/")
    body = client.get("/accounts/login/").content.decode()
    assert f"· {parent.name}</title>" in body
    assert "linekeeper" not in body.lower()
    client.cookies["branding"] = client.cookies["branding"].value.replace(":", "x:", 1)  # forged
    assert "· Linekeeper</title>" in client.get("/accounts/login/").content.decode()


def test_a_subaccounts_people_have_an_address_to_come_in_by(fleet: Fleet) -> None:
    parent = fleet.account()
    sub, client = fleet.account(parent=parent), Client()
    page = client.get(f"/accounts/at/{sub.uuid}/", follow=True)
    assert f"· {parent.name}</title>" in page.content.decode()
    assert client.get(f"/accounts/at/{parent.uuid}/").status_code == 404


def test_a_link_brands_a_browser_for_a_session_and_a_login_for_longer(fleet: Fleet) -> None:
    """Anybody can send the link, to people who never heard of its account."""
    parent = fleet.account()
    sub, client = fleet.account(parent=parent), Client()
    client.get(f"/accounts/at/{sub.uuid}/")
    assert client.cookies["branding"]["max-age"] == ""
    client.force_login(owner_of(sub))
    client.get("/")
    assert client.cookies["branding"]["max-age"] == 365 * 86_400
    assert "max-age" in client.get(f"/accounts/at/{sub.uuid}/").client.cookies["branding"]  # it takes nothing away
    Account.objects.filter(pk=parent.pk).update(is_active=False)
    assert Client().get(f"/accounts/at/{sub.uuid}/").status_code == 404


def test_a_brands_domain_sends_no_strangers_reset_link(fleet: Fleet, brand: Brand) -> None:
    """Who has the domain's address can lead it elsewhere: a link to it is for nobody but the brand's own people."""
    sub, both = fleet.account(parent=brand.account), owner_of(fleet.account())
    Membership.objects.create(user=both, account=sub, role=Role.USER)
    office = owner_of(fleet.account(parent=brand.account))
    User.objects.filter(pk=office.pk).update(is_staff=True)
    for user in (owner_of(fleet.account()), both, office):
        Client(headers={"host": HOST}).post("/accounts/password/reset/", {"email": user.email})
        letter = posted()[-1]
        assert letter.to == [user.email]
        assert "/accounts/open/" not in letter.body
        Client().post("/accounts/password/reset/", {"email": user.email})
        assert "http://testserver/accounts/open/reset/#" in posted()[-1].body
