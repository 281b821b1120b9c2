"""Logging in is limited, a second factor is asked for, and what people change of their logins is written down."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.commands import open_account
from accounts.models import Account, Event, User
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from tests.evenly import evenly
from tests.letters import posted
from tests.links import link_in, opened
from tests.proofs import code_of, enrol

pytestmark = pytest.mark.django_db

PASSWORD = "orbit-lantern-42"
JANE = "jane@acme.example"


@pytest.fixture(autouse=True)
def no_tries_before() -> None:
    cache.clear()


@pytest.fixture
def acme() -> Account:
    return open_account(name="Acme", owner_email=JANE, password=PASSWORD, by=OPERATOR)


def tried(login: str, password: str, *, address: str = "203.0.113.1", host: str = "testserver") -> str:
    form = {"login": login, "password": password}
    answer = Client(REMOTE_ADDR=address, HTTP_HOST=host).post("/accounts/login/", form)
    return "in" if answer.status_code == 302 else answer.content.decode()


def in_again(client: Client | None = None) -> Client:
    client = client or Client()
    client.post("/accounts/login/", {"login": JANE, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def test_five_wrong_passwords_close_an_address_from_everywhere_and_for_every_host(acme: Account) -> None:
    for number in range(5):
        assert "do not match" in tried(JANE, "wrong", address=f"203.0.113.{number}", host=f"h{number}.example")
    closed = tried(JANE, PASSWORD, address="203.0.113.99")
    assert "Too many attempts" in closed
    assert tried("nobody@acme.example", "wrong", address="203.0.113.99") != "in"


def test_an_unknown_address_is_closed_in_the_same_way(acme: Account) -> None:
    said = [
        [re.sub(r'value="[^"]*"', "", tried(login, "wrong", address=f"203.0.113.{n}")) for n in range(7)]
        for login in (JANE, "nobody@acme.example")
    ]
    assert said[0] == said[1]
    assert "Too many attempts" in said[0][-1]


def test_twenty_wrong_passwords_close_a_network_and_no_other(acme: Account) -> None:
    for number in range(20):
        tried(f"n{number}@acme.example", "wrong")
    assert "Too many attempts" in tried(JANE, PASSWORD)
    assert tried(JANE, PASSWORD, address="203.0.113.2") == "in"


def test_a_right_password_uses_up_no_try(acme: Account) -> None:
    for number in range(8):
        assert tried(JANE, PASSWORD, address=f"203.0.113.{number}") == "in"


@pytest.mark.django_db(transaction=True)
def test_of_many_tries_at_once_five_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(
        "allauth.account.auth_backends.AuthenticationBackend.authenticate",
        lambda self, request, **given: looked.append(given["email"]),
    )

    def wrong(number: int) -> None:
        tried(JANE, "wrong", address=f"203.0.113.{number}")
        connection.close()  # this thread's own

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(wrong, range(24)))
    assert len(looked) <= 5


def test_a_login_with_an_authenticator_app_needs_its_code(acme: Account) -> None:
    secret = enrol(in_again())
    client = Client()
    answer = client.post("/accounts/login/", {"login": JANE, "password": PASSWORD})
    assert answer.headers["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/").status_code == 302
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    cache.clear()  # a code works once: the one that turned the app on is used up
    assert client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)}).status_code == 302
    assert client.get("/").status_code == 200


def test_a_second_factors_secret_is_encrypted_at_rest(acme: Account) -> None:
    secret = enrol(in_again())
    assert secret not in str(list(Authenticator.objects.values_list("data", flat=True)))
    assert isinstance(Authenticator.objects.get(type="totp").wrap(), TOTP)


def test_recovery_codes_are_shown_once_and_each_works_once(acme: Account) -> None:
    client = in_again()
    enrol(client)
    first = client.get("/accounts/2fa/recovery-codes/").content.decode()
    codes = re.findall(r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>", first)
    assert len(codes) == 10
    assert codes[0] not in client.get("/accounts/2fa/recovery-codes/").content.decode()
    for expected in (302, 200):
        other = Client()
        other.post("/accounts/login/", {"login": JANE, "password": PASSWORD})
        assert other.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == expected


@pytest.mark.parametrize(
    "name", ["mfa_index", "mfa_activate_totp", "mfa_list_webauthn", "mfa_add_webauthn", "profile", "sessions"]
)
def test_the_pages_of_a_persons_login_are_in_our_frame(acme: Account, name: str) -> None:
    answer = in_again().get(reverse(name))
    assert answer.status_code == 200
    assert '<aside class="side">' in answer.content.decode()
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.django_db(transaction=True)
def test_what_is_done_to_a_login_is_in_the_audit_and_mailed(acme: Account) -> None:
    client = in_again()
    enrol(client)
    client.post("/accounts/2fa/totp/deactivate/")
    form = {"oldpassword": PASSWORD, "password1": "other-lantern-43", "password2": "other-lantern-43"}
    client.post("/accounts/password/change/", form)
    verbs = list(Event.objects.filter(account=acme, verb__startswith="person.").values_list("verb", flat=True))
    for verb in ("person.second_factor_added", "person.second_factor_removed", "person.password_changed"):
        assert verb in verbs
    letters = posted()
    assert all(letter.to == [JANE] for letter in letters)
    assert any("If it was not you, set a new password" in letter.body for letter in letters)


def test_a_new_mail_address_counts_once_it_is_confirmed(acme: Account) -> None:
    client = in_again()
    client.post("/profile/mail/", {"email": "new@acme.example", "action_add": ""})
    assert owner_of(acme).email == JANE
    assert "Waits for confirmation: new@acme.example" in evenly(client.get("/profile/").content.decode())
    link = link_in("\n".join(str(letter.body) for letter in posted() if letter.to == ["new@acme.example"]), "confirm")
    client.post(opened(client, link))
    assert owner_of(acme).email == "new@acme.example"
    assert list(EmailAddress.objects.values_list("email", "primary", "verified")) == [("new@acme.example", True, True)]
    event = Event.objects.get(verb="person.mail_changed")
    assert event.detail == {"before": JANE, "after": "new@acme.example"}


def test_changing_to_an_address_of_somebody_else_changes_nothing_and_tells_nothing(acme: Account) -> None:
    open_account(name="Other", owner_email="olga@other.example", password=PASSWORD, by=OPERATOR)
    client = in_again()
    known = client.post("/profile/mail/", {"email": "olga@other.example", "action_add": ""})
    cache.clear()
    unknown = client.post("/profile/mail/", {"email": "nobody@other.example", "action_add": ""})
    assert (known.status_code, known.headers.get("Location")) == (unknown.status_code, unknown.headers.get("Location"))
    assert owner_of(acme).email == JANE


def test_a_person_sees_their_browsers_and_ends_them(acme: Account) -> None:
    phone = Client(HTTP_USER_AGENT="Mozilla/5.0 (iPhone) AppleWebKit/605 Version/17 Safari/604")
    here, phone = in_again(), in_again(phone)
    page = here.get("/profile/sessions/").content.decode()
    assert "Safari on iPhone" in page
    assert page.count("This one") == 1
    theirs = UserSession.objects.get(user_agent__contains="iPhone")
    here.post(f"/profile/sessions/{theirs.pk}/end/")
    assert phone.get("/").status_code == 302
    phone = in_again(phone)
    here.post("/profile/sessions/end-others/")
    assert phone.get("/").status_code == 302
    assert here.get("/").status_code == 200


def test_nobody_ends_the_browser_of_somebody_else(acme: Account) -> None:
    in_again().get("/")
    other = Client()
    other.force_login(User.objects.create_user("olga@other.example"))
    assert other.post(f"/profile/sessions/{UserSession.objects.get().pk}/end/").status_code == 404


def test_moments_are_written_in_the_zone_and_order_that_a_person_chose(acme: Account) -> None:
    client = in_again()
    form = {"name": "Jane", "language": "en-us", "time_zone": "America/New_York"}
    assert client.post("/profile/", form).status_code == 302
    page = client.get("/audit/").content.decode()
    assert re.search(r'title="[A-Z][a-z]{2} \d+, \d{4}, [\d:]{8} E[SD]T"', page)
    assert client.post("/profile/", form | {"time_zone": "Mars/Base"}).status_code == 422
    assert (owner_of(acme).name, owner_of(acme).time_zone) == ("Jane", "America/New_York")
