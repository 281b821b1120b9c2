"""Upgrades a running installation under load: a version before serves, is joined by this one, and leaves.

    python -m tests.rigs.upgrade_drill [--since REVISION] [--beside SECONDS] [--report]

The version before (from git) is seeded and started: web server, worker, beat, and the carriers' simulator. People and
programs ask for pages, lists and changes all the time. Then, as docs/operating.md says: migrate; start the new web
server and worker beside the old ones; after a while lead requests to the new one only, and stop the old ones. A request
that gets no answer, or an error of ours (5xx), is a failed one. Prints JSON; exits 1 where there was any, or where
books or audit are not whole afterwards.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hmac
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.rigs.report import write

ROOT = Path(__file__).resolve().parents[2]
CELERY = "celery --app config --quiet"
BEFORE = "24738e6"  # since then each migration leaves the version before something to work on (docs/decisions, 0210)
KEY = """
import json
from accounts.commands.credentials import show_key
from accounts.models import Account, ApiCredential
from accounts.policy import OPERATOR
from lines.models import Line
account = Account.objects.filter(parent=None, lines__isnull=False).order_by("pk").first()
iccid = Line.objects.filter(account=account).order_by("pk").values_list("iccid", flat=True).first()
print(json.dumps({"account": account.uuid.hex, "key": show_key(account=account, by=OPERATOR), "iccid": iccid,
                  "user": ApiCredential.objects.get(account=account).user_uuid}))
