"""What an installation is made of: compose, Kubernetes, the image and its secrets, as far as can be seen from here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import compose_spec
import kubernetes_validate
import pytest
import yaml
from embedded import programs, secret_files
from embedded.addresses import REPOSITORY
from embedded.processes import CannotStart

COMPOSE = (REPOSITORY / "docker-compose.yml").read_text()
MANIFESTS = sorted((REPOSITORY / "deploy" / "kubernetes").glob("*.yaml"))
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")
ALL = {"ca_certificate", "database_url", "redis_url", "secret_key", "encryption_keys"}
SENDS = ALL | {"stripe_secret_key", "email_host_password"}
SECRETS = {
    "caddy": {"ca_certificate"},
    "web": SENDS | {"stripe_webhook_secret", "metrics_token", "web_certificate", "web_key"},
    **dict.fromkeys(("worker", "reader", "sender", "exporter", "beat"), SENDS),
    **dict.fromkeys(("migrate", "operate", "backup"), ALL | {"database_owner_url"}),
    "postgres": {"postgres_password", "postgres_certificate", "postgres_key"},
    "redis": {"redis_password", "redis_certificate", "redis_key", "ca_certificate"},
}
OURS = {"web", "worker", "reader", "sender", "exporter", "beat", "migrate", "operate"}
ONCE = {"migrate", "operate"}


def compose(text: str = COMPOSE, **environment: str) -> dict[str, Any]:
    """The file as compose reads it."""

    def value(found: re.Match[str]) -> str:
        return environment.get(found[1]) or (found[3] if found[2] == "-" else "given")

    read: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, text))
    return read


def refused(read: dict[str, Any]) -> str:
    """What the compose specification has against it."""
    try:
        checked = compose_spec.PyCompose.from_json(json.dumps(read))
        for check in ("validate", "validate_configs", "validate_networks", "validate_secrets", "validate_volumes"):
            getattr(checked, check)()
    except ValueError as error:
        return str(error)
    return ""


def test_compose_is_what_its_specification_says() -> None:
    assert refused(compose()) == ""
    assert "secretz" in refused(compose(COMPOSE.replace("secrets: [redis_password,", "secretz: [redis_password,")))
    assert "not defined" in refused(compose(COMPOSE.replace("secrets: [redis_password,", "secrets: [redis_pass,")))


@pytest.mark.parametrize("name", sorted(compose()["services"]))
def test_each_container_is_confined_and_has_its_own_secrets_only(name: str) -> None:
    service = compose()["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service.get("read_only") or name == "postgres"
    assert set(service.get("secrets", ())) == SECRETS[name] or name in ONCE
    assert set(service.get("secrets", ())) >= SECRETS[name]
    given = {key: str(value) for key, value in service.get("environment", {}).items()}
    files = {Path(value).name for key, value in given.items() if key.endswith("_FILE")}
    assert files <= set(service.get("secrets", ()))
    assert [key for key in given if re.search("PASSWORD|SECRET|KEY|TOKEN", key) and not key.endswith("_FILE")] == []
    assert service["logging"]["options"]["max-size"]
    if name not in ONCE:
        assert service["healthcheck"]["test"]
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory"} == set(limits)
        assert service["restart"] == "unless-stopped"
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:") or name == "caddy"
    for volume in service.get("volumes", ()):
        source = volume.split(":")[0]
        assert source in compose()["volumes"] or (REPOSITORY / source).exists(), volume


def test_every_secret_of_compose_is_made_by_the_script_and_read(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "scripts", tmp_path / "scripts")
    for _ in range(2):
        subprocess.run([tmp_path / "scripts" / "new-secrets"], check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert set(made) == set(compose()["secrets"])
    assert made["ca_certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert "ca_key" not in made
    assert made["postgres_password"] in made["database_owner_url"]
    assert made["postgres_password"] not in made["database_url"]
    assert "//linekeeper_app:" in made["database_url"]
    assert len(set(made.values()) - {""}) == len([text for text in made.values() if text])
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    from cryptography.fernet import Fernet

    Fernet(made["encryption_keys"])
    for service in compose()["services"].values():
        for key in service.get("environment", {}):
            if key.endswith("_FILE") and service.get("image") == "linekeeper":
                assert key.removesuffix("_FILE") in secret_files.NAMES


def test_a_secret_is_read_from_its_file_unless_it_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    monkeypatch.setenv("METRICS_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("METRICS_TOKEN", "given")
    secret_files.read()
    assert os.environ["METRICS_TOKEN"] == "given"
    monkeypatch.setenv("METRICS_TOKEN", "")
    secret_files.read()
    assert os.environ["METRICS_TOKEN"] == "from a file"
    monkeypatch.setenv("METRICS_TOKEN", "")
    monkeypatch.setenv("METRICS_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(CannotStart, match="METRICS_TOKEN_FILE"):
        secret_files.read()


def test_queues_have_workers_by_number() -> None:
    services = compose(READERS="3")["services"]
    assert [services[name]["deploy"]["replicas"] for name in ("worker", "reader", "sender")] == [1, 3, 0]
    from config.shares import QUEUES

    for name in ("reader", "sender", "exporter"):
        queues = services[name]["command"].split("--queues ")[1].split()[0].split(",")
        assert set(queues) <= set(QUEUES)


def test_caddy_asks_before_it_gets_a_certificate(tmp_path: Path) -> None:
    text = (REPOSITORY / "deploy" / "caddy" / "Caddyfile").read_text()
    assert "ask https://web:8000/certificate" in text
    if shutil.which("caddy") is None:
        return  # what is checked above remains
    said = subprocess.run(["caddy", "version"], capture_output=True, text=True, check=True).stdout
    if tuple(map(int, re.findall(r"\d+", said)[:2])) < (2, 7):
        text = re.sub(
            r"reverse_proxy https://web:8000 \{[^}]*\}", "reverse_proxy https://web:8000", text
        )  # the word came with 2.7
    (tmp_path / "Caddyfile").write_text(text)
    environment = {**os.environ, "ACME_EMAIL": "ops@example.com", "CONSOLE_HOSTS": "console.example.com, b.example.com"}
    command = ["caddy", "validate", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


# Kubernetes


def manifests() -> list[dict[str, Any]]:
    return [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text()) if one]


def test_every_manifest_is_what_kubernetes_says_it_may_be() -> None:
    for one in manifests():
        if one["kind"] != "Kustomization":
            kubernetes_validate.validate(one, "1.31", strict=True)
    web = next(one for one in manifests() if one["kind"] == "Deployment")
    web["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(web, "1.31", strict=True)


def test_the_kustomization_names_every_manifest() -> None:
    (listed,) = [one["resources"] for one in manifests() if one["kind"] == "Kustomization"]
    assert sorted(listed) == [path.name for path in MANIFESTS if path.name != "kustomization.yaml"]


def pods() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for one in manifests():
        if one["kind"] in ("Deployment", "Job"):
            found.append((one["metadata"]["name"], one["spec"]["template"]["spec"]))
        elif one["kind"] == "CronJob":
            found.append((one["metadata"]["name"], one["spec"]["jobTemplate"]["spec"]["template"]["spec"]))
    return found


@pytest.mark.parametrize(("name", "pod"), pods(), ids=[name for name, _ in pods()])
def test_each_pod_is_confined_and_has_its_own_secrets_only(name: str, pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert {"cpu", "memory"} == set(container["resources"]["limits"])
    (items,) = [volume["secret"]["items"] for volume in pod["volumes"] if "secret" in volume]
    theirs = {secret for secret in SECRETS[name] if not secret.endswith("_certificate") and secret != "web_key"}
    assert {item["key"] for item in items} == theirs  # certificates are compose's own
    assert {Path(one["value"]).name for one in container["env"]} == theirs
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}


def test_kubernetes_runs_the_commands_of_compose() -> None:
    commands = {name: " ".join(pod["containers"][0]["command"]) for name, pod in pods()}
    assert commands["web"].startswith(f"python -m {programs.WEB}")
    for name in ("worker", "reader", "sender", "exporter", "beat", "migrate"):
        assert commands[name] == compose()["services"][name]["command"]


# Digests


DOCKER = """#!/bin/sh
case "$1" in
    pull) [ "$3" != "$UNKNOWN" ] ;;
    image) echo "${5%%:*}@sha256:$(printf %s "$5" | sha256sum | cut -c 1-64)" ;;
