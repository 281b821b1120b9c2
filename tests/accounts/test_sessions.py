"""What a session opens: only at the host it was opened at, only for as long as it lives, and only with what it gave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client
from kit import clock
from pytest_django import Settings

from accounts.branding import hosts
from accounts.commands import open_account, staff
from accounts.commands.desk import let_into_back_office
from accounts.models import Account, Brand, User
from accounts.policy import OFFICE_SESSION, OPERATOR, SESSION
from accounts.queries import owner_of
from tests.proofs import enrol, log_in, with_factor

pytestmark = pytest.mark.django_db

HOST, OTHER = "sims.nordlicht.example", "sims.betabrand.example"
PASSWORD = "orbit-lantern-42"
JANE, ANNA = "jane@acme.example", "anna@office.example"
BOTH = ("password", "mfa")


@pytest.fixture(autouse=True)
def own_hosts(settings: Settings) -> Iterator[None]:
    settings.ALLOWED_HOSTS = hosts.AllowedHosts(["testserver", "console.example"])
    cache.clear()
    hosts.forget()
    yield
    hosts.forget()


@pytest.fixture
def acme() -> Account:
    return open_account(name="Acme", owner_email=JANE, password=PASSWORD, by=OPERATOR)


@pytest.fixture
def anna() -> User:
    return let_into_back_office(email=ANNA, password=PASSWORD, by=OPERATOR)


def branded(account: Account, host: str) -> Brand:
    brand = Brand.objects.create(account=account, name="Nordlicht", domain=host, domain_live_at=clock.now())
    hosts.forget()
    return brand


def at_host(client: Client, host: str) -> Client:
    """The same cookie, as whoever has a domain sends it on."""
    other = Client(headers={"host": host})
    other.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
    return other


def in_at(host: str, email: str = JANE) -> Client:
    client = Client(headers={"host": host})
    assert client.post("/accounts/login/", {"login": email, "password": PASSWORD}).status_code == 302
    return client


# Second factor: of the session


def test_an_older_session_without_a_factor_stays_out_of_the_back_office_after_enrolment(anna: User) -> None:
    attacker, person = in_at("testserver", ANNA), log_in(Client(), anna, proved=BOTH)
    with_factor(anna)
    assert person.get("/back-office/").status_code == 200
    for path in ("/back-office/", "/back-office/accounts/user/", "/back-office/billing/wallet/"):
        assert attacker.get(path).status_code == 302, path
    assert attacker.get("/back-office/", follow=True).redirect_chain[-1][0].startswith("/accounts/2fa/reauthenticate/")


def test_an_older_session_without_a_factor_acts_for_nobody(anna: User, acme: Account) -> None:
    client = log_in(Client(), with_factor(anna))
    session = client.session
    session["acting_for"] = acme.uuid.hex
    session.save()
    assert client.get("/lines/").headers["Location"] == "/back-office/"


def test_an_account_that_demands_a_factor_asks_it_of_each_session(acme: Account) -> None:
    staff.demand_second_factor(account=acme, demanded=True, by=OPERATOR)
    jane = with_factor(owner_of(acme))
    assert "/accounts/2fa/reauthenticate/" in log_in(Client(), jane).get("/").headers["Location"]
    assert log_in(Client(), jane, proved=BOTH).get("/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_setting_up_a_factor_proves_it_here_and_ends_every_other_session(acme: Account) -> None:
    here, there = in_at("testserver"), in_at("testserver")
    here.post("/accounts/reauthenticate/", {"password": PASSWORD})
    enrol(here)
    assert there.get("/").status_code == 302
    staff.demand_second_factor(account=acme, demanded=True, by=OPERATOR)
    assert here.get("/").status_code == 200
    here.post("/accounts/2fa/totp/deactivate/")
    assert here.get("/").status_code == 302  # what was given is no factor any more


def test_a_new_password_ends_every_other_session(acme: Account) -> None:
    here, there = in_at("testserver"), in_at("testserver")
    form = {"oldpassword": PASSWORD, "password1": "other-lantern-43", "password2": "other-lantern-43"}
    assert here.post("/accounts/password/change/", form).status_code == 302
    assert (here.get("/").status_code, there.get("/").status_code) == (200, 302)


# Host: where it was opened


def test_a_session_of_a_brands_domain_opens_nothing_at_the_console(acme: Account) -> None:
    branded(acme, HOST)
    theirs = in_at(HOST)
    assert theirs.get("/lines/").status_code == 200
    assert at_host(theirs, "testserver").get("/lines/").headers["Location"].startswith("/accounts/login/")
    assert theirs.get("/lines/").status_code == 200  # and looking elsewhere did it no harm


def test_a_session_of_the_console_opens_nothing_at_a_brands_domain(acme: Account) -> None:
    branded(acme, HOST)
    assert at_host(in_at("testserver"), HOST).get("/lines/").status_code == 302
    assert at_host(in_at("testserver"), "console.example").get("/lines/").status_code == 200


def test_a_session_of_one_brand_opens_nothing_at_another(acme: Account) -> None:
    branded(acme, HOST)
    beta = open_account(name="Beta", owner_email=JANE, by=OPERATOR)
    branded(beta, OTHER)
    assert at_host(in_at(HOST), OTHER).get("/lines/").status_code == 302


def test_a_domain_that_goes_to_another_brand_ends_the_sessions_of_the_first(acme: Account) -> None:
    brand = branded(acme, HOST)
    theirs = in_at(HOST)
    Brand.objects.filter(pk=brand.pk).update(domain=None, domain_live_at=None)
    branded(open_account(name="Beta", owner_email=JANE, by=OPERATOR), HOST)
    assert theirs.get("/lines/").status_code == 302


def test_there_is_no_back_office_at_a_brands_domain(acme: Account, anna: User) -> None:
    brand = branded(acme, HOST)
    there = log_in(Client(headers={"host": HOST}), with_factor(anna), proved=BOTH, place=f"{brand.key}@{HOST}")
    assert there.get("/back-office/", follow=True).status_code == 404


def test_a_session_from_before_it_knew_its_host_ends(acme: Account) -> None:
    client = in_at("testserver")
    session = client.session
    del session["place"]
    session.save()
    assert client.get("/").status_code == 302


def test_nobody_is_led_to_another_host(acme: Account) -> None:
    branded(acme, HOST)
    for away in (f"https://{HOST}/phish", f"http://{HOST}/", "//evil.example/", "http://console.example/"):
        client = Client()
        form = {"login": JANE, "password": PASSWORD, "next": away}
        assert client.post(f"/accounts/login/?next={away}", form).headers["Location"] == "/", away
        assert client.get(f"/accounts/login/?next={away}").headers["Location"] == "/", away
        assert client.post("/accounts/logout/", {"next": away}).headers["Location"] == "/accounts/login/", away


# Ends


def later(client: Client, path: str, after: dt.timedelta, **headers: str) -> int:
    with clock.frozen(clock.now() + after):
        return int(client.get(path, headers=headers).status_code)


def test_a_session_ends_when_nobody_was_seen_in_it(acme: Account) -> None:
    client, short = log_in(Client(), owner_of(acme)), SESSION.idle - dt.timedelta(minutes=5)
    assert later(client, "/", short) == 200
    assert later(client, "/", 2 * short) == 200
    assert later(client, "/", 2 * short + SESSION.idle) == 302
    assert client.get("/").status_code == 302  # gone, not asleep


def test_a_page_that_asks_by_itself_keeps_no_session_alive(acme: Account) -> None:
    client, short = log_in(Client(), owner_of(acme)), SESSION.idle - dt.timedelta(minutes=5)
    assert later(client, "/", short, **{"X-Live": "1"}) == 200
    assert later(client, "/", 2 * short, **{"X-Live": "1"}) == 302


def test_a_session_ends_however_busy_it_is(acme: Account) -> None:
    client, step = log_in(Client(), owner_of(acme)), SESSION.idle / 2
    seen = [later(client, "/", step * number) for number in range(1, int(SESSION.absolute / step) + 1)]
    assert set(seen[:-1]) == {200}
    assert seen[-1] == 302


def test_sessions_of_the_back_office_are_shorter(anna: User) -> None:
    assert OFFICE_SESSION.idle < SESSION.idle
    assert OFFICE_SESSION.absolute < SESSION.absolute
    client = log_in(Client(), with_factor(anna), proved=BOTH)
    assert later(client, "/back-office/", OFFICE_SESSION.idle - dt.timedelta(minutes=2)) == 200
    assert later(client, "/back-office/", 2 * OFFICE_SESSION.idle) == 302


def test_a_session_that_proves_itself_again_gets_a_new_id(acme: Account) -> None:
    client = in_at("testserver")
    stolen = at_host(client, "testserver")
    before = client.session.session_key
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.session.session_key != before
    assert client.get("/").status_code == 200
    assert stolen.get("/").status_code == 302
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [client.session.session_key]
