"""Makes what the image would contain in a plain folder and runs it as compose would, without a container engine.

    python -m tests.rigs.image_run

The steps are the Dockerfile's own: packages of requirements.lock alone, the files that scripts/image-files names, its
RUN for static files, its ENV; the commands and health checks are docker-compose.yml's. All of it belongs to somebody
else than who runs it, and only its /tmp can be written. It must migrate an empty database, answer /readyz and a page
with its compressed style sheets, and have a worker that does its work. Prints JSON; exits 1 where anything fails.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from embedded import postgres
from embedded.addresses import REPOSITORY

from tests.rigs.given_server import GivenServer

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
SERVICES = yaml.safe_load(re.sub(r"\$\{[^}]*\}", "1", (REPOSITORY / "docker-compose.yml").read_text()))["services"]
HOST = "console.example.com"
USER = 10001  # as the Dockerfile says


class Image:
    """A folder with the image's own root: app, venv and tmp."""

    def __init__(self, root: Path) -> None:
        self.root, self.app, self.venv, self.tmp = root, root / "app", root / "venv", root / "tmp"
        self.secrets = root.parent / "secrets"
        self.python, self.user = interpreter()
        self.settings: dict[str, str] = {}

    def build(self) -> None:
        listed = subprocess.run([REPOSITORY / "scripts/image-files"], capture_output=True, text=True, check=True).stdout
        for name in listed.split():
            if not name.startswith(".local/"):
                (self.app / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / name, self.app / name)
        uv: str | Path = REPOSITORY / ".venv/bin/uv"
        subprocess.run([uv, "venv", "--quiet", "--python", self.python, self.venv], check=True)
        install: list[str | Path] = [
            uv,
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--python",
            self.venv,
        ]
        lock: list[str | Path] = ["-r", REPOSITORY / "requirements.lock"]
        if subprocess.run([*install, "--offline", *lock], capture_output=True, check=False).returncode:
            subprocess.run([*install, *lock], check=True)
        found = re.search(r"^RUN (DJANGO_SETTINGS_MODULE=.*?collectstatic.*?)$", DOCKERFILE, re.M | re.S)
        assert found
        subprocess.run(["sh", "-c", self._here(found[1].replace("\\\n", " "))], cwd=self.app, check=True)
        self.tmp.mkdir(mode=0o777)
        self.tmp.chmod(0o1777)
        for path in [self.root, *self.root.rglob("*")]:
            if path != self.tmp and not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)

    def _here(self, text: str) -> str:
        return re.sub(r"(?<![\w.])/(app|venv)\b", rf"{self.root}/\1", text)

    def environment(self) -> dict[str, str]:
        """The Dockerfile's, and what compose gives."""
        block = re.search(r"^ENV (.*?[^\\])$", DOCKERFILE, re.M | re.S)
        assert block
        pairs = dict(part.split("=", 1) for part in self._here(block[1].replace("\\\n", " ")).split())
        pairs["PATH"] = f"{self.venv}/bin:/usr/bin:/bin"
        return pairs | self.settings | {"TMPDIR": str(self.tmp)}

    def start(self, command: str) -> subprocess.Popen[str]:
        log = (self.root / "log").open("a")
        return subprocess.Popen(
            ["sh", "-c", f"exec {command.replace('/tmp/', f'{self.tmp}/').replace('/run/secrets', str(self.secrets))}"],
            cwd=self.app, env=self.environment(), stdout=log, stderr=log, text=True,
            user=self.user, group=self.user, extra_groups=[] if self.user else None,
        )  # fmt: skip

    def run(self, command: str) -> int:
        return self.start(command).wait()

    def said(self) -> str:
        return (self.root / "log").read_text()[-4000:]

    def state(self) -> dict[str, tuple[int, int]]:
        """Each file of the image with its size and time: what runs may change none."""
        files = [path for folder in (self.app, self.venv) for path in folder.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def interpreter() -> tuple[str, int | None]:
    """A Python of our version that another user may run, and that user; ours and nobody else where there is none."""
    if os.geteuid() == 0:
        name = f"python3.{sys.version_info.minor}"
        for found in (os.path.realpath(sys.executable), shutil.which(name, path="/usr/local/bin:/usr/bin")):
            with contextlib.suppress(OSError):
                if found and subprocess.run([found, "-c", ""], user=USER, cwd="/", check=False).returncode == 0:
                    return found, USER
    return sys.executable, None


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def get(image: Image, port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    """As Caddy would ask."""
    context = ssl.create_default_context(cafile=image.secrets / "ca_certificate")
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    headers = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", "Accept-Encoding": "gzip"}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


@contextlib.contextmanager
def servers(root: Path, image: Image) -> Iterator[None]:
    """PostgreSQL and Redis on loopback, and the secrets that lead to them as files."""
    shutil.copytree(REPOSITORY / "scripts", root / "scripts")
    subprocess.run([root / "scripts" / "new-secrets"], check=True)
    image.secrets.chmod(0o755)
    database = GivenServer(root / "postgres", root / "archive", Path(postgres.binary("postgres")).parent)
    port = free_port()
    redis = shutil.which("redis-server", path=f"{REPOSITORY / '.venv/bin'}:{os.environ['PATH']}")
    broker = subprocess.Popen(
        [str(redis), "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL
    )
    try:
        database.start()
        secrets = {
            "DATABASE_URL": database.url, "REDIS_URL": f"redis://127.0.0.1:{port}/0", "SECRET_KEY": "s" * 60,
            "ENCRYPTION_KEYS": "HJDlEmAhw95d31zwt_n_AlkIeQDUH_JL8ZT4uOmtPQI=",
        }  # fmt: skip
        for name, text in secrets.items():
            path = root / name
            path.write_text(text)
            if image.user:
                os.chown(path, image.user, image.user)
            path.chmod(0o400)
            image.settings[f"{name}_FILE"] = str(path)
        image.settings |= {"CLEAR_INSIDE": "1", "ALLOWED_HOSTS": HOST, "LINEKEEPER_PROXIES": "1"}
        yield
    finally:
        database.stop()
        broker.terminate()
        broker.wait()


def until(is_so: Any, process: subprocess.Popen[str], image: Image) -> None:
    """Waits for it as long as the process lives."""
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if is_so():
                return
        assert process.poll() is None, image.said()
        time.sleep(0.2)


def play(image: Image, running: list[subprocess.Popen[str]]) -> dict[str, Any]:
    assert image.run(SERVICES["migrate"]["command"]) == 0, image.said()
    port = free_port()
    command = SERVICES["web"]["command"].replace("0.0.0.0 --port 8000", f"127.0.0.1 --port {port}")
    running.append(web := image.start(command))
    until(lambda: get(image, port, "/readyz")[0] == 200, web, image)
    status, _, page = get(image, port, "/accounts/login/")
    assert status == 200, image.said()
    sheets = re.findall(r'href="(/static/[^"]+\.css)"', _plain(page))
    assert sheets, "the page has no style sheet"
    for sheet in sheets:
        status, headers, _ = get(image, port, sheet)
        assert (status, headers.get("content-encoding")) == (200, "gzip"), sheet
        assert "immutable" in headers["cache-control"], sheet
    running.append(worker := image.start(SERVICES["worker"]["command"]))
    healthy = SERVICES["worker"]["healthcheck"]["test"][1].replace("$$", "$")
    until(lambda: image.run(healthy) == 0, worker, image)
    running.append(beat := image.start(SERVICES["beat"]["command"]))
    until(lambda: any(image.tmp.glob("beat*")), beat, image)
    return {"sheets": len(sheets), "port": port}


def _plain(page: bytes) -> str:
    import gzip

    return (gzip.decompress(page) if page[:2] == b"\x1f\x8b" else page).decode()


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="linekeeper-image-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        image = Image(root / "image")
        image.root.mkdir()
        image.build()
        before = image.state()
        (image.root / "log").touch()
        running: list[subprocess.Popen[str]] = []
        with servers(root, image):
            try:
                done = play(image, running)
            finally:
                for process in reversed(running):
                    process.send_signal(signal.SIGTERM)
                for process in running:
                    process.wait()
        assert image.state() == before, "something was written where nothing may be"
        ends = [process.returncode for process in running]
    print(json.dumps({**done, "files": len(before), "user": image.user, "ends": ends}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