esac
"""


def test_images_are_pinned_whole_or_not_at_all(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "scripts", tmp_path / "scripts")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    example = (REPOSITORY / ".env.example").read_text()
    (tmp_path / ".env").write_text(example)

    def pin(**more: str) -> int:
        environment = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"} | more
        return subprocess.run(["scripts/pin-images"], cwd=tmp_path, env=environment, check=False).returncode

    assert pin(UNKNOWN="caddy:2") != 0
    assert (tmp_path / ".env").read_text() == example
    for _ in range(2):
        assert pin() == 0
    lines = (tmp_path / ".env").read_text().splitlines()
    assert len(lines) == len(example.splitlines())
    given = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    assert given["PINNED_IMAGES"] == "1"
    for name, service in (("POSTGRES_IMAGE", "postgres"), ("REDIS_IMAGE", "redis"), ("CADDY_IMAGE", "caddy")):
        unpinned = compose()["services"][service]["image"]
        assert re.fullmatch(rf"{unpinned.partition(':')[0]}@sha256:[0-9a-f]{{64}}", given[name])
        assert unpinned in (REPOSITORY / "scripts" / "pin-images").read_text()  # the very tag that compose names
        assert compose(**given)["services"][service]["image"] == given[name]


def test_production_starts_beside_no_unpinned_image_where_digests_are_asked_for() -> None:
    digest = dict.fromkeys(("POSTGRES_IMAGE", "REDIS_IMAGE", "CADDY_IMAGE"), f"x@sha256:{'0' * 64}")
    needed = {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "DATABASE_URL": "postgresql:///x",
        "REDIS_URL": "unix:///x",
        "SECRET_KEY": "x" * 50,
        "ENCRYPTION_KEYS": "x",
        "ALLOWED_HOSTS": "x",
        "PINNED_IMAGES": "1",
    }
    environment = {name: text for name, text in os.environ.items() if name != "LINEKEEPER_NOW"} | needed | digest

    def start(**more: str) -> str:
        command = [sys.executable, "-c", "from django.conf import settings; settings.ALLOWED_HOSTS"]
        return subprocess.run(command, env=environment | more, capture_output=True, text=True, check=False).stderr

    assert start() == ""
    assert "REDIS_IMAGE: no digest" in start(REDIS_IMAGE="redis:7.4-alpine")
    assert start(REDIS_IMAGE="", PINNED_IMAGES="") == ""


# The image


def image_files() -> list[str]:
    found = subprocess.run(["scripts/image-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return found.stdout.splitlines()


def test_the_image_has_the_product_and_no_stand_in_test_or_demo() -> None:
    files = image_files()
    assert {"manage.py", "platform/config/wsgi.py", "lines/models/__init__.py", "LICENSE"} <= set(files)
    assert [name for name in files if name.startswith("templates/")]
    kept_out = re.compile("simulator|stripe_proxy|demo|/tests?/|conftest|__pycache__")
    assert [name for name in files if kept_out.search(name)] == []


IMPORT_ALL = """
import importlib, importlib.metadata, pathlib, re, sys
locked = set(re.findall(r"^([a-z0-9._-]+)==", pathlib.Path(sys.argv[1]).read_text(), re.M))
tops = {}
for top, names in importlib.metadata.packages_distributions().items():
    tops[top] = {re.sub(r"[-_.]+", "-", name).lower() for name in names}
