"""Who runs the installation sets up their login by a link that works once."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client
from kit import clock

from accounts.commands import open_account
from accounts.commands.desk import give_office_pass, let_into_back_office
from accounts.models import Event, OfficePass, User
from accounts.policy import OPERATOR
from tests.links import opened
from tests.proofs import enrol, log_in, with_factor
from tests.responses import ClientResponse

pytestmark = pytest.mark.django_db

ANNA, PASSWORD = "anna@office.example", "orbit-lantern-42"
TWICE = {"password1": PASSWORD, "password2": PASSWORD}


def told(*arguments: str) -> dict[str, object]:
    out = StringIO()
    call_command("back_office", *arguments, "--json", stdout=out)
    answer: dict[str, object] = json.loads(out.getvalue())
    return answer


def link_of(*arguments: str) -> str:
    return str(told(ANNA, *arguments)["link"])


def sent(link: str, form: dict[str, str] = TWICE) -> ClientResponse:
    """What a browser gets that opens the link and sends the form."""
    client = Client()
    return client.post(opened(client, link), form)


@pytest.mark.django_db(transaction=True)
def test_the_link_opens_the_back_office_once() -> None:
    link, client = link_of(), Client()
    assert PASSWORD not in str(OfficePass.objects.values())
    assert client.post(opened(client, link), TWICE).status_code == 302
    enrol(client)
    assert client.get("/back-office/").status_code == 200
    assert sent(link).status_code == 404
    verbs = Event.objects.filter(subject=f"person:{ANNA}").values_list("verb", flat=True)
    assert {"back_office.let_in", "back_office.link_made", "back_office.link_used"} <= set(verbs)


def test_a_password_alone_enrols_nobody_of_the_back_office() -> None:
    user = let_into_back_office(email=ANNA, password=PASSWORD, by=OPERATOR)
    thief = log_in(Client(), user)
    for path in ("/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"):
        for answer in (thief.get(path), thief.post(path, {"code": "123456"})):
            assert answer.headers["Location"] == "/accounts/2fa/", path
    assert not Authenticator.objects.exists()


def test_a_link_ends_after_a_day_and_with_the_next_one() -> None:
    first = link_of()
    second = link_of("--link")
    assert sent(first).status_code == 404
    with clock.frozen(clock.now() + dt.timedelta(hours=25)):
        assert sent(second).status_code == 404


def test_a_weak_password_uses_no_link_up() -> None:
    link = link_of()
    assert sent(link, {"password1": "short", "password2": "short"}).status_code == 422
    assert sent(link).status_code == 302


def test_who_lost_a_factor_gets_a_new_link_and_what_they_had_ends() -> None:
    user = with_factor(let_into_back_office(email=ANNA, password=PASSWORD, by=OPERATOR))
    old = log_in(Client(), user, proved=("password", "mfa"))
    assert old.get("/back-office/").status_code == 200
    link_of("--link")
    assert not Authenticator.objects.filter(user=user).exists()
    assert old.get("/profile/").status_code == 302


def test_who_is_put_out_and_let_in_again_acts_for_nobody() -> None:
    user = with_factor(let_into_back_office(email=ANNA, password=PASSWORD, by=OPERATOR))
    client = log_in(Client(), user, proved=("password", "mfa"))
    account = open_account(name="Acme", owner_email="jane@acme.example", by=OPERATOR)
    session = client.session
    session["acting_for"] = account.uuid.hex
    session.save()
    assert client.get("/lines/").status_code == 200
    told(ANNA, "--out")
    told(ANNA)
    assert client.get("/lines/").headers["Location"].startswith("/accounts/login/")


def test_nobody_else_gets_a_link() -> None:
    User.objects.create_user("eve@evil.example", PASSWORD)
    with pytest.raises(Exception, match="nobody of the back office"):
        give_office_pass(email="eve@evil.example", by=OPERATOR)
    with pytest.raises(CommandError):
        call_command("back_office", ANNA, "--password", PASSWORD)


def test_an_administrator_ends_the_sessions_of_a_person() -> None:
    user = let_into_back_office(email=ANNA, password=PASSWORD, by=OPERATOR)
    client = log_in(Client(), user)
    assert client.get("/profile/").status_code == 200
    told(ANNA, "--log-out")
    assert client.get("/profile/").status_code == 302
