"""Inside compose everything is encrypted and checked: with the certificates of the very script that makes them, by the
settings that every process has.

The embedded PostgreSQL and Redis are built without TLS, so a small server of the test speaks it in front of them.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import redis
import yaml
from django.db import connection
from embedded import addresses, postgres, programs
from embedded.addresses import REPOSITORY
from embedded.tls import served
from kombu.connection import Connection

from tests.webserver import web_server

SSL_REQUEST = 8


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_secrets(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_secrets(tmp_path_factory.mktemp("others"))


def new_secrets(folder: Path) -> Path:
    shutil.copytree(REPOSITORY / "scripts", folder / "scripts")
    subprocess.run([folder / "scripts" / "new-secrets"], check=True)
    return folder / "secrets"


@contextmanager
def encrypted(secrets: Path, name: str, behind: Path, *, asked_first: bool) -> Iterator[int]:
    """The port of a server that speaks TLS as `name` and hands on to this socket; `asked_first`: as PostgreSQL does."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(secrets / f"{name}_certificate", secrets / f"{name}_key")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if asked_first:
                if int.from_bytes(await reader.readexactly(4), "big") != SSL_REQUEST:
                    return  # hostssl: who speaks in clear is sent away
                await reader.readexactly(4)
                writer.write(b"S")
            await writer.start_tls(context)
            theirs, ours = await asyncio.open_unix_connection(behind)
            await asyncio.wait(
                [asyncio.ensure_future(pass_on(reader, ours)), asyncio.ensure_future(pass_on(theirs, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
            ours.close()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    with served(asyncio.start_server(serve, "127.0.0.1", 0)) as server:
        yield server.sockets[0].getsockname()[1]


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()


@pytest.fixture
def database(db: None, made: Path) -> Iterator[int]:
    with encrypted(made, "postgres", addresses.socket_dir() / addresses.POSTGRES_SOCKET, asked_first=True) as port:
        yield port


@pytest.fixture
def broker(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    usual = socket.getaddrinfo

    def here(host: Any, *given: Any, **named: Any) -> Any:
        return usual("127.0.0.1" if host == "redis" else host, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    with encrypted(made, "redis", addresses.socket_dir() / addresses.REDIS_SOCKET, asked_first=False) as port:
        yield port


def settings_of(secrets: Path, port: int, monkeypatch: pytest.MonkeyPatch, authority: Path) -> dict[str, Any]:
    """How a process connects with database_url as the script wrote it, but to this port and this very user."""
    url = (secrets / "database_url").read_text()
    url = re.sub(r"//.*?@postgres:5432/linekeeper\?", f"//{addresses.APP_ROLE}@postgres:{port}/postgres?", url)
    url = url.replace("/run/secrets/ca_certificate", quote(str(authority), safe=""))
    monkeypatch.setenv("DATABASE_URL", f"{url}&hostaddr=127.0.0.1")
    found = addresses.database_settings()
    named = {"host": "HOST", "port": "PORT", "user": "USER", "dbname": "NAME"}
    parts: dict[str, Any] = {ours: found[django] for ours, django in named.items()} | found["OPTIONS"]
    return parts


def test_processes_reach_postgresql_encrypted_and_know_who_it_is(
    made: Path, others: Path, database: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings_of(made, database, monkeypatch, made / "ca_certificate")
    with psycopg.connect(**given) as session:
        assert session.pgconn.ssl_in_use
        assert session.execute("SELECT current_user").fetchone() == (addresses.APP_ROLE,)
    for wrong, says in (
        ({"sslmode": "disable"}, "closed|expected"),
        ({"sslrootcert": str(others / "ca_certificate")}, "certificate verify failed"),
        ({"host": "redis"}, "does not match"),
    ):
        with pytest.raises(psycopg.OperationalError, match=says):
            psycopg.connect(**(given | wrong))


def test_postgresqls_own_programs_reach_it_so_too(
    made: Path, others: Path, database: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that come with us are built without TLS: a backup inside compose would not begin."""
    variables = {
        "PGHOST": "postgres", "PGHOSTADDR": "127.0.0.1", "PGPORT": str(database), "PGUSER": addresses.DATABASE,
        "PGDATABASE": str(connection.settings_dict["NAME"]), "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(made / "ca_certificate"),
    }  # fmt: skip
    dump = ("pg_dump", "--schema-only", "--table", "accounts_account")
    found = postgres.run_client(*dump, variables=variables)
    assert "CREATE TABLE public.accounts_account" in found.stdout, found.stderr
    assert postgres.run_client(*dump, variables=variables | {"PGHOST": "redis"}).returncode
    stranger = variables | {"PGSSLROOTCERT": str(others / "ca_certificate")}
    assert postgres.run_client(*dump, variables=stranger).returncode


def redis_url_of(secrets: Path, port: int, authority: Path) -> str:
    url = re.sub(r"//.*?@redis:6379", f"//redis:{port}", (secrets / "redis_url").read_text())
    return url.replace("/run/secrets/ca_certificate", quote(str(authority), safe=""))


def connected(url: str) -> Any:
    """As a worker connects; its library says no types."""
    connect: Any = Connection
    return connect(url)


def test_processes_reach_redis_encrypted_and_know_who_it_is(made: Path, others: Path, broker: int) -> None:
    url = redis_url_of(made, broker, made / "ca_certificate")
    assert redis.Redis.from_url(url).ping()
    with connected(url) as celery:  # as a worker connects
        celery.ensure_connection(max_retries=1)
        assert celery.connected
    wrong = redis_url_of(made, broker, others / "ca_certificate")
    clear = url.replace("rediss://", "redis://").partition("?")[0]
    for refused in (wrong, clear):
        with pytest.raises(redis.ConnectionError):
            redis.Redis.from_url(refused).ping()
    with pytest.raises(redis.ConnectionError), connected(wrong) as celery:
        celery.connect().default_channel.client.ping()


def test_the_web_server_is_asked_encrypted(
    transactional_db: None, made: Path, others: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the container's own health check asks it, and the proxy in front."""
    monkeypatch.setenv("WEB_AUTHORITY", str(made / "ca_certificate"))
    tls = {
        "GRANIAN_SSL_CERTIFICATE": str(made / "web_certificate"),
        "GRANIAN_SSL_KEYFILE": str(made / "web_key"),
    }
    with web_server(**tls) as port:
        assert programs.answers(port, "/api/openapi.json") == 200
        monkeypatch.setenv("WEB_AUTHORITY", str(others / "ca_certificate"))
        assert programs.answers(port, "/api/openapi.json") == 999
        monkeypatch.delenv("WEB_AUTHORITY")
        assert programs.answers(port, "/api/openapi.json") == 999


def test_compose_tells_each_server_to_speak_nothing_else() -> None:
    text = (REPOSITORY / "docker-compose.yml").read_text()
    services = yaml.safe_load(text)["services"]
    assert "CLEAR_INSIDE" not in text
    assert {"ssl=on", "ssl_key_file=/run/postgres.key"} <= set(services["postgres"]["command"])
    hba = (REPOSITORY / "deploy" / "postgres" / "pg_hba.conf").read_text().splitlines()
    assert {line.split()[0] for line in hba if line and line[0] != "#"} == {"local", "hostssl"}
    assert "port 0\\ntls-port 6379" in services["redis"]["command"][-1]
    assert "--ssl-certificate /run/secrets/web_certificate" in services["web"]["command"]
    caddyfile = (REPOSITORY / "deploy" / "caddy" / "Caddyfile").read_text()
    assert re.findall(r"(\w*):?/?/?web:8000", caddyfile) == ["https", "https"]
    assert "/run/secrets" in services["caddy"]["environment"]["SSL_CERT_DIR"].split(":")


def test_production_starts_with_what_the_script_wrote(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        monkeypatch.setenv(name, (made / name.lower()).read_text())
    assert addresses.in_clear() == []