class Absent:
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top in tops and not tops[top] & (locked | {"linekeeper"}) or top in ("simulator", "stripe_proxy", "tests"):
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)
sys.meta_path.insert(0, Absent())
import django
django.setup()
for path in sorted(pathlib.Path(".").rglob("*.py")):
    parts = path.with_suffix("").parts
    parts = parts[1:] if parts[0] == "platform" else parts
    if parts[-1] not in ("manage", "bench") and "settings" not in parts and "bench" not in parts:
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
from django.core.management import call_command
call_command("check")
print("whole")
"""


def test_the_image_works_with_the_packages_of_its_own_lock(tmp_path: Path) -> None:
    for name in image_files():
        if not name.startswith(".local/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, tmp_path / name)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{tmp_path}:{tmp_path / 'platform'}",
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "ALLOWED_HOSTS": "console.example.com, b.example.com",
        "DATABASE_URL": "postgresql://a@127.0.0.1:9/a",
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "SECRET_KEY": "s" * 60,
        "ENCRYPTION_KEYS": "HJDlEmAhw95d31zwt_n_AlkIeQDUH_JL8ZT4uOmtPQI=",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    }
    lock = REPOSITORY / "requirements.lock"
    command = [sys.executable, "-c", IMPORT_ALL, str(lock)]
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert found.stdout.strip().endswith("whole"), found.stderr[-3000:]


def test_both_locks_have_the_same_versions() -> None:
    versions = [
        dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (REPOSITORY / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    ]
    assert {name: version for name, version in versions[0].items() if versions[1].get(name) != version} == {}
    assert not {"pytest", "mypy", "ruff", "localstripe", "starlette", "playwright", "hypothesis"} & set(versions[0])
