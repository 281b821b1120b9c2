"""Where the database, Redis and the secrets are: pure functions of the environment that start nothing."""

import base64
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

REPOSITORY = Path(__file__).resolve().parents[2]
DATABASE = "linekeeper"  # also the role that owns the embedded one
APP_ROLE = "linekeeper_app"  # what every process is there: it reads and writes rows, and changes no table
POSTGRES_SOCKET = ".s.PGSQL.5432"
REDIS_SOCKET = "redis.sock"
LONGEST_SOCKET_PATH = 103  # 107 bytes on Linux, 103 on macOS


def data_dir() -> Path:
    """Return the folder of all running data: LINEKEEPER_DATA, or .local (.local/test under the test settings)."""
    given = os.environ.get("LINEKEEPER_DATA")
    if given:
        return Path(given).expanduser().absolute()
    local = REPOSITORY / ".local"
    return local / "test" if os.environ.get("DJANGO_SETTINGS_MODULE") == "config.settings.test" else local


def logs_dir() -> Path:
    """Return the folder of the logs."""
    return data_dir() / "logs"


def socket_dir() -> Path:
    """Return the folder of the unix sockets: in the data folder, or a short one where that path is too long."""
    inside = data_dir() / "run"
    if len(os.fsencode(inside / POSTGRES_SOCKET)) <= LONGEST_SOCKET_PATH:
        return inside
    name = hashlib.sha256(f"{os.getuid()}:{data_dir()}".encode()).hexdigest()[:12]
    return Path("/tmp") / f"linekeeper-{name}"  # noqa: S108  # not TMPDIR: every process must find the same place


def archive_dir() -> Path | None:
    """Return the folder of base backups and of PostgreSQL's kept log, WAL_ARCHIVE; None where none is kept."""
    given = os.environ.get("WAL_ARCHIVE")
    return Path(given).expanduser().absolute() if given else None


def is_embedded_database() -> bool:
    """Tell whether the database is ours to start."""
    return not os.environ.get("DATABASE_URL")


def is_embedded_redis() -> bool:
    """Tell whether Redis is ours to start."""
    return not os.environ.get("REDIS_URL")


def database_url() -> str:
    """Return DATABASE_URL, or the embedded PostgreSQL's address, as what every process is."""
    return os.environ.get("DATABASE_URL") or _embedded(APP_ROLE)


def owner_url() -> str:
    """Return the same for who owns its tables: DATABASE_OWNER_URL, else DATABASE_URL, else the embedded one."""
    given = os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_URL")
    return given or _embedded(DATABASE)


def _embedded(role: str) -> str:
    return f"postgresql://{role}@/{DATABASE}?host={quote(str(socket_dir()), safe='')}"


# A server whose machine is gone says nothing: within half a minute it is given up, and asked for anew. Milliseconds for
# the last one, else seconds; a unix socket needs none of them.
GONE = {
    "connect_timeout": "10",
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "30000",
}


def database_settings(*, as_owner: bool = False) -> dict[str, Any]:
    """Return the database in the form of one entry of Django's DATABASES."""
    from psycopg.conninfo import conninfo_to_dict

    parts = {
        key: str(value)
        for key, value in conninfo_to_dict(owner_url() if as_owner else database_url()).items()
        if value is not None
    }
    named = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    django = {ours: parts.pop(theirs, "") for ours, theirs in named.items()}
    return {"ENGINE": "django.db.backends.postgresql", **django, "OPTIONS": {**GONE, **parts}}


def in_clear() -> list[str]:
    """Return which of the addresses of the environment lead to another machine without TLS."""
    from psycopg.conninfo import conninfo_to_dict

    found = []
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        parts = conninfo_to_dict(os.environ.get(name, ""))
        hosts = str(parts.get("host") or "").split(",")
        is_local = all(host in LOCAL or host.startswith("/") for host in hosts)
        if not is_local and parts.get("sslmode") not in ("require", "verify-ca", "verify-full"):
            found.append(name)
    redis = urlsplit(os.environ.get("REDIS_URL", ""))
    if redis.scheme == "redis" and redis.hostname not in LOCAL:
        found.append("REDIS_URL")
    return found


LOCAL = ("", "localhost", "127.0.0.1", "::1")


def redis_url(database: int = 0) -> str:
    """Return REDIS_URL, or the embedded Redis' address with this database number."""
    return os.environ.get("REDIS_URL") or f"unix://{quote(str(socket_dir() / REDIS_SOCKET))}?db={database}"


def broker_url(database: int = 0) -> str:
    """Return the same Redis as Celery writes it: unix://PATH?db=N is redis+socket://PATH?virtual_host=N there."""
    url = redis_url(database)
    if not url.startswith("unix://"):
        return url
    return "redis+socket://" + url.removeprefix("unix://").replace("?db=", "?virtual_host=")


def secret(name: str) -> str:
    """Return the secret from the environment, or from the data folder, where the first asker makes a Fernet key."""
    given = os.environ.get(name)
    if given:
        return given
    path = data_dir() / "secrets" / name
    if not path.exists():
        _create_once(path, base64.urlsafe_b64encode(os.urandom(32)).decode())
    return path.read_text(encoding="ascii").strip()


def _create_once(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all; the first of several writers wins."""
    path.parents[1].mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent)  # mkstemp gives mode 600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)
