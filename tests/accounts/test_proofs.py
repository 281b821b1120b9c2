"""What proves who a person is: codes that are kept as hashes and open once, passwords nobody has lost yet, links whose
token no address has, and proving it again before what a thief at an open browser would do."""

from __future__ import annotations

import hashlib
import json
import re
import time
from importlib import import_module
from typing import Any

import httpx
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal import flows
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from kit import crypto
from pytest_django import Settings

from accounts.commands import open_account
from accounts.commands.desk import give_office_pass, let_into_back_office
from accounts.login import passwords, recovery_codes
from accounts.models import Account, Invitation, Membership
from accounts.policy import OPERATOR, Role
from accounts.queries import owner_of
from tests.letters import posted
from tests.links import link_in, opened
from tests.proofs import enrol, log_in, with_factor

pytestmark = pytest.mark.django_db

PASSWORD, JANE = "orbit-lantern-42", "jane@acme.example"
CODE = r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>"


@pytest.fixture(autouse=True)
def no_tries_before() -> None:
    cache.clear()


@pytest.fixture
def acme() -> Account:
    return open_account(name="Acme", owner_email=JANE, password=PASSWORD, by=OPERATOR)


def proved(account: Account) -> Client:
    return log_in(Client(), owner_of(account))


def stale(account: Account) -> Client:
    """A browser that somebody left open."""
    client = proved(account)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - 3600}]
    session.save()
    return client


def codes_of(client: Client) -> list[str]:
    return re.findall(CODE, client.get("/accounts/2fa/recovery-codes/").content.decode())


def logged_in(code: str) -> bool:
    client = Client()
    client.post("/accounts/login/", {"login": JANE, "password": PASSWORD})
    return client.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302


# Recovery codes


def test_a_recovery_code_cannot_be_read_from_what_is_kept(acme: Account) -> None:
    client = proved(acme)
    enrol(client)
    kept = json.dumps(Authenticator.objects.get(type="recovery_codes").data)
    sessions = str([row.get_decoded() for row in Session.objects.all()])
    codes = codes_of(client)
    assert len(set(codes)) == 10
    assert "seed" not in kept
    for code in codes:
        assert recovery_codes.bare(code) not in kept + sessions
        assert code not in kept + sessions
    assert recovery_codes.FRESH not in client.session
    assert codes_of(client) == []


def test_a_recovery_code_opens_once_however_it_is_typed(acme: Account) -> None:
    client = proved(acme)
    enrol(client)
    first, second, *_ = codes_of(client)
    typed = first.upper().replace("-", " ")
    assert [logged_in(typed), logged_in(typed), logged_in(second), logged_in("aaaaa-aaaaa")] == [
        True,
        False,
        True,
        False,
    ]
    assert len(Authenticator.objects.get(type="recovery_codes").data["hashes"]) == 8
    assert "8 of 10" in client.get("/accounts/2fa/recovery-codes/").content.decode()


def test_new_codes_end_the_old_ones(acme: Account) -> None:
    client = proved(acme)
    enrol(client)
    before = codes_of(client)
    client.post("/accounts/2fa/recovery-codes/generate/")
    after = codes_of(client)
    assert len(after) == 10
    assert not set(before) & set(after)
    assert [logged_in(before[0]), logged_in(after[0])] == [False, True]


def test_another_browser_sees_no_codes(acme: Account) -> None:
    enrol(proved(acme))
    other = log_in(Client(), owner_of(acme), proved=("password", "mfa"))
    page = other.get("/accounts/2fa/recovery-codes/").content.decode()
    assert re.findall(CODE, page) == []
    assert "10 of 10" in page


def test_each_hash_is_slow_and_salted(settings: Settings) -> None:
    settings.RECOVERY_CODE_ROUNDS = 2
    one, other = recovery_codes.hashed(["abcde-fghjk"]), recovery_codes.hashed(["abcde-fghjk"])
    assert one["hashes"] != other["hashes"]
    assert len(one["salt"]) == 32
    assert one["rounds"] == 2
    assert flows.RecoveryCodes is recovery_codes.HashedRecoveryCodes
    assert type(Authenticator(type="recovery_codes").wrap()) is recovery_codes.HashedRecoveryCodes


