"""A sub-account's user UUID and shared key: on its page for its provider's owner, and on its own owner's page."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.commands import open_account, open_subaccount
from accounts.commands.staff import name_owner
from accounts.models import Account, Event, Membership, User
from accounts.policy import OPERATOR, Role
from accounts.queries import credential_of, owner_of

PASSWORD = "orbit-lantern-42"


@pytest.fixture
def acme(db: None) -> Account:
    cache.clear()
    return open_account(name="Acme", owner_email="jane@acme.example", password=PASSWORD, by=OPERATOR)


@pytest.fixture
def harbour(acme: Account) -> Account:
    return open_subaccount(parent=acme, name="Harbour", by=OPERATOR)


def logged_in(email: str) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def person(account: Account, email: str, role: Role = Role.USER) -> Membership:
    user = User.objects.create_user(email, PASSWORD)
    return Membership.objects.create(user=user, account=account, role=role)


def test_the_owner_sees_it_on_request_and_rotates_it_and_both_are_written(acme: Account, harbour: Account) -> None:
    jane, key = logged_in("jane@acme.example"), credential_of(harbour).shared_key
    page = jane.get(f"/subaccounts/{harbour.uuid.hex}/").content.decode()
    assert credential_of(harbour).user_uuid in page
    assert key not in page
    at = f"/subaccounts/{harbour.uuid.hex}/api-credentials/"
    assert key in jane.post(at, {"do": "show"}).content.decode()
    form = jane.get(at).content.decode()
    last = re.search(r'name="last"(?: value="([^"]*)")?', form)
    assert last
    rotated = jane.post(at, {"do": "rotate", "overlap_hours": 0, "last": last[1] or ""})
    assert credential_of(harbour).shared_key in rotated.content.decode()
    assert credential_of(harbour).shared_key != key
    assert credential_of(acme).shared_key not in rotated.content.decode()
    events = Event.objects.filter(verb__startswith="api.key").order_by("pk")
    assert [(one.verb, one.actor_name, one.account_id) for one in events] == [
        ("api.key_shown", "jane@acme.example", harbour.pk),
        ("api.key_rotated", "jane@acme.example", harbour.pk),
    ]
    audit = jane.get("/audit/").content.decode()
    assert "Harbour" in audit


def test_showing_asks_for_the_password_first(harbour: Account) -> None:
    client, at = Client(), f"/subaccounts/{harbour.uuid.hex}/api-credentials/"
    client.post("/accounts/login/", {"login": "jane@acme.example", "password": PASSWORD})
    assert client.post(at, {"do": "show"})["Location"].startswith("/accounts/reauthenticate/?next=%2Fsubaccounts%2F")
    assert not Event.objects.filter(verb="api.key_shown").exists()


def test_it_is_nobody_elses(acme: Account, harbour: Account) -> None:
    person(acme, "tom@acme.example")
    person(harbour, "kim@harbour.example")
    other = open_account(name="Other", owner_email="eve@other.example", password=PASSWORD, by=OPERATOR)
    assert owner_of(other)
    for email in ("tom@acme.example", "kim@harbour.example", "eve@other.example"):
        client = logged_in(email)
        for at in (f"/subaccounts/{harbour.uuid.hex}/api-credentials/", "/api-credentials/"):
            expected = 200 if (email, at) == ("eve@other.example", "/api-credentials/") else 404
            assert client.get(at).status_code == expected, (email, at)
    assert (
        credential_of(harbour).user_uuid
        not in logged_in("tom@acme.example").get(f"/subaccounts/{harbour.uuid.hex}/").content.decode()
    )


def test_who_owns_the_subaccount_has_the_same_page_and_no_more_rights(acme: Account, harbour: Account) -> None:
    kim, lee = person(harbour, "kim@harbour.example"), person(harbour, "lee@harbour.example")
    jane, at = logged_in("jane@acme.example"), f"/subaccounts/{harbour.uuid.hex}/people/"
    for _ in range(2):
        assert jane.post(f"{at}{kim.pk}/", {"do": "owner"}).status_code == 302
    client = logged_in("kim@harbour.example")
    page = client.post("/api-credentials/", {"do": "show"}).content.decode()
    assert credential_of(harbour).shared_key in page
    assert client.get("/staff/").status_code == client.get("/billing/").status_code == 404
    jane.post(f"{at}{lee.pk}/", {"do": "owner"})
    assert client.get("/api-credentials/").status_code == 404
    jane.post(f"{at}{lee.pk}/", {"do": "user"})
    assert not Membership.objects.filter(account=harbour, role=Role.OWNER).exists()
    tom = person(acme, "tom@acme.example")  # may manage logins, and gives nobody keys
    assert logged_in("tom@acme.example").post(f"{at}{kim.pk}/", {"do": "owner"}).status_code == 404
    with pytest.raises(Exception, match="transfer the ownership"):
        name_owner(subaccount=acme, place=tom, by=OPERATOR)
