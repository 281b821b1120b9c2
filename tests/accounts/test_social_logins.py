"""Logging in with an account elsewhere: only where it is configured and connected."""

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from django.core.cache import cache
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from accounts.commands import open_account
from accounts.models import Account, User
from accounts.policy import OPERATOR
from accounts.queries import owner_of

pytestmark = pytest.mark.django_db

PASSWORD = "orbit-lantern-42"
GOOGLE = {"sub": "g-1", "email": "jane@acme.example", "email_verified": True, "name": "Jane"}


@pytest.fixture(autouse=True)
def no_tries_before() -> None:
    cache.clear()


@pytest.fixture
def acme() -> Account:
    return open_account(name="Acme", owner_email="jane@acme.example", password=PASSWORD, by=OPERATOR)


@pytest.fixture(autouse=True)
def google(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google, as it answers when a person has agreed."""

    def answered(self: GoogleOAuth2Adapter, request: HttpRequest, *_: Any, **__: Any) -> SocialLogin:
        return self.get_provider().sociallogin_from_response(request, GOOGLE)

    monkeypatch.setattr(OAuth2Client, "get_access_token", lambda *_, **__: {"access_token": "x"})
    monkeypatch.setattr(GoogleOAuth2Adapter, "complete_login", answered)


def agreed(client: Client, process: str) -> Any:
    leads = client.get(f"/accounts/social/google/login/?process={process}").headers["Location"]
    assert leads.startswith("https://accounts.google.com/")
    state = leads.split("state=")[1].split("&")[0]
    return client.get(f"/accounts/social/google/login/callback/?code=x&state={state}", follow=True)


def test_a_provider_is_shown_only_when_it_is_configured(client: Client, settings: Settings) -> None:
    assert "Continue with Google" in client.get("/accounts/login/").content.decode()
    settings.SOCIALACCOUNT_PROVIDERS = {}
    assert "Continue with Google" not in client.get("/accounts/login/").content.decode()


def test_a_login_that_nobody_connected_opens_nothing_even_with_a_known_address(acme: Account, client: Client) -> None:
    page = agreed(client, "login").content.decode()
    assert "connected to nobody here" in page
    assert "_auth_user_id" not in client.session
    assert not SocialAccount.objects.exists()
    assert User.objects.count() == 1


def test_a_connected_login_leads_in_until_it_is_disconnected(acme: Account) -> None:
    mine = Client()
    mine.post("/accounts/login/", {"login": "jane@acme.example", "password": PASSWORD})
    assert "Go on" in agreed(mine, "connect").content.decode()  # a link that somebody else made connects nothing
    assert not SocialAccount.objects.exists()
    answer = mine.post("/accounts/reauthenticate/", {"password": PASSWORD}, follow=True)
    assert "The login is connected." in answer.content.decode()
    other = Client()
    agreed(other, "login")
    assert other.get("/").status_code == 200
    assert SocialAccount.objects.get().user == owner_of(acme)
    mine.post("/accounts/social/", {"account": SocialAccount.objects.get().pk})
    assert "connected to nobody here" in agreed(Client(), "login").content.decode()


def test_nobody_connects_a_login_that_is_somebody_elses(acme: Account) -> None:
    SocialAccount.objects.create(user=owner_of(acme), provider="google", uid="g-1")
    olga = User.objects.create_user("olga@other.example")
    client = Client()
    olga.set_password(PASSWORD)
    olga.save()
    client.force_login(olga)
    agreed(client, "connect")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert SocialAccount.objects.get().user == owner_of(acme)
