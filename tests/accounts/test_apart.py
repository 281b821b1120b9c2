"""What is kept apart by setting: the back office's host, who gives a second factor, whom we call, where heads go."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import pytest
from django.test import Client
from embedded import addresses
from kit.errors import Invalid
from kit.outside import is_listed, listed
from pytest_django import Settings

from accounts import audit, tasks
from accounts.commands import open_account
from accounts.commands.desk import give_office_pass, let_into_back_office
from accounts.models import Account
from accounts.policy import OPERATOR, Actor, ActorKind
from accounts.queries import owner_of
from automation.commands.webhooks import add_webhook
from lines.commands.stock import add_carrier
from lines.commands.tuning import tune_carrier
from tests.letters import posted
from tests.proofs import log_in, with_factor
from tests.responses import ClientResponse

pytestmark = pytest.mark.django_db

OFFICE = "office.example"
BOTH = ("password", "mfa")
DESK = Actor(ActorKind.BACK_OFFICE, "anna@office.example", 1)
SECRETS = {"api_key": "k" * 16}


@pytest.fixture
def acme() -> Account:
    return open_account(name="Acme", owner_email="jane@acme.example", by=OPERATOR)


def at(client: Client, path: str, host: str) -> ClientResponse:
    return client.get(path, headers={"host": host})


def test_the_back_office_is_at_its_own_host_alone(acme: Account, settings: Settings) -> None:
    anna = with_factor(let_into_back_office(email="anna@office.example", password=None, by=OPERATOR))
    here, there = (log_in(Client(), anna, proved=BOTH, place=place) for place in ("", "back office"))
    assert at(here, "/back-office/", "testserver").status_code == 200
    settings.BACK_OFFICE_HOST = OFFICE
    assert here.get("/back-office/", follow=True).status_code == 404
    assert at(here, "/back-office/", OFFICE).status_code == 302  # that session is the console's
    assert at(there, "/back-office/", OFFICE).status_code == 200
    assert at(there, "/back-office/", f"{OFFICE}:8443").status_code == 200
    session = here.session
    session["acting_for"] = acme.uuid.hex
    session.save()
    assert at(here, "/lines/", "testserver").status_code != 200
    token = give_office_pass(email=anna.email, by=OPERATOR)
    for host, status in (("testserver", 404), (OFFICE, 200)):
        client = Client()
        client.post("/accounts/open/back-office/", {"link": f"#{token}"}, headers={"host": host})
        assert at(client, "/accounts/back-office/", host).status_code == status


def test_at_the_back_offices_host_nobody_else_is_logged_in(acme: Account, settings: Settings) -> None:
    jane = log_in(Client(), owner_of(acme), place="back office")
    settings.BACK_OFFICE_HOST = OFFICE
    assert at(jane, "/lines/", OFFICE).headers["Location"].startswith("/accounts/login/")


def test_everybody_gives_a_second_factor_where_that_is_set(acme: Account, settings: Settings) -> None:
    owner = owner_of(acme)
    assert log_in(Client(), owner).get("/lines/").status_code == 200
    settings.SECOND_FACTOR_FOR_ALL = True
    assert log_in(Client(), owner).get("/lines/").headers["Location"].startswith("/accounts/2fa/?next=")
    with_factor(owner)
    assert log_in(Client(), owner).get("/lines/").headers["Location"].startswith("/accounts/2fa/reauthenticate/")
    assert log_in(Client(), owner, proved=BOTH).get("/lines/").status_code == 200


@pytest.mark.parametrize(
    ("host", "hosts", "is_one"),
    [
        ("api.example.com", "api.example.com", True),
        ("API.example.com.", "api.example.com", True),
        ("api.example.com", "*.example.com", True),
        ("example.com", "*.example.com", False),
        ("evilexample.com", "*.example.com", False),
        ("api.example.com.evil.test", "*.example.com, api.example.com", False),
        ("anything", "*", True),
        ("anything", "", False),
    ],
)
def test_a_host_is_listed_or_not(host: str, hosts: str, is_one: bool) -> None:
    assert is_listed(host, listed(hosts)) is is_one


def test_a_carrier_is_called_where_the_operator_says(settings: Settings) -> None:
    settings.ONLY_ENCRYPTED, settings.CARRIER_HOSTS = True, ()
    carrier = add_carrier(name="S", kind="simbase", url="https://api.one.example", secrets=SECRETS, by=OPERATOR)
    with pytest.raises(Invalid, match="over HTTPS"):
        tune_carrier(carrier=carrier, url="http://api.one.example", by=OPERATOR)
    with pytest.raises(Invalid, match="CARRIER_HOSTS"):
        tune_carrier(carrier=carrier, url="https://evil.example", by=DESK)
    tune_carrier(carrier=carrier, url="https://api.one.example/v3", by=DESK)
    tune_carrier(carrier=carrier, url="https://api.two.example", by=OPERATOR)
    settings.CARRIER_HOSTS = ("api.two.example",)
    with pytest.raises(Invalid, match="CARRIER_HOSTS"):
        tune_carrier(carrier=carrier, url="https://api.three.example", by=OPERATOR)


def test_webhooks_go_to_listed_hosts_where_there_is_a_list(acme: Account, settings: Settings) -> None:
    settings.WEBHOOK_HOSTS = ("*.partner.example",)
    add_webhook(account=acme, url="https://in.partner.example/x", topics=["lines"], by=OPERATOR)
    with pytest.raises(Invalid, match="not a host"):
        add_webhook(account=acme, url="https://else.example/x", topics=["lines"], by=OPERATOR)


@pytest.mark.parametrize("fails", [False, True])
def test_the_audits_ends_go_outside_by_mail_and_by_webhook(
    acme: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    sent: list[str] = []

    def post(url: str, *, content: bytes, **_: object) -> httpx.Response:
        sent.append(content.decode())
        return httpx.Response(500 if fails else 204, request=httpx.Request("POST", url))

    monkeypatch.setattr("accounts.tasks.httpx.post", post)
    assert tasks.anchor_audit() == 0
    settings.AUDIT_ANCHOR_URL, settings.AUDIT_ANCHOR_MAIL = "https://notary.example/heads", "notary@out.example"
    tasks.seal_events()
    assert tasks.anchor_audit() > 0
    (page,) = sent
    assert audit.opened(page)
    assert audit.differences(audit.opened(page)) == []
    assert posted()[-1].to == ["notary@out.example"]


@pytest.mark.parametrize(
    ("database", "redis", "clear"),
    [
        ("postgresql://a:b@db/x", "redis://:p@redis:6379/0", ["DATABASE_URL", "REDIS_URL"]),
        ("postgresql://a:b@db/x?sslmode=prefer", "rediss://:p@redis:6379/0", ["DATABASE_URL"]),
        ("postgresql://a:b@db/x?sslmode=verify-full", "rediss://:p@redis:6379/0", []),
        ("postgresql://a:b@127.0.0.1,db/x", "redis://localhost/0", ["DATABASE_URL"]),
        ("postgresql://a@/x?host=/run/postgresql", "unix:///run/redis.sock?db=0", []),
        ("postgresql://a@127.0.0.1/x", "redis://[::1]/0", []),
    ],
)
def test_what_leaves_the_machine_in_clear_is_known(
    monkeypatch: pytest.MonkeyPatch, database: str, redis: str, clear: list[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("REDIS_URL", redis)
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    assert addresses.in_clear() == clear


@pytest.mark.parametrize("allowed", ["", "1"])
def test_a_real_installation_refuses_to_speak_in_clear(allowed: str) -> None:
    given = {
        "DATABASE_URL": "postgresql://x@db/x",
        "REDIS_URL": "redis://redis/0",
        "SECRET_KEY": "k",
        "ENCRYPTION_KEYS": "k",
        "ALLOWED_HOSTS": "console.example",
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "CLEAR_INSIDE": allowed,
    }
    command = [sys.executable, "-c", "from django.conf import settings; print(settings.DEBUG)"]
    done = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, timeout=500, check=False)
    assert (done.returncode == 0) is bool(allowed)
    assert allowed or "would be spoken to in clear" in done.stderr
