"""What browsers keep, what a viewer changes, what an open browser lets somebody do, and what a real installation is."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.management import CommandError, call_command, load_command_class
from django.db import connection
from django.test import Client
from kit import logs
from kit.caching import JsonDatabaseCache
from kit.errors import Invalid
from kit.operator import given
from pytest_django import Settings

from accounts.commands import open_account
from accounts.keys import make_key
from accounts.models import Account, ApiKey, Membership, User
from accounts.policy import OPERATOR, Role, Scope
from accounts.queries import owner_of
from tests.letters import posted
from tests.proofs import log_in

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "orbit-lantern-42"


@pytest.fixture
def acme() -> Account:
    return open_account(name="Acme", owner_email="jane@acme.example", password=PASSWORD, by=OPERATOR)


def viewer_of(account: Account) -> Client:
    user = User.objects.create_user("vera@acme.example", PASSWORD)
    Membership.objects.create(account=account, user=user, role=Role.VIEWER)
    return log_in(Client(), user)


def test_browsers_keep_no_page_with_somebodys_data(acme: Account) -> None:
    jane = log_in(Client(), owner_of(acme))
    for path in ("/", "/lines/", "/billing/", "/audit/", "/audit/audit.csv", "/profile/", "/accounts/login/"):
        assert "no-store" in jane.get(path).headers["Cache-Control"], path
    assert jane.post("/accounts/logout/").headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Clear-Site-Data" not in Client().get("/accounts/logout/")


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/sms/seen/", {"message": "1"}),
        ("/billing/details/statement/", {"month": "2026-01", "format": "csv"}),
    ],
)
def test_a_viewer_changes_nothing(acme: Account, path: str, given: dict[str, str]) -> None:
    assert viewer_of(acme).post(path, given).status_code == 404


def test_an_open_browser_makes_no_api_key(acme: Account) -> None:
    client, form = Client(), {"name": "theft", "scopes": ["lines:read"], "days": "365"}
    client.force_login(owner_of(acme))  # logged in, and has proved nothing since
    answer = client.post("/api-credentials/keys/", form)
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert not ApiKey.objects.exists()
    assert log_in(client, owner_of(acme)).post("/api-credentials/keys/", form).status_code == 200
    assert ApiKey.objects.exists()


def test_an_open_browser_sees_no_webhooks_secret(acme: Account) -> None:
    from automation.commands.webhooks import add_webhook

    endpoint = add_webhook(account=acme, url="https://x.example/", topics=["lines"], by=OPERATOR)
    client = Client()
    client.force_login(owner_of(acme))
    at = f"/automation/webhooks/{endpoint.uuid.hex}/"
    assert "whsec_" not in client.get(at).content.decode()
    assert client.get(f"{at}?secret").headers["Location"].startswith("/accounts/reauthenticate/")
    before = endpoint.secret
    client.post(f"{at}secret/")
    endpoint.refresh_from_db()
    assert endpoint.secret == before
    assert "whsec_" in log_in(client, owner_of(acme)).get(f"{at}?secret").content.decode()


def test_an_open_browser_ends_no_key_and_leads_no_webhook_elsewhere(acme: Account) -> None:
    """Somebody at it could cut a customer's programs off, or have their events sent to themselves."""
    from automation.commands.webhooks import add_webhook
    from automation.models import WebhookEndpoint

    key, _ = make_key(account=acme, name="feeds", scopes=[Scope.READ_LINES], days=30, by=OPERATOR)
    endpoint = add_webhook(account=acme, url="https://x.example/", topics=["lines"], by=OPERATOR)
    at, form = f"/automation/webhooks/{endpoint.uuid.hex}/", {"url": "https://evil.example/", "topics": ["lines"]}
    client = Client()
    client.force_login(owner_of(acme))
    asked = [(f"/api-credentials/keys/{key.pk}/revoke/", {}), ("/automation/webhooks/", form), (at, form)]
    for path, body in (*asked, (f"{at}switch/", {"on": "0"}), (f"{at}delete/", {})):
        assert client.post(path, body).headers["Location"].startswith("/accounts/reauthenticate/"), path
    assert WebhookEndpoint.objects.get() == endpoint
    assert WebhookEndpoint.objects.get().url == "https://x.example/"
    assert WebhookEndpoint.objects.get().is_on
    assert ApiKey.objects.get().revoked_at is None
    client = log_in(client, owner_of(acme))
    for path, body in (*asked, (f"{at}delete/", {})):
        client.post(path, body)
    assert ApiKey.objects.get().revoked_at is not None
    assert not WebhookEndpoint.objects.filter(pk=endpoint.pk, deleted_at=None).exists()
    assert WebhookEndpoint.objects.filter(url="https://evil.example/").exists()


