"""What docs/asvs.csv claims and no other test shows: headers, cookies, passwords, and what our code never does."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hashers
from django.contrib.auth.password_validation import validate_password
from django.test import Client
from django.urls import NoReverseMatch, reverse
from kit import crypto

from accounts.commands import open_account
from accounts.models import Account, User
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from tests.letters import posted
from tests.links import link_in, opened
from tests.proofs import enrol, log_in

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "billing", "lines", "automation", "subaccounts", "platform")
STAND_INS = ("simulator", "stripe_proxy", "embedded")
PASSWORD, JANE = "orbit-lantern-42", "jane@acme.example"


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not {"migrations", *STAND_INS} & set(path.parts):
                yield path, ast.parse(path.read_text())


def called() -> Iterator[tuple[Path, str]]:
    """Each name that our code calls, with its module where it is written so."""
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield path, ast.unparse(node.func)


@pytest.fixture
def acme() -> Account:
    return open_account(name="Acme", owner_email=JANE, password=PASSWORD, by=OPERATOR)


# What our code never does


@pytest.mark.parametrize(
    "name",
    ["eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.loads", "yaml.load", "marshal.loads",
     "mark_safe", "Template", "hashlib.md5", "requests.get"],
)  # fmt: skip
def test_nothing_dangerous_is_called(name: str) -> None:
    assert [str(path) for path, what in called() if what == name] == []


def test_no_shell_is_started() -> None:
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                assert not [word for word in node.keywords if word.arg == "shell"], path


def test_no_template_turns_escaping_off_or_is_built_of_data() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        if path.name != "fields.html":  # what helps with a field is our own text
            assert not re.search(r"\|\s*safe\b|autoescape off|safeseq", text), path
        assert not re.search(r"\s[\w-]+=\{\{", text), path  # an attribute without quotes


def test_our_scripts_write_no_markup_and_keep_nothing_in_the_browser() -> None:
    for path in (ROOT / "static").glob("*.js"):
        text = path.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            path
        )
        assert not re.search(r"indexedDB|document\.cookie|__proto__", text), path


def test_certificates_are_always_checked_and_redirects_never_followed() -> None:
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for word in node.keywords:
                    value = getattr(word.value, "value", None)
                    assert not (word.arg == "verify" and value is False), path
                    assert not (word.arg == "follow_redirects" and value is True), path
        assert "CERT_NONE" not in path.read_text(), path


def test_secrets_are_drawn_from_the_system() -> None:
    assert {len(crypto.new_hex()) for _ in range(50)} == {32}
    assert len({crypto.new_hex() for _ in range(50)}) == 50
    by_chance = {path for path, tree in sources() for node in ast.walk(tree) if _imports(node, "random")}
    assert [path for path in by_chance if {"accounts", "api", "subaccounts"} & set(path.parts)] == []  # else for waits


def _imports(node: ast.AST, module: str) -> bool:
    return isinstance(node, ast.Import) and any(name.name == module for name in node.names)


def test_debugging_is_off_everywhere() -> None:
    for path in (ROOT / "platform/config/settings").glob("*.py"):
        assert not re.search(r"^DEBUG = True", path.read_text(), re.MULTILINE), path


def test_every_part_has_a_version_and_a_hash() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        parts = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text().strip())
        assert len(parts) > 40
        assert [part for part in parts if "==" not in part or "--hash=sha256:" not in part] == []


def test_the_image_has_no_history_of_the_source() -> None:
    assert re.search(r"^\.git$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    kept = subprocess.run([ROOT / "scripts/image-files"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert ".git/" not in kept
    assert "tests/" not in kept


# What every answer says


@pytest.fixture
def answer(db: None) -> dict[str, str]:
    found = Client().get("/accounts/login/")
    return {name.lower(): value for name, value in found.headers.items()}


def test_the_policy_of_content_lets_nothing_foreign_in(answer: dict[str, str]) -> None:
    said = dict(part.strip().partition(" ")[::2] for part in answer["content-security-policy"].split(";"))
    assert said["default-src"] == said["base-uri"] == said["frame-ancestors"] == "'none'"
    assert re.fullmatch(r"'self'( 'nonce-[\w+/=-]+')?", said["script-src"])
    assert said["form-action"] == said["connect-src"] == "'self'"
    assert "object-src" not in said  # default-src's


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("content-type", "text/html; charset=utf-8"),
    ],
)
def test_every_page_says(answer: dict[str, str], name: str, value: str) -> None:
    assert answer[name] == value


@pytest.mark.django_db
def test_no_other_origin_is_let_in() -> None:
    for path in ("/accounts/login/", "/api/openapi.json", "/api/" + "0" * 32 + "/balance"):
        for method in ("get", "options"):
            found = getattr(Client(), method)(path, headers={"Origin": "https://evil.example"})
            assert not [name for name in found.headers if name.lower().startswith("access-control-")], path


@pytest.mark.django_db
def test_no_cookie_is_for_scripts_or_other_sites(acme: Account) -> None:
    client = Client()
    client.get("/accounts/login/")
    client.post("/accounts/login/", {"login": JANE, "password": PASSWORD})
    client.post("/theme/", {"theme": "dark"})
    assert {"sessionid", "csrftoken"} <= set(client.cookies)
    for name, cookie in client.cookies.items():
        assert cookie["samesite"] in ("Lax", "Strict"), name
        assert cookie["httponly"] or name == "theme", name


@pytest.mark.django_db
def test_a_form_of_another_site_does_nothing(acme: Account) -> None:
    client = log_in(Client(enforce_csrf_checks=True), owner_of(acme))
    assert client.post("/profile/", {"name": "x", "language": "en-gb", "time_zone": "UTC"}).status_code == 403
    assert User.objects.get(email=JANE).name == ""


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND"])
def test_a_method_that_nobody_needs_is_answered_by_nothing(acme: Account, method: str) -> None:
    client = log_in(Client(), owner_of(acme))
    for path in ("/lines/", "/profile/", "/accounts/logout/"):
        found = client.generic(method, path, headers={"X-Sent": "s3cr3t"})
        assert found.status_code in (403, 404, 405), path
        assert b"s3cr3t" not in found.content


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/static/", "/static/vendor/", "/.git/config", "/.env", "/media/", "/static/../manage.py"]
)
def test_no_folder_is_listed_and_nothing_of_the_source_served(path: str) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.django_db
def test_figures_and_health_tell_strangers_nothing(acme: Account) -> None:
    stranger = Client(REMOTE_ADDR="203.0.113.9")
    assert stranger.get("/metrics").status_code == 404
    assert len(stranger.get("/healthz").content) < 40
    assert stranger.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404


# Passwords


@pytest.mark.django_db
@pytest.mark.parametrize(
    "password",
    [
        "lantern quiet harbour",
        "ключ под старым дубом",
        "marmot" + "!$%&/()=?" * 7 + "lagoon heron",
        "nur kleine buchstaben",
        " vorn und hinten ",
    ],
)
def test_any_characters_and_a_long_password_are_taken_as_they_are(acme: Account, password: str) -> None:
    validate_password(password)
    owner = owner_of(acme)
    client = log_in(Client(), owner)
    form = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    assert client.post("/accounts/password/change/", form).status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(password)
    assert not owner.check_password(password.strip() + "x")
    assert not owner.check_password(password.upper())


@pytest.mark.django_db
def test_a_new_password_needs_the_present_one(acme: Account) -> None:
    client = log_in(Client(), owner_of(acme))
    for present in ("", "wrong-lantern-1"):
        form = {"oldpassword": present, "password1": "harbour-quiet-9x", "password2": "harbour-quiet-9x"}
        assert client.post("/accounts/password/change/", form).status_code == 200
    assert owner_of(acme).check_password(PASSWORD)


@pytest.mark.django_db
def test_password_fields_are_masked_and_let_managers_in(acme: Account) -> None:
    pages = [Client().get("/accounts/login/"), Client().get("/accounts/signup/")]
    pages.append(log_in(Client(), owner_of(acme)).get("/accounts/password/change/"))
    for page in pages:
        fields = re.findall(r'<input[^>]*name="(?:old)?password\d?"[^>]*>', page.content.decode())
        assert fields
        for field in fields:
            assert 'type="password"' in field
            assert re.search(r'autocomplete="(current|new)-password"', field)
            assert "onpaste" not in field
            assert not re.search(r'maxlength="\d{1,2}"', field)


@pytest.mark.django_db
def test_nobody_is_asked_a_secret_question_or_sent_a_password(acme: Account) -> None:
    for name in ("account_secret_question", "account_hint"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    Client().post("/accounts/password/reset/", {"email": JANE})
    assert PASSWORD not in str([letter.body for letter in posted()])
    assert owner_of(acme).check_password(PASSWORD)  # until the link is used


def test_passwords_are_hashed_slowly_in_a_real_installation() -> None:
    from django.conf import global_settings

    assert global_settings.PASSWORD_HASHERS[0].endswith("PBKDF2PasswordHasher")
    assert PBKDF2PasswordHasher.iterations >= 600_000
    for name in ("base", "local", "production"):
        assert "PASSWORD_HASHERS" not in (ROOT / f"platform/config/settings/{name}.py").read_text()
    assert get_hashers()


@pytest.mark.django_db
def test_a_reset_does_not_stand_for_a_second_factor(acme: Account) -> None:
    enrol(log_in(Client(), owner_of(acme)))
    client = Client()
    client.post("/accounts/password/reset/", {"email": JANE})
    form = {"password1": "harbour-quiet-9x", "password2": "harbour-quiet-9x"}
    page = opened(client, link_in("\n".join(str(letter.body) for letter in posted()), "reset"))
    assert client.post(page, form).status_code == 302
    assert client.get("/profile/").status_code == 302
    client.post("/accounts/login/", {"login": JANE, "password": "harbour-quiet-9x"})
    assert client.get("/profile/").status_code == 302
    assert client.get("/accounts/2fa/authenticate/").status_code == 200


# Sessions


@pytest.mark.django_db
def test_a_session_is_random_new_at_login_and_gone_at_logout(acme: Account) -> None:
    client = Client()
    client.get("/accounts/invitation/")
    client.post("/accounts/open/invitation/", {"link": "#x"})
    before = client.cookies["sessionid"].value
    client.post("/accounts/login/", {"login": JANE, "password": PASSWORD})
    inside = client.cookies["sessionid"].value
    assert before != inside
    assert len(inside) >= 32
    assert client.get("/profile/").status_code == 200
    client.post("/accounts/logout/")
    thief = Client()
    thief.cookies["sessionid"] = inside
    assert thief.get("/profile/").status_code == 302
    thief.cookies["sessionid"] = "a" * 32
    assert thief.get("/profile/").status_code == 302


@pytest.mark.django_db
def test_every_page_has_a_way_out(acme: Account) -> None:
    client = log_in(Client(), owner_of(acme))
    for path in ("/", "/lines/", "/billing/", "/profile/", "/staff/"):
        assert f'action="{reverse("account_logout")}"' in client.get(path).content.decode(), path