def test_codes_of_before_are_hashed_and_go_on(acme: Account) -> None:
    """The seed and the codes are what allauth made of it."""
    user = with_factor(owner_of(acme))
    seed = crypto.encrypt("ab" * 40, row="factor")
    made = Authenticator.objects.create(
        user=user, type="recovery_codes", data={"seed": seed, "used_mask": 0b101, "viewed_at": 1.5}
    )
    was = recovery_codes.HashedRecoveryCodes.__mro__[1](made)
    codes = was.generate_codes()
    migration: Any = import_module("accounts.migrations.0007_recovery_codes_are_hashed")
    for _ in range(2):
        migration.hash_them(apps, None)
    made.refresh_from_db()
    assert "seed" not in made.data
    assert made.data["viewed_at"] == 1.5
    now = made.wrap()
    assert [now.validate_code(code) for code in codes[:4]] == [False, True, False, True]


# Codes of an app


def test_a_code_of_an_app_opens_in_its_own_half_minute_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MFA_TOTP_TOLERANCE = 0
    secret = totp.generate_totp_secret()
    monkeypatch.setattr(totp.time, "time", lambda: 1_700_000_010.0)
    code = totp.format_hotp_value(totp.hotp_value(secret, 1_700_000_010 // 30))
    assert totp.validate_totp_code(secret, code)
    for moment in (1_700_000_010 - 30, 1_700_000_010 + 30):
        monkeypatch.setattr(totp.time, "time", lambda moment=moment: float(moment))
        assert not totp.validate_totp_code(secret, code)


def test_a_code_of_an_app_opens_once(acme: Account) -> None:
    made = totp.TOTP.activate(owner_of(acme), totp.generate_totp_secret())
    secret = crypto.decrypt(made.instance.data["secret"], row="factor")
    code = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
    assert [made.validate_code(code) for _ in range(2)] == [True, False]


# Passwords


@pytest.mark.parametrize("password", ["microphone", "translator", "Cheerleaers!", "websolutions1"])
def test_a_password_of_the_longer_list_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password)


def test_forty_thousand_are_known() -> None:
    assert len(passwords.breached()) > 40_000


def asked_of_list(monkeypatch: pytest.MonkeyPatch, answer: str | Exception) -> list[str]:
    asked: list[str] = []

    def get(url: str, **_: object) -> httpx.Response:
        asked.append(url)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(200, text=answer, request=httpx.Request("GET", url))

    monkeypatch.setattr("accounts.login.passwords.httpx.get", get)
    return asked


STRONG = "harbour-quiet-9x"  # SHA-1: 41E0F...
DIGEST = hashlib.sha1(STRONG.encode()).hexdigest().upper()


def test_a_list_of_all_breached_ones_is_told_five_characters(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BREACHED_PASSWORDS_URL = "https://list.example/range/"
    asked = asked_of_list(monkeypatch, f"{'0' * 35}:3\r\n{DIGEST[5:]}:17\r\n")
    with pytest.raises(ValidationError, match="breach"):
        validate_password(STRONG)
    assert asked == [f"https://list.example/range/{DIGEST[:5]}"]


@pytest.mark.parametrize(
    "answer",
    [f"{DIGEST[5:]}:0\r\n", "", "<html>", httpx.ConnectTimeout("late")],
    ids=["padding", "none", "odd", "away"],
)
def test_a_list_that_does_not_know_it_keeps_nobody_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, answer: str | Exception
) -> None:
    settings.BREACHED_PASSWORDS_URL = "https://list.example/range"
    assert asked_of_list(monkeypatch, answer) == []
    validate_password(STRONG)


def test_without_a_list_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_of_list(monkeypatch, "")
    validate_password(STRONG)
    assert asked == []


# Links


def test_no_mailed_link_has_its_token_where_it_is_sent(acme: Account) -> None:
    """What stands before the # is all that browsers send, logs and proxies see."""
    client = proved(acme)
    client.post("/staff/invite/", {"emails": "tom@acme.example", "role": "user"})
    client.post("/profile/mail/", {"action_add": "", "email": "new@acme.example"})
    Client().post("/accounts/password/reset/", {"email": JANE})
    let_into_back_office(email="anna@office.example", password=None, by=OPERATOR)
    text = "\n".join(str(mail.body) for mail in posted())
    for kind in ("invitation", "confirm", "reset"):
        address, _, token = link_in(text, kind).partition("#")
        assert address == f"http://testserver/accounts/open/{kind}/"
        assert len(token) > 20
    addresses = re.findall(r"http://\S+", text)
    assert [one for one in addresses if re.search(r"[\w-]{25,}", one.partition("#")[0])] == []


def test_a_confirmed_address_takes_two_steps_and_no_token_in_either(acme: Account) -> None:
    client = proved(acme)
    client.post("/profile/mail/", {"action_add": "", "email": "new@acme.example"})
    link = link_in("\n".join(str(mail.body) for mail in posted()), "confirm")
    for browser in (
        Client(),
        log_in(Client(), owner_of(open_account(name="B", owner_email="b@b.example", by=OPERATOR))),
    ):
        page = opened(browser, link)
        assert page == "/accounts/confirm-email/now/"
        assert "Is new@acme.example yours?" in browser.get(page).content.decode()
    assert browser.post(page).status_code == 302
    owner = owner_of(acme)
    assert owner.email == "new@acme.example"


def test_a_link_of_a_mail_from_before_leaves_the_address_at_once(acme: Account) -> None:
    for path, page in (
        ("/accounts/invitation/abc/", "/accounts/invitation/"),
        ("/accounts/back-office/abc/", "/accounts/back-office/"),
        ("/accounts/confirm-email/abc/", "/accounts/confirm-email/now/"),
    ):
        assert Client().get(path).headers["Location"] == page


def test_a_page_without_a_link_asks_for_it() -> None:
    for page, kind in (("/accounts/invitation/", "invitation"), ("/accounts/back-office/", "back-office")):
        assert Client().get(page).headers["Location"] == f"/accounts/open/{kind}/"
    assert Client().get("/accounts/open/anything/").status_code == 404
    assert b"no longer works" in Client().get("/accounts/confirm-email/now/").content


@pytest.mark.parametrize("pasted", ["", "   ", "#", "http://x/accounts/open/reset/#"])
def test_nothing_pasted_is_asked_for_again(pasted: str) -> None:
    answer = Client().post("/accounts/open/reset/", {"link": pasted})
    assert (answer.status_code, b"Paste the link" in answer.content) == (200, True)


@pytest.mark.parametrize("kind", ["invitation", "back-office", "confirm", "reset"])
@pytest.mark.parametrize(
    "pasted", ["x", "1-", "-1", "é-é", "a/b-../../x", "#a#b", "1-" + "y" * 9000, "zzzzzzzzzzzzzzzz-k"]
)
def test_what_opens_nothing_says_so(kind: str, pasted: str) -> None:
    client = Client()
    answer = client.post(f"/accounts/open/{kind}/", {"link": pasted}, follow=True)
    assert answer.status_code in (200, 404)
    assert b"no longer works" in answer.content


def test_a_whole_link_may_be_pasted(acme: Account) -> None:
    token = give_office_pass(
        email=let_into_back_office(email="a@o.example", password=None, by=OPERATOR).email, by=OPERATOR
    )
    client = Client()
    client.post("/accounts/open/back-office/", {"link": f" https://x/accounts/open/back-office/#{token} "})
    assert "a@o.example" in client.get("/accounts/back-office/").content.decode()


# Proving it again


def test_at_a_browser_left_open_nobody_ends_sessions_or_lets_people_in(acme: Account) -> None:
    other = Client()
    other.post("/accounts/login/", {"login": JANE, "password": PASSWORD})
    tom = Membership.objects.create(
        user=owner_of(open_account(name="T", owner_email="tom@t.example", by=OPERATOR)), account=acme, role=Role.USER
    )
    sub = open_account(name="Sub", owner_email="sub@s.example", parent=acme, by=OPERATOR)
    place = Membership.objects.get(account=sub)
    client = stale(acme)
    session = UserSession.objects.get(user=owner_of(acme))
    for path, form in (
        (f"/profile/sessions/{session.pk}/end/", {}),
        ("/profile/sessions/end-others/", {}),
        (f"/staff/{tom.pk}/log-out/", {}),
        ("/staff/invite/", {"emails": "eve@evil.example", "role": "user"}),
        (f"/staff/{tom.pk}/offer/", {}),
        (f"/subaccounts/{sub.uuid.hex}/invite/", {"email": "eve@evil.example", "role": "user"}),
        (f"/subaccounts/{sub.uuid.hex}/people/{place.pk}/", {"do": "owner"}),
        ("/api-credentials/", {"do": "show"}),
        ("/api-credentials/keys/", {"name": "x", "scopes": ["lines:read"], "days": "7"}),
        ("/api-docs/make_api_key/", {"body": '{"name": "x", "scopes": ["lines:read"]}', "sure": "on"}),
        ("/api-docs/add_webhook/", {"body": '{"url": "https://example.com", "topics": ["rules"]}', "sure": "on"}),
    ):
        answer = client.post(path, form)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next="), path
    assert other.get("/profile/").status_code == 200
    assert not Invitation.objects.exists()


def test_who_just_proved_it_ends_the_others(acme: Account) -> None:
    other, client = proved(acme), proved(acme)
    other.get("/")
    client.get("/")
    assert client.post("/profile/sessions/end-others/").headers["Location"] == "/profile/sessions/"
    assert other.get("/profile/").status_code == 302
    assert client.get("/profile/").status_code == 200