def test_the_cache_holds_json_and_runs_nothing_that_it_is_given() -> None:
    kept = JsonDatabaseCache("cache", {})
    kept.clear()
    for value in (1, 1.5, True, "a", [1700000000.5, 2], {"a": None}):
        kept.set("name", value)
        assert kept.get("name") == value
    kept.add("counted", 1)
    assert kept.incr("counted") == 2
    evil = base64.b64encode(pickle.dumps(os.getcwd)).decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM cache WHERE cache_key LIKE %s", ["%name"])
        assert json.loads(base64.b64decode(cursor.fetchone()[0])) == {"a": None}
        cursor.execute("UPDATE cache SET value = %s", [evil])
    with pytest.raises(ValueError, match=r"."):
        kept.get("name")


def test_a_real_installation_makes_no_demo(settings: Settings) -> None:
    settings.DEMO_IS_ALLOWED = False
    with pytest.raises(CommandError, match="public passwords"):
        call_command("seed_demo", "--simulator", "http://127.0.0.1:9")
    assert not User.objects.exists()


def test_what_a_real_installation_is_set_to() -> None:
    asked = (
        "from django.conf import settings as s; import json; print(json.dumps({n: getattr(s, n) for n in"
        " ('SESSION_COOKIE_NAME','CSRF_COOKIE_NAME','SESSION_COOKIE_SECURE','CSRF_COOKIE_SECURE',"
        "'SECRET_KEY_FALLBACKS','SECURE_HSTS_INCLUDE_SUBDOMAINS','DEMO_IS_ALLOWED','WEBHOOK_PORTS','MFA_TOTP_TOLERANCE','RECOVERY_CODE_ROUNDS','MIDDLEWARE','CACHES')}))"
    )
    given = {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "DATABASE_URL": "postgresql://x@127.0.0.1/x",
        "REDIS_URL": "redis://:pw@127.0.0.1/0",
        "SECRET_KEY": "now",
        "SECRET_KEY_FALLBACKS": "before,long-before",
        "ENCRYPTION_KEYS": "k",
        "ALLOWED_HOSTS": "console.example",
        "HSTS_SUBDOMAINS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", asked], env=os.environ | given, cwd=ROOT, capture_output=True, text=True, timeout=500
    )
    found = json.loads(done.stdout)
    assert (found["SESSION_COOKIE_NAME"], found["CSRF_COOKIE_NAME"]) == ("__Host-session", "__Host-csrf")
    assert found["SESSION_COOKIE_SECURE"]
    assert found["CSRF_COOKIE_SECURE"]
    assert found["SECURE_HSTS_INCLUDE_SUBDOMAINS"]
    assert not found["DEMO_IS_ALLOWED"]
    assert found["SECRET_KEY_FALLBACKS"] == ["before", "long-before"]
    assert found["WEBHOOK_PORTS"] == [443, 8443]
    assert (found["MFA_TOTP_TOLERANCE"], found["RECOVERY_CODE_ROUNDS"]) == (0, 600_000)
    assert found["CACHES"]["default"]["BACKEND"] == "kit.caching.JsonDatabaseCache"
    assert "kit.proxies.ForwardedMiddleware" in found["MIDDLEWARE"][:2]


