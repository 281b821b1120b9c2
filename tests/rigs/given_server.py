"""A PostgreSQL of somebody's, as DATABASE_URL leads to one: by TCP on loopback, keeping its log with our script."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg
from embedded import postgres

PASSWORD = "of a trial"


class GivenServer:
    """Made new in a folder, with the programs of `bin`: Debian's are in /usr/lib/postgresql/15/bin."""

    def __init__(self, folder: Path, archive: Path, programs: Path) -> None:
        self.folder, self.archive, self.programs = folder, archive, programs
        self.data, self.user = folder / "data", postgres.server_user()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://linekeeper:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/linekeeper"

    def start(self) -> None:
        """An empty server with an empty database; returns when it takes connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = self.archive / "wal"
        kept.mkdir(parents=True, exist_ok=True)
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        if self.user:
            for one in (self.folder, secret, kept):
                shutil.chown(one, self.user, self.user)
            for one in (self.folder, kept, postgres.ARCHIVE_SCRIPT):
                postgres.let_pass(one)
        self._run("initdb", "-D", str(self.data), "-U", "linekeeper", "-A", "scram-sha-256", f"--pwfile={secret}")
        command = f"{shlex.quote(str(postgres.ARCHIVE_SCRIPT))} {shlex.quote(str(kept))} %p %f"
        options = {
            "listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": str(self.folder),
            "archive_mode": "on", "archive_command": command, "archive_timeout": "60", "timezone": "UTC",
        }  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.programs / "postgres"), "-D", str(self.data)]
                + [part for name, value in options.items() for part in ("-c", f"{name}={value}")],
                user=self.user,
                group=self.user,
                stdout=log,
                stderr=log,
            )
        while not postgres.is_ready(self.data, self.process.pid):
            assert self.process.poll() is None, (self.folder / "server.log").read_text()[-2000:]
            time.sleep(0.05)
        with psycopg.connect(f"{self.url.rpartition('/')[0]}/postgres", autocommit=True) as admin:
            admin.execute("CREATE DATABASE linekeeper")

    def lose(self) -> None:
        """Killed, and its data deleted; another empty one stands where it stood."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.data)
        self.start()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            if self.process.poll() is None:
                self.process.kill()

    def _run(self, name: str, *arguments: str) -> None:
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [str(self.programs / name), *arguments], user=self.user, group=self.user, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
