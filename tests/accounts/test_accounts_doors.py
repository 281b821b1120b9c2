"""Signing up, logging in and out, resetting a password, and which account a person acts in."""

import re
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.commands import open_account
from accounts.models import Account, Membership, User
from accounts.policy import OPERATOR, Role
from accounts.queries import owner_of
from tests.letters import posted
from tests.links import link_in, opened

pytestmark = pytest.mark.django_db

PASSWORD = "orbit-lantern-42"
SIGN_UP = {"account_name": "Acme", "email": "jane@acme.example", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture(autouse=True)
def no_tries_before() -> None:
    cache.clear()


@pytest.fixture
def account() -> Account:
    return open_account(name="Acme", owner_email="jane@acme.example", password=PASSWORD, by=OPERATOR)


def logged_in(account: Account) -> Client:
    client = Client()
    client.force_login(owner_of(account))
    return client


def test_signing_up_opens_an_account_and_leads_home(client: Client) -> None:
    response = client.post("/accounts/signup/", SIGN_UP, follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert "Acme" in response.content.decode()
    assert owner_of(Account.objects.get()).email == "jane@acme.example"


def test_signing_up_twice_makes_one_account(client: Client) -> None:
    client.post("/accounts/signup/", SIGN_UP)
    response = Client().post("/accounts/signup/", SIGN_UP)
    assert response.status_code == 200
    assert Account.objects.count() == User.objects.count() == 1


@pytest.mark.parametrize(
    "change", [{"password1": "short", "password2": "short"}, {"password2": "other-lantern-42"}, {"account_name": " "}]
)
def test_a_sign_up_that_cannot_be_used_makes_nothing(client: Client, change: dict[str, str]) -> None:
    response = client.post("/accounts/signup/", SIGN_UP | change)
    assert response.status_code == 200
    assert not User.objects.exists()


def test_with_confirmed_addresses_signing_up_never_tells_who_is_here(
    client: Client, account: Account, settings: Settings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    known = client.post("/accounts/signup/", SIGN_UP)
    new = Client().post("/accounts/signup/", SIGN_UP | {"email": "new@acme.example"})
    assert (known.status_code, known.headers["Location"]) == (new.status_code, new.headers["Location"])
    assert len(posted()) == 2
    assert not Membership.objects.filter(user__email="jane@acme.example").exclude(account=account).exists()


def test_logging_in_leads_home_and_out_leads_to_the_door(client: Client, account: Account) -> None:
    response = client.post("/accounts/login/", {"login": "Jane@acme.example", "password": PASSWORD})
    assert response.headers["Location"] == "/"
    assert client.get("/accounts/logout/").status_code == 200
    assert "_auth_user_id" in client.session
    response = client.post("/accounts/logout/")
    assert response.headers["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in client.session


def test_a_wrong_password_and_an_unknown_address_read_the_same(client: Client, account: Account) -> None:
    def said(login: str) -> str:
        page = Client().post("/accounts/login/", {"login": login, "password": "wrong-lantern-1"}).content.decode()
        return re.sub(r'value="[^"]*"', "", page)

    assert said("jane@acme.example") == said("nobody@acme.example")


def test_a_password_is_reset_by_mail_once(client: Client, account: Account) -> None:
    response = client.post("/accounts/password/reset/", {"email": "jane@acme.example"})
    assert response.headers["Location"] == "/accounts/password/reset/done/"
    link = link_in(str(posted()[0].body), "reset")
    form = opened(client, link)
    response = client.post(form, {"password1": "other-lantern-43", "password2": "other-lantern-43"})
    assert response.headers["Location"] == "/accounts/password/reset/key/done/"
    assert owner_of(account).check_password("other-lantern-43")
    other = Client()
    assert "no longer works" in other.get(opened(other, link)).content.decode()


def test_asking_to_reset_an_unknown_address_reads_the_same(client: Client) -> None:
    response = client.post("/accounts/password/reset/", {"email": "nobody@acme.example"})
    assert response.headers["Location"] == "/accounts/password/reset/done/"


def test_an_owner_made_by_the_operator_sets_a_first_password_by_mail(client: Client) -> None:
    open_account(name="Acme", owner_email="jane@acme.example", by=OPERATOR)
    client.post("/accounts/password/reset/", {"email": "jane@acme.example"})
    assert "to set a new password" in posted()[0].body


@pytest.mark.parametrize("name", ["home", "lines", "search", "balance", "account_change_password"])
def test_a_page_asks_a_stranger_to_log_in_and_leads_back(client: Client, name: str) -> None:
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response.headers["Location"] == f"/accounts/login/?next={reverse(name)}"


def test_a_form_whose_session_ended_leads_back_to_the_page_that_it_stood_on(client: Client) -> None:
    for page, back in (("http://testserver/rules/?a=1", "/rules/?a=1"), ("http://evil.example/x", "/"), ("", "/")):
        asked = client.post("/lines/columns/", headers={"Referer": page})
        assert asked.headers["Location"] == f"{reverse('account_login')}?{urlencode({'next': back}, safe='/')}"


def test_an_address_that_only_takes_forms_has_a_page_that_says_so(client: Client) -> None:
    answer = client.get("/lines/columns/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert b"only takes what a form sends" in answer.content
    assert client.get("/lines/columns/").content == b""


def test_a_part_of_a_page_whose_session_ended_loads_the_page_again(client: Client) -> None:
    assert client.get("/lines/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


@pytest.mark.parametrize("path", ["email/", "login/code/confirm/", "signup/passkey/", "2fa/webauthn/signup/"])
def test_pages_of_allauth_that_the_console_does_not_want_do_not_exist(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code == 404


def test_a_person_without_an_account_is_told_so_and_may_log_out(client: Client) -> None:
    client.force_login(User.objects.create_user("alone@acme.example"))
    response = client.get("/")
    assert response.status_code == 403
    assert "no account here" in response.content.decode()
    assert "Log out" in response.content.decode()


@pytest.mark.parametrize("switch", ["account", "membership"])
def test_a_person_whose_account_or_place_is_closed_is_outside_at_once(account: Account, switch: str) -> None:
    client = logged_in(account)
    assert client.get("/").status_code == 200
    if switch == "account":
        Account.objects.update(is_active=False)
    else:
        Membership.objects.update(is_active=False)
    assert client.get("/").status_code == 403


def test_a_person_of_several_accounts_chooses_and_stays(account: Account) -> None:
    other = open_account(name="Second", owner_email="jane@acme.example", by=OPERATOR)
    client = logged_in(account)
    assert client.get("/").context["account"] == account
    assert client.post("/accounts/choose/", {"account": other.uuid.hex}).status_code == 302
    assert client.get("/lines/").context["account"] == other


def test_nobody_chooses_an_account_of_others(account: Account) -> None:
    other = open_account(name="Others", owner_email="other@else.example", by=OPERATOR)
    client = logged_in(account)
    assert client.post("/accounts/choose/", {"account": other.uuid.hex}).status_code == 404
    assert client.get("/").context["account"] == account


def test_a_place_as_a_user_is_a_place(account: Account) -> None:
    person = User.objects.create_user("staff@acme.example")
    Membership.objects.create(user=person, account=account, role=Role.USER)
    client = Client()
    client.force_login(person)
    assert client.get("/").context["account"] == account