def test_no_log_has_a_token_that_opens_something() -> None:
    for formatter in (logs.LineFormatter("%(message)s"), logs.JsonFormatter()):
        for kind in ("invitation", "back-office", "confirm-email", "password/reset/key"):
            path = (f"/accounts/{kind}/s3cr3t-t0k/",)
            record = logging.LogRecord("django.request", 30, "", 0, "Not Found: %s", path, None)
            line = formatter.format(record)
            assert "s3cr3t" not in line
            assert f"/accounts/{kind}/***/" in line


def test_a_refused_page_is_logged_with_who_asked_and_from_where(
    acme: Account, caplog: pytest.LogCaptureFixture
) -> None:
    jane = log_in(Client(REMOTE_ADDR="203.0.113.7"), owner_of(acme))
    assert jane.get("/lines/8944000000000000000/").status_code == 404
    line = logs.JsonFormatter().format(caplog.records[-1])
    assert {"who": "jane@acme.example", "address": "203.0.113.7"}.items() <= json.loads(line).items()
    assert "who=jane@acme.example address=203.0.113.7" in logs.LineFormatter("%(message)s").format(caplog.records[-1])


@pytest.mark.parametrize("email", ["jane@acme.example", "new@nowhere.example"])
def test_signing_up_costs_one_hash_whoever_is_here_already(
    acme: Account, email: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # as a real installation is set
    costs: list[int] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        costs.append(1)
        return str(encode(self, password, salt))

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    form = {"account_name": "Fresh", "email": email, "password1": "harbour-quiet-9x", "password2": "harbour-quiet-9x"}
    Client().post("/accounts/signup/", form)
    assert costs == [1]


def test_a_reset_link_leads_to_the_configured_address_whatever_port_was_asked(
    acme: Account, settings: Settings
) -> None:
    settings.CONSOLE_URL = "https://console.example"
    Client().post("/accounts/password/reset/", {"email": "jane@acme.example"}, headers={"host": "127.0.0.1:6666"})
    (letter,) = posted()
    assert "https://console.example/accounts/open/reset/#" in letter.body
    assert "6666" not in letter.body


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cr3t\n")
    assert given(f"@{tmp_path}/key") == "s3cr3t"
    assert given("plain") == "plain"
    with pytest.raises(Invalid, match="cannot be read"):
        given(f"@{tmp_path}/none")


def test_a_shell_gives_a_secret_by_file_or_standard_input_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in a command is read by everybody who lists processes."""
    for argv in (
        ["add_account", "Acme", "--owner", "jane@acme.example", "--password", "orbit-lantern-42"],
        ["add_carrier", "s", "--kind", "simbase", "--url", "https://s.example", "--secret", "api_key=s3cr3t"],
    ):
        command = load_command_class("accounts" if argv[0] == "add_account" else "lines", argv[0])
        monkeypatch.setattr(command, "_called_from_command_line", True, raising=False)
        said = io.StringIO()
        options = vars(command.create_parser("manage.py", argv[0]).parse_args(argv[1:]))
        with pytest.raises(SystemExit):
            command.execute(**options | {"stderr": said})
        assert "standard input" in said.getvalue(), argv
    assert not Account.objects.exists()


def test_what_a_stranger_wrote_makes_no_line_of_its_own_in_a_log() -> None:
    forged = "x\n2026-11-27 INFO person.logged_in who=office\r\x1b[2J\u2028\u202e"
    record = logging.LogRecord("django.request", 30, "", 0, "Not Found: %s", (forged,), None)
    for formatter in (logs.LineFormatter("%(levelname)s %(message)s"), logs.JsonFormatter()):
        line = formatter.format(record)
        assert not set("\n\r\x1b") & set(line)
    assert len(logs.LineFormatter("%(message)s").format(record).splitlines()) == 1
