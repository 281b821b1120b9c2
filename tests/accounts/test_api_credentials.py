"""The API credentials page: the shared key is shown to who asks, and rotated without stopping a client."""

import datetime as dt
import re

import pytest
from django.core.cache import cache
from django.test import Client
from kit import clock

from accounts.commands import credentials, open_account
from accounts.models import Account, ApiCredential, Event, Membership, User
from accounts.policy import OPERATOR, Role
from accounts.queries import caller_of, credential_of

pytestmark = pytest.mark.django_db

PASSWORD = "orbit-lantern-42"


@pytest.fixture(autouse=True)
def no_tries_before() -> None:
    cache.clear()


@pytest.fixture
def acme() -> Account:
    return open_account(name="Acme", owner_email="jane@acme.example", password=PASSWORD, by=OPERATOR)


@pytest.fixture
def client(acme: Account) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": "jane@acme.example", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def works(account: Account, key: str) -> bool:
    user_uuid = ApiCredential.objects.get(account=account).user_uuid
    found = caller_of(account_uuid=account.uuid.hex, user_uuid=user_uuid, proves=lambda kept: kept == key)
    return found is not None


def rotated(client: Client, hours: int) -> str:
    page = client.get("/api-credentials/").content.decode()
    last = re.search(r'name="last"(?: value="([^"]*)")?', page)
    assert last
    form = {"do": "rotate", "overlap_hours": hours, "last": last.group(1) or ""}
    answer = client.post("/api-credentials/", form)
    again = client.post("/api-credentials/", form)  # the second click
    assert again.status_code == 302
    return str(answer.context["shown"])


def test_the_key_is_shown_to_who_asks_and_that_is_written(acme: Account, client: Client) -> None:
    key = credential_of(acme).shared_key
    page = client.get("/api-credentials/")
    assert key not in page.content.decode()
    assert credential_of(acme).user_uuid in page.content.decode()
    shown = client.post("/api-credentials/", {"do": "show"})
    assert key in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    event = Event.objects.get(verb="api.key_shown")
    assert event.actor_name == "jane@acme.example"
    assert key not in str(event.detail)


def test_showing_asks_for_the_password_again(acme: Account) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": "jane@acme.example", "password": PASSWORD})
    answer = client.post("/api-credentials/", {"do": "show"})
    assert answer.headers["Location"] == "/accounts/reauthenticate/?next=%2Fapi-credentials%2F"
    assert not Event.objects.filter(verb="api.key_shown").exists()


def test_after_a_rotation_both_keys_work_until_the_overlap_ends(acme: Account, client: Client) -> None:
    old = credential_of(acme).shared_key
    new = rotated(client, 24)
    assert new == credential_of(acme).shared_key != old
    assert works(acme, new)
    assert works(acme, old)
    with clock.frozen(clock.now() + dt.timedelta(hours=24, seconds=1)):
        assert works(acme, new)
        assert not works(acme, old)
    assert "The former key still works until" in client.get("/api-credentials/").content.decode()
    with pytest.raises(credentials.FormerKeyWorks):
        credentials.rotate_key(account=acme, overlap_hours=24, last=ApiCredential.objects.get().rotated_at, by=OPERATOR)
    client.post("/api-credentials/", {"do": "end"})
    assert not works(acme, old)
    assert Event.objects.filter(verb="api.key_rotated").count() == 1


def test_without_overlap_the_old_key_ends_at_once(acme: Account, client: Client) -> None:
    old = credential_of(acme).shared_key
    assert works(acme, rotated(client, 0))
    assert not works(acme, old)


def test_only_the_owner_meets_the_page(acme: Account) -> None:
    user = User.objects.create_user("tom@acme.example")
    Membership.objects.create(user=user, account=acme, role=Role.USER)
    other = Client()
    other.force_login(user)
    assert other.get("/api-credentials/").status_code == 404
    assert other.post("/api-credentials/", {"do": "show"}).status_code == 404
