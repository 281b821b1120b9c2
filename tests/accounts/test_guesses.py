"""Wrong passwords wait longer and longer; nobody's guesses shut out who has been here before."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory
from kit import clock
from kit.proxies import ForwardedMiddleware
from pytest_django import Settings

from accounts.commands import logins, open_account
from accounts.models import Account, Event, LoginGuess
from accounts.policy import GUESSES_AT_ADDRESS, GUESSES_FROM_NETWORK, OPERATOR, network_of
from accounts.tasks import clear_sessions

pytestmark = pytest.mark.django_db

JANE, PASSWORD = "jane@acme.example", "orbit-lantern-42"
NOON = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
def acme() -> Account:
    cache.clear()
    return open_account(name="Acme", owner_email=JANE, password=PASSWORD, by=OPERATOR)


def tried(client: Client, password: str, address: str = "203.0.113.1", email: str = JANE, **headers: str) -> bool:
    form = {"login": email, "password": password}
    return client.post("/accounts/login/", form, REMOTE_ADDR=address, headers=headers).status_code == 302


@pytest.mark.parametrize("limit", [GUESSES_AT_ADDRESS, GUESSES_FROM_NETWORK])
def test_the_database_waits_as_the_rule_says(limit: object) -> None:
    """The rule and its SQL twin."""
    at, email = NOON, JANE
    for failures in range(1, 40):
        with clock.frozen(at):
            assert logins._taken(logins._digest("address", email), limit)  # type: ignore[arg-type]
        row = LoginGuess.objects.get()
        assert row.failures == failures
        assert row.blocked_until - at == limit.wait(failures)  # type: ignore[attr-defined]
        at = row.blocked_until
    with clock.frozen(at + limit.forgotten_after + dt.timedelta(seconds=1)):  # type: ignore[attr-defined]
        assert logins._taken(logins._digest("address", email), limit)  # type: ignore[arg-type]
    assert LoginGuess.objects.get().failures == 1


def test_a_stranger_who_guesses_shuts_nobody_out_of_a_browser_they_have_used(acme: Account) -> None:
    theirs = Client()
    assert tried(theirs, PASSWORD, "198.51.100.7")
    theirs.post("/accounts/logout/")
    for number in range(12):
        tried(Client(), "wrong", f"203.0.113.{number}")
    assert not tried(Client(), PASSWORD, "198.51.100.7")  # another browser waits, though the password is right
    assert tried(theirs, PASSWORD, "198.51.100.7")


def test_a_known_browser_is_no_way_to_guess_without_end(acme: Account) -> None:
    theirs = Client()
    assert tried(theirs, PASSWORD)
    theirs.post("/accounts/logout/")
    for _ in range(5):
        assert not tried(theirs, "wrong")
    assert not tried(theirs, PASSWORD)


def test_a_browser_of_one_person_is_unknown_for_another(acme: Account) -> None:
    open_account(name="Evil", owner_email="eve@evil.example", password=PASSWORD, by=OPERATOR)
    eve = Client()
    assert tried(eve, PASSWORD, email="eve@evil.example")
    eve.post("/accounts/logout/")
    for _ in range(5):
        tried(eve, "wrong")
    assert not tried(Client(), PASSWORD, "198.51.100.9")


def test_waits_grow_and_end(acme: Account) -> None:
    at, refused = NOON, dt.timedelta(seconds=30)
    for number in range(5):
        with clock.frozen(at):
            tried(Client(), "wrong", f"203.0.113.{number}")
    for wait in (1, 2, 4, 8, 15, 15):
        with clock.frozen(at + dt.timedelta(minutes=wait) - refused):
            assert not tried(Client(), PASSWORD, "198.51.100.1")
        at += dt.timedelta(minutes=wait)
        with clock.frozen(at):
            assert not tried(Client(), "wrong", "198.51.100.2")
    with clock.frozen(at + dt.timedelta(minutes=15)):
        assert tried(Client(), PASSWORD, "198.51.100.1")


def test_a_reset_password_lets_its_person_in(acme: Account) -> None:
    for number in range(6):
        tried(Client(), "wrong", f"203.0.113.{number}")
    logins.forgive(email=JANE.upper())
    assert tried(Client(), PASSWORD)


def test_behind_a_proxy_a_guesser_shuts_out_nobody_else(acme: Account, settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for number in range(25):
        made_up = {"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.9"}
        tried(Client(), "wrong", "10.9.9.9", email=f"n{number}@x.example", **made_up)
    assert not tried(Client(), PASSWORD, "10.9.9.9", **{"X-Forwarded-For": "203.0.113.9"})
    assert tried(Client(), PASSWORD, "10.9.9.9", **{"X-Forwarded-For": "198.51.100.7"})


def test_where_no_proxy_is_counted_and_one_is_there_nothing_is_answered(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    inner = ForwardedMiddleware(lambda request: pytest.fail("was answered"))
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "198.51.100.7"})
    answer = inner(request)
    assert answer.status_code == 503
    assert "LINEKEEPER_PROXIES" in answer.content.decode()
    assert "LINEKEEPER_PROXIES" in caplog.text
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    with pytest.raises(pytest.fail.Exception):
        inner(request)


def test_one_household_of_ipv6_is_one_network() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:203.0.113.9") == "203.0.113.9"


def test_log_ins_right_and_wrong_are_logged_and_audited_with_their_address(
    acme: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "linekeeper.logins")
    tried(Client(), "wrong", "203.0.113.5")
    tried(Client(), "hunter2-in-the-wrong-field", email="hunter2@typed.example")
    tried(Client(), PASSWORD, "198.51.100.7")
    seen = Event.objects.filter(account=acme, verb__startswith="person.log").order_by("pk")
    assert [(row.verb, row.detail["address"]) for row in seen] == [
        ("person.login_failed", "203.0.113.5"),
        ("person.logged_in", "198.51.100.7"),
    ]
    assert seen[1].detail["ways"] == "password"
    assert "person.login_failed who=jane@acme.example address=203.0.113.5" in caplog.text
    assert "person.logged_in who=jane@acme.example address=198.51.100.7" in caplog.text
    assert "hunter2" not in caplog.text


def test_old_guesses_are_forgotten(acme: Account) -> None:
    tried(Client(), "wrong")
    with clock.frozen(clock.now() + dt.timedelta(days=3)):
        clear_sessions()
    assert not LoginGuess.objects.exists()