"""


class Version:
    """One version of the product in a folder, on the installation's servers."""

    def __init__(self, name: str, folder: Path, logs: Path) -> None:
        self.name, self.folder, self.logs = name, folder, logs
        self.environment = {**os.environ, "PYTHONPATH": f"{folder}:{folder / 'platform'}", "LINEKEEPER_DATA": str(logs)}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.port = 0

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise AssertionError(f"{self.name}: {arguments[0]} failed: {done.stderr[-2000:]}")
        return done.stdout

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.logs / f"{self.name}-{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def serve(self) -> None:
        self.port = free_port()
        web = "granian --interface wsgi --workers 1 --blocking-threads 4 config.wsgi:application"
        self.web = self.start("web", *web.split(), "--host", "127.0.0.1", "--port", str(self.port))
        wait(lambda: answers(self.port), f"{self.name}: the web server does not answer")

    def work(self) -> None:
        self.worker = self.start(
            "worker", *["celery", "--app", "config", "worker", "--concurrency", "7", "--loglevel", "INFO"]
        )
        schedule = self.logs / f"{self.name}-beat"
        self.beat = self.start("beat", *f"{CELERY} beat --pidfile= --schedule {schedule}".split())

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """As an operator does: it ends what it has begun."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(100)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


class Load:
    """People and programs, each a thread that asks one thing after another of the servers that are in rotation."""

    def __init__(self, login: dict[str, str], api: dict[str, str]) -> None:
        self.login, self.api = login, api
        self.ports: list[int] = []
        self.phase = "before"
        self.seen: Counter[tuple[str, str]] = Counter()  # phase and outcome
        self.failed: list[str] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=one) for one in (self.reads, self.reads, self.signs, self.writes)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def lead_to(self, *ports: int) -> None:
        """From now on; what was asked of others before has some seconds to be answered, as a proxy drains."""
        self.ports = list(ports)

    def ask(self, client: httpx.Client, verb: str, path: str, **given: Any) -> httpx.Response | None:
        port = self.ports[hash((threading.get_ident(), time.monotonic())) % len(self.ports)]
        phase = self.phase
        try:
            answer = client.request(verb, f"http://127.0.0.1:{port}{path}", **given)
        except httpx.HTTPError as error:
            self.note(phase, "failed", f"{phase}: {verb} {path}: {type(error).__name__}")
            return None
        if answer.status_code >= 500:
            self.note(phase, "failed", f"{phase}: {verb} {path}: {answer.status_code}")
        elif answer.status_code in (301, 302) and "login" in answer.headers.get("location", ""):
            self.note(phase, "asked to log in again")
        else:
            self.note(phase, "refused" if answer.status_code >= 400 else "answered")
        return answer

    def note(self, phase: str, outcome: str, failure: str = "") -> None:
        with self._lock:
            self.seen[phase, outcome] += 1
            if failure:
                self.failed.append(failure)

    def logged_in(self) -> httpx.Client:
        client = httpx.Client(timeout=30)
        while not self._over.is_set():
            page = self.ask(client, "GET", "/accounts/login/")
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text if page else "")
            if found:
                form = {
                    "csrfmiddlewaretoken": found[1],
                    "login": self.login["email"],
                    "password": self.login["password"],
                }
                self.ask(client, "POST", "/accounts/login/", data=form)
                break
        return client

    def reads(self) -> None:
        client = self.logged_in()
        while not self._over.is_set():
            for path in ("/", "/lines/", f"/lines/{self.api['iccid']}/", "/billing/", "/sms/", "/jobs/"):
                if self._over.is_set():
                    break
                answer = self.ask(client, "GET", path)
                if answer is not None and "login" in answer.headers.get("location", ""):
                    client = self.logged_in()

    def writes(self) -> None:
        """Notes of a line, as a person types them."""
        client, number = self.logged_in(), 0
        while not self._over.is_set():
            number += 1
            page = self.ask(client, "GET", f"/lines/{self.api['iccid']}/")
            if page is not None and "login" in page.headers.get("location", ""):
                client = self.logged_in()
                continue
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text if page else "")
            if found:
                form = {"csrfmiddlewaretoken": found[1], "notes": f"note {number}"}
                self.ask(client, "POST", f"/lines/{self.api['iccid']}/notes/", data=form)

    def signs(self) -> None:
        """A program that signs what it asks of the API."""
        with httpx.Client(timeout=30) as client:
            while not self._over.is_set():
                stamp = str(int(time.time()))
                text = (stamp + self.api["account"]).encode()
                digest = base64.b64encode(hmac.digest(self.api["key"].encode(), text, "sha1")).decode()
                headers = {"timestamp": stamp, "hash": digest, "uuid": self.api["user"]}
                self.ask(client, "GET", f"/api/{self.api['account']}/iot_sim_cards?per_page=25", headers=headers)
                self._over.wait(1.01)  # the same second is signed the same way, and refused as said before


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/accounts/login/", timeout=10).status_code == 200
    return False


def wait(ready: Callable[[], bool], otherwise: str, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise AssertionError(otherwise)
        time.sleep(0.2)


def unpacked(revision: str, folder: Path) -> Path:
    """The tree of a revision, with what `make setup` gives it."""
    packed = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    shutil.copytree(ROOT / "static" / "vendor", folder / "static" / "vendor", dirs_exist_ok=True)
    return folder


@contextlib.contextmanager
def installation(folder: Path) -> Iterator[str]:
    """PostgreSQL, Redis and the simulator, whose address it gives; every version is told where they are."""
    from embedded import addresses, services
    from simulator import running

    services.ensure_running(migrate=False)
    os.environ |= {
        "DATABASE_URL": addresses.owner_url(),  # as installations of the version before have it
        "REDIS_URL": addresses.redis_url(),
        "ENCRYPTION_KEYS": addresses.secret("ENCRYPTION_KEYS"),
        "SECRET_KEY": addresses.secret("SECRET_KEY"),
        "WEBHOOKS_TO_PRIVATE": "1",  # the version before asks carriers on this machine only where it is said
    }
    try:
        with running(process=True, sims=500) as sim:
            yield sim.url
    finally:
        for name in ("DATABASE_URL", "REDIS_URL", "WEBHOOKS_TO_PRIVATE"):
            os.environ.pop(name)
        services.leave(wait=True)


def drill(folder: Path, revision: str, beside: float) -> dict[str, Any]:
    with installation(folder) as simulator:
        old = Version("before", unpacked(revision, folder / "before"), folder)
        new = Version("after", ROOT, folder)
        try:
            named = ["git", "log", "-1", "--format=%h of %as", revision]
            since = subprocess.run(named, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
            return {"since": since, **played(old, new, simulator, beside)}
        finally:
            old.end()
            new.end()


def played(old: Version, new: Version, simulator: str, beside: float) -> dict[str, Any]:
    old.manage("migrate", "--verbosity", "0")
    old.manage("collectstatic", "--noinput", "--verbosity", "0")
    login = json.loads(old.manage("seed_demo", "--simulator", simulator, "--json"))
    api = json.loads(old.manage("shell", "--verbosity", "0", "--command", KEY).strip().splitlines()[-1])
    old.serve()
    old.work()
    load = Load(login, api)
    load.lead_to(old.port)
    load.start()
    times: dict[str, float] = {}

    def phase(name: str, step: Callable[[], object]) -> None:
        load.phase = name
        began = time.monotonic()
        step()
        times[name] = round(time.monotonic() - began, 1)
        print(f"{name}: {times[name]} s, {dict(load.seen)}", file=sys.stderr, flush=True)

    def start_new() -> None:
        new.manage("collectstatic", "--noinput", "--verbosity", "0")
        new.serve()

    def end_old() -> None:
        time.sleep(5)
        for one in (old.beat, old.worker, old.web):
            old.stop(one)

    try:
        phase("the version before alone", lambda: time.sleep(beside / 4))
        phase("migrated under it", lambda: new.manage("migrate", "--verbosity", "0"))
        phase("the version before on the new schema", lambda: time.sleep(beside / 4))
        phase("the new one starts", start_new)
        load.lead_to(old.port, new.port)
        new.work()
        phase("both beside each other", lambda: time.sleep(beside))
        load.lead_to(new.port)
        phase("the old ones end", end_old)
        phase("the new one alone", lambda: time.sleep(beside / 4))
    finally:
        load.end()
    books = json.loads(new.manage("check_books"))["ok"]
    audit = json.loads(new.manage("check_audit", "--json"))
    return {
        "phases": [
            {
                "phase": name,
                "seconds": seconds,
                **{what: n for (one, what), n in sorted(load.seen.items()) if one == name},
            }
            for name, seconds in times.items()
        ],
        "failed": load.failed,
        "books": books,
        "audit": not audit["broken"],
    }


def report(done: dict[str, Any]) -> str:
    outcomes = ("answered", "refused", "asked to log in again", "failed")
    rows = "\n".join(
        f"| {one['phase']} | {one['seconds']} | " + " | ".join(str(one.get(name, 0)) for name in outcomes) + " |"
        for one in done["phases"]
    )
    kinds = Counter(done["failed"]).most_common(12)
    said = "".join(f"\n- {count} × {text}" for text, count in kinds)
    return (
        f"From {done['since']} to this version: a demo of 500 SIMs, two readers and a writer in the console, and a"
        "\nprogram that signs its calls; a request that gets no answer or 5xx is a failed one.\n\n"
        f"| phase | seconds | {' | '.join(outcomes)} |\n|---|---|---|---|---|---|\n{rows}\n\n"
        f"Failed requests: {len(done['failed'])}{':' if said else '.'}{said}\n\n"
        f"Afterwards books (`check_books`): {'right' if done['books'] else 'WRONG'}; audit: "
        f"{'whole' if done['audit'] else 'BROKEN'}."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--since", default=BEFORE, help="a revision of git: the version before")
    parser.add_argument("--beside", type=float, default=120, help="seconds that both versions work: 120")
    parser.add_argument("--report", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="linekeeper-upgrade-", ignore_cleanup_errors=True) as root:
        os.environ |= {"LINEKEEPER_DATA": f"{root}/data", "DJANGO_SETTINGS_MODULE": "config.settings.local"}
        for name in ("DATABASE_URL", "REDIS_URL", "LINEKEEPER_NOW", "SECRET_KEY", "ENCRYPTION_KEYS"):
            os.environ.pop(name, None)
        done = drill(Path(root) / "data", chosen.since, chosen.beside)
    print(json.dumps(done, indent=1))
    if chosen.report:
        write("make upgrade-drill", report(done))
    return 0 if done["books"] and done["audit"] and not done["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
